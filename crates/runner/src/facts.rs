//! What is known of a run before its first request, as its files say it. Knows no record.

use std::hash::{BuildHasher, RandomState};

use metron_results::RunFacts;
use metron_results::summary::{Load as LoadOnFile, Run, Target as TargetOnFile};
use metron_sim::spec::SCHEME;
use metron_wire::{Clock, Endpoint};
use metron_workload::{Arrivals, Load, PlanConfig};

use crate::RunConfig;
use crate::host::host;
use crate::resolve::{Resolved, Server};

/// What a run is called, and how it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) command: Vec<String>,
    pub(crate) model: String,
}

/// The facts of a run whose epoch is the clock's.
pub(crate) fn facts(
    config: &RunConfig,
    resolved: &Resolved,
    endpoint: &Endpoint,
    named: Named,
    clock: Clock,
) -> RunFacts {
    let epoch_unix_ns = clock.started_at_unix_ns();
    let started_at = jiff::Timestamp::from_nanosecond(epoch_unix_ns.into()).expect("u64 nanoseconds end in 2554");
    let url = match &resolved.server {
        Server::Network { .. } => endpoint.url(),
        Server::Simulated(spec) => spec.to_string(),
    };
    debug_assert!(url.starts_with(SCHEME) == matches!(resolved.server, Server::Simulated(_)), "{url}");
    let run = Run {
        id: format!("{:016x}", RandomState::new().hash_one((std::process::id(), epoch_unix_ns))),
        name: named.name,
        started_at: started_at.to_string(),
        metron_version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: config.seed,
        duration_s: None,
        target: TargetOnFile {
            url,
            endpoint: endpoint.dialect().name().to_owned(),
            model: Some(named.model),
            insecure: config.insecure,
        },
        load: load(&resolved.plan, config.max_in_flight),
        command: named.command,
        host: host(),
    };
    RunFacts {
        run,
        epoch_unix_ns,
        planned: planned(&resolved.plan),
        ttft_deadline: config.ttft_deadline,
        prefill_profile: None,
        tbt_deadline: config.tbt_deadline,
        target_miss_rate: config.target_miss_rate,
        save_text: config.save_text,
        objectives: config.slo.clone(),
    }
}

/// Measured requests of the plan; `None` where time may end it.
pub(crate) fn planned(plan: &PlanConfig) -> Option<u64> {
    plan.limit.requests.filter(|_| plan.limit.duration.is_none())
}

fn load(plan: &PlanConfig, max_in_flight: Option<u32>) -> LoadOnFile {
    match plan.load {
        Load::Open { rate, arrivals } => {
            let arrivals = match arrivals {
                Arrivals::Poisson => "poisson",
                Arrivals::Constant => "constant",
                Arrivals::Gamma { .. } => "gamma",
            };
            LoadOnFile::Open { rate: Some(rate.get()), arrivals: arrivals.to_owned(), max_in_flight }
        }
        Load::Closed { concurrency } => LoadOnFile::Closed { concurrency, max_in_flight },
    }
}
