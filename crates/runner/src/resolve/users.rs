//! The settings that say who asks: classes, sessions, users who give up. Knows no instant and no server.

use std::sync::Arc;

use metron_metrics::Deadlines;
use metron_metrics::objective::Objective;
use metron_units::{ParseError, Share};
use metron_wire::Header;
use metron_workload::{Bound, Cancellation, Class, Count, Dist, Mix, Replay, Sessions, Tokenizer};
use serde_json::{Map, Value};

use super::ConfigError;
use super::trace::{Which, dist};
use crate::RunConfig;
use crate::class::ClassConfig;
use crate::kind::Kinds;
use crate::variables::Lookup;

/// What the requests of one class have that others have not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClassShape {
    /// The model that they ask for, if it is not the run's.
    pub(crate) model: Option<String>,
    /// What is laid over their bodies.
    pub(crate) extra: Map<String, Value>,
}

/// The classes of a plan, of its rows, and of its bodies; all in one order.
#[derive(Debug, Clone)]
pub(super) struct Classes {
    pub(super) mix: Mix,
    pub(super) kinds: Kinds,
    pub(super) shapes: Vec<ClassShape>,
}

/// The classes of a configuration.
pub(super) fn classes(config: &RunConfig, tokenizer: &Tokenizer) -> Result<Classes, ConfigError> {
    let weights = weights(&config.classes)?;
    rates_agree(config)?;
    let mut classes = Vec::new();
    for (class, weight) in config.classes.iter().zip(weights) {
        let of_class = |error: ConfigError| of_class(&class.name, error);
        let length = |which, text: &Option<String>| {
            text.as_deref().map(|text| dist(which, text, tokenizer)).transpose().map_err(of_class)
        };
        for text in &class.slo {
            text.parse::<Objective>().map_err(|error| of_class(ConfigError::new("slo", error.to_string(), "")))?;
        }
        classes.push(Class {
            name: class.name.clone(),
            weight,
            input_tokens: length(Which::Input, &class.input_tokens)?,
            output_tokens: length(Which::Output, &class.output_tokens)?,
            turns: class.turns.as_deref().map(turns).transpose().map_err(of_class)?,
        });
    }
    let mix = Mix::new(classes).map_err(|error| ConfigError::new("class", error.to_string(), error.hint()))?;
    let shape = |class: &ClassConfig| ClassShape { model: class.model.clone(), extra: class.patch() };
    let shapes = config.classes.iter().map(shape).collect();
    Ok(Classes { mix, kinds: kinds(config), shapes })
}

fn of_class(name: &str, error: ConfigError) -> ConfigError {
    ConfigError { flag: "class", message: format!("class `{name}`: {}", error.message), hint: error.hint }
}

/// Each class's part: by rates, or by shares of which those that are not said divide the rest.
fn weights(classes: &[ClassConfig]) -> Result<Vec<f64>, ConfigError> {
    let refused = |message: &str, hint: &str| Err(ConfigError::new("class", message, hint));
    if let Some(rates) = classes.iter().map(|class| class.rate).collect::<Option<Vec<_>>>() {
        return match classes.iter().any(|class| class.share.is_some()) {
            true => refused("a class has a share or a rate, not both", "--class 'chat: 3/s' --class 'code: 1/s'"),
            false => Ok(rates.into_iter().map(metron_units::Rate::get).collect()),
        };
    }
    if classes.iter().any(|class| class.rate.is_some()) {
        return refused("either every class has a rate or none", "--class 'chat: 3/s' --class 'code: 1/s'");
    }
    /// Shares are written in decimals, and decimals in binary do not sum exactly.
    const ROUNDING: f64 = 1e-9;
    let said: f64 = classes.iter().filter_map(|class| class.share).map(Share::get).sum();
    let open = classes.iter().filter(|class| class.share.is_none()).count();
    let rest = 1.0 - said;
    if rest < -ROUNDING || (open == 0 && rest > ROUNDING) {
        let hint = "--class 'chat: 70%' --class 'code: 30%'";
        return refused(&format!("the shares sum to {:.4} %, not to 100 %", said * 100.0), hint);
    }
    if open > 0 && rest <= ROUNDING {
        return refused(
            "the shares leave nothing to the classes that have none",
            "--class 'chat: 70%' --class 'code:'",
        );
    }
    Ok(classes.iter().map(|class| class.share.map_or_else(|| rest / open as f64, Share::get)).collect())
}

/// The run's rate is the sum of its classes', if they have any.
fn rates_agree(config: &RunConfig) -> Result<(), ConfigError> {
    match (crate::class::rate(&config.classes), config.rate) {
        (Some(sum), Some(rate)) if sum != rate => {
            let message = format!("{rate} contradicts the classes' own rates, whose sum is {sum}");
            Err(ConfigError::new("rate", message, "leave --rate out"))
        }
        (Some(_), None) => {
            Err(ConfigError::new("class", "users who wait for answers have no rate", "--class 'chat: 70%'"))
        }
        (Some(_), Some(_)) | (None, _) => Ok(()),
    }
}

/// The headers that each class's requests have of their own, variables put in.
pub(super) fn headers(classes: &[ClassConfig], variables: Lookup<'_>) -> Result<Vec<Vec<Header>>, ConfigError> {
    let of = |class: &ClassConfig| {
        let headers = class.header.iter().map(|line| super::target::header(line, "class", variables));
        headers.collect::<Result<_, _>>().map_err(|error| of_class(&class.name, error))
    };
    classes.iter().map(of).collect()
}

fn kinds(config: &RunConfig) -> Kinds {
    let own = Deadlines { ttft: config.ttft_deadline, tbt: config.tbt_deadline };
    let class = |class: &ClassConfig| {
        let deadlines =
            Deadlines { ttft: class.ttft_deadline.unwrap_or(own.ttft), tbt: class.tbt_deadline.unwrap_or(own.tbt) };
        (Arc::from(class.name.as_str()), deadlines.into())
    };
    Kinds { deadlines: own.into(), classes: config.classes.iter().map(class).collect() }
}

/// How many turns of a file's conversations are sent, where that is bounded.
pub(super) fn bound(config: &RunConfig) -> Result<Option<Bound>, ConfigError> {
    if config.trace.is_none() && config.dataset.is_none() {
        return Ok(None);
    }
    if config.classes.iter().any(|class| class.turns.is_some()) {
        let message = "the file that is replayed has conversations of its own, whatever their class";
        return Err(ConfigError::new("class", message, "--turns 4"));
    }
    if config.turns.is_none() && config.abandon.is_none() {
        return Ok(None);
    }
    /// All that there are.
    const ALL: u64 = 1_000_000;
    let turns = config.turns.as_deref().map_or_else(|| Ok(Dist::fixed(Count::new(ALL))), turns)?;
    Ok(Some(Bound { sessions: Sessions { turns, abandon: config.abandon.unwrap_or(Share::NONE) }, seed: config.seed }))
}

/// The sessions of a configuration; `None` if each request stands alone, or the file that is replayed has its own.
pub(super) fn sessions(config: &RunConfig, replay: Option<&Replay>) -> Result<Option<Sessions>, ConfigError> {
    let recorded = replay.is_some_and(|replay| replay.sessions() > 0);
    if replay.is_some() {
        let needs =
            |flag| Err(ConfigError::new(flag, "the file that is replayed has no conversations", "leave it out"));
        return match config {
            RunConfig { turns: Some(_), .. } if !recorded => needs("turns"),
            RunConfig { abandon: Some(_), .. } if !recorded => needs("abandon"),
            RunConfig { session_header: Some(_), .. } if !recorded => needs("session-header"),
            RunConfig { agent: true, .. } if !recorded => needs("agent"),
            _ => {
                session_header(config)?;
                Ok(None)
            }
        };
    }
    let has_turns = config.turns.is_some() || config.classes.iter().any(|class| class.turns.is_some());
    if !has_turns {
        let needs = |flag, message: &str| Err(ConfigError::new(flag, message, "--turns 3"));
        return match config {
            RunConfig { abandon: Some(_), .. } => needs("abandon", "it is of sessions, and there are none"),
            RunConfig { session_header: Some(_), .. } => needs("session-header", "there are no sessions to name"),
            RunConfig { agent: true, .. } => needs("agent", "an agent takes several turns"),
            _ => Ok(None),
        };
    }
    session_header(config)?;
    let turns = config.turns.as_deref().map_or_else(|| Ok(Dist::fixed(Count::new(1))), turns)?;
    Ok(Some(Sessions { turns, abandon: config.abandon.unwrap_or(Share::NONE) }))
}

/// Refuses a name of sessions' header that is none, or a secret's.
fn session_header(config: &RunConfig) -> Result<(), ConfigError> {
    if let Some(name) = &config.session_header {
        let header = Header::parse(&format!("{name}: s"));
        let header = header.map_err(|error| ConfigError::of("session-header", &error))?;
        if header.is_secret() {
            let message = format!("`{name}` is the name of a secret");
            return Err(ConfigError::new("session-header", message, "--session-header X-Session-Id"));
        }
    }
    Ok(())
}

fn turns(text: &str) -> Result<Dist<Count>, ConfigError> {
    let turns: Dist<Count> = text.parse().map_err(|error: ParseError| ConfigError::of_value("turns", &error))?;
    if turns.constant() == Some(Count::new(0)) {
        return Err(ConfigError::new("turns", "a session has at least one turn", "--turns 3"));
    }
    Ok(turns)
}

/// How users give up.
pub(super) fn cancellations(config: &RunConfig) -> Result<Vec<Cancellation>, ConfigError> {
    let read = |text: &String| text.parse().map_err(|error: ParseError| ConfigError::of_value("cancel", &error));
    config.cancel.iter().map(read).collect()
}
