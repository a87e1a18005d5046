//! Keys and values as they were typed, checked against the list of parameters, and what they settle to. Knows no defaults.

use std::ops::RangeInclusive;

use super::super::cost::UnknownName;
use super::ConfigError;
use super::parameters::{SchedulerName, parameters_of};

/// What was typed; and, growing with every reading, each parameter that the engine has with its value.
#[derive(Debug)]
pub(super) struct Pairs {
    typed: Vec<(&'static str, String)>,
    settled: Vec<(&'static str, String)>,
}

impl Pairs {
    pub(super) fn read<K: AsRef<str>, V: AsRef<str>>(
        scheduler: SchedulerName,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, ConfigError> {
        let mut typed: Vec<(&'static str, String)> = Vec::new();
        for (key, value) in pairs {
            let key = key.as_ref();
            let names = || parameters_of(scheduler).map(|parameter| parameter.name);
            let name = names().find(|name| *name == key).ok_or_else(|| ConfigError::Key {
                key: key.to_owned(),
                scheduler: scheduler.to_string(),
                nearest: UnknownName::new("parameter", key, names()).nearest,
            })?;
            if typed.iter().any(|(earlier, _)| *earlier == name) {
                return Err(ConfigError::Twice { key: name });
            }
            typed.push((name, value.as_ref().trim().to_owned()));
        }
        Ok(Self { typed, settled: Vec::new() })
    }

    /// Every parameter that was read, with the value it had or got.
    pub(super) fn into_settled(self) -> Vec<(&'static str, String)> {
        self.settled
    }

    /// What was typed, if anything; it does not settle by that.
    pub(super) fn typed(&self, key: &str) -> Option<String> {
        self.typed.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
    }

    pub(super) fn settle(&mut self, key: &'static str, value: impl ToString) {
        self.settled.push((key, value.to_string()));
    }

    pub(super) fn text(&mut self, key: &'static str, default: &str) -> String {
        let text = self.typed(key).unwrap_or_else(|| default.to_owned());
        self.settle(key, &text);
        text
    }

    pub(super) fn whole(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> Result<u64, ConfigError> {
        self.whole_or(key, range, || Ok(default))
    }

    /// The same with a default that may not be had.
    pub(super) fn whole_or(
        &mut self,
        key: &'static str,
        range: RangeInclusive<u64>,
        default: impl FnOnce() -> Result<u64, ConfigError>,
    ) -> Result<u64, ConfigError> {
        let number = match self.typed(key) {
            None => default()?,
            Some(text) => text.parse().ok().filter(|number| range.contains(number)).ok_or_else(|| {
                let reason = format!("is not a whole number from {} to {}", range.start(), range.end());
                // Whoever overshoots means the largest; whoever types something else sees the smallest.
                let overshoots = text.bytes().all(|b| b.is_ascii_digit()) && text.bytes().any(|b| b != b'0');
                let nearest = if overshoots { range.end() } else { range.start() };
                refuse(key, &text, reason, format!("{key}={nearest}"))
            })?,
        };
        self.settle(key, number);
        Ok(number)
    }

    /// Nanoseconds, with decimals, up to an hour.
    pub(super) fn ns(&mut self, key: &'static str, default: f64) -> Result<f64, ConfigError> {
        let ns = match self.typed(key) {
            None => default,
            Some(text) => text.parse().ok().filter(|ns| (0.0..=3.6e12).contains(ns)).ok_or_else(|| {
                let reason = "is not a number of nanoseconds, up to an hour".to_owned();
                refuse(key, &text, reason, format!("{key}=500000"))
            })?,
        };
        self.settle(key, ns);
        Ok(ns)
    }

    /// `true` as the one, `false` as the other.
    pub(super) fn either<T>(&mut self, key: &'static str, yes: T, no: T, default: &str) -> Result<T, ConfigError> {
        match self.text(key, default).as_str() {
            "true" => Ok(yes),
            "false" => Ok(no),
            text => Err(refuse(key, text, "is neither true nor false".into(), format!("{key}=true"))),
        }
    }
}

pub(super) fn refuse(key: &'static str, value: &str, reason: String, hint: String) -> ConfigError {
    ConfigError::Value { key, value: value.to_owned(), reason, hint }
}
