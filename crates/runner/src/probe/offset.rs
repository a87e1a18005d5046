//! The server's clock against this one, from the `Date` of its answers. A date has whole seconds, and was written some time
//! between the request and its head: each answer leaves an interval, and all of them together a smaller one.

use metron_results::probe::ClockOffset;
use metron_units::Nanos;
use metron_wire::{Answer, Clock};

const SECOND: i128 = 1_000_000_000;

/// What is known so far: the server's clock less this one, in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Offset {
    within: Option<(i128, i128)>,
}

impl Offset {
    /// Takes note of one answer; one without a date says nothing.
    pub(super) fn note(&mut self, clock: Clock, answer: &Answer) {
        let date = answer.head.header("date").and_then(unix_seconds);
        if let (Some(date), Some(sent), Some(came)) = (date, answer.dispatched, answer.headers) {
            let wall = |at: Nanos| i128::from(clock.started_at_unix_ns()) + i128::from(at.get());
            self.narrow(i128::from(date) * SECOND, wall(sent), wall(came));
        }
    }

    /// The server wrote a `date` of whole seconds at a moment between `sent` and `came` of this clock.
    fn narrow(&mut self, date: i128, sent: i128, came: i128) {
        let (low, high) = (date - came, date + SECOND - sent);
        let (low, high) = self.within.map_or((low, high), |(a, b)| (low.max(a), high.min(b)));
        // A date that was kept for a while (proxies do) contradicts the others: then the last word stands.
        self.within = Some(if low <= high { (low, high) } else { (date - came, date + SECOND - sent) });
    }

    pub(super) fn found(self) -> Option<ClockOffset> {
        self.within.map(|(low, high)| ClockOffset { low_s: low as f64 / 1e9, high_s: high as f64 / 1e9 })
    }
}

/// An HTTP date (RFC 9110) as seconds since 1970.
fn unix_seconds(date: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(date).ok().map(|date| date.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_read() {
        assert_eq!(unix_seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(unix_seconds("yesterday"), None);
    }

    #[test]
    fn several_answers_narrow_the_offset_down() {
        let mut offset = Offset::default();
        assert_eq!(offset.found(), None);
        // This clock is 0.25 s behind: at 9.65 to 9.70 of it the server's says 9, at 10.74 to 10.80 it says 11.
        offset.narrow(9 * SECOND, 9_650_000_000, 9_700_000_000);
        let first = offset.found().expect("an interval");
        assert!((first.low_s - -0.7).abs() < 1e-9 && (first.high_s - 0.35).abs() < 1e-9, "{first:?}");
        offset.narrow(11 * SECOND, 10_740_000_000, 10_800_000_000);
        let second = offset.found().expect("an interval");
        assert!((second.low_s - 0.2).abs() < 1e-9 && (second.high_s - 0.35).abs() < 1e-9, "{second:?}");
    }
}
