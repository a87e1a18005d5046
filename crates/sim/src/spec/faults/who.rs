//! Whom a fault befalls: every request, a share of them, or those that are named. Knows no fault.

use std::fmt;

use metron_units::Share;

use super::super::SpecError;
use super::{FAULT, Fault};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Who {
    Every,
    Share(Share),
    /// Ranges whose ends both count.
    Listed(Vec<(u64, u64)>),
}

impl Who {
    /// Reads `:SHARE`, `@LIST` or nothing; `fault` is kept in what could be typed instead.
    pub(super) fn read(text: &str, fault: &Fault) -> Result<Self, SpecError> {
        let refused = |reason: String, instead: &str| {
            SpecError::bad_value(FAULT, &format!("{fault}{text}"), reason, &format!("{fault}{instead}"))
        };
        if let Some(share) = text.strip_prefix(':') {
            let share = share.parse().map_err(|error: metron_units::ParseError| {
                let hint = if error.hint.is_empty() { "5%" } else { &error.hint };
                refused(error.to_string(), &format!(":{hint}"))
            });
            return share.map(Self::Share);
        }
        let Some(list) = text.strip_prefix('@') else { return Ok(Self::Every) };
        let range = |text: &str| {
            let (first, last) = text.split_once("..").unwrap_or((text, text));
            let number = |text: &str| text.trim().parse::<u64>().ok();
            number(first).zip(number(last)).filter(|(first, last)| first <= last)
        };
        let ranges: Option<Vec<_>> = list.split(',').map(range).collect();
        let reason = || format!("`{list}` is no list of requests' numbers and ranges of them");
        ranges.map(Self::Listed).ok_or_else(|| refused(reason(), "@3,7..9"))
    }

    /// Whether request `number`, whose draw is `drawn`, is one of them.
    pub(super) fn holds(&self, number: u64, drawn: f64) -> bool {
        match self {
            Self::Every => true,
            Self::Share(share) => drawn < share.get(),
            Self::Listed(ranges) => ranges.iter().any(|&(first, last)| (first..=last).contains(&number)),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => Ok(()),
            // As a number: a share's own words are rounded for people.
            Self::Share(share) => write!(f, ":{}", share.get()),
            Self::Listed(ranges) => {
                for (place, &(first, last)) in ranges.iter().enumerate() {
                    let before = if place == 0 { '@' } else { ',' };
                    write!(f, "{before}{first}")?;
                    if last > first {
                        write!(f, "..{last}")?;
                    }
                }
                Ok(())
            }
        }
    }
}
