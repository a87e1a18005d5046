//! `sweep.json`: the cells of a sweep, what each found, and which of them no other beats. Field names are contract. Starts
//! nothing and reads no file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::capacity::{Capacity, CapacityFile};
use crate::prefill_profile::{Fit, PrefillProfileFile};
use crate::summary::{Figure, Load, Summary, Verdict};

/// The value of [`SweepReport::schema`].
pub const SCHEMA: &str = "metron.sweep/1";

/// A matrix of targets, workloads and loads, and what became of each of its cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SweepReport {
    /// Always `metron.sweep/1`.
    pub schema: String,
    /// What it is called.
    pub name: String,
    /// The version of metron that wrote it.
    pub metron_version: String,
    /// Whom it measures, in the order of its file.
    pub targets: Vec<SweptTarget>,
    /// Every cell: target by target, workload by workload, load by load.
    pub cells: Vec<SweptCell>,
}

/// One that is measured.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct SweptTarget {
    /// Its name.
    pub name: String,
    /// The command that starts its engine, by argument; null if it is there without being started.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// The folder in which it is started; null: the sweep's own.
    #[serde(default)]
    pub cwd: Option<String>,
    /// The variables that it is started with besides metron's own; the values of secret ones as `${VAR}`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What the engine wrote to stdout and stderr: a path below the sweep's folder.
    #[serde(default)]
    pub log: Option<String>,
}

/// One target under one workload and one load.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SweptCell {
    /// The target's name.
    pub target: String,
    /// The workload's name.
    pub workload: String,
    /// The load's name.
    pub load: String,
    /// What is measured.
    #[serde(default)]
    pub kind: CellKind,
    /// How far it is.
    pub status: CellStatus,
    /// The folder of its run, below the sweep's; null if none was begun.
    #[serde(default)]
    pub run: Option<String>,
    /// Why it failed. May hold text from outside: not safe for a terminal.
    #[serde(default)]
    pub reason: Option<String>,
    /// The last lines of the engine's log where it failed. From outside: not safe for a terminal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_tail: Vec<String>,
    /// How requests were released, once it was measured.
    #[serde(default)]
    pub released: Option<Load>,
    /// Completed requests.
    #[serde(default)]
    pub completed: Option<u64>,
    /// Failed requests.
    #[serde(default)]
    pub failed: Option<u64>,
    /// Whether every objective was held; null without objectives.
    #[serde(default)]
    pub objectives: Option<ObjectivesOfCell>,
    /// Whether the client could be the bottleneck; null if it was not observed.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// Whether no other cell of its workload has more output tokens a second at a lower p90 of the end-to-end latency.
    #[serde(default)]
    pub on_front: Option<bool>,
    /// The figures that a sweep is read for, as in summary.json; the others are in the run's folder.
    #[serde(default)]
    pub metrics: BTreeMap<String, Figure>,
    /// What a search for the highest load found; null for any other cell, and before its first probe.
    #[serde(default)]
    pub capacity: Option<SweptCapacity>,
    /// What a prompt's length costs; null for any other cell, and before it is known.
    #[serde(default)]
    pub prefill: Option<SweptPrefill>,
}

/// What a cell measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// One run.
    #[default]
    Run,
    /// The highest load that holds objectives: many runs.
    Capacity,
    /// TTFT against prompt length: many runs.
    Prefill,
}

/// What a search for the highest load found, as in its capacity.json.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SweptCapacity {
    /// What a load had to hold, in the language of `--slo`.
    pub objectives: Vec<String>,
    /// The highest load that holds; null where there is none, or it is not known yet.
    pub capacity: Option<Capacity>,
    /// What keeps it from being higher: `objective EXPR`, `client` or `search range`.
    pub bounded_by: Option<String>,
    /// The answer in words.
    pub answer: String,
    /// Probes that were played.
    pub probes: u64,
    /// Requests over all of them.
    pub requests: u64,
    /// The time that they took, in seconds.
    pub wall_s: f64,
}

/// A measured prefill profile, in short; the whole of it is in its prefill-profile.json.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SweptPrefill {
    /// The lengths and the precision that were asked for.
    pub asked: String,
    /// The shortest and the longest prompt that were measured.
    pub valid: [u64; 2],
    /// The medians of TTFT: (prompt tokens, seconds), by rising length.
    pub medians: Vec<(u64, f64)>,
    /// The largest relative error of the curve.
    pub max_relative_error: f64,
    /// The curve through the medians; null in a sweep of an older metron.
    #[serde(default)]
    pub fit: Option<Fit>,
}

/// How far a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CellStatus {
    /// Not begun.
    Pending,
    /// Measured.
    Done,
    /// Could not be measured, or every request failed.
    Failed,
    /// Cut short; what was measured until then is in its folder.
    Interrupted,
}

/// The objectives of a cell, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ObjectivesOfCell {
    /// Each was held.
    Held,
    /// At least one was missed.
    Missed,
    /// None was missed, and at least one cannot be decided.
    Undecided,
}

/// The figures that are kept of each cell.
const KEPT: [&str; 12] = [
    "ttft",
    "tbt",
    "tpot",
    "e2e_latency",
    "normalized_latency",
    "fluidity_index",
    "fluid_request_share",
    "fluid_token_generation_rate",
    "request_throughput",
    "output_token_throughput",
    "goodput",
    "error_rate",
];

impl SweptCell {
    /// A cell that was not begun.
    #[must_use]
    pub fn pending(target: &str, workload: &str, load: &str) -> Self {
        Self {
            kind: CellKind::Run,
            target: target.to_owned(),
            workload: workload.to_owned(),
            load: load.to_owned(),
            status: CellStatus::Pending,
            run: None,
            reason: None,
            log_tail: Vec::new(),
            released: None,
            completed: None,
            failed: None,
            objectives: None,
            verdict: None,
            on_front: None,
            metrics: BTreeMap::new(),
            capacity: None,
            prefill: None,
        }
    }

    /// Takes in what a search found so far.
    pub fn searched(&mut self, file: &CapacityFile) {
        self.capacity = Some(SweptCapacity {
            objectives: file.objectives.clone(),
            capacity: file.capacity.clone(),
            bounded_by: file.bounded_by.clone(),
            answer: file.answer.clone(),
            probes: file.probes.len() as u64,
            requests: file.probes.iter().map(|probe| probe.requests).sum(),
            wall_s: file.wall_s,
        });
        // A load that holds everything is what was searched for, and is no objective held: that no load does is one missed.
        let missed = file.capacity.is_none();
        self.objectives =
            missed.then_some(if file.finished { ObjectivesOfCell::Missed } else { ObjectivesOfCell::Undecided });
    }

    /// Takes in a profile that was `asked` for.
    pub fn profiled(&mut self, file: &PrefillProfileFile, asked: String) {
        let medians = file.points.iter().filter_map(|point| Some((point.prompt_tokens, *point.ttft_s.get("p50")?)));
        self.prefill = Some(SweptPrefill {
            asked,
            valid: file.valid,
            medians: medians.collect(),
            max_relative_error: file.fit.max_relative_error,
            fit: Some(file.fit.clone()),
        });
    }

    /// Takes in what its run found.
    pub fn measured(&mut self, summary: &Summary) {
        let held: Vec<Option<bool>> = summary.objectives.iter().map(|objective| objective.held).collect();
        self.objectives = match held.as_slice() {
            [] => None,
            held if held.contains(&Some(false)) => Some(ObjectivesOfCell::Missed),
            held if held.contains(&None) => Some(ObjectivesOfCell::Undecided),
            _ => Some(ObjectivesOfCell::Held),
        };
        self.released = Some(summary.run.load.clone());
        self.completed = Some(summary.requests.completed);
        self.failed = Some(summary.requests.failed);
        self.verdict = summary.instrument.as_ref().map(|instrument| instrument.verdict);
        let kept = summary.metrics.iter().filter(|(name, _)| KEPT.contains(&name.as_str()));
        self.metrics = kept.map(|(name, figure)| (name.clone(), figure.clone())).collect();
    }

    /// Output tokens a second and the p90 of the end-to-end latency in seconds: what the front is made of.
    #[must_use]
    pub fn trade(&self) -> Option<(f64, f64)> {
        let throughput = match self.metrics.get("output_token_throughput")? {
            Figure::Value(value) => value.value?,
            Figure::Distribution(_) => return None,
        };
        match self.metrics.get("e2e_latency")? {
            Figure::Distribution(distribution) => Some((throughput, distribution.quantiles.p90?)),
            Figure::Value(_) => None,
        }
    }
}

impl SweepReport {
    /// Marks the cells that no other cell of their workload beats in both throughput and latency (V. Pareto's front).
    pub fn mark_front(&mut self) {
        let trades: Vec<(String, Option<(f64, f64)>)> = self
            .cells
            .iter()
            .map(|cell| (cell.workload.clone(), cell.trade().filter(|_| cell.status == CellStatus::Done)))
            .collect();
        for (cell, (workload, trade)) in self.cells.iter_mut().zip(&trades) {
            cell.on_front = trade.map(|(throughput, latency)| {
                let rivals = trades.iter().filter(|(other, _)| other == workload).filter_map(|(_, trade)| *trade);
                let beaten = |(more, sooner): (f64, f64)| {
                    more >= throughput && sooner <= latency && (more > throughput || sooner < latency)
                };
                !rivals.into_iter().any(beaten)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{Distribution, Intervals, Quantiles, Value};

    fn cell(workload: &str, load: &str, throughput: f64, latency: f64) -> SweptCell {
        let throughput = Value { unit: String::new(), better: None, value: Some(throughput), ci95: None };
        let quantiles = Quantiles { count: 9, p90: Some(latency), ..Quantiles::default() };
        let latency = Distribution { unit: String::new(), better: None, quantiles, ci95: Intervals::default() };
        let metrics = BTreeMap::from([
            ("output_token_throughput".to_owned(), Figure::Value(throughput)),
            ("e2e_latency".to_owned(), Figure::Distribution(latency)),
        ]);
        SweptCell { status: CellStatus::Done, metrics, ..SweptCell::pending("t", workload, load) }
    }

    #[test]
    fn the_front_is_what_no_other_cell_of_the_workload_beats() {
        let mut report = SweepReport {
            schema: SCHEMA.to_owned(),
            name: "s".to_owned(),
            metron_version: "0".to_owned(),
            targets: Vec::new(),
            cells: vec![
                cell("a", "fast", 100.0, 1.0),
                cell("a", "full", 200.0, 2.0),
                cell("a", "beaten", 150.0, 2.0),
                cell("b", "alone", 1.0, 9.0),
                SweptCell { status: CellStatus::Failed, ..cell("a", "failed", 900.0, 0.1) },
            ],
        };
        report.mark_front();
        let front: Vec<Option<bool>> = report.cells.iter().map(|cell| cell.on_front).collect();
        assert_eq!(front, [Some(true), Some(true), Some(false), Some(true), None]);
    }
}
