//! Why a text is no simulated engine, and what could be typed instead.

use metron_units::ParseError;

use super::SCHEME;
use super::faults::FAULT;
use crate::engine::ConfigError;

/// A text that names no simulated engine, or sets it wrongly.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// Something else than `sim:...`.
    #[error("`{text}` does not start with `sim:`")]
    NoScheme {
        /// The whole text.
        text: String,
    },
    /// No engine of that name.
    #[error("there is no simulated engine `{name}`; there are {known}")]
    UnknownEngine {
        /// The name as given.
        name: String,
        /// All that there are.
        known: String,
        /// The nearest of them, as an address.
        hint: String,
    },
    /// A setting that this engine does not have.
    #[error("the simulated engine `{engine}` has no setting `{key}`; it has {known}")]
    UnknownKey {
        /// The engine.
        engine: &'static str,
        /// The setting's name as given.
        key: String,
        /// All that it has.
        known: String,
        /// The address with the nearest of them, or without any.
        hint: String,
    },
    /// One setting with two values.
    #[error("the setting `{key}` is given twice")]
    Twice {
        /// The setting's name.
        key: &'static str,
    },
    /// A setting without which another one, or the engine, means nothing.
    #[error("the simulated engine `{engine}` lacks the setting `{key}`")]
    Missing {
        /// The engine.
        engine: &'static str,
        /// The setting's name.
        key: &'static str,
        /// The address with a value that would do.
        hint: String,
    },
    /// A value that the setting cannot take.
    #[error("in `{key}={value}`, {reason}")]
    BadValue {
        /// The setting's name.
        key: &'static str,
        /// The value as given.
        value: String,
        /// Why it is refused, as the end of a sentence.
        reason: String,
        /// The address with what was probably meant; empty if there is no good guess.
        hint: String,
    },
    /// A scheduler's engine that cannot be.
    #[error("{source}")]
    Engine {
        /// Why not.
        source: ConfigError,
        /// The address with what was probably meant; empty if there is no good guess.
        hint: String,
    },
}

impl SpecError {
    /// The address that could be typed instead; `None` if there is no good guess.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoScheme { .. } => "sim:",
            Self::Twice { .. } => "",
            Self::UnknownEngine { hint, .. }
            | Self::UnknownKey { hint, .. }
            | Self::Missing { hint, .. }
            | Self::BadValue { hint, .. }
            | Self::Engine { hint, .. } => hint,
        };
        (!hint.is_empty()).then(|| hint.to_owned())
    }

    /// The same refusal, with a hint that holds the whole address: so far it held what the setting should be.
    pub(super) fn within(self, engine: &str, settings: &str) -> Self {
        let amended = |key: &str, setting: Option<String>| amended(engine, settings, key, setting);
        match self {
            Self::UnknownKey { engine, key, known, hint } => {
                let hint = amended(&key, renamed(settings, &key, &hint));
                Self::UnknownKey { engine, key, known, hint }
            }
            Self::Missing { engine, key, hint } => Self::Missing { engine, key, hint: amended(key, Some(hint)) },
            Self::BadValue { key, value, reason, hint } if !hint.is_empty() => {
                Self::BadValue { key, value, reason, hint: amended(key, Some(hint)) }
            }
            whole @ (Self::NoScheme { .. }
            | Self::UnknownEngine { .. }
            | Self::Twice { .. }
            | Self::BadValue { .. }
            | Self::Engine { .. }) => whole,
        }
    }

    pub(super) fn engine(source: ConfigError, engine: &str, settings: &str) -> Self {
        let hint = match (&source, source.hint()) {
            // A scheduler's own list does not hold what every engine takes.
            (ConfigError::Key { key, nearest, .. }, _) if nearest_of_both(key, nearest) == FAULT => {
                amended(engine, settings, key, renamed(settings, key, FAULT))
            }
            (ConfigError::Key { key, .. }, Some(near)) => amended(engine, settings, key, renamed(settings, key, &near)),
            (ConfigError::Name(unknown), Some(near)) => {
                amended(engine, settings, unknown.what, Some(format!("{}={near}", unknown.what)))
            }
            (ConfigError::Value { key, .. }, Some(value)) if !value.is_empty() && !value.contains('=') => {
                amended(engine, settings, key, Some(format!("{key}={value}")))
            }
            (_, Some(setting)) if setting.contains('=') => {
                let key = setting.split('=').next().unwrap_or_default().to_owned();
                amended(engine, settings, &key, Some(setting))
            }
            (_, _) => String::new(),
        };
        Self::Engine { source, hint }
    }

    pub(super) fn unknown_engine(name: &str, known: &[&str]) -> Self {
        let hint = format!("{SCHEME}{}", nearest(name, known).unwrap_or_default());
        Self::UnknownEngine { name: name.to_owned(), known: known.join(", "), hint }
    }

    pub(super) fn unknown_key(engine: &'static str, key: &str, known: &[&'static str]) -> Self {
        let hint = nearest(key, known).unwrap_or_default().to_owned();
        Self::UnknownKey { engine, key: key.to_owned(), known: known.join(", "), hint }
    }

    /// A value that is refused for `reason`, where `instead` could stand.
    pub(super) fn bad_value(key: &'static str, value: &str, reason: impl Into<String>, instead: &str) -> Self {
        Self::BadValue { key, value: value.to_owned(), reason: reason.into(), hint: format!("{key}={instead}") }
    }

    pub(super) fn refused_value(key: &'static str, value: &str, refused: &ParseError) -> Self {
        let hint = if refused.hint.is_empty() { String::new() } else { format!("{key}={}", refused.hint) };
        Self::BadValue { key, value: value.to_owned(), reason: refused.to_string(), hint }
    }
}

/// The address in which `setting` stands in the place of the one called `key`, or behind all others if there is none.
fn amended(engine: &str, settings: &str, key: &str, mut setting: Option<String>) -> String {
    let mut pairs: Vec<String> = Vec::new();
    for pair in settings.split('&').filter(|pair| !pair.is_empty()) {
        if pair.split('=').next() == Some(key) {
            pairs.extend(setting.take());
        } else {
            pairs.push(pair.to_owned());
        }
    }
    pairs.extend(setting);
    let question = if pairs.is_empty() { "" } else { "?" };
    format!("{SCHEME}{engine}{question}{}", pairs.join("&"))
}

/// The setting called `key` under the name `near`, its value kept; `None` if there is no such name.
fn renamed(settings: &str, key: &str, near: &str) -> Option<String> {
    let pair = settings.split('&').find(|pair| pair.split('=').next() == Some(key))?;
    (!near.is_empty()).then(|| format!("{near}{}", &pair[key.len()..]))
}

fn nearest_of_both<'a>(key: &str, own: &'a str) -> &'a str {
    nearest(key, &[own, FAULT]).unwrap_or(own)
}

/// The known name that is likeliest meant, if any is near enough to be a slip of the pen.
pub(super) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = |candidate: &&&str| strsim::jaro_winkler(name, candidate);
    known
        .iter()
        .max_by(|a, b| near(a).total_cmp(&near(b)))
        .copied()
        .filter(|best| strsim::jaro_winkler(name, best) > 0.7)
}
