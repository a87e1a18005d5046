//! How the first token's wait grows with the prompt: some requests as dots, the median of all by length, and the deadlines that
//! they were held to.

use std::collections::BTreeMap;

use metron_metrics::RequestRecord;
use metron_units::Nanos;

use super::log_bins::LogBins;

/// Dots that are drawn at most.
const DOTS: usize = 1_000;
/// Groups of length per factor of ten.
const GROUPS_PER_DECADE: f64 = 12.0;

/// TTFT by the prompt's length.
#[derive(Debug, Clone)]
pub(super) struct ByPrompt {
    /// Every so many requests one is kept; doubled whenever there are too many.
    every: u64,
    seen: u64,
    /// Tokens and seconds.
    dots: Vec<(f64, f64)>,
    groups: BTreeMap<u32, Group>,
}

#[derive(Debug, Clone, Default)]
struct Group {
    tokens: u64,
    count: u64,
    deadline: Nanos,
    waits: LogBins,
}

impl Default for ByPrompt {
    fn default() -> Self {
        Self { every: 1, seen: 0, dots: Vec::new(), groups: BTreeMap::new() }
    }
}

impl ByPrompt {
    pub(super) fn see(&mut self, record: &RequestRecord, ttft: Nanos) {
        let tokens = record.planned_input_tokens.get();
        let seconds = ttft.as_secs_f64();
        if self.seen.is_multiple_of(self.every) {
            self.dots.push((tokens as f64, seconds));
        }
        self.seen += 1;
        if self.dots.len() > DOTS {
            self.every *= 2;
            let mut place = 0;
            self.dots.retain(|_| {
                place += 1;
                place % 2 == 1
            });
        }
        let group = ((tokens.max(1) as f64).log10() * GROUPS_PER_DECADE) as u32;
        let group = self.groups.entry(group).or_default();
        group.tokens += tokens;
        group.count += 1;
        group.deadline = group.deadline.max(record.deadlines.ttft);
        group.waits.add(seconds, 1);
    }

    /// Whether there is a length to speak of.
    pub(super) fn varies(&self) -> bool {
        self.dots.iter().any(|(tokens, _)| *tokens != self.dots[0].0)
    }

    /// Some of the requests.
    pub(super) fn dots(&self) -> Vec<(f64, f64)> {
        self.dots.clone()
    }

    /// The median wait of each group, at the group's mean length.
    pub(super) fn medians(&self) -> Vec<(f64, f64)> {
        let median = |group: &Group| Some((group.tokens as f64 / group.count as f64, group.waits.quantile(0.5)?));
        self.groups.values().filter_map(median).collect()
    }

    /// The latest deadline of each group.
    pub(super) fn deadlines(&self) -> Vec<(f64, f64)> {
        let groups = self.groups.values();
        groups.map(|group| (group.tokens as f64 / group.count as f64, group.deadline.as_secs_f64())).collect()
    }
}
