//! Walks a trace's rows in the plan's order, over and over where the replay repeats. Knows no load.

use std::fmt;

use super::replay::{Replay, ReplayError};
use super::row::Row;

/// The place that a walk has come to. A clone goes on from there.
#[derive(Debug)]
pub(super) struct Cursor {
    replay: Replay,
    /// Rows of the present pass that were given.
    taken: u64,
    pass: u64,
    again: Again,
    /// Why no more is given, if that is no end.
    pub(super) fault: Option<ReplayError>,
}

/// The rows that are read again, once they are.
#[derive(Default)]
struct Again(Option<Box<dyn Iterator<Item = Result<Row, ReplayError>> + Send>>);

impl fmt::Debug for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Again").field(&self.0.is_some()).finish()
    }
}

impl Clone for Cursor {
    fn clone(&self) -> Self {
        let Self { replay, taken, pass, .. } = self;
        Self { replay: replay.clone(), taken: *taken, pass: *pass, again: Again::default(), fault: None }
    }
}

impl Cursor {
    pub(super) fn new(replay: Replay) -> Self {
        Self { replay, taken: 0, pass: 0, again: Again::default(), fault: None }
    }

    fn row(&mut self) -> Result<Option<Row>, ReplayError> {
        if let Some(rows) = self.replay.rows() {
            let held = usize::try_from(self.taken).ok().and_then(|k| rows.get(k));
            return Ok(held.map(|held| held.row(self.taken)));
        }
        let again = match &mut self.again.0 {
            Some(again) => again,
            None => {
                let mut again = self.replay.read_again()?;
                for _ in 0..self.taken {
                    again.next().transpose()?;
                }
                self.again.0.insert(again)
            }
        };
        again.next().transpose()
    }
}

impl Iterator for Cursor {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        loop {
            if self.fault.is_some() {
                return None;
            }
            match self.row() {
                Ok(Some(row)) => {
                    self.taken += 1;
                    return Some(self.replay.on_pass(row, self.pass));
                }
                Ok(None) if self.replay.end().is_none() && self.taken > 0 => {
                    (self.taken, self.again) = (0, Again::default());
                    self.pass += 1;
                }
                Ok(None) => return None,
                Err(fault) => self.fault = Some(fault),
            }
        }
    }
}
