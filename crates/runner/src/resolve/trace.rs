//! The settings that name files of requests: opened, read to their end and checked before anything is sent. Knows no load.

use std::error::Error;
use std::path::PathBuf;

use metron_units::{ParseError, Tokens};
use metron_workload::trace::TraceOptions;
use metron_workload::{Dist, JointLengths, Limit, Replay, ReplayError, Speed, Tokenizer, TraceError, Warmup};

use super::ConfigError;
use crate::RunConfig;
use crate::script::{TraceFile, TraceFileError};

/// The requests that a run replays.
#[derive(Debug, Clone)]
pub(crate) struct Replayed {
    pub(crate) replay: Replay,
    pub(crate) file: TraceFile,
}

/// The trace or the dataset of a configuration; as much of it as the run needs.
pub(super) fn replayed(
    config: &RunConfig,
    limit: Limit,
    warmup: Warmup,
    tokenizer: &Tokenizer,
) -> Result<Option<Replayed>, ConfigError> {
    let (flag, path, repeats) = match (&config.trace, &config.dataset) {
        (Some(_), Some(_)) => {
            let message = "a trace and a dataset contradict each other: both say what is sent";
            return Err(ConfigError::new("dataset", message, "leave one of the two out"));
        }
        (None, None) => {
            return match config.speed {
                Some(_) => Err(ConfigError::new("speed", "it is that of a trace, and none is given", "--trace FILE")),
                None => Ok(None),
            };
        }
        (Some(path), None) => ("trace", path, false),
        (None, Some(path)) => ("dataset", path, true),
    };
    let most = limit.requests.and_then(|requests| match warmup {
        Warmup::None => Some(requests),
        Warmup::Requests(more) => Some(requests.saturating_add(more)),
        Warmup::Duration(_) => None,
    });
    let file = TraceFile { path: path.clone(), options: TraceOptions::default(), repeats };
    let replay = read(flag, &file, most, tokenizer)?.at_speed(speed(config)?);
    let replay = if repeats { replay.repeating() } else { replay };
    Ok(Some(Replayed { replay, file }))
}

fn speed(config: &RunConfig) -> Result<Speed, ConfigError> {
    let Some(text) = &config.speed else { return Ok(Speed::AS_RECORDED) };
    if config.trace.is_none() {
        return Err(ConfigError::new("speed", "it is that of a trace, and a dataset has none", "--rate 4"));
    }
    text.parse().map_err(|error: ParseError| ConfigError::of_value("speed", &error))
}

fn read(flag: &'static str, file: &TraceFile, most: Option<u64>, tokenizer: &Tokenizer) -> Result<Replay, ConfigError> {
    let trace = file.open().map_err(|error| {
        let hint = match &error {
            TraceFileError::Read { source, .. } => source.hint().to_owned(),
            TraceFileError::Open { .. } | TraceFileError::Shorter { .. } => String::new(),
        };
        ConfigError::new(flag, chain(&error), hint)
    })?;
    Replay::read(trace, most, Some(tokenizer)).map_err(|error| {
        let hint = match &error {
            ReplayError::Faults { first, .. } => TraceError::hint(first).to_owned(),
            ReplayError::NoLength { .. } | ReplayError::Tokenizer { .. } | ReplayError::Empty { .. } => String::new(),
        };
        ConfigError::new(flag, format!("`{}`: {}", file.path.display(), chain(&error)), hint)
    })
}

/// The lengths of a file: what `trace:FILE` means in a distribution.
fn lengths_of(flag: &'static str, path: &str, tokenizer: &Tokenizer) -> Result<Replay, ConfigError> {
    let file = TraceFile { path: PathBuf::from(path), options: TraceOptions::default(), repeats: false };
    read(flag, &file, None, tokenizer)
}

/// Which of a request's two lengths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Input,
    Output,
}

/// A distribution of lengths, the files that it names read.
pub(super) fn dist(which: Which, text: &str, tokenizer: &Tokenizer) -> Result<Dist, ConfigError> {
    let flag = match which {
        Which::Input => "input-tokens",
        Which::Output => "output-tokens",
    };
    let mut refused = None;
    let mut read = |path: &str| {
        let lengths = lengths_of(flag, path, tokenizer).map(|replay| match which {
            Which::Input => replay.inputs(),
            Which::Output => replay.outputs(),
        });
        lengths.map_err(|error| {
            refused = Some(error);
            ParseError {
                quantity: "trace",
                text: path.to_owned(),
                reason: "is refused".to_owned(),
                hint: String::new(),
            }
        })
    };
    let parsed = Dist::<Tokens>::parse_with(text, &mut read);
    match (parsed, refused) {
        (_, Some(error)) => Err(error),
        (Ok(dist), None) => Ok(dist),
        (Err(error), None) => Err(ConfigError::of_value(flag, &error)),
    }
}

/// Lengths that are drawn together: by a law, or as pairs of a file.
pub(super) fn joint(text: &str, tokenizer: &Tokenizer) -> Result<JointLengths, ConfigError> {
    let Some(path) = text.trim().strip_prefix("trace:") else {
        return text.parse().map_err(|error: ParseError| ConfigError::of_value("lengths", &error));
    };
    let replay = lengths_of("lengths", path, tokenizer)?;
    let none = || ConfigError::new("lengths", format!("`{path}` has no request of which both lengths are said"), "");
    replay.pairs(path).ok_or_else(none)
}

/// An error and its causes in one line.
fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        line = format!("{line}: {inner}");
        cause = inner.source();
    }
    line
}
