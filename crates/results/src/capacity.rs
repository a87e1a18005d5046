//! `capacity.json`: what a search for the highest load found, and the probes that it rests on. Written after every probe, so that a
//! search that was cut off can go on from it. Knows no search.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::summary::Target;

/// The schema's name and version.
pub const SCHEMA: &str = "metron.capacity/1";

/// The text of `capacity.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CapacityFile {
    /// `metron.capacity/1`.
    pub schema: String,
    /// The objectives that a load must hold, in the language of `--slo`.
    pub objectives: Vec<String>,
    /// The highest load that holds them all; null where there is none, or it is not known yet.
    pub capacity: Option<Capacity>,
    /// What keeps it from being higher: `objective EXPR`, `client` or `search range`; null without a capacity.
    pub bounded_by: Option<String>,
    /// The answer in words.
    pub answer: String,
    /// Whether the server showed at the end that it was still the one that it was at the beginning; null where there is no capacity
    /// that an objective bounds.
    #[serde(default)]
    pub steadiness: Option<Steadiness>,
    /// Whether the search came to its end; if not, `--resume` goes on with it.
    pub finished: bool,
    /// Whom it asked; null before the first probe.
    pub target: Option<Target>,
    /// How it searches.
    pub search: Search,
    /// Every probe, in the order in which they were played.
    pub probes: Vec<Probe>,
    /// The time that the probes took, drains included; virtual where the runs were.
    pub wall_s: f64,
}

/// What is known of the server having stayed the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Steadiness {
    /// An early load was played again, and did as it had done.
    Shown,
    /// It was played again, and whether it did as it had done could not be told.
    Unclear,
    /// The budget ended, or the search was cut off, before it was played again.
    Unchecked,
}

/// A load with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Capacity {
    /// The best estimate.
    pub value: f64,
    /// `requests/s` or `concurrent requests`.
    pub unit: String,
    /// The low end.
    pub low: f64,
    /// The high end; null where nothing above `value` was, or could be, tried.
    pub high: Option<f64>,
    /// How sure it is that the capacity lies between the ends.
    pub confidence: f64,
}

/// How a search goes on: what has to be the same when it is taken up again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Search {
    /// What loads are counted in.
    pub unit: String,
    /// The first load, the lowest and the highest that may be tried: exact, as decimal text.
    pub loads: [String; 3],
    /// How narrow the interval must be: half its width over the capacity.
    pub precision: f64,
    /// The seed of the first probe.
    pub seed: u64,
}

/// One probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// The load that was played.
    pub load: f64,
    /// Whether it holds the objectives.
    pub verdict: Verdict,
    /// Whether it played an earlier load again, to see whether the server is still the one that it was.
    #[serde(default)]
    pub replay: bool,
    /// Requests that were looked at, warm-up included.
    pub requests: u64,
    /// How long it took, drain included.
    pub duration_s: f64,
    /// The folder of its run; null if the run left none.
    pub run: Option<String>,
    /// What each objective speaks of, over the whole run.
    pub values: BTreeMap<String, Option<f64>>,
    /// What the search goes by.
    pub state: State,
}

/// What a sequential test says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All objectives hold.
    Holds,
    /// Not all do.
    Fails,
    /// Too close for the requests that were spent.
    Undecided,
}

/// What a search remembers of a probe. Decimal text where a number must come back to the bit: not every reader of JSON keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// The load, exact.
    pub load: String,
    /// How long it took, in nanoseconds.
    pub took_ns: u64,
    /// Whether the queue grew without end.
    pub growing: bool,
    /// Whether the queue was still rising at the end, if only by chance.
    #[serde(default)]
    pub rising: bool,
    /// Whether it ran its whole length: nothing that was seen of it ended it.
    pub whole: bool,
    /// Whether the client could not keep up.
    pub client_bound: bool,
    /// Each objective's ratio, what it is over, and its variance; null where too little was seen.
    pub estimates: Vec<Option<[String; 3]>>,
}

impl CapacityFile {
    /// The probes, the one of the lowest load first.
    #[must_use]
    pub fn by_load(&self) -> Vec<&Probe> {
        let mut probes: Vec<&Probe> = self.probes.iter().collect();
        probes.sort_by(|a, b| a.load.total_cmp(&b.load));
        probes
    }

    /// The text of the file: indented, with a line's end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a capacity is plain values with text keys");
        text.push('\n');
        text
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong with it, by line and column.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}

/// A load with four digits that mean something.
#[must_use]
pub fn four_digits(load: f64) -> String {
    let decimals = if load == 0.0 { 0.0 } else { (3.0 - load.abs().log10().floor()).clamp(0.0, 6.0) };
    format!("{load:.*}", decimals as usize)
}
