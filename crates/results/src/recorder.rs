//! Keeps a run's requests while it runs, and leaves its files at the end.
//!
//! While the run runs there is only the journal; memory does not grow with the run. At the end the rows are put in the plan's
//! order, each shown to the caller (who computes figures from them), and the files appear, each whole or not at all. The
//! journal goes last: whatever fails before, `recover` can finish the run.

use std::fs::File;
use std::path::{Path, PathBuf};

use metron_metrics::{RequestFigures, RequestRecord};

use crate::folder::{FolderError, Overwrite, Privacy, RunFile, RunFolder};
use crate::journal::{Damage, JournalError, JournalReader, JournalWriter};
use crate::rows::{RowWriter, TextColumns};
use crate::server_metrics::ServerMetricsWriter;
use crate::storage::{Action, StorageError};
use crate::{RunFacts, Summary, plan_order};

/// A run being recorded.
#[derive(Debug)]
pub struct Recorder {
    folder: RunFolder,
    facts: RunFacts,
    journal: JournalWriter,
    /// Opened at the start: it stays readable even if the folder is removed.
    written: File,
}

/// The rows of a run could not be put in order and written.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The disk says no.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The journal does not read back.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal does not read back to its end.
    #[error("the journal is {0}")]
    Damaged(Damage),
}

impl From<Damage> for SettleError {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

impl SettleError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Storage(error) => error.hint(),
            Self::Journal(error) => recover_hint(&error.path),
            Self::Damaged(_) => "metron recover DIR keeps what lies before the damage; check the disk".to_owned(),
        }
    }
}

fn recover_hint(journal: &Path) -> String {
    format!("metron recover '{}'", journal.parent().unwrap_or(journal).display())
}

impl Recorder {
    /// Starts the journal.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(folder: RunFolder, facts: RunFacts) -> Result<Self, StorageError> {
        let name = RunFile::Journal.name();
        let journal = JournalWriter::create(folder.storage(), name, &facts)?;
        let written = folder
            .storage()
            .open(name)
            .map_err(|source| StorageError::new(Action::Read, folder.path().join(name), source))?;
        Ok(Self { folder, facts, journal, written })
    }

    /// The run's folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the run that is known beforehand, such as its configuration.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, file: RunFile, bytes: &[u8]) -> Result<(), StorageError> {
        self.folder.write(file, bytes)
    }

    /// Starts the file of the servers' metrics, for a thread of its own.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn server_metrics(&self) -> Result<ServerMetricsWriter, StorageError> {
        ServerMetricsWriter::create(self.folder.shared_storage(), self.facts.epoch_unix_ns)
    }

    /// Adds a request that is over.
    ///
    /// # Errors
    /// If the disk says no: the run should stop sending, for what it measures cannot be kept.
    pub fn record(&mut self, record: &RequestRecord) -> Result<(), StorageError> {
        self.journal.append(record)
    }

    /// Hands what was recorded to the system; to be called at least once a second. `dispatched`: how many requests have had
    /// their turn by now.
    ///
    /// # Errors
    /// As for [`Recorder::record`].
    pub fn flush(&mut self, dispatched: u64) -> Result<(), StorageError> {
        self.journal.flush(dispatched)
    }

    /// Ends recording: writes `requests.parquet` and shows each row and its figures to `each`, ids rising.
    ///
    /// # Errors
    /// If the disk says no. The journal is still there then.
    pub fn settle(
        self,
        dispatched: u64,
        each: impl FnMut(&RequestRecord, &RequestFigures),
    ) -> Result<Settled, (SettleError, Box<Unsettled>)> {
        let Self { folder, facts, mut journal, written } = self;
        match journal
            .finish(dispatched)
            .map_err(SettleError::from)
            .and_then(|()| rows_of(&folder, &facts, &written, each))
        {
            Ok(()) => Ok(Settled { folder }),
            Err(error) => Err((error, Box::new(Unsettled { journal, written }))),
        }
    }

    /// Ends recording after the disk refused: nothing more is written into the folder.
    #[must_use]
    pub fn give_up(self) -> Unsettled {
        Unsettled { journal: self.journal, written: self.written }
    }
}

fn rows_of(
    folder: &RunFolder,
    facts: &RunFacts,
    written: &File,
    each: impl FnMut(&RequestRecord, &RequestFigures),
) -> Result<(), SettleError> {
    let path = folder.path().join(RunFile::Journal.name());
    let file = written.try_clone().map_err(|source| StorageError::new(Action::Read, &path, source))?;
    let mut journal = JournalReader::open(file, &path)?;
    let survey = plan_order::survey(&mut journal);
    match survey.damage {
        Some(damage) => Err(damage.into()),
        None => write_rows(folder, facts, &mut journal, &survey, each),
    }
}

/// A run whose rows could not be written; its journal can be brought to safety.
#[derive(Debug)]
pub struct Unsettled {
    journal: JournalWriter,
    written: File,
}

impl Unsettled {
    /// Copies the journal into a new folder below `parent`, for when the run's own folder is gone or its disk is full: every
    /// request that was recorded, those too that the disk refused. Returns that folder, for `metron recover`.
    ///
    /// # Errors
    /// If it cannot be written there either.
    pub fn rescue(mut self, parent: &Path, name: &str) -> Result<PathBuf, FolderError> {
        let folder = RunFolder::create(&parent.join(name), Overwrite::Refuse, Privacy::Private)?;
        let journal = RunFile::Journal.name();
        let failed = |action, source| StorageError::new(action, folder.path().join(journal), source);
        let mut copy = folder.storage().create(journal).map_err(|source| failed(Action::Create, source))?;
        self.journal.copy(&self.written, &mut copy).map_err(|source| failed(Action::Write, source))?;
        copy.sync().map_err(|source| failed(Action::Sync, source))?;
        Ok(folder.close()?)
    }
}

/// Writes the surveyed rows of a journal as `requests.parquet`.
pub(crate) fn write_rows(
    folder: &RunFolder,
    facts: &RunFacts,
    journal: &mut JournalReader,
    survey: &plan_order::Survey,
    mut each: impl FnMut(&RequestRecord, &RequestFigures),
) -> Result<(), SettleError> {
    let texts = if facts.save_text { TextColumns::Kept } else { TextColumns::LeftOut };
    let mut rows = RowWriter::create(
        folder.shared_storage(),
        RunFile::Rows.name(),
        facts.epoch_unix_ns,
        facts.target_miss_rate,
        texts,
    )?;
    let written = plan_order::for_each_ahead(journal, survey, plan_order::HELD_BYTES, |record| {
        let figures = rows.write(record)?;
        each(record, &figures);
        Ok::<(), SettleError>(())
    });
    match written {
        Ok(()) => Ok(rows.finish()?),
        Err(error) => {
            rows.abandon();
            Err(error)
        }
    }
}

/// A run whose rows are written; its other files may follow.
#[derive(Debug)]
pub struct Settled {
    folder: RunFolder,
}

impl Settled {
    pub(crate) const fn new(folder: RunFolder) -> Self {
        Self { folder }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes another of the run's files.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, file: RunFile, bytes: &[u8]) -> Result<(), StorageError> {
        self.folder.write(file, bytes)
    }

    /// Writes `summary.json`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_summary(&self, summary: &Summary) -> Result<(), StorageError> {
        self.folder.write(RunFile::Summary, summary.to_json().as_bytes())
    }

    /// The run is complete: its journal goes, and the folder is given back.
    ///
    /// # Errors
    /// If the journal cannot be removed. Nothing is lost then, and `metron recover` removes it.
    pub fn finish(self) -> Result<PathBuf, StorageError> {
        let name = RunFile::Journal.name();
        // The other files must outlive a power cut before the journal, from which they could be made again, goes.
        let folder = self.folder.path().to_owned();
        self.folder.storage().sync().map_err(|source| StorageError::new(Action::Sync, folder, source))?;
        self.folder
            .storage()
            .remove(name)
            .map_err(|source| StorageError::new(Action::Remove, self.folder.path().join(name), source))?;
        self.folder.close()
    }
}

#[cfg(test)]
mod tests;
