//! What `metron score --json` prints: the deadline figures of recorded token times. Reads no file.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use metron_metrics::objective::Objective;
use metron_metrics::{Deadlines, RequestFigures, RequestRecord, Summariser, SummaryOptions};
use metron_units::{Nanos, Share, Tokens};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::foreign::{ForeignRequest, ForeignRun, Instants, PartialRequest, Precedence, Reading};
use crate::summary::{self, Figure};

/// The value of [`ScoreReport::schema`].
pub const SCHEMA: &str = "metron.score/1";

/// The scores of a file's requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreReport {
    /// Always `metron.score/1`.
    pub schema: String,
    /// Which tool wrote the file.
    pub format: String,
    /// How tokens were placed in time; null if the file has no times.
    pub reading: Option<String>,
    /// Its requests, in the file's order.
    pub requests: Vec<ScoredRequest>,
    /// The figures over all of them, as in summary.json.
    pub metrics: BTreeMap<String, Figure>,
    /// The objectives that were stated, and whether they were held.
    #[serde(default)]
    pub objectives: Vec<summary::Objective>,
    /// The same file read in another way, where it can be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_readings: Vec<OtherReading>,
    /// What a file has that holds averages instead of times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub averages: Option<AverageScores>,
    /// What a reader of the figures should know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One request's scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoredRequest {
    /// Its name in the file, if it has one.
    pub name: Option<String>,
    /// Output tokens that came.
    pub tokens: u64,
    /// Deadlines missed; null for an answer without tokens.
    pub missed: Option<u64>,
    /// Deadlines in all; null for an answer without tokens.
    pub total: Option<u64>,
    /// 1 - missed / total; 0 for an answer without tokens.
    pub fluidity_index: Option<f64>,
    /// The smallest TBT deadline with a miss rate within the target, the first token left out, in nanoseconds.
    pub min_tbt_deadline_ns: Option<u64>,
}

/// The scores by another reading of the same file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OtherReading {
    /// How tokens were placed in time.
    pub reading: String,
    /// The requests, in the file's order.
    pub requests: Vec<ScoredRequest>,
    /// The figures over all of them.
    pub metrics: BTreeMap<String, Figure>,
    /// The objectives that were stated, and whether they were held.
    #[serde(default)]
    pub objectives: Vec<summary::Objective>,
}

/// What a file of averages has, and why it is no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AverageScores {
    /// Why deadlines cannot be scored.
    pub refusal: String,
    /// Its requests, in the file's order.
    pub requests: Vec<AveragedRequest>,
}

/// What a file of averages has of one request, in seconds; null: the file does not say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AveragedRequest {
    /// Time to first token.
    pub ttft_s: Option<f64>,
    /// Mean time per output token after the first.
    pub tpot_s: Option<f64>,
    /// From dispatch to the last token.
    pub e2e_latency_s: Option<f64>,
    /// Prompt tokens.
    pub input_tokens: Option<u64>,
    /// Output tokens.
    pub output_tokens: Option<u64>,
    /// Whether it failed.
    pub failed: bool,
}

/// What a first token may take, by the length of its prompt.
pub trait ByPrompt: fmt::Debug + Send + Sync {
    /// The deadline of a prompt of so many tokens.
    ///
    /// # Errors
    /// Why nothing is known of that length, and, on lines of their own, what to do about it.
    fn deadline(&self, prompt: Tokens) -> Result<Nanos, String>;
}

/// The first token's deadline, as the command line states it.
#[derive(Debug, Clone)]
pub enum FirstToken {
    /// `--ttft-deadline`: one for all.
    Within(Nanos),
    /// `--prefill-profile` and its slack: that of the prompt's length.
    ByPrompt(Arc<dyn ByPrompt>),
}

/// A request that the command line's deadlines say nothing of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("request {request}: {reason}")]
pub struct NoDeadline {
    /// Its name in the file, or its id.
    pub request: String,
    /// Why.
    pub reason: String,
}

/// What requests are held to.
#[derive(Debug, Clone)]
pub struct ScoreOptions {
    /// The first token's deadline, if one was given.
    pub ttft_deadline: Option<FirstToken>,
    /// `--tbt-deadline`, if it was given.
    pub tbt_deadline: Option<Nanos>,
    /// What holds where neither the command line nor the file says.
    pub defaults: Deadlines,
    /// The miss rate that the minimum TBT deadline may have.
    pub target_miss_rate: Share,
    /// The stated objectives.
    pub objectives: Vec<Objective>,
}

/// Scores a file.
///
/// # Errors
/// If a prompt is of a length that the stated deadline says nothing of.
pub fn score(run: ForeignRun, options: &ScoreOptions) -> Result<ScoreReport, NoDeadline> {
    let (precedence, instants) = (run.precedence, run.instants);
    let scored = run.readings.into_iter().map(|reading| score_reading(reading, precedence, instants, options));
    let mut scored: Vec<OtherReading> = scored.collect::<Result<_, _>>()?;
    let first = (!scored.is_empty()).then(|| scored.remove(0));
    let (reading, requests, metrics, objectives) = match first {
        Some(first) => (Some(first.reading), first.requests, first.metrics, first.objectives),
        None => (None, Vec::new(), BTreeMap::new(), Vec::new()),
    };
    Ok(ScoreReport {
        schema: SCHEMA.to_owned(),
        format: run.format.name().to_owned(),
        reading,
        requests,
        metrics,
        objectives,
        other_readings: scored,
        averages: run.averages.map(|averages| AverageScores {
            refusal: averages.refusal,
            requests: averages.requests.iter().map(AveragedRequest::from).collect(),
        }),
        notes: run.notes,
    })
}

fn score_reading(
    reading: Reading,
    precedence: Precedence,
    instants: Instants,
    options: &ScoreOptions,
) -> Result<OtherReading, NoDeadline> {
    let target_miss_rate = options.target_miss_rate;
    let mut summariser = Summariser::new(SummaryOptions { target_miss_rate, objectives: options.objectives.clone() });
    let mut requests = Vec::with_capacity(reading.requests.len());
    for mut request in reading.requests {
        request.record.deadlines = options.deadlines(&request, precedence)?;
        summariser.add(&request.record);
        requests.push(scored(request.name, &request.record, target_miss_rate));
    }
    let figures = summariser.finish();
    let mut metrics = summary::metrics(&figures);
    if instants == Instants::PerRequest {
        forget_rates_of_the_run(&mut metrics);
    }
    Ok(OtherReading {
        reading: reading.kind.name().to_owned(),
        requests,
        metrics,
        objectives: figures.objectives.iter().map(summary::Objective::from).collect(),
    })
}

/// Without a common clock there is no duration, and so nothing per second of it.
fn forget_rates_of_the_run(metrics: &mut BTreeMap<String, Figure>) {
    for (name, figure) in metrics {
        match figure {
            Figure::Value(value) if is_rate_of_the_run(name) => {
                value.value = None;
                value.ci95 = None;
            }
            Figure::Value(_) | Figure::Distribution(_) => {}
        }
    }
}

/// Whether a metric is something per second of the run's duration.
pub(crate) fn is_rate_of_the_run(name: &str) -> bool {
    name.ends_with("_throughput") || name == "goodput"
}

impl ScoreOptions {
    /// The deadlines of a request of a file.
    pub(crate) fn deadlines(&self, request: &ForeignRequest, precedence: Precedence) -> Result<Deadlines, NoDeadline> {
        let own = &request.own;
        let first = match (&self.ttft_deadline, own.ttft, precedence) {
            (None, own, _) => own.unwrap_or(self.defaults.ttft),
            (Some(_), Some(own), Precedence::Own) => own,
            (Some(FirstToken::Within(given)), ..) => *given,
            (Some(FirstToken::ByPrompt(profile)), ..) => by_prompt(profile.as_ref(), request)?,
        };
        let tbt = match precedence {
            Precedence::Own => own.tbt.or(self.tbt_deadline),
            Precedence::CommandLine => self.tbt_deadline.or(own.tbt),
        };
        Ok(Deadlines { ttft: first, tbt: tbt.unwrap_or(self.defaults.tbt) })
    }
}

fn by_prompt(profile: &dyn ByPrompt, request: &ForeignRequest) -> Result<Nanos, NoDeadline> {
    let refused = |reason| {
        let request = request.name.clone().unwrap_or_else(|| request.record.id.to_string());
        NoDeadline { request, reason }
    };
    let prompt = request.record.planned_input_tokens;
    // What a file does not say is read as no token.
    if prompt == Tokens::default() {
        let reason = "the file does not say how long its prompt was, and a prefill profile goes by that\n  \
            hint: --ttft-deadline 300ms";
        return Err(refused(reason.to_owned()));
    }
    profile.deadline(prompt).map_err(refused)
}

fn scored(name: Option<String>, record: &RequestRecord, target: Share) -> ScoredRequest {
    let figures = RequestFigures::of(record, target);
    ScoredRequest {
        name,
        tokens: figures.seen_tokens,
        missed: figures.misses.map(|misses| misses.missed),
        total: figures.misses.map(|misses| misses.total),
        fluidity_index: figures.fluidity_index,
        min_tbt_deadline_ns: figures.min_tbt_deadline.map(Nanos::get),
    }
}

impl From<&PartialRequest> for AveragedRequest {
    fn from(of: &PartialRequest) -> Self {
        let PartialRequest { ttft_s, tpot_s, e2e_latency_s, input_tokens, output_tokens, failed } = *of;
        Self { ttft_s, tpot_s, e2e_latency_s, input_tokens, output_tokens, failed }
    }
}
