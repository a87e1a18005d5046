//! A TCP socket that tells when its bytes arrived. It knows nothing of TLS or HTTP.
//!
//! One system call per event: a read that does not fill its buffer has emptied the socket, so the readiness is cleared right
//! away, without a second read that would only say "nothing there".
//!
//! The runtime watches a socket, and wakes whoever waits for it; or it is in a [`PollSet`], and whoever looks after that reads it.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::{AddressFamily, RecvFlags, sockopt};
use tokio::io::unix::AsyncFd;

#[cfg_attr(target_os = "linux", path = "platform_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "platform_portable.rs")]
mod platform;
#[cfg_attr(target_os = "linux", path = "poll_set_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "poll_set_portable.rs")]
mod poll_set;
mod register;
mod stamp;

pub(crate) use poll_set::{Arrivals, PollSet};
use register::Watched;
pub use stamp::StampCounts;
pub(crate) use stamp::{Stamp, Stamping, Stamps};

/// A connected, non-blocking socket.
pub(crate) struct Socket {
    fd: Watched,
    /// If it is in a set: then the runtime does not watch it.
    member: Option<Member>,
}

/// A socket's place in a set.
struct Member {
    set: Rc<PollSet>,
    /// What the set has told and no read has used up.
    news: Option<News>,
}

/// What a set tells of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// There is something to read.
    Bytes,
    /// The peer sends no more, or the connection is broken: the reads that are left end with that.
    End,
}

impl Socket {
    /// Connects to `address`; a client's small writes are not held back (`TCP_NODELAY`).
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let fd = platform::open(family)?;
        sockopt::set_tcp_nodelay(&fd, true)?;
        let started = rustix::net::connect(&fd, &address);
        let fd = Watched::by_runtime(fd)?;
        match started {
            Ok(()) => {}
            Err(rustix::io::Errno::INPROGRESS) => {
                // The readiness stays: the first write comes next.
                fd.watcher().expect("watched since").writable().await?.retain_ready();
                sockopt::socket_error(fd.fd())??;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Self { fd, member: None })
    }

    /// Goes from the runtime into a set, or takes another number in the one where it is. From now on what arrives wakes nobody:
    /// the set tells it. On an error the runtime watches it.
    pub(crate) fn enter(&mut self, set: &Rc<PollSet>, number: usize) -> io::Result<()> {
        let entered = match &self.member {
            None => set.add(self.fd.fd(), number),
            Some(_) => set.renumber(self.fd.fd(), number),
        };
        if let Err(error) = entered {
            self.leave()?;
            return Err(error);
        }
        self.fd.forget();
        self.member = Some(Member { set: Rc::clone(set), news: None });
        Ok(())
    }

    /// Goes back to the runtime, if it is in a set.
    pub(crate) fn leave(&mut self) -> io::Result<()> {
        if let Some(member) = &self.member {
            self.fd.watch()?;
            member.set.remove(self.fd.fd())?;
            self.member = None;
        }
        Ok(())
    }

    /// Whether it is in a set.
    pub(crate) fn is_member(&self) -> bool {
        self.member.is_some()
    }

    /// The set tells of it.
    pub(crate) fn told(&mut self, news: News) {
        if let Some(member) = &mut self.member {
            member.news = Some(news);
        }
    }

    /// Reads what is there: the number of bytes (0: the peer has ended the stream) and the kernel's wall-clock stamp of the
    /// last segment among them, if it gave one.
    pub(crate) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, Option<Duration>)>> {
        loop {
            let mut guard = match &self.member {
                Some(Member { news: None, .. }) => return Poll::Pending,
                Some(_) => None,
                None => Some(ready!(self.watcher().poll_read_ready(cx))?),
            };
            let received = platform::receive(self.fd.fd(), buffer);
            let is_emptied = match received {
                Ok((length, _)) => length < buffer.len() && length > 0,
                Err(error) => error == rustix::io::Errno::AGAIN,
            };
            if let Some(guard) = guard.as_mut().filter(|_| is_emptied) {
                guard.clear_ready();
            }
            if let Some(member) = self.member.as_mut().filter(|_| is_emptied) {
                // Behind the last bytes there is still the end to be read.
                member.news = member.news.filter(|&news| news == News::End && received.is_ok());
            }
            match received {
                Ok(received) => return Poll::Ready(Ok(received)),
                Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// Writes as much of `parts` as the kernel takes: at least a byte. Where it takes none the runtime has to wait for room.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            let guard = match &self.member {
                Some(_) => None,
                None => Some(ready!(self.watcher().poll_write_ready(cx))?),
            };
            match self.try_send(parts) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => match guard {
                    Some(mut guard) => guard.clear_ready(),
                    None => self.leave()?,
                },
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    fn watcher(&self) -> &AsyncFd<RawFd> {
        self.fd.watcher().expect("the runtime watches it, unless it is in a set")
    }

    fn try_send(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut no_control = rustix::net::SendAncillaryBuffer::default();
        Ok(rustix::net::sendmsg(self.fd.fd(), parts, &mut no_control, platform::SEND_FLAGS)?)
    }

    /// What an idle connection has to say, without waiting.
    pub(crate) fn state(&self) -> Idleness {
        let mut byte = [0u8; 1];
        match rustix::net::recv(self.fd.fd(), &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Idleness::Quiet,
            Ok((_, 1..)) => Idleness::Readable,
            Ok(_) | Err(_) => Idleness::Closed,
        }
    }
}

/// What a connection that nobody waits on has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idleness {
    /// Nothing.
    Quiet,
    /// There are bytes.
    Readable,
    /// The peer has ended or reset it.
    Closed,
}
