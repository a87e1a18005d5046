//! One request of a trace as a plan needs it, and how it is held in few bytes. Knows no text.

use metron_units::{Nanos, Tokens};

use super::own::Own;
use super::together::{Place, Turned};

/// What stands for an instant or a length that the trace does not say.
const UNSAID: u32 = u32::MAX;

/// Instant, lengths, place, and what else a plan takes from a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Row {
    pub(super) id: u64,
    pub(super) at: Option<Nanos>,
    /// By which the gaps between turns are told: the instant, or the time within the session.
    pub(super) since: Option<Nanos>,
    pub(super) input: Option<Tokens>,
    pub(super) output: Option<Tokens>,
    /// Whether `input` is what the turn adds, and not all that was said.
    pub(super) adds: bool,
    pub(super) place: Option<Place>,
    pub(super) own: Own,
    /// Before it has its place: what its conversation is told apart by, and how many turns that says to have.
    pub(super) key: Option<u64>,
    pub(super) turns: Option<u32>,
}

impl Turned for Row {
    fn key(&self) -> Option<u64> {
        self.key
    }

    fn turns(&self) -> Option<u32> {
        self.turns
    }
}

/// A row in 24 bytes, if it is a plain one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Held {
    at: u64,
    input: u32,
    output: u32,
    /// All of it, where the rest is not enough.
    more: Option<Box<Row>>,
}

impl Held {
    /// The row that stands in place `k`.
    pub(super) fn new(row: Row, k: u64) -> Self {
        // A trace's lengths end at ten million.
        let length = |tokens: Option<Tokens>| {
            tokens.map_or(UNSAID, |tokens| u32::try_from(tokens.get()).unwrap_or(UNSAID - 1).min(UNSAID - 1))
        };
        let held = Self {
            at: row.at.map_or(u64::MAX, Nanos::get),
            input: length(row.input),
            output: length(row.output),
            more: None,
        };
        if held.row(k) == row { held } else { Self { more: Some(Box::new(row)), ..held } }
    }

    /// The row, which stands in place `k`.
    pub(super) fn row(&self, k: u64) -> Row {
        if let Some(row) = &self.more {
            return **row;
        }
        let length = |length: u32| (length != UNSAID).then(|| Tokens::new(length.into()));
        let at = (self.at != u64::MAX).then(|| Nanos::new(self.at));
        Row { id: k, at, since: at, input: length(self.input), output: length(self.output), ..Row::default() }
    }

    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.more.as_ref().map_or(0, |_| size_of::<Row>() + 2 * size_of::<usize>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_out_as_it_went_in_and_a_plain_one_is_small() {
        let at = Some(Nanos::new(7));
        let plain = Row { id: 3, at, since: at, input: Some(Tokens::new(5)), ..Row::default() };
        let odd = [
            Row { id: 4, ..plain },
            Row { at: Some(Nanos::MAX), since: Some(Nanos::MAX), ..plain },
            Row { place: Some(Place { session: 1, turn: 2, abandoned: false }), ..plain },
            Row { own: Own { class: Some(0), ..Own::default() }, ..plain },
            Row { since: None, ..plain },
        ];
        assert_eq!((Held::new(plain, 3).row(3), Held::new(plain, 3).bytes()), (plain, 24));
        for row in odd {
            let held = Held::new(row, 3);
            assert!(held.row(3) == row && held.bytes() > 24, "{row:?}");
        }
    }
}
