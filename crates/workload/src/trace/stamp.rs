//! When something happened, as traces write it: a number of some unit, or a date and time. Knows no field.

use super::number::scaled;

/// An instant in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    pub(super) ns: i64,
    pub(super) clock: Clock,
}

/// From what a stamp counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Clock {
    /// From the trace's start, which is the file's own zero.
    Trace,
    /// A clock of the world that says how far it is from UTC, or counts from 1970.
    World,
    /// A clock of the world that does not say where: only differences mean something.
    Local,
}

/// In what a bare number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

impl TimeUnit {
    /// The unit of this name: `s`, `ms`, `us` or `ns`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "s" => Self::Seconds,
            "ms" => Self::Milliseconds,
            "us" => Self::Microseconds,
            "ns" => Self::Nanoseconds,
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::Nanoseconds => "ns",
        }
    }

    pub(super) fn ns(self) -> i64 {
        match self {
            Self::Seconds => 1_000_000_000,
            Self::Milliseconds => 1_000_000,
            Self::Microseconds => 1_000,
            Self::Nanoseconds => 1,
        }
    }
}

/// A number from this many seconds on (September 2001) is a time of day, and counts from 1970: no trace is as long.
const FIRST_OF_WORLD_NS: i64 = 1_000_000_000 * 1_000_000_000;

impl Stamp {
    /// A number of `unit`, not negative; `None` if it is none.
    pub(super) fn from_number(text: &str, unit: TimeUnit) -> Option<Self> {
        let ns = scaled(text, unit.ns()).filter(|&ns| ns >= 0 && !text.starts_with('-'))?;
        let clock = if ns >= FIRST_OF_WORLD_NS { Clock::World } else { Clock::Trace };
        Some(Self { ns, clock })
    }

    /// A date and time: `2023-11-16 18:20:01.1234567`, with `T` or a space between, with or without an offset. Digits
    /// behind the ninth are refused.
    pub(super) fn from_date(text: &str) -> Option<Self> {
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Some(Self { ns: i64::try_from(at.as_nanosecond()).ok()?, clock: Clock::World });
        }
        // A date alone is no instant.
        if !text.contains(':') {
            return None;
        }
        let at = text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self { ns: i64::try_from(at.timestamp().as_nanosecond()).ok()?, clock: Clock::Local })
    }

    /// Whichever of the two it is.
    pub(super) fn read(text: &str, unit: TimeUnit) -> Option<Self> {
        Self::from_number(text, unit).or_else(|| Self::from_date(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, ns: i64, clock: Clock) {
        assert_eq!(Stamp::read(text, TimeUnit::Seconds), Some(Stamp { ns, clock }), "{text}");
    }

    #[test]
    fn every_digit_of_a_date_is_kept() {
        check("1970-01-01 00:00:01.1234567", 1_123_456_700, Clock::Local);
        check("1970-01-01T00:00:00.000000001", 1, Clock::Local);
        check("1970-01-01 00:00:00.004210+00:00", 4_210_000, Clock::World);
        check("1970-01-01 02:00:00.004210+02:00", 4_210_000, Clock::World);
        check("1970-01-01T00:00:00Z", 0, Clock::World);
        check("2026-02-25T10:00:00", 1_772_013_600_000_000_000, Clock::Local);
    }

    #[test]
    fn numbers_count_from_the_start_of_the_trace_or_from_1970() {
        check("61", 61_000_000_000, Clock::Trace);
        check("0.5", 500_000_000, Clock::Trace);
        check("1700000000.5", 1_700_000_000_500_000_000, Clock::World);
        assert_eq!(Stamp::read("3052", TimeUnit::Milliseconds).map(|at| at.ns), Some(3_052_000_000));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "-1", "-0", "2023-11-16", "18:20:01", "yesterday", "2023-13-01 00:00:00", "99999999999999"] {
            assert_eq!(Stamp::read(text, TimeUnit::Seconds), None, "{text}");
        }
    }
}
