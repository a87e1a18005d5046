//! The settings that say how much is sent, when, and for how long. Knows no server and no file.

use metron_units::{Nanos, ParseError, Rate};
use metron_workload::{Arrivals, Curve, Dist, Limit, Load, Process, Replay, Sessions, Warmup};

use super::ConfigError;
use crate::RunConfig;

/// Streams that one worker reads at ease: about a quarter of a core at 50 tokens a second each.
const STREAMS_OF_A_WORKER: u32 = 1_024;
/// Requests a second that one worker sends at ease.
const RATE_OF_A_WORKER: f64 = 2_000.0;
/// More sending threads than this are a mistake.
const MOST_WORKERS: u32 = 1_024;
/// Requests per second beyond what any client sends: whoever asks for more meant something else.
const MOST_RATE: f64 = 1_000_000.0;

/// When the run's requests are over.
pub(super) fn limit(config: &RunConfig) -> Result<Limit, ConfigError> {
    let limit = Limit { requests: config.requests, duration: config.duration };
    // A trace ends by itself.
    if limit == (Limit { requests: None, duration: None }) && config.trace.is_none() {
        return Err(ConfigError::new("requests", "neither a count nor a duration ends the run", "--requests 100"));
    }
    Ok(limit)
}

/// How requests are released, and how the rate changes with time.
pub(super) fn load(config: &RunConfig, replay: Option<&Replay>) -> Result<(Load, Option<Curve>), ConfigError> {
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
        (Some(rate), None) => {
            let Process { arrivals, curve } = process(config)?;
            Ok((Load::Open { rate, arrivals }, curve))
        }
        (None, Some(0)) => Err(ConfigError::new("concurrency", "without users nothing is sent", "--concurrency 8")),
        (None, Some(_)) if config.arrivals.is_some() || config.burstiness.is_some() => {
            Err(ConfigError::new("arrivals", "users who wait for answers have no arrivals of their own", "--rate 4"))
        }
        (None, Some(concurrency)) => Ok((Load::Closed { concurrency }, None)),
        (Some(_), Some(_)) => Err(ConfigError::new(
            "rate",
            "a rate and a number of users contradict each other",
            "--rate 4 --max-in-flight 64",
        )),
        (None, None) => by_itself(config, replay),
    }
}

/// A load that says its own rate: a curve's, or a trace's instants.
fn by_itself(config: &RunConfig, replay: Option<&Replay>) -> Result<(Load, Option<Curve>), ConfigError> {
    if config.arrivals.is_some() || config.burstiness.is_some() {
        let Process { arrivals, curve } = process(config)?;
        return match curve.as_ref().and_then(Curve::rate) {
            Some(rate) => Ok((Load::Open { rate, arrivals }, curve)),
            None => Err(ConfigError::new("arrivals", "they need a rate", "--rate 4")),
        };
    }
    match (replay, config.trace.is_some()) {
        (Some(replay), true) => {
            let none = "the trace says not of every request when it was sent; a rate or a number of users can say when";
            let load = replay.load().ok_or_else(|| ConfigError::new("trace", none, "--rate 4"))?;
            Ok((load, None))
        }
        _ => Err(ConfigError::new("concurrency", "neither a rate nor a number of users is given", "--concurrency 8")),
    }
}

fn process(config: &RunConfig) -> Result<Process, ConfigError> {
    let plain = |arrivals| Ok(Process { arrivals, curve: None });
    match (config.arrivals.as_deref(), config.burstiness) {
        (None, None) => plain(Arrivals::Poisson),
        (Some("gamma") | None, Some(burstiness)) => plain(Arrivals::Gamma { burstiness }),
        (Some("gamma"), None) => Err(ConfigError::new("arrivals", "gamma needs its shape", "--burstiness 0.5")),
        (Some(_), Some(_)) => {
            Err(ConfigError::new("burstiness", "it is the shape of gamma arrivals", "--arrivals gamma"))
        }
        (Some(text), None) => text.parse().map_err(|error: ParseError| ConfigError::of_value("arrivals", &error)),
    }
}

/// What comes before the measured phase.
pub(super) fn warmup(config: &RunConfig) -> Result<Warmup, ConfigError> {
    match (config.warmup, config.warmup_requests) {
        (None, None) => Ok(Warmup::None),
        (Some(time), None) => Ok(Warmup::Duration(time)),
        (None, Some(requests)) => Ok(Warmup::Requests(requests)),
        (Some(_), Some(_)) => {
            Err(ConfigError::new("warmup", "a time and a count contradict each other", "--warmup 10s"))
        }
    }
}

/// How long users wait between an answer and their next request.
pub(super) fn think_time(
    config: &RunConfig,
    load: &Load,
    sessions: Option<&Sessions>,
    replay: Option<&Replay>,
) -> Result<Option<Dist<Nanos>>, ConfigError> {
    let Some(text) = &config.think_time else { return Ok(None) };
    let has_turns = sessions.is_some() || replay.is_some_and(|replay| replay.sessions() > 0);
    if matches!(load, Load::Open { .. }) && !has_turns {
        let message = "only users who wait for answers think in between; arrivals of an open loop do not wait";
        return Err(ConfigError::new("think-time", message, "--concurrency 8"));
    }
    text.parse().map(Some).map_err(|error: ParseError| ConfigError::of_value("think-time", &error))
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
                Load::Open { rate, .. } => of_rate(*rate),
            };
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            needed.min(u32::try_from(cores).unwrap_or(MOST_WORKERS))
        }
    };
    Ok(asked.min(most).max(1))
}

fn of_rate(rate: Rate) -> u32 {
    (rate.get() / RATE_OF_A_WORKER).ceil().clamp(1.0, f64::from(MOST_WORKERS)) as u32
}
