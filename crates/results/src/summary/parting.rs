//! Rows told apart by class and by turn, each part with figures of its own. Knows no file.

use std::collections::BTreeMap;

use metron_metrics::accounts::Counts;
use metron_metrics::objective::ObjectiveError;
use metron_metrics::{Metric, Phase, RequestFigures, RequestRecord, Summariser, SummaryOptions};

use super::{Class, DeadlineSettings, Objective, Requests, TokenCounts, Turn, TurnRequests, metrics};
use crate::RunFacts;
use crate::facts::ClassFacts;

/// Turns that have an entry of their own; those behind share the last.
const TURNS: u32 = 32;

/// What is told of a turn.
const OF_A_TURN: [Metric; 7] = [
    Metric::Ttft,
    Metric::Tbt,
    Metric::E2eLatency,
    Metric::FluidityIndex,
    Metric::FluidRequestShare,
    Metric::InputTokens,
    Metric::OutputTokens,
];

/// Takes a run's rows, each into the parts that it belongs to.
#[derive(Debug)]
pub(super) struct Parts {
    target: SummaryOptions,
    classes: Vec<(ClassFacts, Summariser)>,
    turns: BTreeMap<u32, Summariser>,
}

/// What was planned of a class and not sent.
pub(super) type NotSent = BTreeMap<String, u64>;

impl Parts {
    pub(super) fn new(facts: &RunFacts) -> Result<Self, Box<ObjectiveError>> {
        let target = SummaryOptions { target_miss_rate: facts.target_miss_rate, objectives: Vec::new() };
        let class = |class: &ClassFacts| {
            let objectives =
                class.objectives.iter().map(|text| text.parse().map_err(Box::new)).collect::<Result<_, _>>()?;
            Ok((class.clone(), Summariser::new(SummaryOptions { objectives, ..target.clone() })))
        };
        let classes = facts.classes.iter().map(class).collect::<Result<_, Box<ObjectiveError>>>()?;
        Ok(Self { target, classes, turns: BTreeMap::new() })
    }

    pub(super) fn add(&mut self, record: &RequestRecord, figures: &RequestFigures) {
        if let Some(name) = &record.class
            && let Some((_, summariser)) = self.classes.iter_mut().find(|(class, _)| class.name == *name)
        {
            summariser.add_figured(record, figures);
        }
        // A part of a warm-up has no figure, and its turns are told nowhere.
        if let Some(turn) = record.turn.filter(|_| record.phase == Phase::Measured) {
            let target = &self.target;
            let entry = self.turns.entry(turn.min(TURNS - 1));
            entry.or_insert_with(|| Summariser::new(target.clone())).add_figured(record, figures);
        }
    }

    pub(super) fn dispatched_of_class(&self) -> impl Iterator<Item = (String, u64)> {
        self.classes.iter().map(|(class, summariser)| (class.name.clone(), summariser.counts().dispatched))
    }

    /// The classes by their names.
    pub(super) fn classes(&mut self, facts: &RunFacts, not_sent: &NotSent) -> BTreeMap<String, Class> {
        let summed_up = |(class, summariser): (ClassFacts, Summariser)| {
            let figures = summariser.finish();
            let missing = not_sent.get(&class.name).copied().unwrap_or(0);
            let of_class = Class {
                requests: Requests::of_part(&figures.counts, figures.warmup, missing),
                tokens: TokenCounts::from(&figures.counts),
                deadlines: DeadlineSettings {
                    ttft_deadline_s: facts.prefill_profile.is_none().then(|| class.ttft_deadline.as_secs_f64()),
                    tbt_deadline_s: class.tbt_deadline.as_secs_f64(),
                    ..facts.deadline_settings()
                },
                metrics: metrics(&figures),
                objectives: figures.objectives.iter().map(Objective::from).collect(),
            };
            (class.name, of_class)
        };
        std::mem::take(&mut self.classes).into_iter().map(summed_up).collect()
    }

    /// The turns, from the first on.
    pub(super) fn turns(self) -> Vec<Turn> {
        let summed_up = |(turn, summariser): (u32, Summariser)| {
            let figures = summariser.finish();
            let told = |name: &String| OF_A_TURN.iter().any(|metric| metric.name() == name);
            let Counts { dispatched, completed, failed, cancelled, .. } = figures.counts;
            Turn {
                turn,
                and_later: turn == TURNS - 1,
                requests: TurnRequests { dispatched, completed, failed, cancelled },
                metrics: metrics(&figures).into_iter().filter(|(name, _)| told(name)).collect(),
            }
        };
        self.turns.into_iter().map(summed_up).collect()
    }
}
