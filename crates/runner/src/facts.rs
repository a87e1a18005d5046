//! What is known of a run before its first request, as its files say it. Knows no record.

use std::hash::{BuildHasher, RandomState};

use metron_results::summary::{Load as LoadOnFile, Run, Target as TargetOnFile};
use metron_results::{ClassFacts, RunFacts};
use metron_sim::spec::SCHEME;
use metron_wire::Clock;
use metron_workload::{Arrivals, Load, Pattern, PlanConfig, Process, Replay};

use crate::RunConfig;
use crate::host::host;
use crate::prepared::requests_of;
use crate::resolve::{Resolved, Server};

/// What a run is called, and how it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) command: Vec<String>,
    pub(crate) model: String,
    /// Safe to show.
    pub(crate) url: String,
    /// The dialect's name.
    pub(crate) endpoint: &'static str,
    /// Whether whole answers are asked for.
    pub(crate) unstreamed: bool,
}

/// When a run began, and what the epoch of its rows is on the wall clock: nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch {
    started: u64,
    rows: u64,
}

impl Epoch {
    /// Of a run in real time: both are the same.
    pub(crate) fn of(clock: Clock) -> Self {
        Self { started: clock.started_at_unix_ns(), rows: clock.started_at_unix_ns() }
    }

    /// Of a run in virtual time, whose rows know no wall clock.
    pub(crate) fn virtual_zero(clock: Clock) -> Self {
        Self { rows: 0, ..Self::of(clock) }
    }
}

/// The facts of a run that began so.
pub(crate) fn facts(config: &RunConfig, resolved: &Resolved, named: Named, epoch: Epoch) -> RunFacts {
    let started_at = jiff::Timestamp::from_nanosecond(epoch.started.into()).expect("u64 nanoseconds end in 2554");
    let is_simulated = matches!(resolved.server, Server::Simulated(_));
    debug_assert!(named.url.starts_with(SCHEME) == is_simulated, "{}", named.url);
    let run = Run {
        id: format!("{:016x}", RandomState::new().hash_one((std::process::id(), epoch.started))),
        name: named.name,
        started_at: started_at.to_string(),
        metron_version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: config.seed,
        duration_s: None,
        target: TargetOnFile {
            url: named.url,
            endpoint: named.endpoint.to_owned(),
            model: Some(named.model),
            insecure: config.insecure,
            unstreamed: named.unstreamed,
        },
        load: load(resolved, config.max_in_flight),
        command: named.command,
        host: host(),
    };
    RunFacts {
        run,
        epoch_unix_ns: epoch.rows,
        planned: planned(&resolved.plan, &resolved.pattern),
        // Of a profile it is the slack upon it.
        ttft_deadline: resolved.kinds.deadlines.stated().ttft,
        prefill_profile: config.prefill_profile.as_ref().map(|path| path.display().to_string()),
        tbt_deadline: config.tbt_deadline,
        target_miss_rate: config.target_miss_rate,
        save_text: config.save_text,
        objectives: config.slo.clone(),
        classes: classes(config, resolved),
    }
}

fn classes(config: &RunConfig, resolved: &Resolved) -> Vec<ClassFacts> {
    // Behind the classes of the configuration stand those that only a trace names, without objectives.
    let objectives = config.classes.iter().map(|class| class.slo.clone()).chain(std::iter::repeat(Vec::new()));
    let own = resolved.kinds.classes.iter().zip(objectives);
    own.map(|((name, held_to), objectives)| ClassFacts {
        name: name.to_string(),
        ttft_deadline: held_to.stated().ttft,
        tbt_deadline: held_to.stated().tbt,
        objectives,
    })
    .collect()
}

/// Measured requests of the plan; `None` where time may end it.
pub(crate) fn planned(plan: &PlanConfig, pattern: &Pattern) -> Option<u64> {
    if plan.limit.duration.is_some() {
        return None;
    }
    let Some(recorded) = pattern.replay.as_ref().and_then(Replay::end) else { return plan.limit.requests };
    // The trace may be over before the count is reached.
    let measured = recorded.saturating_sub(requests_of(plan.warmup)?);
    Some(plan.limit.requests.map_or(measured, |most| most.min(measured)))
}

fn load(resolved: &Resolved, max_in_flight: Option<u32>) -> LoadOnFile {
    match resolved.plan.load {
        Load::Open { rate, arrivals } => {
            let curve = resolved.pattern.curve.clone();
            let is_recorded = arrivals == Arrivals::Recorded;
            LoadOnFile::Open {
                rate: (!is_recorded).then_some(rate.get()),
                steady: Some(!is_recorded && curve.is_none()),
                arrivals: match curve {
                    None => arrivals.name().to_owned(),
                    curve => Process { arrivals, curve }.to_string(),
                },
                max_in_flight,
            }
        }
        Load::Closed { concurrency } => LoadOnFile::Closed { concurrency, max_in_flight },
    }
}
