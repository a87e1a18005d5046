//! Every metric that a run has: one row each, from which console, JSON, HTML and docs take name, unit, direction and text.
//!
//! Knows no value. A new metric is a variant of [`Metric`], a row of [`CATALOGUE`] and its function.

mod rows;

use std::fmt;

pub use rows::CATALOGUE;

/// A metric of METRICS.md, under the name that files and `--slo` use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each row of the catalogue has the sentence; saying it twice would let the two drift")]
pub enum Metric {
    Ttft,
    TtftFromSchedule,
    TimeToFirstAnswerToken,
    Tbt,
    InterChunkLatency,
    Tpot,
    E2eLatency,
    NormalizedLatency,
    OutputTokenRate,
    FluidityIndex,
    MinTbtDeadline,
    InputTokens,
    OutputTokens,
    Connect,
    RequestThroughput,
    OutputTokenThroughput,
    TotalTokenThroughput,
    SteadyRequestThroughput,
    SteadyOutputTokenThroughput,
    SteadyTotalTokenThroughput,
    TpotTokenRate,
    TbtTokenRate,
    DeadlineMissRate,
    FluidRequestShare,
    FluidTokenGenerationRate,
    Goodput,
    ErrorRate,
}

/// The unit of a metric's figures in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Seconds; for a figure per token, seconds a token.
    Seconds,
    /// A part of a whole, 0 to 1.
    Share,
    /// A count of tokens.
    Tokens,
    /// Tokens a second.
    TokensPerSecond,
    /// Requests a second.
    RequestsPerSecond,
}

impl Unit {
    /// The name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Share => "share",
            Self::Tokens => "tokens",
            Self::TokensPerSecond => "tokens/s",
            Self::RequestsPerSecond => "requests/s",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The direction of improvement, where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
    /// Neither: it describes the load.
    Neither,
}

/// What a metric has one sample of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One sample a request: a distribution.
    PerRequest,
    /// One sample a gap, of all requests together: a distribution.
    PooledGaps,
    /// One number for the run.
    Value,
}

/// What is said of a metric wherever it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Which one.
    pub metric: Metric,
    /// Its name in files and in `--slo`.
    pub name: &'static str,
    /// The unit of its figures.
    pub unit: Unit,
    /// Its direction of improvement.
    pub better: Better,
    /// What it has one sample of.
    pub kind: Kind,
    /// One sentence that explains it to a person.
    pub sentence: &'static str,
}

impl Metric {
    /// Its row of the catalogue.
    #[must_use]
    pub fn entry(self) -> &'static Entry {
        // The rows stand in the order of the variants; a test holds them to it.
        &CATALOGUE[self as usize]
    }

    /// Its name in files and in `--slo`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// The unit of its figures.
    #[must_use]
    pub fn unit(self) -> Unit {
        self.entry().unit
    }

    /// What it has one sample of.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.entry().kind
    }

    /// The metric of that name. `fluidity` is short for `fluidity_index`.
    ///
    /// # Errors
    /// If there is none; the error names the nearest.
    pub fn from_name(name: &str) -> Result<Self, UnknownMetric> {
        let full = if name == "fluidity" { "fluidity_index" } else { name };
        CATALOGUE
            .iter()
            .find(|entry| entry.name == full)
            .map(|entry| entry.metric)
            .ok_or_else(|| UnknownMetric { name: name.to_owned(), nearest: nearest(name) })
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that no metric has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no metric is called `{name}`")]
pub struct UnknownMetric {
    /// The name as it was given.
    pub name: String,
    /// The metric that was most likely meant, if one is near.
    pub nearest: Option<Metric>,
}

/// Names of other tools for the same thing, which no distance would find.
const ALIASES: [(&str, Metric); 10] = [
    ("itl", Metric::Tbt),
    ("inter_token_latency", Metric::Tbt),
    ("latency", Metric::E2eLatency),
    ("e2el", Metric::E2eLatency),
    ("time_to_first_token", Metric::Ttft),
    ("time_between_tokens", Metric::Tbt),
    ("time_per_output_token", Metric::Tpot),
    ("ttfa", Metric::TimeToFirstAnswerToken),
    ("throughput", Metric::RequestThroughput),
    ("miss_rate", Metric::DeadlineMissRate),
];

/// The metric whose name `name` most likely means: another tool's name for it, or one a few letters away.
fn nearest(name: &str) -> Option<Metric> {
    let plain = name.to_ascii_lowercase().replace(['-', ' '], "_");
    if let Some((_, metric)) = ALIASES.iter().find(|(alias, _)| *alias == plain) {
        return Some(*metric);
    }
    let likeness = |entry: &&Entry| strsim::jaro_winkler(&plain, entry.name);
    CATALOGUE.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b))).filter(|e| likeness(e) > 0.7).map(|e| e.metric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_stand_in_the_order_of_the_variants() {
        for (index, entry) in CATALOGUE.iter().enumerate() {
            assert_eq!(entry.metric as usize, index, "{}", entry.name);
            assert_eq!(entry.metric.entry(), entry);
        }
        assert_eq!(CATALOGUE.len(), Metric::ErrorRate as usize + 1, "the last variant has the last row");
    }

    #[test]
    fn names_are_the_contract_s_and_read_back() {
        let names: Vec<_> = CATALOGUE.iter().map(|entry| entry.name).collect();
        let contract = "ttft ttft_from_schedule time_to_first_answer_token tbt inter_chunk_latency tpot e2e_latency \
            normalized_latency output_token_rate fluidity_index min_tbt_deadline input_tokens output_tokens connect \
            request_throughput output_token_throughput total_token_throughput steady_request_throughput \
            steady_output_token_throughput steady_total_token_throughput tpot_token_rate tbt_token_rate \
            deadline_miss_rate fluid_request_share fluid_token_generation_rate goodput error_rate";
        assert_eq!(names, contract.split_whitespace().collect::<Vec<_>>());
        for entry in CATALOGUE {
            assert_eq!(Metric::from_name(entry.name), Ok(entry.metric));
        }
        assert_eq!(Metric::from_name("fluidity"), Ok(Metric::FluidityIndex));
    }

    #[test]
    fn every_metric_is_explained_in_one_sentence() {
        for Entry { name, sentence, .. } in CATALOGUE {
            assert!(sentence.ends_with('.') && sentence.len() > 30, "{name}: {sentence}");
            assert!(sentence.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit()), "{name}: {sentence}");
            assert!(!sentence.contains(". "), "{name} has more than one sentence: {sentence}");
        }
        let mut sentences: Vec<_> = CATALOGUE.iter().map(|entry| entry.sentence).collect();
        sentences.sort_unstable();
        sentences.dedup();
        assert_eq!(sentences.len(), CATALOGUE.len(), "no two metrics share a sentence");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        for (wrong, right) in [
            ("tftt", Metric::Ttft),
            ("e2e", Metric::E2eLatency),
            ("latency", Metric::E2eLatency),
            ("itl", Metric::Tbt),
            ("fluidity-index", Metric::FluidityIndex),
            ("error-rate", Metric::ErrorRate),
            ("good_put", Metric::Goodput),
            ("output_throughput", Metric::OutputTokenThroughput),
        ] {
            assert_eq!(Metric::from_name(wrong).unwrap_err().nearest, Some(right), "{wrong}");
        }
        assert_eq!(Metric::from_name("zzz").unwrap_err().nearest, None);
    }
}
