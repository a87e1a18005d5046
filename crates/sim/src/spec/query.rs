//! Settings as text: `key=value&key=value`. Knows which keys an engine has, not what they mean.

use std::str::FromStr;

use metron_units::{Nanos, ParseError};

use super::SpecError;

/// The settings of one engine, each at most once, with known keys only.
#[derive(Debug)]
pub(super) struct Query<'a> {
    engine: &'static str,
    settings: Vec<(&'static str, &'a str)>,
}

impl<'a> Query<'a> {
    /// Splits `text`; an error for a key that is not `known` or that comes twice.
    pub(super) fn read(engine: &'static str, known: &[&'static str], text: &'a str) -> Result<Self, SpecError> {
        let mut settings: Vec<(&'static str, &'a str)> = Vec::new();
        for setting in text.split('&').filter(|setting| !setting.is_empty()) {
            let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
            let known_key = known.iter().find(|&&known| known == key);
            let key = *known_key.ok_or_else(|| SpecError::unknown_key(engine, key, known))?;
            if settings.iter().any(|&(earlier, _)| earlier == key) {
                return Err(SpecError::Twice { key });
            }
            settings.push((key, value));
        }
        Ok(Self { engine, settings })
    }

    /// The value of `key` read by its type's own parser; `None` if it is not set.
    pub(super) fn parsed<T: FromStr<Err = ParseError>>(&self, key: &'static str) -> Result<Option<T>, SpecError> {
        let read = |value: &str| value.parse().map_err(|refused| SpecError::refused_value(key, value, &refused));
        self.value(key).map(read).transpose()
    }

    /// A duration of at most a thousand hours, so that no sum of them leaves the range of an instant.
    pub(super) fn duration(&self, key: &'static str) -> Result<Option<Nanos>, SpecError> {
        const LONGEST: Nanos = Nanos::from_secs(3_600_000);
        match self.parsed(key)? {
            Some(duration) if duration > LONGEST => Err(self.bad(key, "the time is over 1000 hours", "1h")),
            other => Ok(other),
        }
    }

    /// A whole number from `least` to `most`.
    pub(super) fn count(&self, key: &'static str, least: u64, most: u64) -> Result<Option<u64>, SpecError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
        match value.parse::<u64>() {
            Ok(count) if digits && (least..=most).contains(&count) => Ok(Some(count)),
            Ok(count) if digits => {
                let nearest = count.clamp(least, most).to_string();
                Err(self.bad(key, &format!("the number lies outside {least} to {most}"), &nearest))
            }
            _ => Err(self.bad(key, &format!("a whole number from {least} to {most} is wanted"), &least.to_string())),
        }
    }

    /// One of a few words, each with its meaning.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Result<Option<T>, SpecError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let known = words.iter().find(|(word, _)| *word == value);
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        match known {
            Some(&(_, meaning)) => Ok(Some(meaning)),
            None => Err(self.bad(key, &format!("one of {} is wanted", names.join(", ")), names[0])),
        }
    }

    /// The error for a `key` that must be set and is not; `example` is a value that would do.
    pub(super) fn missing(&self, key: &'static str, example: &str) -> SpecError {
        SpecError::Missing { engine: self.engine, key, hint: format!("{key}={example}") }
    }

    fn value(&self, key: &'static str) -> Option<&'a str> {
        self.settings.iter().find(|(set, _)| *set == key).map(|&(_, value)| value)
    }

    fn bad(&self, key: &'static str, reason: &str, instead: &str) -> SpecError {
        SpecError::bad_value(key, self.value(key).unwrap_or_default(), reason, instead)
    }
}
