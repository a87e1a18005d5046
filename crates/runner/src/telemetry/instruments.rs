//! The histograms of the GenAI conventions for clients: their names, units and bounds
//! (opentelemetry.io, *Semantic conventions for generative AI metrics*). Of the measured phase.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::histogram::Histogram;
use super::span::{Scope, Seen};

const DURATION: &[f64] = &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const FIRST: &[f64] = &[0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
const GAP: &[f64] = &[0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];
const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// All that is counted.
#[derive(Debug)]
pub(super) struct Instruments {
    /// By the class of failure; `None` of what did not fail.
    duration: BTreeMap<Option<&'static str>, Histogram>,
    first: Histogram,
    gap: Histogram,
    input: Histogram,
    output: Histogram,
}

impl Instruments {
    pub(super) fn new() -> Self {
        let [first, gap, input, output] = [FIRST, GAP, TOKENS, TOKENS].map(Histogram::new);
        Self { duration: BTreeMap::new(), first, gap, input, output }
    }

    pub(super) fn add(&mut self, seen: &Seen) {
        if !seen.is_measured() {
            return;
        }
        if let Some(duration) = seen.duration() {
            self.duration.entry(seen.error()).or_insert_with(|| Histogram::new(DURATION)).add(duration);
        }
        seen.first().into_iter().for_each(|first| self.first.add(first));
        seen.gaps().for_each(|gap| self.gap.add(gap));
        if let Some((input, output)) = seen.tokens() {
            self.input.add(input as f64);
            self.output.add(output as f64);
        }
    }

    /// The metrics that have a value, from the run's epoch to `now`, in nanoseconds since 1970.
    pub(super) fn metrics(&self, scope: &Scope, now: u64) -> Vec<Value> {
        let with = |more: &[(&'static str, Value)]| [&scope.common()[..], more].concat();
        let point = |histogram: &Histogram, more: &[(&'static str, Value)]| {
            (histogram.count() > 0).then(|| histogram.point(&with(more), scope.epoch_unix_ns, now))
        };
        let durations =
            self.duration.iter().filter_map(|(error, histogram)| point(histogram, &[("error.type", json!(error))]));
        let tokens = [("input", &self.input), ("output", &self.output)]
            .into_iter()
            .filter_map(|(kind, histogram)| point(histogram, &[("gen_ai.token.type", json!(kind))]));
        let all = [
            ("gen_ai.client.operation.duration", "s", durations.collect::<Vec<_>>()),
            ("gen_ai.client.operation.time_to_first_chunk", "s", point(&self.first, &[]).into_iter().collect()),
            ("gen_ai.client.operation.time_per_output_chunk", "s", point(&self.gap, &[]).into_iter().collect()),
            ("gen_ai.client.token.usage", "{token}", tokens.collect()),
        ];
        let known = all.into_iter().filter(|(_, _, points)| !points.is_empty());
        // Temporality 2: cumulative.
        let metric = |(name, unit, points): (&str, &str, Vec<Value>)| json!({ "name": name, "unit": unit, "histogram": { "aggregationTemporality": 2, "dataPoints": points } });
        known.map(metric).collect()
    }
}
