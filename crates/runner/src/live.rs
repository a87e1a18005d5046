//! How a run stands, for the eye: counts since its start, figures of the last seconds. Never in a result.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::sync::Arc;

use metron_metrics::deadlines::misses;
use metron_metrics::{FirstToken, Outcome, RequestRecord};
use metron_results::event::{Recent, Snapshot};
use metron_units::{Nanos, Tokens};
use metron_workload::Plan;

use crate::gate::Gate;

/// How far back the recent figures look.
const RECENT: Nanos = Nanos::from_secs(10);
/// Samples that are kept for them at most: of a faster run they look back less far.
const SAMPLES: usize = 4_096;
/// Gaps that are taken of one answer at most: its last ones.
const GAPS_OF_ONE: usize = 64;

/// Where a run stands.
#[derive(Debug)]
pub(crate) struct Live {
    origin: Nanos,
    planned: Option<u64>,
    gate: Arc<Gate>,
    due: Option<Due>,
    counts: Snapshot,
    answers: VecDeque<(Nanos, Sample)>,
    gaps: VecDeque<(Nanos, Nanos)>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    ttft: Option<Nanos>,
    output_tokens: Tokens,
    fluid: Option<bool>,
}

/// How many requests of an open loop should have left by now.
#[derive(Debug)]
struct Due {
    rest: Peekable<Plan>,
    count: u64,
}

impl Due {
    fn by(&mut self, at: Nanos) -> u64 {
        while self.rest.next_if(|request| request.intended.is_some_and(|intended| intended <= at)).is_some() {
            self.count += 1;
        }
        self.count
    }
}

impl Live {
    /// A run that begins at `origin`. `planned`: its requests, if they are known. `held_back`: the plan again, if a bound of
    /// requests in flight may let some wait.
    pub(crate) fn new(origin: Nanos, planned: Option<u64>, gate: Arc<Gate>, held_back: Option<Plan>) -> Self {
        let due = held_back.map(|plan| Due { rest: plan.peekable(), count: 0 });
        Self {
            origin,
            planned,
            gate,
            due,
            counts: Snapshot::default(),
            answers: VecDeque::new(),
            gaps: VecDeque::new(),
        }
    }

    pub(crate) fn add(&mut self, record: &RequestRecord, now: Nanos) {
        let counts = &mut self.counts;
        match &record.outcome {
            Outcome::Completed => {
                counts.completed += 1;
                counts.input_tokens += record.input_tokens;
                counts.output_tokens += record.output_tokens;
            }
            Outcome::Failed(failure) => {
                counts.failed += 1;
                *counts.errors.entry(failure.class).or_default() += 1;
                counts.latest_errors.insert(failure.class, failure.message.clone());
                return;
            }
            Outcome::Cancelled => {
                counts.cancelled += 1;
                return;
            }
        }
        let first = record.chunks.first().map(|chunk| chunk.arrived);
        let sample = Sample {
            ttft: first.zip(record.dispatched).map(|(first, dispatched)| first.saturating_sub(dispatched)),
            output_tokens: record.output_tokens,
            fluid: is_fluid(record),
        };
        push(&mut self.answers, (now, sample));
        let gaps: Vec<Nanos> = record.gaps().skip(1).collect();
        for &gap in &gaps[gaps.len().saturating_sub(GAPS_OF_ONE)..] {
            push(&mut self.gaps, (now, gap));
        }
    }

    /// How it stands, `dispatched` requests having had their turn.
    pub(crate) fn snapshot(&mut self, dispatched: u64, now: Nanos) -> Snapshot {
        let recent = self.recent(now);
        let counts = &self.counts;
        let over = counts.completed + counts.failed + counts.cancelled;
        let due = self.due.as_mut().map_or(0, |due| due.by(now.saturating_sub(self.origin)));
        Snapshot {
            elapsed: now,
            planned: self.planned,
            ends_at: self.gate.ends_at(),
            dispatched,
            in_flight: dispatched.saturating_sub(over),
            waiting: due.saturating_sub(dispatched),
            recent,
            ..counts.clone()
        }
    }

    fn recent(&mut self, now: Nanos) -> Recent {
        let since = now.saturating_sub(RECENT);
        forget(&mut self.answers, since);
        forget(&mut self.gaps, since);
        let Some(&(oldest, _)) = self.answers.front() else { return Recent::default() };
        // A full buffer may look back less far than it should; an empty beginning of the run is no part of it.
        let full = self.answers.len() == SAMPLES;
        let from = if full { oldest } else { since.max(self.origin) };
        let span = now.saturating_sub(from).as_secs_f64();
        let per_second = |count: u64| (span > 0.0).then(|| count as f64 / span);
        let answers = self.answers.iter().map(|(_, sample)| sample);
        let tokens: u64 = answers.clone().map(|sample| sample.output_tokens.get()).sum();
        let (ttft_p50, ttft_p99) = p50_p99(answers.clone().filter_map(|sample| sample.ttft).collect());
        let (tbt_p50, tbt_p99) = p50_p99(self.gaps.iter().map(|&(_, gap)| gap).collect());
        let fluid: Vec<bool> = answers.filter_map(|sample| sample.fluid).collect();
        Recent {
            output_token_rate: per_second(tokens),
            request_rate: per_second(self.answers.len() as u64),
            ttft_p50,
            ttft_p99,
            tbt_p50,
            tbt_p99,
            fluid_share: (!fluid.is_empty()).then(|| share_of_true(&fluid)),
        }
    }
}

fn is_fluid(record: &RequestRecord) -> Option<bool> {
    /// METRICS.md, *Per run*: share fluid.
    const FLUID: f64 = 0.9;
    misses(record.gaps(), record.deadlines, FirstToken::Counted).fluidity_index().map(|index| index >= FLUID)
}

fn share_of_true(of: &[bool]) -> f64 {
    of.iter().filter(|&&is| is).count() as f64 / of.len() as f64
}

fn push<T>(samples: &mut VecDeque<T>, sample: T) {
    if samples.len() == SAMPLES {
        samples.pop_front();
    }
    samples.push_back(sample);
}

fn forget<T>(samples: &mut VecDeque<(Nanos, T)>, since: Nanos) {
    while samples.front().is_some_and(|&(at, _)| at < since) {
        samples.pop_front();
    }
}

fn p50_p99(mut of: Vec<Nanos>) -> (Option<Nanos>, Option<Nanos>) {
    of.sort_unstable();
    let at = |percent: usize| of.get(of.len().saturating_sub(1) * percent / 100).copied();
    (at(50), at(99))
}

#[cfg(test)]
mod tests {
    use metron_metrics::{ErrorClass, Failure, Phase};
    use metron_units::Rate;
    use metron_wire::{Answer, Chunk, End, Usage};
    use metron_workload::{Arrivals, Limit, Load, PlanConfig, Tokenizer, Warmup};

    use super::*;
    use crate::settle::{Naming, Planned, Settler};

    /// Answered at `at` after 100 ms, by four tokens 20 ms apart.
    fn record(id: u64, at: Nanos) -> RequestRecord {
        let chunk = |k: u64| Chunk {
            arrived: at + Nanos::from_millis(100 + 20 * k),
            read_lag: Nanos::ZERO,
            shared_read: false,
            stated_tokens: Some(1),
            pieces_end: 0,
        };
        let answer = Answer {
            dispatched: Some(at),
            chunks: (0..4).map(chunk).collect(),
            usage: Usage { output: Some(4), ..Usage::default() },
            end: End::Complete,
            ..Answer::default()
        };
        let deadlines = metron_metrics::Deadlines { ttft: Nanos::from_millis(300), tbt: Nanos::from_millis(30) };
        let planned = Planned {
            id,
            phase: Phase::Measured,
            kind: crate::kind::Kind::plain(deadlines),
            intended: None,
            input_tokens: Tokens::new(3),
            prompt: None,
        };
        Settler { tokenizer: Tokenizer::default(), naming: Naming::Assumed }.settle(planned, answer)
    }

    fn live(held_back: Option<Plan>) -> Live {
        Live::new(Nanos::ZERO, Some(100), Arc::new(Gate::closed(Nanos::ZERO, None)), held_back)
    }

    #[test]
    fn what_is_neither_over_nor_waiting_is_in_flight() {
        let mut live = live(None);
        live.add(&record(0, Nanos::ZERO), Nanos::from_secs(1));
        let failed = Outcome::Failed(Failure { class: ErrorClass::Connect, message: "refused".to_owned() });
        live.add(&RequestRecord { outcome: failed, ..record(1, Nanos::ZERO) }, Nanos::from_secs(1));
        let snapshot = live.snapshot(5, Nanos::from_secs(2));
        assert_eq!((snapshot.completed, snapshot.failed, snapshot.in_flight, snapshot.waiting), (1, 1, 3, 0));
        assert_eq!(snapshot.errors.get(&ErrorClass::Connect), Some(&1));
        assert_eq!(snapshot.latest_errors.get(&ErrorClass::Connect).map(String::as_str), Some("refused"));
        assert_eq!((snapshot.input_tokens, snapshot.output_tokens), (Tokens::new(3), Tokens::new(4)));
    }

    #[test]
    fn recent_figures_are_of_the_last_seconds_alone() {
        let mut live = live(None);
        live.add(&record(0, Nanos::ZERO), Nanos::from_secs(1));
        let recent = live.snapshot(1, Nanos::from_secs(4)).recent;
        assert_eq!((recent.ttft_p50, recent.tbt_p99), (Some(Nanos::from_millis(100)), Some(Nanos::from_millis(20))));
        assert_eq!(
            (recent.request_rate, recent.output_token_rate, recent.fluid_share),
            (Some(0.25), Some(1.0), Some(1.0))
        );
        assert_eq!(live.snapshot(1, Nanos::from_secs(12)).recent, Recent::default());
    }

    #[test]
    fn memory_does_not_grow_with_the_run() {
        let mut live = live(None);
        for id in 0..20_000 {
            live.add(&record(id, Nanos::ZERO), Nanos::from_secs(1));
        }
        assert_eq!((live.answers.len(), live.gaps.len()), (SAMPLES, SAMPLES));
    }

    #[test]
    fn what_should_have_left_and_did_not_is_waiting() {
        let plan = Plan::new(PlanConfig {
            seed: 0,
            load: Load::Open { rate: Rate::per_second(10.0).expect("a rate"), arrivals: Arrivals::Constant },
            limit: Limit { requests: Some(20), duration: None },
            warmup: Warmup::None,
            ramp_up: Nanos::ZERO,
            input_tokens: "8".parse().expect("a length"),
            output_tokens: "8".parse().expect("a length"),
        });
        let mut live = live(Some(plan.expect("a plan")));
        assert_eq!(live.snapshot(3, Nanos::from_millis(1_050)).waiting, 7);
        assert_eq!(live.snapshot(20, Nanos::from_secs(60)).waiting, 0);
    }
}
