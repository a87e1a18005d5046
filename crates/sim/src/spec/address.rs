//! A simulated engine's address: the engine, and in whose time it runs. Knows no engine's settings.

use std::fmt;
use std::str::FromStr;

use super::{Spec, SpecError};

/// In whose time an engine runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Time {
    /// It serves, and its clients wait.
    #[default]
    Wall,
    /// From event to event, without waiting and without sockets.
    Virtual,
}

/// `sim:ENGINE?...`, in which `time=virtual` or `time=wall` may stand among the settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    /// The engine.
    pub spec: Spec,
    /// In whose time it runs.
    pub time: Time,
}

const KEY: &str = "time";

impl FromStr for Address {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let (engine, settings) = text.trim().split_once('?').unwrap_or((text.trim(), ""));
        let mut time = None;
        let mut rest = Vec::new();
        for setting in settings.split('&').filter(|setting| !setting.is_empty()) {
            match setting.split_once('=') {
                Some((KEY, _)) if time.is_some() => return Err(SpecError::Twice { key: KEY }),
                Some((KEY, value)) => time = Some(Time::read(value)?),
                Some(_) | None => rest.push(setting),
            }
        }
        let text = if rest.is_empty() { engine.to_owned() } else { format!("{engine}?{}", rest.join("&")) };
        Ok(Self { spec: text.parse()?, time: time.unwrap_or_default() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.time {
            Time::Wall => write!(f, "{}", self.spec),
            Time::Virtual => write!(f, "{}&{KEY}=virtual", self.spec),
        }
    }
}

impl Time {
    fn read(value: &str) -> Result<Self, SpecError> {
        match value {
            "wall" => Ok(Self::Wall),
            "virtual" => Ok(Self::Virtual),
            _ => Err(SpecError::BadValue {
                key: KEY,
                value: value.to_owned(),
                reason: "one of wall, virtual is wanted".to_owned(),
                hint: format!("{KEY}=virtual"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, spec: &str, time: Time) {
        let address: Address = text.parse().unwrap();
        assert_eq!(address, Address { spec: spec.parse().unwrap(), time });
        assert_eq!(address.to_string().parse::<Address>().unwrap(), address, "{address}");
    }

    #[test]
    fn the_time_may_stand_anywhere_among_the_settings() {
        check("sim:fixed?ttft=5ms", "sim:fixed?ttft=5ms", Time::Wall);
        check("sim:fixed?time=virtual&ttft=5ms", "sim:fixed?ttft=5ms", Time::Virtual);
        check("sim:queue?service=1ms&time=wall", "sim:queue?service=1ms", Time::Wall);
        check("sim:sarathi?time=virtual", "sim:sarathi", Time::Virtual);
        check("sim:", "sim:", Time::Wall);
        check("sim:?time=virtual", "sim:", Time::Virtual);
    }

    #[test]
    fn another_time_is_refused() {
        for (text, message) in [("sim:?time=vitual", "one of wall, virtual"), ("sim:?time=wall&time=wall", "twice")] {
            assert!(text.parse::<Address>().unwrap_err().to_string().contains(message), "{text}");
        }
    }
}
