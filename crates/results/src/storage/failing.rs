//! A storage of which call number k fails, once or from then on: for tests that try every k.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Disk, Entry, Lock, Storage, StoredFile};

/// When calls fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fails {
    /// That one alone.
    Once,
    /// That one and all that need space after it, as on a full disk.
    FromThereOn,
}

/// Counts calls, and lets call `k` (from 0) fail with `kind`.
#[derive(Debug)]
pub(crate) struct Failing {
    disk: Disk,
    plan: Arc<Plan>,
}

#[derive(Debug)]
struct Plan {
    calls: AtomicUsize,
    k: usize,
    fails: Fails,
    kind: io::ErrorKind,
}

impl Plan {
    fn call(&self) -> io::Result<()> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        if call == self.k { Err(self.kind.into()) } else { Ok(()) }
    }

    /// A call that needs space.
    fn growing_call(&self) -> io::Result<()> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let fails = match self.fails {
            Fails::Once => call == self.k,
            Fails::FromThereOn => call >= self.k,
        };
        if fails { Err(self.kind.into()) } else { Ok(()) }
    }
}

impl Failing {
    pub(crate) fn new(disk: Disk, k: usize, fails: Fails, kind: io::ErrorKind) -> Self {
        Self { disk, plan: Arc::new(Plan { calls: AtomicUsize::new(0), k, fails, kind }) }
    }

    pub(crate) fn calls(&self) -> usize {
        self.plan.calls.load(Ordering::Relaxed)
    }
}

impl Storage for Failing {
    fn path(&self) -> &Path {
        self.disk.path()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn StoredFile>> {
        self.plan.growing_call()?;
        Ok(Box::new(FailingFile { file: self.disk.create(name)?, plan: Arc::clone(&self.plan) }))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        self.plan.call()?;
        self.disk.open(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.plan.call()?;
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.plan.call()?;
        self.disk.remove(name)
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        self.plan.call()?;
        self.disk.list()
    }

    fn lock(&self, name: &str) -> io::Result<Lock> {
        self.plan.call()?;
        self.disk.lock(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.plan.call()?;
        self.disk.sync()
    }
}

#[derive(Debug)]
struct FailingFile {
    file: Box<dyn StoredFile>,
    plan: Arc<Plan>,
}

/// A write that fails has still written half of it, as a full disk does; one that does not is short, as the system may.
impl Write for FailingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let half = bytes.len().div_ceil(2);
        if let Err(error) = self.plan.growing_call() {
            self.file.write_all(&bytes[..half])?;
            return Err(error);
        }
        self.file.write(&bytes[..half])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl StoredFile for FailingFile {
    fn sync(&mut self) -> io::Result<()> {
        self.plan.growing_call()?;
        self.file.sync()
    }
}
