//! Traces: recorded requests, read from whatever format their file has. Knows neither plans nor files.
//!
//! [`Trace::read`] takes bytes, unpacks gzip, tells the format by the content alone (never by a name) and gives one
//! [`TraceRequest`] after another in constant memory: at most [`WINDOW`] requests are held. Instants are kept to the
//! nanosecond, since no number passes through a float.
//!
//! **Faults.** A line that cannot be read truthfully is an error that says where, what was read and what was expected;
//! reading goes on behind it ([`TraceError::goes_on`]). Nothing is skipped in silence: what holds no request by its nature
//! (a conversation without a question, a span of a tool) is counted by [`Trace::without_requests`]. Only of a table that
//! was cut within its very last number nobody can tell.
//!
//! **Order.** Requests come in the order of their times. Lines within [`WINDOW`] of each other are put in order
//! and counted ([`Trace::moved`]); a line further from its place is refused.
//!
//! **Time.** [`TraceRequest::at`] counts from the file's own zero, or where its times are those of a clock (dates, or
//! seconds from 10^9 on) from the earliest. A file that mixes the two is refused at the line that does.

mod elements;
mod error;
mod format;
mod lengths;
mod number;
mod order;
mod record;
mod records;
mod request;
mod sniff;
mod source;
mod stamp;
mod table;
pub mod write;

use std::collections::{HashMap, VecDeque};
use std::io::Read;

pub use error::{Fault, Faults, TraceError, and_more};
pub use format::TraceFormat;
use metron_units::Tokens;
pub use order::WINDOW;
use order::{Order, Row, StillToCome};
use records::Records;
pub use request::{Content, Outcome, Shared, TraceRequest};
pub use stamp::TimeUnit;

/// What the content of a trace does not say, or says otherwise than usual.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceOptions {
    /// The format; told by the content if `None`.
    pub format: Option<TraceFormat>,
    /// In what the bare times count; what the format says if `None`.
    pub time_unit: Option<TimeUnit>,
    /// How many tokens a block of hash ids has; what the format says if `None`.
    pub block: Option<Tokens>,
    /// How many requests are held back to be put in order, whatever they weigh; [`WINDOW`] of at most 64 MiB if `None`.
    pub window: Option<usize>,
    /// Field names of the format, each with the name that stands in the file for it: (`timestamp`, `ts`).
    pub renamed: Vec<(String, String)>,
}

/// A trace that is being read: an iterator of requests and faults. It is over after a fault that does not
/// [go on](TraceError::goes_on).
///
/// ```
/// use metron_units::Nanos;
/// use metron_workload::trace::{Trace, TraceFormat, TraceOptions};
///
/// let file = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
///             2023-11-16 18:20:01.1234567,512,98\n\
///             2023-11-16 18:20:01.1234568,64,7\n";
/// let mut trace = Trace::read(file.as_bytes(), TraceOptions::default()).unwrap();
/// assert_eq!(trace.format(), TraceFormat::Azure);
/// assert_eq!(trace.nth(1).unwrap().unwrap().at, Some(Nanos::new(100)));
/// ```
pub struct Trace {
    records: Records,
    format: TraceFormat,
    options: TraceOptions,
    order: Order,
    rows: VecDeque<Row>,
    over: bool,
    without_requests: u64,
}

/// Tells each row how many turns its conversation has, all of which are among them.
fn count_turns(rows: &mut [Row]) {
    let mut turns: HashMap<String, u32> = HashMap::new();
    for session in rows.iter().filter_map(|row| row.request.session.as_ref()) {
        match turns.get_mut(session) {
            Some(count) => *count += 1,
            None => drop(turns.insert(session.clone(), 1)),
        }
    }
    for row in rows {
        row.request.turns = row.request.session.as_ref().and_then(|session| turns.get(session).copied());
    }
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trace").field("format", &self.format).field("options", &self.options).finish_non_exhaustive()
    }
}

impl Trace {
    /// Looks at the first bytes and tells what they are.
    ///
    /// # Errors
    /// If they cannot be read or are no trace.
    pub fn read(input: impl Read + Send + 'static, options: TraceOptions) -> Result<Self, TraceError> {
        let (source, head) = source::open(input)?;
        let (records, format) = sniff::tell(source, &head, &options)?;
        let (order, rows) = (Order::new(options.window), VecDeque::new());
        Ok(Self { records, format, options, order, rows, over: false, without_requests: 0 })
    }

    /// What the file is.
    #[must_use]
    pub fn format(&self) -> TraceFormat {
        self.format
    }

    /// How many requests given out so far stood behind a later one in the file.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.order.moved()
    }

    /// How many records so far held no request by their nature: conversations without a question, spans that are no
    /// call of a model.
    #[must_use]
    pub fn without_requests(&self) -> u64 {
        self.without_requests
    }

    /// The time of the trace's start in nanoseconds since 1970, once the first request was given out; `None` where the
    /// file does not say it.
    #[must_use]
    pub fn started_at_unix_ns(&self) -> Option<i64> {
        self.order.origin_unix_ns()
    }

    fn still_to_come(&self) -> StillToCome {
        if self.over && self.rows.is_empty() { StillToCome::Nothing } else { StillToCome::Perhaps }
    }

    /// Reads one record more; `false` at the end.
    fn read_record(&mut self) -> Result<bool, TraceError> {
        let Self { records, format, options, rows, .. } = self;
        let mut read = Vec::new();
        let more = records.next(&options.renamed, |record| format.read(record, options, &mut read))?;
        if more && read.is_empty() {
            self.without_requests += 1;
        }
        if format.holds_whole_sessions() {
            count_turns(&mut read);
        }
        rows.extend(read);
        Ok(more)
    }
}

impl Iterator for Trace {
    type Item = Result<TraceRequest, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(read) = self.order.pop(self.still_to_come()) {
                return Some(read);
            }
            if let Some(row) = self.rows.pop_front() {
                self.order.push(Ok(row));
                continue;
            }
            if self.over {
                return None;
            }
            match self.read_record() {
                Ok(more) => self.over = !more,
                Err(fault) => {
                    self.over = !fault.goes_on();
                    self.order.push(Err(fault));
                }
            }
        }
    }
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;
