//! Keys and values as they were typed, checked against the list of parameters. Knows no defaults.

use std::ops::RangeInclusive;

use super::super::cost::UnknownName;
use super::ConfigError;
use super::parameters::{SchedulerName, parameters_of};

#[derive(Debug)]
pub(super) struct Pairs(Vec<(&'static str, String)>);

impl Pairs {
    pub(super) fn read<K: AsRef<str>, V: AsRef<str>>(
        scheduler: SchedulerName,
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, ConfigError> {
        let mut read: Vec<(&'static str, String)> = Vec::new();
        for (key, value) in pairs {
            let key = key.as_ref();
            let names = || parameters_of(scheduler).map(|parameter| parameter.name);
            let name = names().find(|name| *name == key).ok_or_else(|| ConfigError::Key {
                key: key.to_owned(),
                scheduler: scheduler.to_string(),
                nearest: UnknownName::new("parameter", key, names()).nearest,
            })?;
            if read.iter().any(|(earlier, _)| *earlier == name) {
                return Err(ConfigError::Twice { key: name });
            }
            read.push((name, value.as_ref().trim().to_owned()));
        }
        Ok(Self(read))
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn whole(&self, key: &'static str, range: RangeInclusive<u64>) -> Result<Option<u64>, ConfigError> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let refused = || {
            let reason = format!("is not a whole number from {} to {}", range.start(), range.end());
            // Whoever overshoots means the largest; whoever types something else sees the smallest.
            let nearest =
                if text.bytes().all(|b| b.is_ascii_digit()) && text != "0" { range.end() } else { range.start() };
            refuse(key, text, reason, format!("{key}={nearest}"))
        };
        text.parse().ok().filter(|number| range.contains(number)).map(Some).ok_or_else(refused)
    }

    /// Nanoseconds, with decimals, up to an hour.
    pub(super) fn ns(&self, key: &'static str) -> Result<Option<f64>, ConfigError> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let number: Option<f64> = text.parse().ok().filter(|ns| (0.0..=3.6e12).contains(ns));
        let refused =
            || refuse(key, text, "is not a number of nanoseconds, up to an hour".into(), format!("{key}=500000"));
        number.map(Some).ok_or_else(refused)
    }

    pub(super) fn yes(&self, key: &'static str) -> Result<Option<bool>, ConfigError> {
        let Some(text) = self.text(key) else { return Ok(None) };
        let refused = |_| refuse(key, text, "is neither true nor false".into(), format!("{key}=true"));
        text.parse().map(Some).map_err(refused)
    }
}

pub(super) fn refuse(key: &'static str, value: &str, reason: String, hint: String) -> ConfigError {
    ConfigError::Value { key, value: value.to_owned(), reason, hint }
}
