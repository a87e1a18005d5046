//! Which files of a folder are a run's own: those of a run's name that say so themselves. Removes nothing.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::{FolderError, Overwrite, RunFile};
use crate::storage::{Action, EntryKind, Storage, StorageError, is_temporary};

/// The names of the files that a new run has to remove; empty if there are none.
///
/// A temporary file that a killed run left behind is always one of them: nothing can be done with it.
///
/// # Errors
/// If a run is there and is not to be replaced, or something else has a run's file name.
pub(super) fn holding(storage: &dyn Storage, overwrite: Overwrite) -> Result<Vec<String>, FolderError> {
    let path = storage.path();
    let entries = storage.list().map_err(|source| StorageError::new(Action::List, path, source))?;
    let mut old = Vec::new();
    for entry in entries {
        let Some(file) = RunFile::ALL.into_iter().find(|file| file.name() == entry.name) else {
            if is_temporary(&entry.name) && entry.kind == EntryKind::File {
                old.push(entry.name);
            }
            continue;
        };
        let in_the_way = |reason| FolderError::InTheWay { path: path.join(file.name()), reason };
        match entry.kind {
            EntryKind::File => {}
            EntryKind::Folder => return Err(in_the_way("it is a folder")),
            EntryKind::Link => return Err(in_the_way("it is a symbolic link")),
            EntryKind::Other => return Err(in_the_way("it is not a regular file")),
        }
        if !ours(storage, file).map_err(|source| StorageError::new(Action::Read, path.join(file.name()), source))? {
            return Err(in_the_way("it has the name of a run's file and was not written by metron"));
        }
        old.push(entry.name);
    }
    let has = |file: RunFile| old.iter().any(|name| name == file.name());
    match overwrite {
        Overwrite::Replace => {}
        Overwrite::Refuse if has(RunFile::Journal) => return Err(FolderError::HoldsJournal { path: path.to_owned() }),
        Overwrite::Refuse if RunFile::ALL.into_iter().any(has) => {
            return Err(FolderError::HoldsRun { path: path.to_owned() });
        }
        Overwrite::Refuse => {}
    }
    Ok(old)
}

/// How much of a file's head and tail is searched for its maker's name.
const SEARCHED: u64 = 64 * 1024;

/// Whether a file says that metron wrote it. Each of a run's files does: in its schema's name, its first line, its metadata.
/// An empty one is ours too: a run that was killed before its first write leaves it.
fn ours(storage: &dyn Storage, file: RunFile) -> io::Result<bool> {
    let mut open = storage.open(file.name())?;
    let length = open.metadata()?.len();
    if length == 0 {
        return Ok(true);
    }
    let head = part(&mut open, 0)?;
    let tail = part(&mut open, length.saturating_sub(SEARCHED))?;
    Ok([head, tail].iter().any(|bytes| bytes.windows(6).any(|word| word == b"metron")))
}

fn part(file: &mut File, from: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.take(SEARCHED).read_to_end(&mut bytes)?;
    Ok(bytes)
}
