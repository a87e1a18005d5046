//! The plan that a configuration asks for: load, lengths, and what prompts have in common. Knows no server.

use metron_units::{Nanos, ParseError, Tokens};
use metron_workload::dist::Quantity as _;
use metron_workload::{
    Curve, LengthSource, Load, Mix, Pattern, Plan, PlanConfig, PlanError, PrefixGroups, Replay, Tokenizer,
};

use super::trace::{Replayed, Which, dist, joint, replayed};
use super::{ConfigError, load, users};
use crate::RunConfig;
use crate::script::TraceFile;

/// A plan, and where its requests' texts are.
pub(super) struct Planned {
    pub(super) plan: PlanConfig,
    pub(super) pattern: Pattern,
    pub(super) script: Option<TraceFile>,
}

/// The plan of a configuration. Reads the files that it names.
pub(super) fn planned(config: &RunConfig, mix: Mix, tokenizer: &Tokenizer) -> Result<Planned, ConfigError> {
    let (limit, warmup) = (load::limit(config)?, load::warmup(config)?);
    let replayed = replayed(config, limit, warmup, users::bound(config)?, tokenizer)?;
    let replay = replayed.as_ref().map(|replayed| &replayed.replay);
    let (load, curve): (Load, Option<Curve>) = load::load(config, replay)?;
    let (sessions, cancellations) = (users::sessions(config, replay)?, users::cancellations(config)?);
    let think_time = load::think_time(config, &load, sessions.as_ref(), replay)?;
    let lengths = lengths(config, replay, tokenizer)?;
    let plan = PlanConfig {
        seed: config.seed,
        load,
        limit,
        warmup,
        ramp_up: config.ramp_up.unwrap_or(Nanos::ZERO),
        input_tokens: dist(Which::Input, &config.input_tokens, tokenizer)?,
        output_tokens: dist(Which::Output, &config.output_tokens, tokenizer)?,
    };
    let (replay, file) = replayed.map(|Replayed { replay, file }| (replay, file)).unzip();
    let says_more = replay.as_ref().is_some_and(Replay::says_more);
    let pattern =
        Pattern { curve, replay, lengths, think_time, prefixes: prefixes(config)?, sessions, mix, cancellations };
    Plan::patterned(plan.clone(), pattern.clone()).map_err(|error| refused(&error))?;
    Ok(Planned { plan, pattern, script: file.filter(|_| says_more) })
}

/// The flag of which a plan's refusal speaks.
fn refused(error: &PlanError) -> ConfigError {
    let flag = match error {
        PlanError::Burstiness(_) => "burstiness",
        PlanError::WeibullShape(_) | PlanError::Jitter(_) | PlanError::OnOff | PlanError::TwoCurves(_) => "arrivals",
        PlanError::TwoRates { .. } => "rate",
        PlanError::NotRecorded(_) => "trace",
        PlanError::Class { .. } => "class",
        PlanError::TooManyLeave => "cancel",
        PlanError::RecordedTurns => "turns",
        PlanError::NoUsers => "concurrency",
        PlanError::NoRequests => "requests",
        PlanError::NoTime => "duration",
    };
    ConfigError::new(flag, error.to_string(), error.hint())
}

fn lengths(config: &RunConfig, replay: Option<&Replay>, tokenizer: &Tokenizer) -> Result<LengthSource, ConfigError> {
    match (&config.lengths, replay) {
        (Some(_), Some(_)) => {
            let message = "the file that is replayed says its own lengths";
            Err(ConfigError::new("lengths", message, "leave one of the two out"))
        }
        (Some(text), None) => Ok(LengthSource::Together(joint(text, tokenizer)?)),
        (None, Some(_)) => Ok(LengthSource::Recorded),
        (None, None) => Ok(LengthSource::Separate),
    }
}

/// What prompts have in common. Where the server's prefix cache is to be warm they are beginnings of one text: a group of one
/// that is longer than any prompt.
fn prefixes(config: &RunConfig) -> Result<Option<PrefixGroups>, ConfigError> {
    match (config.prefix.as_deref(), config.prefix_cache.as_deref()) {
        (Some(_), Some("warm")) => {
            let message =
                "a warm prefix cache has all of every prompt, so that no group can have a beginning of its own";
            Err(ConfigError::new("prefix-cache", message, "--prefix-cache cold"))
        }
        (Some(text), Some("cold") | None) => {
            text.parse().map(Some).map_err(|error: ParseError| ConfigError::of_value("prefix", &error))
        }
        (None, Some("warm")) => Ok(Some(PrefixGroups::of_one(Tokens::new(Tokens::MOST)))),
        (None, Some("cold") | None) => Ok(None),
        (_, Some(other)) => {
            let message = format!("`{other}` is none of cold, warm");
            Err(ConfigError::new("prefix-cache", message, "--prefix-cache cold"))
        }
    }
}
