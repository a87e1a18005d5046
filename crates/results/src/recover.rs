//! Finishes a run that was killed: rows and summary from its journal. Asked again, it finds the run finished.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use metron_metrics::accounts::Breach;
use metron_metrics::objective::ObjectiveError;

use crate::folder::{FolderError, Privacy, RunFile, RunFolder};
use crate::journal::{Damage, JournalError, JournalReader};
use crate::plan_order;
use crate::recorder::{SettleError, Settled, write_rows};
use crate::rows::{RowsError, read_rows};
use crate::storage::{Action, Disk, Storage, StorageError};
use crate::summary::{Summary, Tally};

/// What became of a run's folder.
#[derive(Debug)]
pub struct Recovered {
    /// The run's summary.
    pub summary: Summary,
    /// How it came about.
    pub recovery: Recovery,
}

/// How a summary came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recovery {
    /// The run was finished before.
    AlreadyFinished,
    /// It was made from the journal.
    FromJournal {
        /// Requests that were kept.
        rows: u64,
        /// Requests that had been dispatched and were not over, as far as the journal knows.
        in_flight: Option<u64>,
        /// Where the journal was damaged, if it was.
        damage: Option<Damage>,
    },
}

/// A run cannot be recovered.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field is")]
pub enum RecoverError {
    /// There is neither a journal nor a summary.
    #[error("`{}` holds no run", path.display())]
    NoRun { path: PathBuf },
    /// There is a summary that cannot be read, and no journal.
    #[error("`{}` is damaged, and there is no journal to make it from", path.display())]
    DamagedSummary {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    /// The run is running, or the folder cannot be opened.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The journal is of no use.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The files cannot be written.
    #[error(transparent)]
    Settle(#[from] SettleError),
    /// A stated objective in the journal is none.
    #[error("the journal cannot be understood: {0}")]
    Objective(#[from] Box<ObjectiveError>),
    /// The rows contradict each other.
    #[error("the journal's requests do not balance: {0}")]
    Breach(#[from] Breach),
}

impl From<StorageError> for RecoverError {
    fn from(error: StorageError) -> Self {
        Self::Settle(error.into())
    }
}

impl RecoverError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoRun { .. } => "name a run's folder: metron recover metron-runs/...".to_owned(),
            Self::DamagedSummary { path, .. } => {
                let folder = path.parent().unwrap_or(path).display();
                format!("its rows can still be scored: metron score '{folder}/{}'", RunFile::Rows.name())
            }
            Self::Folder(FolderError::InUse { .. }) => "wait for the run that is using it to end".to_owned(),
            Self::Folder(error) => error.hint(),
            Self::Journal(_) | Self::Objective(_) | Self::Breach(_) => {
                "nothing can be made of it; --force gives it up for a new run".to_owned()
            }
            Self::Settle(error) => error.hint(),
        }
    }
}

/// Finishes the run in a folder.
///
/// # Errors
/// If there is none, it is still running, its journal cannot be read at all, or its files cannot be written.
pub fn recover(path: &Path) -> Result<Recovered, RecoverError> {
    // Whoever names a link to a run means the run.
    let real = fs::canonicalize(path);
    let path = real.as_deref().unwrap_or(path);
    let disk = |privacy| {
        Disk::open(path, privacy).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => RecoverError::NoRun { path: path.to_owned() },
            _ => StorageError::new(Action::OpenFolder, path, source).into(),
        })
    };
    let storage = disk(Privacy::AsUmask)?;
    let name = RunFile::Journal.name();
    let file = match storage.open(name) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return finished(path),
        Err(error) => return Err(StorageError::new(Action::Read, path.join(name), error).into()),
    };
    // Before the lock: a folder that holds someone else's file is not touched.
    let journal = JournalReader::open(file, &path.join(name));
    let privacy = match &journal {
        Ok(journal) if journal.facts().save_text => Privacy::Private,
        Ok(_) | Err(_) => Privacy::AsUmask,
    };
    let storage: Arc<dyn Storage> = Arc::new(disk(privacy)?);
    let folder = RunFolder::take_over(storage)?;
    finish(folder, &mut journal?)
}

/// The summary of a run that has no journal.
fn finished(path: &Path) -> Result<Recovered, RecoverError> {
    let summary = path.join(RunFile::Summary.name());
    match fs::read_to_string(&summary) {
        Ok(text) => match Summary::from_json(&text) {
            Ok(summary) => Ok(Recovered { summary, recovery: Recovery::AlreadyFinished }),
            Err(source) => Err(RecoverError::DamagedSummary { path: summary, source }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(RecoverError::NoRun { path: path.to_owned() }),
        Err(error) => Err(StorageError::new(Action::Read, summary, error).into()),
    }
}

fn finish(folder: RunFolder, journal: &mut JournalReader) -> Result<Recovered, RecoverError> {
    let survey = plan_order::survey(journal);
    if let Some(summary) = complete(folder.path(), journal, survey.rows) {
        // It was killed between its last file and the journal's removal: its own summary knows more than ours would.
        Settled::new(folder).finish()?;
        return Ok(Recovered { summary, recovery: Recovery::AlreadyFinished });
    }
    let facts = journal.facts().clone();
    let mut tally = Tally::new(facts.clone())?;
    write_rows(&folder, &facts, journal, &survey, |record, figures| tally.add_figured(record, figures))?;
    let in_flight = survey.dispatched.map(|dispatched| dispatched.saturating_sub(survey.rows));
    let summary = tally.close_killed(in_flight)?;
    let settled = Settled::new(folder);
    settled.write_summary(&summary)?;
    settled.finish()?;
    let recovery = Recovery::FromJournal { rows: survey.rows, in_flight, damage: survey.damage };
    Ok(Recovered { summary, recovery })
}

/// The summary that the run itself wrote, if all its files are there.
fn complete(path: &Path, journal: &JournalReader, rows: u64) -> Option<Summary> {
    let summary = Summary::from_json(&fs::read_to_string(path.join(RunFile::Summary.name())).ok()?).ok()?;
    let count = |path: &Path| -> Result<u64, RowsError> { Ok(read_rows(path)?.rows()) };
    let written = count(&path.join(RunFile::Rows.name())).ok()?;
    (summary.run.id == journal.facts().run.id && written >= rows).then_some(summary)
}

#[cfg(test)]
mod tests;
