//! No set of sockets for one loop to read: each is watched by the runtime.

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};

use super::News;

/// There is none.
pub(crate) enum PollSet {}

/// The sockets for which something has arrived: none.
#[derive(Default)]
pub(crate) struct Arrivals;

impl Arrivals {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, News)> {
        std::iter::empty()
    }
}

impl PollSet {
    pub(crate) fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn poll(&self, _cx: &mut Context<'_>, _arrivals: &mut Arrivals) -> Poll<io::Result<()>> {
        match *self {}
    }

    pub(super) fn add(&self, _fd: &OwnedFd, _number: usize) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn renumber(&self, _fd: &OwnedFd, _number: usize) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn remove(&self, _fd: &OwnedFd) -> io::Result<()> {
        match *self {}
    }
}
