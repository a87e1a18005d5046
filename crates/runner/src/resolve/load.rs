//! The settings that say how much is sent, when, and for how long. Knows no server.

use metron_units::Nanos;
use metron_workload::{Arrivals, Dist, Limit, Load, PlanConfig, Warmup};

use super::ConfigError;
use crate::RunConfig;

/// Streams that one worker reads at ease: about a quarter of a core at 50 tokens a second each.
const STREAMS_OF_A_WORKER: u32 = 1_024;
/// Requests a second that one worker sends at ease.
const RATE_OF_A_WORKER: f64 = 2_000.0;
/// More sending threads than this are a mistake.
const MOST_WORKERS: u32 = 1_024;

/// The plan's configuration.
pub(super) fn plan(config: &RunConfig) -> Result<PlanConfig, ConfigError> {
    let limit = Limit { requests: config.requests, duration: config.duration };
    if limit == (Limit { requests: None, duration: None }) {
        return Err(ConfigError::new("requests", "neither a count nor a duration ends the run", "--requests 100"));
    }
    let plan = PlanConfig {
        seed: config.seed,
        load: load(config)?,
        limit,
        warmup: warmup(config)?,
        ramp_up: config.ramp_up.unwrap_or(Nanos::ZERO),
        input_tokens: dist("input-tokens", &config.input_tokens)?,
        output_tokens: dist("output-tokens", &config.output_tokens)?,
    };
    metron_workload::Plan::new(plan.clone())
        .map_err(|error| ConfigError::new("requests", error.to_string(), error.hint()))?;
    Ok(plan)
}

/// Requests per second beyond what any client sends: whoever asks for more meant something else.
const MOST_RATE: f64 = 1_000_000.0;

fn load(config: &RunConfig) -> Result<Load, ConfigError> {
    if config.max_in_flight == Some(0) {
        return Err(ConfigError::new("max-in-flight", "with none in flight nothing is sent", "--max-in-flight 64"));
    }
    match (config.rate, config.concurrency) {
        (Some(rate), None) if rate.get() > MOST_RATE => Err(ConfigError::new(
            "rate",
            format!(
                "{} requests a second are more than a client can send; at most {MOST_RATE} can be asked",
                rate.get()
            ),
            "--rate 1000",
        )),
        (Some(rate), None) => Ok(Load::Open { rate, arrivals: arrivals(config)? }),
        (None, Some(0)) => Err(ConfigError::new("concurrency", "without users nothing is sent", "--concurrency 8")),
        (None, Some(concurrency)) => Ok(Load::Closed { concurrency }),
        (Some(_), Some(_)) => Err(ConfigError::new(
            "rate",
            "a rate and a number of users contradict each other",
            "--rate 4 --max-in-flight 64",
        )),
        (None, None) => {
            Err(ConfigError::new("concurrency", "neither a rate nor a number of users is given", "--concurrency 8"))
        }
    }
}

fn arrivals(config: &RunConfig) -> Result<Arrivals, ConfigError> {
    match (config.arrivals.as_deref(), config.burstiness) {
        (Some("poisson"), None) | (None, None) => Ok(Arrivals::Poisson),
        (Some("constant"), None) => Ok(Arrivals::Constant),
        (Some("gamma") | None, Some(burstiness)) => Ok(Arrivals::Gamma { burstiness }),
        (Some("gamma"), None) => Err(ConfigError::new("arrivals", "gamma needs its shape", "--burstiness 0.5")),
        (Some("poisson" | "constant"), Some(_)) => {
            Err(ConfigError::new("burstiness", "it is the shape of gamma arrivals", "--arrivals gamma"))
        }
        (Some(other), _) => Err(ConfigError::new(
            "arrivals",
            format!("`{other}` is none of poisson, constant, gamma"),
            "--arrivals poisson",
        )),
    }
}

fn warmup(config: &RunConfig) -> Result<Warmup, ConfigError> {
    match (config.warmup, config.warmup_requests) {
        (None, None) => Ok(Warmup::None),
        (Some(time), None) => Ok(Warmup::Duration(time)),
        (None, Some(requests)) => Ok(Warmup::Requests(requests)),
        (Some(_), Some(_)) => {
            Err(ConfigError::new("warmup", "a time and a count contradict each other", "--warmup 10s"))
        }
    }
}

fn dist(flag: &'static str, text: &str) -> Result<Dist, ConfigError> {
    text.parse::<Dist>().map_err(|error| ConfigError::of(flag, &error))
}

/// How many threads send: as asked, or as many as the load needs and the machine has.
pub(super) fn workers(config: &RunConfig, load: &Load) -> Result<u32, ConfigError> {
    // A worker without a user, or without a part of the bound, would have nothing to do.
    let most = match load {
        Load::Closed { concurrency } => *concurrency,
        Load::Open { .. } => config.max_in_flight.unwrap_or(MOST_WORKERS),
    };
    let asked = match config.workers {
        Some(asked @ 1..=MOST_WORKERS) => asked,
        Some(_) => return Err(ConfigError::new("workers", format!("it takes 1 to {MOST_WORKERS}"), "--workers 2")),
        None => {
            let needed = match load {
                Load::Closed { concurrency } => concurrency.div_ceil(STREAMS_OF_A_WORKER),
                Load::Open { rate, .. } => {
                    (rate.get() / RATE_OF_A_WORKER).ceil().clamp(1.0, f64::from(MOST_WORKERS)) as u32
                }
            };
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            needed.min(u32::try_from(cores).unwrap_or(MOST_WORKERS))
        }
    };
    Ok(asked.min(most).max(1))
}
