//! Writes the journal while a run runs.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;

use arrow_ipc::writer::StreamEncoder;
use metron_metrics::RequestRecord;

use super::{FACTS_KEY, SCHEMA, frame};
use crate::RunFacts;
use crate::rows::{Contents, Encoder, SCHEMA_KEY, TextColumns};
use crate::storage::{Action, Storage, StorageError, StoredFile};

/// Rows are written at this size even if the second is not over; about what the writer holds in memory.
const BATCH_BYTES: usize = 1 << 20;

/// Writes a journal. Reads no clock: whoever records calls [`JournalWriter::flush`] at least once a second.
pub struct JournalWriter {
    path: PathBuf,
    file: Box<dyn StoredFile>,
    encoder: Encoder,
    stream: StreamEncoder,
    dispatched: u64,
    /// How much of the file is whole messages.
    whole: u64,
    refused: Option<Refused>,
}

/// What the disk did not take.
#[derive(Debug)]
struct Refused {
    kind: io::ErrorKind,
    messages: Vec<u8>,
}

/// Once the disk has refused a write, messages are kept in memory up to this size, to be brought elsewhere.
const KEPT_BYTES: usize = 64 << 20;

impl fmt::Debug for JournalWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

impl JournalWriter {
    /// A new journal, with the run's facts in it.
    pub(crate) fn create(storage: &dyn Storage, name: &str, facts: &RunFacts) -> Result<Self, StorageError> {
        let path = storage.path().join(name);
        let file = storage.create(name).map_err(|source| StorageError::new(Action::Create, &path, source))?;
        let texts = if facts.save_text { TextColumns::Kept } else { TextColumns::LeftOut };
        let json = serde_json::to_string(facts).expect("facts are plain values with text keys");
        let metadata = HashMap::from([(SCHEMA_KEY.to_owned(), SCHEMA.to_owned()), (FACTS_KEY.to_owned(), json)]);
        let encoder = Encoder::new(Contents::Dispatched, texts, metadata);
        let stream = StreamEncoder::try_new(encoder.schema()).expect("the columns' types have an IPC form");
        let mut journal = Self { path, file, encoder, stream, dispatched: 0, whole: 0, refused: None };
        // An empty batch brings the head to disk, so that a run killed in its first second is known by name.
        journal.write_batch()?;
        Ok(journal)
    }

    /// Adds a request that is over.
    ///
    /// # Errors
    /// If the disk says no. What was written before stays readable.
    pub fn append(&mut self, record: &RequestRecord) -> Result<(), StorageError> {
        self.encoder.add(record);
        if self.encoder.bytes() >= BATCH_BYTES { self.write_batch() } else { Ok(()) }
    }

    /// Hands all rows to the system. `dispatched`: how many requests have had their turn by now.
    ///
    /// # Errors
    /// If the disk says no. What was written before stays readable.
    pub fn flush(&mut self, dispatched: u64) -> Result<(), StorageError> {
        self.dispatched = dispatched;
        if self.encoder.rows() == 0 { Ok(()) } else { self.write_batch() }
    }

    fn write_batch(&mut self) -> Result<(), StorageError> {
        let encoded = self.encoder.batch(self.dispatched).and_then(|batch| self.stream.encode(&batch));
        let failed = |error: io::Error| StorageError::new(Action::Write, &self.path, error);
        let buffers = encoded.map_err(|error| failed(io::Error::other(error)))?;
        let bytes = frame::with_checks(&buffers.iter().map(|buffer| buffer.as_slice()).collect::<Vec<_>>().concat());
        let error = match &mut self.refused {
            None => match self.file.write_all(&bytes) {
                Ok(()) => {
                    self.whole += bytes.len() as u64;
                    return Ok(());
                }
                Err(error) => {
                    self.refused = Some(Refused { kind: error.kind(), messages: bytes.clone() });
                    error
                }
            },
            // Behind a torn message nothing more can be written.
            Some(refused) => {
                if refused.messages.len() + bytes.len() <= KEPT_BYTES {
                    refused.messages.extend_from_slice(&bytes);
                }
                refused.kind.into()
            }
        };
        Err(StorageError::new(Action::Write, &self.path, error).of_bytes(bytes.len()))
    }

    /// Everything that was appended, as a journal elsewhere: the whole messages of `written`, which is this journal's file,
    /// and what the disk refused.
    pub(crate) fn copy(&mut self, written: &File, mut to: impl Write) -> io::Result<()> {
        let dispatched = self.dispatched;
        // Refused or not, what was pending is then in one of the two places.
        let _ = self.flush(dispatched);
        let mut from = written;
        from.rewind()?;
        io::copy(&mut from.take(self.whole), &mut to)?;
        to.write_all(self.refused.as_ref().map_or(&[], |refused| &refused.messages))
    }

    /// Makes all of it last.
    ///
    /// # Errors
    /// If the disk says no.
    pub(crate) fn finish(&mut self, dispatched: u64) -> Result<(), StorageError> {
        self.flush(dispatched)?;
        self.file.sync().map_err(|source| StorageError::new(Action::Sync, &self.path, source))
    }
}
