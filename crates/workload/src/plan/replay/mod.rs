//! A trace as a plan needs it: instants, lengths, turns, classes and deadlines. Knows no format and no file.
//!
//! The trace is read to its end once, and checked. What a plan needs of it is then held, up to [`HELD`] bytes; of a longer trace
//! nothing is held, and every walk of the plan reads it again: memory does not grow with the file, except for one number a
//! conversation where the turns of many stand between each other.

mod error;
mod facts;
mod reading;

use std::fmt;
use std::sync::Arc;

pub use error::ReplayError;
use facts::Facts;
use metron_units::{Nanos, Rate, Tokens};
pub use reading::{Again, Answers, HELD, Reading};

use super::chains::Chains;
use super::config::{Arrivals, Load};
use super::cursor::Cursor;
use super::maker::{Classes, Maker};
use super::own::Own;
use super::row::{Held, Row};
use super::speed::Speed;
use super::together::{Bound, Counts, Place, Placed, Together, Turned, key_of};
use crate::dist::joint::JointLengths;
use crate::trace::{Outcome, Trace, TraceError, TraceRequest};

/// A trace in its order, each conversation as a whole where it begins. Cheap to clone.
///
/// Requests that failed when they were recorded are left out and counted, since nobody knows how long their answers would
/// have been. Texts are not held: whoever sends them reads [the trace's requests](Self::requests) beside the plan.
#[derive(Debug, Clone)]
pub struct Replay {
    file: Arc<File>,
    speed: Speed,
    repeats: bool,
}

/// What was read.
#[derive(Debug)]
struct File {
    /// All rows in the plan's order; `None` if they are read again.
    rows: Option<Box<[Held]>>,
    reading: Reading,
    counts: Arc<Counts>,
    facts: Facts,
}

impl PartialEq for Replay {
    fn eq(&self, other: &Self) -> bool {
        let same = Arc::ptr_eq(&self.file, &other.file)
            || (self.file.facts == other.file.facts && self.file.rows == other.file.rows);
        same && (self.speed, self.repeats) == (other.speed, other.repeats)
    }
}

impl Replay {
    /// Reads a trace to its end, or as far as it is needed.
    ///
    /// # Errors
    /// If a line is at fault, a request has no length, or nothing is left.
    pub fn read(mut trace: Trace, reading: Reading) -> Result<Self, ReplayError> {
        let mut facts = Facts { has_instants: true, ..Facts::default() };
        let mut rows = Some(Vec::new());
        let (mut counts, mut chains, mut turns) = (Counts::new(), Chains::default(), Counts::new());
        let mut maker = Maker::new(&trace, reading.clone());
        let (mut read, mut bytes) = (0_u64, 0);
        while reading.most.is_none_or(|most| read < most) {
            let mut request = match trace.next() {
                None => break,
                Some(Ok(request)) => request,
                Some(Err(first)) => {
                    let rest = trace.filter(Result::is_err).count() as u64;
                    return Err(ReplayError::Faults { first, rest });
                }
            };
            if !Self::keeps(&request) {
                facts.left_out += 1;
                continue;
            }
            chains.join(&mut request);
            let row = maker.row(&request)?;
            facts.add(&request, &row);
            if let (Some(key), None) = (row.key, row.turns) {
                *counts.entry(key).or_default() += 1;
                rising(&mut turns, key, &request)?;
            }
            if let Some(held) = &mut rows {
                let row = Held::new(row, 0);
                bytes += row.bytes();
                held.push(row);
            }
            if reading.again.is_some() && bytes > reading.held {
                rows = None;
            }
            read += 1;
        }
        if read == 0 {
            return Err(ReplayError::Empty { left_out: facts.left_out });
        }
        (facts.requests, facts.moved) = (read, trace.moved());
        facts.classes = maker.classes.names;
        let counts = Arc::new(counts);
        let rows = rows.map(|rows| in_order(rows, &counts, reading.bound.clone()));
        let file = File { rows, reading, counts, facts };
        let has_turns = maker.has_turns;
        let replay = Self { file: Arc::new(file), speed: Speed::AS_RECORDED, repeats: false };
        if has_turns { replay.with_places_counted() } else { Ok(replay) }
    }

    /// What only the rows in their places tell: how many are sent, of how many conversations, and which of them have an instant.
    fn with_places_counted(mut self) -> Result<Self, ReplayError> {
        let mut cursor = Cursor::new(self.clone());
        let (mut requests, mut sessions, mut has_instants) = (0, 0, true);
        for row in &mut cursor {
            requests += 1;
            let begins = row.place.is_none_or(|place| place.turn == 0);
            sessions += u64::from(row.place.is_some() && begins);
            has_instants &= !begins || row.at.is_some();
        }
        if let Some(fault) = cursor.fault.take() {
            return Err(fault);
        }
        drop(cursor);
        let file = Arc::get_mut(&mut self.file);
        let File { facts, .. } = file.expect("the cursor was the only other one that held it");
        (facts.requests, facts.sessions, facts.has_instants) = (requests, sessions, has_instants);
        Ok(self)
    }

    /// Whether a request is one of the plan.
    #[must_use]
    pub fn keeps(request: &TraceRequest) -> bool {
        request.outcome != Outcome::Failed
    }

    /// The same, so many times as fast.
    #[must_use]
    pub fn at_speed(self, speed: Speed) -> Self {
        Self { speed, ..self }
    }

    /// The same, over and over: behind the last request comes the first again. Its instants are not repeated, so it is no
    /// [load](Self::load) of its own.
    #[must_use]
    pub fn repeating(self) -> Self {
        Self { repeats: true, ..self }
    }

    /// How many requests a plan has of it; `None` if it repeats.
    #[must_use]
    pub fn end(&self) -> Option<u64> {
        (!self.repeats).then(|| self.len())
    }

    /// Whether some request has a text, or shares a beginning with others: then the trace is needed once more to send it.
    #[must_use]
    pub fn says_more(&self) -> bool {
        self.file.facts.says_more
    }

    /// Whether it says of some request how many images it had, and not what they showed.
    #[must_use]
    pub fn counts_images(&self) -> bool {
        self.file.facts.counts_images
    }

    /// Whether the messages of some request have images in them.
    #[must_use]
    pub fn shows_images(&self) -> bool {
        self.file.facts.shows_images
    }

    /// Whether it is held, or read again by whoever walks the plan.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.file.rows.is_some()
    }

    /// How many requests it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.file.facts.requests
    }

    /// Never: a trace without requests is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many conversations it has whose turns wait for each other.
    #[must_use]
    pub fn sessions(&self) -> u64 {
        self.file.facts.sessions
    }

    /// Requests that had failed when they were recorded, which are not sent.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.file.facts.left_out
    }

    /// Requests that stood behind a later one in the file.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.file.facts.moved
    }

    /// The names of its classes, in the order in which they come.
    #[must_use]
    pub fn classes(&self) -> &[Arc<str>] {
        &self.file.facts.classes
    }

    /// Whether every request that waits for no answer has an instant.
    #[must_use]
    pub fn has_instants(&self) -> bool {
        self.file.facts.has_instants && !self.repeats
    }

    /// The load that sends them at their instants; its rate is the trace's mean, for those who plan for it. `None` if some have
    /// no instant.
    #[must_use]
    pub fn load(&self) -> Option<Load> {
        if !self.has_instants() {
            return None;
        }
        let instant = |at: Option<Nanos>| at.map_or(Nanos::ZERO, |at| self.speed.scale(at));
        let (first, last) = (instant(self.file.facts.first), instant(self.file.facts.last));
        let seconds = last.saturating_sub(first).as_secs_f64();
        let gaps = (self.len() - 1) as f64;
        // All at once has no rate; one a second is as good a guess as any.
        let rate = Rate::per_second(gaps / seconds).or(Rate::per_second(1.0))?;
        Some(Load::Open { rate, arrivals: Arrivals::Recorded })
    }

    /// The requests of `trace`, which is this one opened once more, in the order of the plan.
    #[must_use]
    pub fn requests(&self, trace: Trace) -> Requests {
        let told = self.placed(trace).map(|placed| placed.map(|placed| placed.what));
        Requests(Box::new(told))
    }

    fn placed(&self, trace: Trace) -> Box<dyn Iterator<Item = Result<Placed<TraceRequest>, TraceError>> + Send> {
        let reading = &self.file.reading;
        let most = reading.most.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
        let kept = trace.filter(|read| read.as_ref().map_or(true, Self::keeps)).take(most);
        match reading.answers {
            Answers::Live => {
                let mut chains = Chains::default();
                let chained = kept.map(move |mut read| {
                    if let Ok(request) = &mut read {
                        chains.join(request);
                    }
                    read
                });
                Box::new(Together::new(chained, Arc::clone(&self.file.counts), reading.bound.clone()))
            }
            Answers::Recorded => {
                let alone = |(id, read): (u64, Result<TraceRequest, TraceError>)| {
                    read.map(|what| Placed { id, place: None, what })
                };
                Box::new((0..).zip(kept).map(alone))
            }
        }
    }

    /// The rows that are held, if they are.
    pub(super) fn rows(&self) -> Option<&[Held]> {
        self.file.rows.as_deref()
    }

    /// A row as it is on the given pass, from 0: at its speed, and with numbers of its own.
    pub(super) fn on_pass(&self, row: Row, pass: u64) -> Row {
        let scaled = |at: Option<Nanos>| at.map(|at| self.speed.scale(at));
        let place = row.place.map(|place| Place { session: place.session + pass * self.sessions(), ..place });
        Row {
            id: row.id + pass * self.len(),
            at: scaled(row.at).filter(|_| !self.repeats),
            since: scaled(row.since),
            place,
            own: Own { delay: scaled(row.own.delay), ..row.own },
            ..row
        }
    }

    /// The rows of the trace, read again.
    pub(super) fn read_again(&self) -> Result<Box<dyn Iterator<Item = Result<Row, ReplayError>> + Send>, ReplayError> {
        let again = self.file.reading.again.as_ref().expect("what cannot be read again is held");
        let trace = again()?;
        let mut maker = Maker::new(&trace, self.file.reading.clone());
        maker.classes = Classes::of(&self.file.facts.classes);
        let row = move |placed: Result<Placed<TraceRequest>, TraceError>| {
            let Placed { id, place, what } = placed?;
            Ok(placed_row(maker.row(&what)?, id, place))
        };
        Ok(Box::new(self.placed(trace).map(row)))
    }

    fn said(&self) -> impl Iterator<Item = [Option<Tokens>; 2]> {
        Cursor::new(Self { repeats: false, ..self.clone() }).map(|row| [row.input, row.output])
    }

    /// The lengths of prompts that are said: what `trace:FILE` draws from.
    #[must_use]
    pub fn inputs(&self) -> Vec<Tokens> {
        self.said().filter_map(|[input, _]| input).collect()
    }

    /// The lengths of answers that are said.
    #[must_use]
    pub fn outputs(&self) -> Vec<Tokens> {
        self.said().filter_map(|[_, output]| output).collect()
    }

    /// Both lengths as pairs, of the requests that have both; `None` if none has.
    #[must_use]
    pub fn pairs(&self, name: &str) -> Option<JointLengths> {
        let both = |[input, output]: [Option<Tokens>; 2]| Some([input?, output?]);
        JointLengths::pairs(name, self.said().filter_map(both).collect())
    }
}

/// Refuses a turn that is numbered as one which should have come before the last one of its conversation; `turns` has that.
fn rising(turns: &mut Counts, key: u64, request: &TraceRequest) -> Result<(), ReplayError> {
    let Some(turn) = request.turn else { return Ok(()) };
    match turns.insert(key, turn).filter(|&before| before >= turn) {
        Some(before) => Err(ReplayError::Turns { line: request.line, turn, before }),
        None => Ok(()),
    }
}

/// The rows in the plan's order.
fn in_order(rows: Vec<Held>, counts: &Arc<Counts>, bound: Option<Bound>) -> Box<[Held]> {
    let rows = rows.into_iter().map(|held| Ok::<_, std::convert::Infallible>(held.row(0)));
    let placed = Together::new(rows, Arc::clone(counts), bound).map(|placed| match placed {
        Ok(Placed { id, place, what }) => placed_row(what, id, place),
        Err(never) => match never {},
    });
    (0..).zip(placed).map(|(k, row)| Held::new(row, k)).collect()
}

fn placed_row(row: Row, id: u64, place: Option<Place>) -> Row {
    let abandons = row.own.abandons || place.is_some_and(|place| place.abandoned);
    Row { id, place, key: None, turns: None, own: Own { abandons, ..row.own }, ..row }
}

/// The requests of a trace in the order of the plan: an iterator.
pub struct Requests(Box<dyn Iterator<Item = Result<TraceRequest, TraceError>> + Send>);

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests").finish_non_exhaustive()
    }
}

impl Iterator for Requests {
    type Item = Result<TraceRequest, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next()
    }
}

impl Turned for TraceRequest {
    fn key(&self) -> Option<u64> {
        self.session.as_deref().map(key_of)
    }

    fn turns(&self) -> Option<u32> {
        self.turns
    }
}
