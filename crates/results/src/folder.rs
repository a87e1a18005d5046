//! A run's folder: made before anything is measured, held by one run at a time, never overwritten by accident.
//!
//! Whatever cannot work (a file in the way, a read-only disk, another run's files) is refused here, before the first request
//! and without leaving a trace. Does not know what the files hold.

mod error;
mod name;
mod recognise;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::storage::{self, Action, Disk, Lock, Storage, StorageError};

pub use error::FolderError;
pub use name::{InvalidName, RunName, default_path};

/// The files of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunFile {
    /// Everything that was resolved.
    Config,
    /// The figures.
    Summary,
    /// One row per request.
    Rows,
    /// What a person reads.
    Report,
    /// The rows while the run runs.
    Journal,
    /// The iterations of a simulated engine.
    Engine,
    /// What servers said of themselves meanwhile (`--server-metrics`).
    ServerMetrics,
    /// TTFT against prompt length, of `metron prefill`.
    PrefillProfile,
    /// The highest load that holds, of `metron capacity`.
    Capacity,
    /// The cells of a sweep.
    Sweep,
}

impl RunFile {
    /// Every one.
    pub const ALL: [Self; 10] = [
        Self::Config,
        Self::Summary,
        Self::Rows,
        Self::Report,
        Self::Journal,
        Self::Engine,
        Self::ServerMetrics,
        Self::PrefillProfile,
        Self::Capacity,
        Self::Sweep,
    ];

    /// Its name in the folder.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "config.yaml",
            Self::Summary => "summary.json",
            Self::Rows => "requests.parquet",
            Self::Report => "report.html",
            Self::Journal => "journal.arrows",
            Self::Engine => "engine.parquet",
            Self::ServerMetrics => "server.parquet",
            Self::PrefillProfile => "prefill-profile.json",
            Self::Capacity => "capacity.json",
            Self::Sweep => "sweep.json",
        }
    }
}

/// The file whose lock says that a run is using the folder.
const LOCK: &str = ".metron.lock";

/// The first line of a run's configuration.
const CONFIG_HEAD: &str = "# metron run, everything resolved. Again: metron run --config DIR/config.yaml\n";

/// What to do with a folder that holds a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// Refuse it.
    Refuse,
    /// `--force`: remove that run's own files, and nothing else.
    Replace,
}

/// Who may read the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    /// Whom the umask lets.
    AsUmask,
    /// The owner alone: the files hold texts.
    Private,
}

/// A folder that this run holds. On drop its lock is given back; files stay.
#[derive(Debug)]
pub struct RunFolder {
    storage: Arc<dyn Storage>,
    /// `None` once it was given back.
    lock: Option<Lock>,
    /// The folders that were made for it, outermost first.
    made: Vec<PathBuf>,
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.lock.is_some() {
            // Should it stay behind, nobody holds it: the next run takes it.
            let _ = self.storage.remove(LOCK);
        }
    }
}

impl RunFolder {
    /// Makes or takes over a folder. With [`Overwrite::Replace`] the run that it holds is gone afterwards.
    ///
    /// # Errors
    /// If a run is in it, or something else stands in the way, or it cannot be written; nothing was changed then.
    pub fn create(path: &Path, overwrite: Overwrite, privacy: Privacy) -> Result<Self, FolderError> {
        let made = make(path, privacy)?;
        match take(path, overwrite, privacy) {
            Ok(mut folder) => {
                folder.made = made;
                Ok(folder)
            }
            Err(error) => {
                unmake(&made);
                Err(error)
            }
        }
    }

    /// Gives the folder back before anything was written into it: what was made for it is removed again.
    pub fn abandon(mut self) {
        let made = std::mem::take(&mut self.made);
        drop(self);
        unmake(&made);
    }

    /// Opens the folder of a run that is over, to write one of its files again.
    ///
    /// # Errors
    /// If it cannot be opened, or a run is using it.
    pub fn reopen(path: &Path) -> Result<Self, FolderError> {
        let disk = Disk::open(path, Privacy::AsUmask);
        let disk = disk.map_err(|source| StorageError::new(Action::OpenFolder, path, source))?;
        Self::take_over(Arc::new(disk))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.storage.path()
    }

    /// Writes a file whole: it is there with all of `bytes`, or as it was before. A configuration gets a first line that says
    /// whose it is, for none of its keys does.
    ///
    /// # Errors
    /// If it cannot be written or put in place.
    pub fn write(&self, file: RunFile, bytes: &[u8]) -> Result<(), StorageError> {
        let head = if file == RunFile::Config { CONFIG_HEAD } else { "" };
        storage::write_whole(self.storage(), file.name(), &[head.as_bytes(), bytes].concat())
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    pub(crate) fn shared_storage(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.storage)
    }

    /// Takes the lock of a folder whose files are known to be a run's.
    pub(crate) fn take_over(storage: Arc<dyn Storage>) -> Result<Self, FolderError> {
        let lock = Some(lock(&*storage)?);
        Ok(Self { storage, lock, made: Vec::new() })
    }

    /// Gives the folder back: all that was to be written is.
    ///
    /// # Errors
    /// If the folder's entries cannot be made to last.
    pub fn close(mut self) -> Result<PathBuf, StorageError> {
        let path = self.path().to_owned();
        let failed = |action, name: &str| {
            let path = path.join(name);
            move |source| StorageError::new(action, path, source)
        };
        self.storage.remove(LOCK).map_err(failed(Action::Remove, LOCK))?;
        self.lock = None;
        self.storage.sync().map_err(failed(Action::Sync, ""))?;
        Ok(path)
    }
}

/// Writes another of a finished run's files, or writes it again: whole, or as it was before.
///
/// # Errors
/// If it cannot be written.
pub fn replace(path: &Path, file: RunFile, bytes: &[u8]) -> Result<(), StorageError> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |source| StorageError::new(Action::OpenFolder, path, source);
    let path = &fs::canonicalize(path).map_err(failed)?;
    // Whoever closed the folder wants its files closed too.
    let closed = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o077 == 0;
    let disk = Disk::open(path, if closed { Privacy::Private } else { Privacy::AsUmask }).map_err(failed)?;
    storage::write_whole(&disk, file.name(), bytes)
}

/// Makes the folder and its missing parents; returns those that were made, outermost first.
fn make(path: &Path, privacy: Privacy) -> Result<Vec<PathBuf>, FolderError> {
    use std::os::unix::fs::DirBuilderExt;
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => return Ok(Vec::new()),
        Ok(found) if found.is_symlink() => {
            let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            return Err(FolderError::Link { path: path.to_owned(), target });
        }
        Ok(_) => return Err(FolderError::NotAFolder { path: path.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(StorageError::new(Action::OpenFolder, path, error).into()),
    }
    let missing =
        path.ancestors().filter(|folder| !folder.as_os_str().is_empty()).take_while(|folder| !folder.exists());
    let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    missing.reverse();
    let mode = match privacy {
        Privacy::Private => 0o700,
        Privacy::AsUmask => 0o777,
    };
    for (made, folder) in missing.iter().enumerate() {
        // Parents are nobody's secret: only the run's own folder is closed.
        let mode = if folder == path { mode } else { 0o777 };
        if let Err(error) = fs::DirBuilder::new().mode(mode).create(folder) {
            unmake(&missing[..made]);
            return Err(StorageError::new(Action::CreateFolder, folder, error).into());
        }
    }
    Ok(missing)
}

/// Opens the folder, locks it, looks at what it holds, and tries whether it can be written.
fn take(path: &Path, overwrite: Overwrite, privacy: Privacy) -> Result<RunFolder, FolderError> {
    let disk = Disk::open(path, privacy).map_err(|source| StorageError::new(Action::OpenFolder, path, source))?;
    take_storage(Arc::new(disk), overwrite)
}

pub(crate) fn take_storage(storage: Arc<dyn Storage>, overwrite: Overwrite) -> Result<RunFolder, FolderError> {
    let folder = RunFolder::take_over(storage)?;
    let storage = folder.storage();
    let old = recognise::holding(storage, overwrite)?;
    probe(storage)?;
    for name in old {
        let failed = |source| StorageError::new(Action::Remove, storage.path().join(&name), source);
        storage.remove(&name).map_err(failed)?;
    }
    Ok(folder)
}

/// Removes folders that were made a moment ago; one into which someone has put a file since stays.
fn unmake(made: &[PathBuf]) {
    for folder in made.iter().rev() {
        let _ = fs::remove_dir(folder);
    }
}

fn lock(storage: &dyn Storage) -> Result<Lock, FolderError> {
    storage.lock(LOCK).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => FolderError::InUse { path: storage.path().to_owned() },
        _ => StorageError::new(Action::Lock, storage.path().join(LOCK), source).into(),
    })
}

/// How much the probe writes: a file system that has no block left says so only when one is needed.
const PROBE_BYTES: usize = 4096;

/// Writes, syncs and removes a small file, so that a full or read-only disk is found before a request is sent.
fn probe(storage: &dyn Storage) -> Result<(), StorageError> {
    let mut file = storage::Whole::create(storage, "")?;
    let written = io::Write::write_all(&mut file.file, &[0; PROBE_BYTES]).and_then(|()| file.file.sync());
    file.abandon(storage);
    written.map_err(|source| StorageError::new(Action::Write, storage.path(), source).of_bytes(PROBE_BYTES))
}

#[cfg(test)]
mod tests;
