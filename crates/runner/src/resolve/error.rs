//! A setting that the user has to mend. Knows no setting.

use std::fmt;

use metron_units::ParseError;

/// A setting cannot mean what it says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("--{flag}: {message}")]
pub struct ConfigError {
    /// The flag, without its dashes.
    pub flag: &'static str,
    /// What is wrong with its value.
    pub message: String,
    /// What could be typed instead; empty if there is no good guess.
    pub hint: String,
}

impl ConfigError {
    pub(crate) fn new(flag: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { flag, message: message.into(), hint: hint.into() }
    }

    /// Of another room's error, whose text may end in a line with a hint.
    pub(crate) fn of(flag: &'static str, error: &impl fmt::Display) -> Self {
        let text = error.to_string();
        match text.split_once("\n  hint: ") {
            Some((message, hint)) => Self::new(flag, message, hint),
            None => Self::new(flag, text, ""),
        }
    }

    /// Of a value that its type refused; the hint is the flag with what was probably meant.
    pub(super) fn of_value(flag: &'static str, error: &ParseError) -> Self {
        let plain = |hint: &str| hint.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-:,@/".contains(&b));
        let hint = match error.hint.as_str() {
            "" => String::new(),
            hint if plain(hint) => format!("--{flag} {hint}"),
            hint => format!("--{flag} '{hint}'"),
        };
        Self::new(flag, error.to_string(), hint)
    }
}
