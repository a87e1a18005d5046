//! The settings that name files of requests: opened, read to their end and checked before anything is sent. Knows no load.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use metron_units::{ParseError, Tokens};
use metron_workload::trace::{TimeUnit, TraceOptions};
use metron_workload::{
    Answers, Bound, Dist, JointLengths, Limit, Reading, Replay, ReplayError, Speed, Tokenizer, TraceError, TraceFormat,
    Warmup,
};

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
    bound: Option<Bound>,
    tokenizer: &Tokenizer,
) -> Result<Option<Replayed>, ConfigError> {
    let (flag, path, repeats) = match (&config.trace, &config.dataset) {
        (Some(_), Some(_)) => {
            let message = "a trace and a dataset contradict each other: both say what is sent";
            return Err(ConfigError::new("dataset", message, "leave one of the two out"));
        }
        (None, None) => {
            return match of_a_file(config) {
                Some(flag) => Err(ConfigError::new(flag, "it is that of a trace, and none is given", "--trace FILE")),
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
    let file = TraceFile { path: path.clone(), options: options(config)?, repeats };
    let reading = Reading {
        // Of turns that are dropped nobody knows beforehand how many there are.
        most: most.filter(|_| bound.is_none()),
        tokenizer: Some(tokenizer.clone()),
        answers: answers(config, bound.as_ref())?,
        bound,
        again: Some(again(&file)),
        ..Reading::default()
    };
    let replay = read(flag, &file, reading)?.at_speed(speed(config)?);
    let replay = if repeats { replay.repeating() } else { replay };
    Ok(Some(Replayed { replay, file }))
}

/// The setting that says how a file is replayed, if there is one.
fn of_a_file(config: &RunConfig) -> Option<&'static str> {
    let asked = [
        ("speed", config.speed.is_some()),
        ("answers", config.answers.is_some()),
        ("trace-format", config.trace_format.is_some()),
        ("trace-columns", !config.trace_columns.is_empty()),
        ("trace-time-unit", config.trace_time_unit.is_some()),
        ("trace-block", config.trace_block.is_some()),
        ("trace-window", config.trace_window.is_some()),
    ];
    asked.into_iter().find_map(|(flag, is_asked)| is_asked.then_some(flag))
}

/// How the content of the file is to be understood.
fn options(config: &RunConfig) -> Result<TraceOptions, ConfigError> {
    let unit = config.trace_time_unit.as_deref().map(|text| {
        TimeUnit::from_name(text).ok_or_else(|| {
            ConfigError::new("trace-time-unit", format!("`{text}` is none of s, ms, us, ns"), "--trace-time-unit ms")
        })
    });
    let format = config.trace_format.as_deref().map(|name| {
        let known = || TraceFormat::ALL.map(TraceFormat::name).join(", ");
        TraceFormat::from_name(name)
            .ok_or_else(|| ConfigError::new("trace-format", format!("`{name}` is none of {}", known()), "leave it out"))
    });
    let renamed = config.trace_columns.iter().map(|text| {
        text.split_once('=').map(|(ours, theirs)| (ours.trim().to_owned(), theirs.trim().to_owned())).ok_or_else(|| {
            let message = format!("`{text}` says not which name of the format stands for which of the file");
            ConfigError::new("trace-columns", message, "--trace-columns timestamp=ts")
        })
    });
    let positive = |flag: &'static str, value: Option<u64>| match value {
        Some(0) => Err(ConfigError::new(flag, "it is at least 1", format!("--{flag} 16"))),
        other => Ok(other),
    };
    let window = positive("trace-window", config.trace_window)?;
    Ok(TraceOptions {
        format: format.transpose()?,
        time_unit: unit.transpose()?,
        block: positive("trace-block", config.trace_block)?.map(Tokens::new),
        window: window.map(|window| usize::try_from(window).unwrap_or(usize::MAX)),
        renamed: renamed.collect::<Result<_, _>>()?,
    })
}

fn answers(config: &RunConfig, bound: Option<&Bound>) -> Result<Answers, ConfigError> {
    match (config.answers.as_deref(), bound) {
        (None | Some("live"), _) => Ok(Answers::Live),
        (Some("recorded"), None) => Ok(Answers::Recorded),
        (Some("recorded"), Some(_)) => {
            let message = "with recorded answers each turn stands alone, and no session could be cut short";
            Err(ConfigError::new("answers", message, "--answers live"))
        }
        (Some(other), _) => {
            Err(ConfigError::new("answers", format!("`{other}` is none of live, recorded"), "--answers live"))
        }
    }
}

/// Opens the file once more.
fn again(file: &TraceFile) -> metron_workload::Again {
    let file = file.clone();
    Arc::new(move || match file.open() {
        Ok(trace) => Ok(trace),
        Err(TraceFileError::Read { source, .. }) => Err(source),
        Err(TraceFileError::Open { source, .. }) => Err(TraceError::Unreadable { line: 1, source }),
        Err(TraceFileError::Shorter { .. } | TraceFileError::Fault { .. }) => unreachable!("it was only opened"),
    })
}

fn speed(config: &RunConfig) -> Result<Speed, ConfigError> {
    let Some(text) = &config.speed else { return Ok(Speed::AS_RECORDED) };
    if config.trace.is_none() {
        return Err(ConfigError::new("speed", "it is that of a trace, and a dataset has none", "--rate 4"));
    }
    text.parse().map_err(|error: ParseError| ConfigError::of_value("speed", &error))
}

fn read(flag: &'static str, file: &TraceFile, reading: Reading) -> Result<Replay, ConfigError> {
    let trace = file.open().map_err(|error| {
        let hint = match &error {
            TraceFileError::Read { source, .. } => source.hint().to_owned(),
            TraceFileError::Open { .. } | TraceFileError::Shorter { .. } | TraceFileError::Fault { .. } => {
                String::new()
            }
        };
        ConfigError::new(flag, chain(&error), hint)
    })?;
    Replay::read(trace, reading).map_err(|error| {
        let hint = match &error {
            ReplayError::Faults { first, .. } => TraceError::hint(first).to_owned(),
            ReplayError::NoLength { .. }
            | ReplayError::Tokenizer { .. }
            | ReplayError::Turns { .. }
            | ReplayError::Classes { .. }
            | ReplayError::Empty { .. } => String::new(),
        };
        ConfigError::new(flag, format!("`{}`: {}", file.path.display(), chain(&error)), hint)
    })
}

/// The lengths of a file: what `trace:FILE` means in a distribution.
fn lengths_of(flag: &'static str, path: &str, tokenizer: &Tokenizer) -> Result<Replay, ConfigError> {
    let file = TraceFile { path: PathBuf::from(path), options: TraceOptions::default(), repeats: false };
    // Lengths are drawn from all of the file, and a turn's is that of what it says again, too.
    let reading = Reading { tokenizer: Some(tokenizer.clone()), answers: Answers::Recorded, ..Reading::default() };
    read(flag, &file, reading)
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
