//! From the flags of a search over many runs to what is searched for: the highest load, or a prompt's cost over its length.

use metron_runner::search::prefill::Plan;
use metron_runner::search::{CapacitySearch, Demand, LoadUnit};

use crate::failure::Failure;
use crate::flags::{CapacityFlags, ProfileFlags, Searched};
use crate::run_config;

/// Settings of a run that a search's probes decide by themselves.
pub(crate) const EACH_PROBES_OWN: [&str; 5] = ["requests", "until", "duration", "ramp-up", "max-in-flight"];

/// How the profile that the flags ask for is measured.
pub(crate) fn profile(asked: &ProfileFlags) -> Plan {
    Plan {
        least: asked.prompt_tokens.0,
        most: asked.prompt_tokens.1,
        precision: asked.precision,
        samples: asked.samples,
        lengths: asked.most_lengths as usize,
    }
}

/// The search that the flags ask for.
///
/// # Errors
/// What the user has to mend.
pub(crate) fn capacity(flags: &CapacityFlags) -> Result<CapacitySearch, Failure> {
    let unit = unit(flags)?;
    let config = run_config::of_search(&flags.run, unit)?;
    let demands = demands(flags)?;
    let search = &flags.search;
    Ok(CapacitySearch {
        config,
        unit,
        demands,
        range: search.range,
        precision: search.precision,
        budget: search.budget,
    })
}

/// What is searched for; what a probe decides by itself is refused.
fn unit(flags: &CapacityFlags) -> Result<LoadUnit, Failure> {
    let load = &flags.run.load;
    let each_probes_own = [
        (load.requests.is_some(), "--budget 20m"),
        (!load.until.is_empty(), "--precision 5%"),
        (load.duration.is_some(), "--budget 20m"),
        (load.ramp_up.is_some(), "--warmup 10s"),
        (load.max_in_flight.is_some(), "--concurrency 8"),
    ];
    if let Some((flag, (_, hint))) = EACH_PROBES_OWN.iter().zip(each_probes_own).find(|(_, (given, _))| *given) {
        return Err(Failure::usage(
            format!("--{flag} is no setting of a search: each probe is as long as its verdict needs"),
            hint,
        ));
    }
    match (flags.search.search, load.rate.is_some(), load.concurrency.is_some()) {
        (Some(Searched::Rate), _, true) => {
            Err(Failure::usage("--concurrency is no rate to begin with", "--search concurrency"))
        }
        (Some(Searched::Concurrency), true, _) => {
            Err(Failure::usage("--rate is no number of users to begin with", "--search rate"))
        }
        (None, true, true) => {
            Err(Failure::usage("--rate and --concurrency: a search has one load, of which it is the first", "--rate 4"))
        }
        (Some(Searched::Concurrency), ..) | (None, false, true) => Ok(LoadUnit::ConcurrentRequests),
        (Some(Searched::Rate), ..) | (None, ..) => Ok(LoadUnit::RequestsPerSecond),
    }
}

fn demands(flags: &CapacityFlags) -> Result<Vec<Demand>, Failure> {
    let slo = &flags.run.objectives.slo;
    if slo.is_empty() {
        return Err(Failure::usage(
            "a capacity is the load at which objectives hold: --slo is missing",
            "--slo 'p99 ttft <= 500ms'",
        ));
    }
    slo.iter().map(|objective| Demand::of(*objective).map_err(|error| Failure::usage(error, ""))).collect()
}
