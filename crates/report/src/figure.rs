//! Figures as a person reads them: seconds in the unit that fits, numbers with the digits that mean something.
//!
//! All figures of one row share unit and decimals, so that they can be compared by looking.

/// A unit of time for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimeUnit {
    Seconds,
    Millis,
    Micros,
}

impl TimeUnit {
    /// The unit in which `seconds` has one to three digits before the point, as far as the units go.
    pub(crate) fn fitting(seconds: f64) -> Self {
        match seconds {
            s if s >= 1.0 => Self::Seconds,
            s if s >= 0.001 || s == 0.0 => Self::Millis,
            _ => Self::Micros,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "s",
            Self::Millis => "ms",
            Self::Micros => "us",
        }
    }

    /// `seconds` in this unit.
    pub(crate) fn of(self, seconds: f64) -> f64 {
        seconds * self.per_second()
    }

    const fn per_second(self) -> f64 {
        match self {
            Self::Seconds => 1.0,
            Self::Millis => 1e3,
            Self::Micros => 1e6,
        }
    }
}

/// How one row is shown: every figure of it in one unit with the same decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scale {
    unit: Option<TimeUnit>,
    decimals: usize,
}

impl Scale {
    /// For times around `typical` seconds.
    pub(crate) fn of_time(typical: f64) -> Self {
        let unit = TimeUnit::fitting(typical);
        let decimals = match unit {
            TimeUnit::Seconds => 2,
            TimeUnit::Millis | TimeUnit::Micros => decimals(typical * unit.per_second()).min(2),
        };
        Self { unit: Some(unit), decimals }
    }

    /// For plain numbers around `typical`.
    pub(crate) fn of_number(typical: f64) -> Self {
        Self { unit: None, decimals: decimals(typical) }
    }

    /// The unit's name, empty for a plain number.
    pub(crate) fn unit(self) -> &'static str {
        self.unit.map_or("", TimeUnit::name)
    }

    /// `value` (seconds, or the plain number) without its unit.
    pub(crate) fn show(self, value: f64) -> String {
        let scaled = value * self.unit.map_or(1.0, TimeUnit::per_second);
        format!("{scaled:.*}", self.decimals)
    }

    /// `value` with its unit.
    pub(crate) fn with_unit(self, value: f64) -> String {
        let text = self.show(value);
        if self.unit().is_empty() { text } else { format!("{text} {}", self.unit()) }
    }
}

/// Decimals that leave three or four significant digits.
fn decimals(value: f64) -> usize {
    match value.abs() {
        0.0 => 0,
        v if v < 10.0 => 2,
        v if v < 1000.0 => 1,
        _ => 0,
    }
}

/// A lone time in the unit that fits it.
pub(crate) fn time(seconds: f64) -> String {
    Scale::of_time(seconds).with_unit(seconds)
}

/// A time that someone set, as it was meant: `300 ms`, not `300.0 ms`.
pub(crate) fn setting(seconds: f64) -> String {
    metron_units::Nanos::from_secs_f64(seconds).map_or_else(|| time(seconds), |time| time.to_string())
}

/// A lone number.
pub(crate) fn number(value: f64) -> String {
    Scale::of_number(value).show(value)
}

/// A share as a percentage; never 100 % for what is not all, nor 0 % for what is not nothing.
pub(crate) fn share(value: f64) -> String {
    metron_units::Share::new(value).map_or_else(|_| number(value), |share| share.to_string())
}

/// A figure in the unit that the catalogue names: seconds and shares as a person reads them, the others with their unit.
pub(crate) fn in_unit(value: f64, unit: &str) -> String {
    match unit {
        "s" => time(value),
        "share" => share(value),
        "" | "1" => number(value),
        unit => format!("{} {unit}", number(value)),
    }
}

/// `1 request`, `2 requests`.
pub(crate) fn count(n: u64, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_unit_that_fits() {
        for (seconds, text) in [
            (0.1003, "100.3 ms"),
            (0.0205, "20.5 ms"),
            (1.5, "1.50 s"),
            (0.000_012, "12.0 us"),
            (0.0, "0 ms"),
            (0.002, "2.00 ms"),
        ] {
            assert_eq!(time(seconds), text);
        }
    }

    #[test]
    fn a_row_keeps_one_unit() {
        let scale = Scale::of_time(0.1);
        assert_eq!([0.1, 0.25, 12.0].map(|s| scale.show(s)), ["100.0", "250.0", "12000.0"]);
    }

    #[test]
    fn counts_agree_with_their_noun() {
        assert_eq!((count(1, "request"), count(0, "request")), ("1 request".to_owned(), "0 requests".to_owned()));
    }
}
