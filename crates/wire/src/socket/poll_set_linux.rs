//! Sockets that one loop reads, and which of them have something to be read: an epoll set of our own, which the runtime watches
//! as a whole.
//!
//! Each socket is in it with its owner's number. So an arrival costs no waker, no queue and no note of readiness, each a line of
//! memory that thousands of other sockets have pushed out of the cache since.

use std::io;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};

use rustix::event::{Timespec, epoll};

use super::News;
use super::register::Watched;

/// How many arrivals are taken at a time. What waits longer in the kernel counts once, however often something arrives.
const AT_A_TIME: usize = 64;

/// What is told of each: once, and again when more has arrived.
const FLAGS: epoll::EventFlags = epoll::EventFlags::IN.union(epoll::EventFlags::RDHUP).union(epoll::EventFlags::ET);

/// A set of sockets.
pub(crate) struct PollSet {
    fd: Watched,
}

/// The sockets for which something has arrived, a part of them at a time.
pub(crate) struct Arrivals(Vec<epoll::Event>);

impl Default for Arrivals {
    fn default() -> Self {
        Self(Vec::with_capacity(AT_A_TIME))
    }
}

impl Arrivals {
    /// The number of each, and what is told of it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, News)> {
        let end = epoll::EventFlags::RDHUP | epoll::EventFlags::HUP | epoll::EventFlags::ERR;
        self.0.iter().map(move |event| {
            let (flags, data) = (event.flags, event.data);
            let number = usize::try_from(data.u64()).expect("numbers are put in as usize");
            (number, if flags.intersects(end) { News::End } else { News::Bytes })
        })
    }
}

impl PollSet {
    /// An empty set, within a runtime that has I/O enabled.
    pub(crate) fn new() -> io::Result<Self> {
        let fd = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { fd: Watched::by_runtime(fd)? })
    }

    /// Ready when `arrivals` holds some; if there are none, `cx` is woken once there are.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, arrivals: &mut Arrivals) -> Poll<io::Result<()>> {
        arrivals.0.clear();
        loop {
            let mut guard = ready!(self.fd.watcher().expect("it is watched from the start").poll_read_ready(cx))?;
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            match epoll::wait(self.fd.fd(), rustix::buffer::spare_capacity(&mut arrivals.0), Some(&now)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
            if arrivals.0.len() < AT_A_TIME {
                // The set is empty now: what comes after this is news to the runtime.
                guard.clear_ready();
            }
            if !arrivals.0.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Takes a socket in. What has arrived before is told too.
    pub(super) fn add(&self, fd: &OwnedFd, number: usize) -> io::Result<()> {
        Ok(epoll::add(self.fd.fd(), fd, epoll::EventData::new_u64(number as u64), FLAGS)?)
    }

    /// Gives a socket that is in it another number. What has arrived before is told once more.
    pub(super) fn renumber(&self, fd: &OwnedFd, number: usize) -> io::Result<()> {
        Ok(epoll::modify(self.fd.fd(), fd, epoll::EventData::new_u64(number as u64), FLAGS)?)
    }

    /// Lets a socket go. One that is closed goes by itself.
    pub(super) fn remove(&self, fd: &OwnedFd) -> io::Result<()> {
        Ok(epoll::delete(self.fd.fd(), fd)?)
    }
}
