//! Puts requests into the order of their times within a bounded distance, and counts times from the trace's start. Knows
//! no format.
//!
//! Real traces are nearly sorted: rows of one busy millisecond change places. So a request is held back until
//! [`WINDOW`] later ones (or 64 MiB of texts) have come, and then given out in the order of times; equal times keep the
//! file's order. A time that lies before one already given out is refused: it belongs to a file that is not sorted,
//! and to sort it takes more than constant memory. Who has that memory may ask for a wider window. [`Order::moved`] tells how many changed places.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use metron_units::Nanos;

use super::error::{Fault, TraceError};
use super::request::{Content, TraceRequest};
use super::stamp::{Clock, Stamp};

/// How many requests are held back.
pub const WINDOW: usize = 1024;
/// How many bytes of texts are held back.
const WINDOW_BYTES: usize = 64 << 20;

/// A request as a format gives it.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) stamp: Option<Stamp>,
    pub(super) request: TraceRequest,
}

/// Whether the trace goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StillToCome {
    Perhaps,
    Nothing,
}

pub(super) struct Order {
    held: BinaryHeap<Held>,
    bytes: usize,
    window: usize,
    most_bytes: usize,
    /// Of the first request that had a time: all others must count from the same.
    clock: Option<Clock>,
    /// The time of the first request given out, where times are those of a clock.
    origin: Option<i64>,
    /// Time and line of the last one given out.
    last: Option<(i64, u64)>,
    /// The latest time that was held.
    latest: i64,
    arrived: u64,
    moved: u64,
}

struct Held {
    ns: i64,
    arrived: u64,
    has_time: bool,
    bytes: usize,
    read: Result<TraceRequest, TraceError>,
}

impl PartialEq for Held {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Held {}

impl PartialOrd for Held {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The earliest is the greatest, since a heap gives out the greatest.
impl Ord for Held {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.ns, other.arrived).cmp(&(self.ns, self.arrived))
    }
}

impl Order {
    /// Holding back `window` requests, or as the module says.
    pub(super) fn new(window: Option<usize>) -> Self {
        Self {
            held: BinaryHeap::new(),
            bytes: 0,
            window: window.unwrap_or(WINDOW),
            // Who asks for a window has the memory for it.
            most_bytes: if window.is_some() { usize::MAX } else { WINDOW_BYTES },
            clock: None,
            origin: None,
            last: None,
            latest: i64::MIN,
            arrived: 0,
            moved: 0,
        }
    }

    /// How many requests stood behind a later one.
    pub(super) fn moved(&self) -> u64 {
        self.moved
    }

    /// The wall-clock time of the trace's start in nanoseconds since 1970, once it is known and if it can be.
    pub(super) fn origin_unix_ns(&self) -> Option<i64> {
        self.origin.filter(|_| self.clock == Some(Clock::World))
    }

    /// Takes what was read; a fault keeps its place among the requests.
    pub(super) fn push(&mut self, read: Result<Row, TraceError>) {
        let placed = read.and_then(|Row { stamp, request }| {
            // What has no time of its own goes with what stood before it.
            let ns = stamp.map(|stamp| self.check(stamp, &request)).transpose()?;
            Ok((ns, request))
        });
        self.arrived += 1;
        let (time, read) = match placed {
            Ok((time, request)) => (time, Ok(request)),
            Err(fault) => (None, Err(fault)),
        };
        let ns = time.unwrap_or(self.latest);
        self.moved += u64::from(ns < self.latest);
        self.latest = self.latest.max(ns);
        let bytes = read.as_ref().map_or(size_of::<TraceError>(), size);
        self.bytes += bytes;
        self.held.push(Held { ns, arrived: self.arrived, has_time: time.is_some(), bytes, read });
    }

    fn check(&mut self, stamp: Stamp, request: &TraceRequest) -> Result<i64, TraceError> {
        let first = *self.clock.get_or_insert(stamp.clock);
        if first != stamp.clock {
            let expected = format!("{}, as the lines before have", counts(first));
            let (value, field) = (Some(counts(stamp.clock).to_owned()), "a time".to_owned());
            return Err(Fault { line: request.line, column: 1, field, value, expected }.into());
        }
        match self.last {
            Some((last, before)) if stamp.ns < last => Err(TraceError::OutOfOrder {
                line: request.line,
                before,
                behind_ns: last.abs_diff(stamp.ns),
                window: self.window,
            }),
            Some(_) | None => Ok(stamp.ns),
        }
    }

    /// The next request or fault, if it is sure that none before it can come; at the end all are.
    pub(super) fn pop(&mut self, to_come: StillToCome) -> Option<Result<TraceRequest, TraceError>> {
        // A file without times needs no order.
        let full = self.clock.is_none() || self.held.len() > self.window || self.bytes > self.most_bytes;
        let sure = full || to_come == StillToCome::Nothing;
        let Held { ns, has_time, bytes, mut read, .. } = if sure { self.held.pop()? } else { return None };
        self.bytes -= bytes;
        if let (true, Ok(request)) = (has_time, &mut read) {
            let origin = match self.clock {
                Some(Clock::World | Clock::Local) => *self.origin.get_or_insert(ns),
                Some(Clock::Trace) | None => 0,
            };
            request.at = Some(Nanos::new(ns.abs_diff(origin)));
            self.last = Some((ns, request.line));
        }
        Some(read)
    }
}

fn counts(clock: Clock) -> &'static str {
    match clock {
        Clock::Trace => "a time from the trace's start",
        Clock::World => "a time of day with its offset from UTC",
        Clock::Local => "a time of day without an offset",
    }
}

/// About how many bytes a request holds.
fn size(request: &TraceRequest) -> usize {
    let content = match &request.content {
        Content::Lengths => 0,
        Content::Prompt(text) | Content::Body(text) => text.len(),
        Content::Messages { messages, tools } | Content::NewMessages { messages, tools } => {
            messages.len() + tools.as_ref().map_or(0, String::len)
        }
    };
    content + request.answer.as_ref().map_or(0, String::len) + size_of::<TraceRequest>()
}
