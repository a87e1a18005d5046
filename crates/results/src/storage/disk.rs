//! The real folder. Every name is resolved against the open folder's handle, so that renaming or replacing the folder under
//! a run cannot send its files elsewhere.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};

use super::{Entry, EntryKind, Lock, Storage, StoredFile};
use crate::folder::Privacy;

/// A folder on disk.
#[derive(Debug)]
pub struct Disk {
    folder: OwnedFd,
    path: PathBuf,
    privacy: Privacy,
}

impl Disk {
    /// Opens a folder that exists; a link to one is refused.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path, privacy: Privacy) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self { folder, path: path.to_owned(), privacy })
    }

    /// Read and write for the owner, and for others as the umask has it unless the files hold texts.
    fn mode(&self) -> Mode {
        match self.privacy {
            Privacy::Private => Mode::from_raw_mode(0o600),
            Privacy::AsUmask => Mode::from_raw_mode(0o666),
        }
    }

    fn open_file(&self, name: &str, flags: OFlags) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.folder, name, flags, self.mode())?))
    }
}

impl Storage for Disk {
    fn path(&self) -> &Path {
        &self.path
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StoredFile>> {
        Ok(Box::new(OnDisk(self.open_file(name, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL)?)))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        // A pipe planted under the name must not make the open wait for a writer.
        let file = self.open_file(name, OFlags::RDONLY | OFlags::NONBLOCK)?;
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.folder, from, &self.folder, to)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.folder, name, AtFlags::empty())?)
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.folder)? {
            let name = entry?.file_name().to_owned();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            // Not the entry's own type: some file systems leave it out.
            let status = rustix::fs::statat(&self.folder, &name, AtFlags::SYMLINK_NOFOLLOW)?;
            entries.push(Entry { name: name.to_string_lossy().into_owned(), kind: kind(status.st_mode) });
        }
        Ok(entries)
    }

    fn lock(&self, name: &str) -> io::Result<Lock> {
        let file = self.open_file(name, OFlags::RDWR | OFlags::CREATE | OFlags::NONBLOCK)?;
        file.try_lock().map_err(|refused| match refused {
            std::fs::TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
            std::fs::TryLockError::Error(error) => error,
        })?;
        // Its holder may have removed the file between our opening and our locking it: then we hold nothing that another sees.
        let (ours, named) =
            (rustix::fs::fstat(&file)?, rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW)?);
        if (ours.st_dev, ours.st_ino) == (named.st_dev, named.st_ino) {
            Ok(Lock { file })
        } else {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.folder)?)
    }
}

fn kind(mode: rustix::fs::RawMode) -> EntryKind {
    match FileType::from_raw_mode(mode) {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Folder,
        FileType::Symlink => EntryKind::Link,
        _ => EntryKind::Other,
    }
}

#[derive(Debug)]
struct OnDisk(File);

impl Write for OnDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl StoredFile for OnDisk {
    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}
