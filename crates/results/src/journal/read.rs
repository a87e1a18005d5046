//! Reads a journal, however its run ended: whole batches up to the first damage, then what the damage cost.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_ipc::reader::StreamDecoder;
use metron_metrics::RequestRecord;

use super::frame::{self, Broken, Frame, Kind};
use super::{FACTS_KEY, JournalError, JournalFault, SCHEMA};
use crate::RunFacts;
use crate::rows::{SCHEMA_KEY, records};

/// A journal being read: one batch at a time, and any batch again.
#[derive(Debug)]
pub struct JournalReader {
    path: PathBuf,
    file: File,
    length: u64,
    facts: RunFacts,
    head: Vec<u8>,
    next: u64,
    rows: u64,
}

/// A whole batch of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Where it lies, for [`JournalReader::batch_at`].
    pub offset: u64,
    /// The requests, in the order in which they ended.
    pub records: Vec<RequestRecord>,
    /// How many requests had had their turn when it was written; `None` in a batch without rows.
    pub dispatched: Option<u64>,
}

/// Where a journal stops being readable, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The byte at which the first damaged batch begins.
    pub offset: u64,
    /// What is wrong there.
    pub reason: String,
    /// What is lost from there on.
    pub lost: Lost,
}

/// What a damage cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost {
    /// Bytes from the damage to the file's end.
    pub bytes: u64,
    /// Rows that the messages behind it say they hold; there may have been more.
    pub rows_at_least: u64,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Lost { bytes, rows_at_least } = self.lost;
        write!(f, "damaged at byte {}: {}; lost {bytes} bytes", self.offset, self.reason)?;
        if rows_at_least > 0 { write!(f, ", at least {rows_at_least} requests") } else { Ok(()) }
    }
}

impl JournalReader {
    /// Opens a journal and reads its head. `path` is for messages.
    ///
    /// # Errors
    /// If it is empty, no journal of this version, or the disk says no.
    pub fn open(file: File, path: &Path) -> Result<Self, JournalError> {
        let failed = |fault| JournalError { path: path.to_owned(), fault };
        let length = file.metadata().map_err(|error| failed(error.into()))?.len();
        let (head, facts) = read_head(&file, length).map_err(failed)?;
        let next = head.len() as u64;
        Ok(Self { path: path.to_owned(), file, length, facts, head, next, rows: 0 })
    }

    /// What was known of the run before its first request.
    #[must_use]
    pub const fn facts(&self) -> &RunFacts {
        &self.facts
    }

    /// The next whole batch; `None` at the end.
    ///
    /// # Errors
    /// The damage at which reading ends; asked again, it answers the same.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, Damage> {
        let frame = match frame::at(&self.file, self.next, self.length) {
            Ok(Some(frame)) => frame,
            Ok(None) => return Ok(None),
            Err(broken) => return Err(self.damage(broken)),
        };
        let batch = self.decode(frame, self.rows).map_err(|broken| self.damage(broken))?;
        self.next = frame.offset + frame.length;
        self.rows += batch.records.len() as u64;
        Ok(Some(batch))
    }

    /// The batch that was found at `offset` before.
    ///
    /// # Errors
    /// The damage, if the file changed since.
    pub fn batch_at(&self, offset: u64) -> Result<Batch, Damage> {
        let read = match frame::at(&self.file, offset, self.length) {
            Ok(Some(frame)) => self.decode(frame, 0),
            Ok(None) => Err(Broken::Damaged("the file has become shorter".to_owned())),
            Err(broken) => Err(broken),
        };
        read.map_err(|broken| self.damage(broken))
    }

    /// Back to the first batch.
    pub fn rewind(&mut self) {
        self.next = self.head.len() as u64;
        self.rows = 0;
    }

    fn decode(&self, frame: Frame, from: u64) -> Result<Batch, Broken> {
        let Kind::Batch { rows } = frame.kind else {
            return Err(Broken::Damaged("a second head".to_owned()));
        };
        let bytes = frame::checked_bytes(&self.file, frame)?;
        let batch = decode_batch(&self.head, &bytes).map_err(Broken::Damaged)?;
        if batch.num_rows() as u64 != rows {
            return Err(Broken::Damaged("a batch has other rows than it says".to_owned()));
        }
        let records = records(&batch, from).map_err(|error| Broken::Damaged(error.to_string()))?;
        let dispatched = batch.column_by_name("dispatched").and_then(|array| array.as_primitive_opt::<UInt64Type>());
        let dispatched = dispatched.and_then(|column| column.values().last().copied());
        Ok(Batch { offset: frame.offset, records, dispatched })
    }

    fn damage(&self, broken: Broken) -> Damage {
        let reason = match broken {
            Broken::Io(error) => error.to_string(),
            Broken::Damaged(reason) => reason,
        };
        let lost = Lost { bytes: self.length.saturating_sub(self.next), rows_at_least: self.rows_behind() };
        Damage { offset: self.next, reason, lost }
    }

    /// The rows that messages from here on say they hold, as far as one still follows the other.
    fn rows_behind(&self) -> u64 {
        let (mut offset, mut sum) = (self.next, 0_u64);
        while let Ok(Some(frame)) = frame::at(&self.file, offset, self.length) {
            offset += frame.length;
            match frame.kind {
                // A row takes more than a byte: a count beyond that is part of the damage.
                Kind::Batch { rows } if rows < frame.length => sum = sum.saturating_add(rows),
                Kind::Batch { .. } | Kind::Schema => {}
            }
        }
        sum
    }

    /// The journal's path, as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The bytes of the schema message, and the facts in it.
fn read_head(file: &File, length: u64) -> Result<(Vec<u8>, RunFacts), JournalFault> {
    let not_ours = |reason: &str| JournalFault::NotOurs { reason: reason.to_owned() };
    if length == 0 {
        return Err(JournalFault::Empty);
    }
    let frame = match frame::at(file, 0, length) {
        Ok(Some(frame)) if frame.kind == Kind::Schema => frame,
        Ok(_) => return Err(not_ours("it does not begin with a schema")),
        Err(Broken::Io(error)) => return Err(error.into()),
        Err(Broken::Damaged(reason)) => return Err(JournalFault::NotOurs { reason }),
    };
    let head = match frame::checked_bytes(file, frame) {
        Ok(head) => head,
        Err(Broken::Io(error)) => return Err(error.into()),
        Err(Broken::Damaged(reason)) => return Err(JournalFault::NotOurs { reason }),
    };
    let mut decoder = StreamDecoder::new();
    // The decoder takes a message without content for done only once it sees what follows: here the next one's first byte.
    let seen: Vec<u8> = head.iter().copied().chain([0xff]).collect();
    decoder.decode(&mut seen.into()).map_err(|error| not_ours(&error.to_string()))?;
    let schema = decoder.schema().ok_or_else(|| not_ours("it has no schema"))?;
    match schema.metadata().get(SCHEMA_KEY).map(String::as_str) {
        Some(SCHEMA) => {}
        Some(found) if found.starts_with("metron.journal/") => {
            return Err(JournalFault::OtherVersion { found: found.to_owned() });
        }
        _ => return Err(not_ours("it is another program's Arrow stream")),
    }
    let facts = schema.metadata().get(FACTS_KEY).ok_or_else(|| not_ours("it has no facts"))?;
    let facts = serde_json::from_str(facts).map_err(JournalFault::Facts)?;
    Ok((head, facts))
}

/// A batch message as columns. A decoder of its own each time: one that met damage is of no use for the next.
fn decode_batch(head: &[u8], batch: &[u8]) -> Result<RecordBatch, String> {
    let mut decoder = StreamDecoder::new();
    let decoded = decoder.decode(&mut [head, batch].concat().into()).map_err(|error| error.to_string())?;
    decoded.ok_or_else(|| "a message holds no batch".to_owned())
}
