//! One open folder and what may be done in it: the seam between a run's files and the disk.
//!
//! Everything that a run writes goes through [`Storage`], so that a test can let any one call fail. Names are single
//! components below an open folder, and no link is ever followed. Knows nothing of what the files hold.

mod disk;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

pub use disk::Disk;

/// An open folder.
pub trait Storage: Send + Sync + fmt::Debug {
    /// Where it was opened, for messages.
    fn path(&self) -> &Path;

    /// A new file to write; fails if anything of that name exists, a dangling link too.
    ///
    /// # Errors
    /// What the system says.
    fn create(&self, name: &str) -> io::Result<Box<dyn StoredFile>>;

    /// A file to read; fails if the name is a link.
    ///
    /// # Errors
    /// What the system says.
    fn open(&self, name: &str) -> io::Result<File>;

    /// Gives a file another name, in place of whatever file has it.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file, or a link itself.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// What the folder holds.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self) -> io::Result<Vec<Entry>>;

    /// Opens or creates a file and takes its lock, which the kernel gives back when this process ends, however it ends.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] if another process holds it; else what the system says.
    fn lock(&self, name: &str) -> io::Result<Lock>;

    /// Makes the folder's entries last: what was created, renamed and removed.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&self) -> io::Result<()>;
}

/// A file being written.
pub trait StoredFile: io::Write + Send + fmt::Debug {
    /// Makes what was written last.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&mut self) -> io::Result<()>;
}

/// A held lock; given back on drop.
#[derive(Debug)]
pub struct Lock {
    #[expect(dead_code, reason = "held, not used: the kernel ties the lock to the open file")]
    file: File,
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name; what is no UTF-8 is replaced, and so matches no name of ours.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, whatever it points to.
    Link,
    /// A device, a pipe, a socket.
    Other,
}

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the verb of a message")]
pub enum Action {
    CreateFolder,
    OpenFolder,
    List,
    Lock,
    Create,
    Write,
    Sync,
    Read,
    Rename,
    Remove,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CreateFolder => "create the folder",
            Self::OpenFolder => "open the folder",
            Self::List => "list the folder",
            Self::Lock => "lock",
            Self::Create => "create",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Read => "read",
            Self::Rename => "put in place",
            Self::Remove => "remove",
        })
    }
}

/// A file could not be written, read or put in place.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`{}", path.display(), needed.map(|n| format!(" ({n} bytes)")).unwrap_or_default())]
pub struct StorageError {
    /// What was tried.
    pub action: Action,
    /// On what.
    pub path: PathBuf,
    /// How many bytes were to be written, where that is the matter.
    pub needed: Option<u64>,
    /// What the system says.
    #[source]
    pub source: io::Error,
}

impl StorageError {
    pub(crate) fn new(action: Action, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self { action, path: path.into(), needed: None, source }
    }

    pub(crate) fn of_bytes(mut self, needed: usize) -> Self {
        self.needed = u64::try_from(needed).ok();
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        use io::ErrorKind as Kind;
        let folder = self.path.parent().unwrap_or(&self.path).display();
        match self.source.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => {
                format!("free space on the disk of `{folder}`; what was recorded is kept: metron recover '{folder}'")
            }
            Kind::ReadOnlyFilesystem | Kind::PermissionDenied => {
                "name a folder that can be written: --output DIR".to_owned()
            }
            Kind::NotFound => "the folder was removed or renamed; name another: --output DIR".to_owned(),
            Kind::WouldBlock => "another metron uses this folder; name another: --output DIR".to_owned(),
            Kind::AlreadyExists | Kind::IsADirectory => {
                format!("move `{}` away, or name another folder: --output DIR", self.path.display())
            }
            _ => format!("look at the disk of `{folder}`; what was recorded is kept: metron recover '{folder}'"),
        }
    }
}

/// Writes a file so that it is there whole or not at all: under a name of its own, synced, then put in place.
///
/// # Errors
/// If any step fails; what was there before is then still there.
pub(crate) fn write_whole(storage: &dyn Storage, name: &str, bytes: &[u8]) -> Result<(), StorageError> {
    let mut file = Whole::create(storage, name)?;
    let written = io::Write::write_all(&mut file.file, bytes);
    match written {
        Ok(()) => file.put_in_place(storage),
        Err(source) => {
            let error = StorageError::new(Action::Write, storage.path().join(name), source).of_bytes(bytes.len());
            file.abandon(storage);
            Err(error)
        }
    }
}

/// A file that is to appear under its name only once it is whole.
#[derive(Debug)]
pub(crate) struct Whole {
    name: String,
    temporary: String,
    pub(crate) file: Box<dyn StoredFile>,
}

impl Whole {
    pub(crate) fn create(storage: &dyn Storage, name: &str) -> Result<Self, StorageError> {
        let temporary = temporary_name();
        let file = storage
            .create(&temporary)
            .map_err(|source| StorageError::new(Action::Create, storage.path().join(name), source))?;
        Ok(Self { name: name.to_owned(), temporary, file })
    }

    /// Syncs it and gives it its name.
    pub(crate) fn put_in_place(mut self, storage: &dyn Storage) -> Result<(), StorageError> {
        let path = storage.path().join(&self.name);
        let placed = self.file.sync().map_err(|source| StorageError::new(Action::Sync, &path, source)).and_then(|()| {
            storage
                .rename(&self.temporary, &self.name)
                .map_err(|source| StorageError::new(Action::Rename, &path, source))
        });
        if placed.is_err() {
            self.abandon(storage);
        }
        placed
    }

    /// Removes what was written so far. If that fails too, a `.metron-*.tmp` stays behind, which the next `--force` removes.
    pub(crate) fn abandon(self, storage: &dyn Storage) {
        drop(self.file);
        let _ = storage.remove(&self.temporary);
    }
}

/// What a temporary file of ours begins with.
const TEMPORARY_HEAD: &str = ".metron-";
const TEMPORARY_TAIL: &str = ".tmp";

/// A name that nobody can foresee, so that nobody can plant a file there.
pub(crate) fn temporary_name() -> String {
    use std::hash::{BuildHasher, RandomState};
    format!("{TEMPORARY_HEAD}{:016x}{TEMPORARY_TAIL}", RandomState::new().hash_one(std::process::id()))
}

/// Whether a name is one of [`temporary_name`]'s.
pub(crate) fn is_temporary(name: &str) -> bool {
    name.strip_prefix(TEMPORARY_HEAD)
        .and_then(|rest| rest.strip_suffix(TEMPORARY_TAIL))
        .is_some_and(|middle| middle.len() == 16 && middle.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
pub(crate) mod failing;
