//! Why a folder cannot take a run.

use std::path::PathBuf;

use crate::storage::StorageError;

/// A folder cannot take a run. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field is")]
pub enum FolderError {
    /// Its files would be overwritten.
    #[error("`{}` holds a run already", path.display())]
    HoldsRun { path: PathBuf },
    /// A killed run's requests would be lost.
    #[error("`{}` holds a run that was not finished", path.display())]
    HoldsJournal { path: PathBuf },
    /// Something there has a run's file name and is not a run's file.
    #[error("`{}` is in the way: {reason}", path.display())]
    InTheWay { path: PathBuf, reason: &'static str },
    /// Two runs cannot share one.
    #[error("`{}` is being used by another metron", path.display())]
    InUse { path: PathBuf },
    /// A file of that name exists.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder { path: PathBuf },
    /// What lies behind a link may not be what it seems.
    #[error("`{}` is a symbolic link", path.display())]
    Link { path: PathBuf, target: PathBuf },
    /// The disk says no.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl FolderError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::HoldsRun { .. } => "--force to replace it, or name another folder: --output DIR".to_owned(),
            Self::HoldsJournal { path } => format!("metron recover '{}' (or --force to give it up)", path.display()),
            Self::InTheWay { path, .. } => {
                format!("move `{}` away, or name another folder: --output DIR", path.display())
            }
            Self::InUse { .. } | Self::NotAFolder { .. } => "name another folder: --output DIR".to_owned(),
            Self::Link { target, .. } => format!("--output '{}'", target.display()),
            Self::Storage(error) => error.hint(),
        }
    }
}
