//! Why a text is no simulated engine, and what could be typed instead.

use metron_units::ParseError;

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
    #[error("there is no simulated engine `{name}`")]
    UnknownEngine {
        /// The name as given.
        name: String,
        /// The nearest known one, or all of them.
        hint: String,
    },
    /// A setting that this engine does not have.
    #[error("the simulated engine `{engine}` has no setting `{key}`")]
    UnknownKey {
        /// The engine.
        engine: &'static str,
        /// The setting's name as given.
        key: String,
        /// The nearest known one, or all of them.
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
        /// A value that would do.
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
        /// What was probably meant, with the setting's name; empty if there is no good guess.
        hint: String,
    },
    /// A scheduler's engine that cannot be.
    #[error(transparent)]
    Engine(#[from] ConfigError),
}

impl SpecError {
    /// What could be typed instead, on a line of its own; `None` if there is no good guess.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Engine(error) => return error.hint(),
            Self::NoScheme { .. } => "sim:",
            Self::Twice { .. } => "",
            Self::UnknownEngine { hint, .. }
            | Self::UnknownKey { hint, .. }
            | Self::Missing { hint, .. }
            | Self::BadValue { hint, .. } => hint,
        };
        (!hint.is_empty()).then(|| hint.to_owned())
    }

    pub(super) fn unknown_engine(name: &str, known: &[&str]) -> Self {
        let hint = match nearest(name, known) {
            Some(engine) => format!("sim:{engine}"),
            None => format!("one of {}", known.join(", ")),
        };
        Self::UnknownEngine { name: name.to_owned(), hint }
    }

    pub(super) fn unknown_key(engine: &'static str, key: &str, known: &[&'static str]) -> Self {
        let hint = match nearest(key, known) {
            Some(key) => format!("{key}="),
            None => format!("one of {}", known.join(", ")),
        };
        Self::UnknownKey { engine, key: key.to_owned(), hint }
    }

    pub(super) fn refused_value(key: &'static str, value: &str, refused: &ParseError) -> Self {
        let hint = if refused.hint.is_empty() { String::new() } else { format!("{key}={}", refused.hint) };
        Self::BadValue { key, value: value.to_owned(), reason: refused.to_string(), hint }
    }
}

/// The known name that is likeliest meant, if any is near enough to be a slip of the pen.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = |candidate: &&&str| strsim::jaro_winkler(name, candidate);
    known
        .iter()
        .max_by(|a, b| near(a).total_cmp(&near(b)))
        .copied()
        .filter(|best| strsim::jaro_winkler(name, best) > 0.7)
}
