//! A TCP socket that tells when its bytes arrived. It knows nothing of TLS or HTTP.
//!
//! One system call per event: a read that does not fill its buffer has emptied the socket, so the readiness is cleared right
//! away, without a second read that would only say "nothing there".

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rustix::net::{AddressFamily, RecvFlags, sockopt};
use tokio::io::unix::AsyncFd;

#[cfg_attr(target_os = "linux", path = "platform_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "platform_portable.rs")]
mod platform;
mod register;
mod stamp;

pub use stamp::StampCounts;
pub(crate) use stamp::{Stamp, Stamping, Stamps};

/// A connected, non-blocking socket, registered with the runtime.
pub(crate) struct Socket {
    fd: AsyncFd<OwnedFd>,
}

impl Socket {
    /// Connects to `address`; a client's small writes are not held back (`TCP_NODELAY`).
    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let fd = platform::open(family)?;
        sockopt::set_tcp_nodelay(&fd, true)?;
        let started = rustix::net::connect(&fd, &address);
        let fd = register::register(fd)?;
        match started {
            Ok(()) => {}
            Err(rustix::io::Errno::INPROGRESS) => {
                // The readiness stays: the first write comes next.
                fd.writable().await?.retain_ready();
                sockopt::socket_error(&fd)??;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Self { fd })
    }

    /// Reads what is there: the number of bytes (0: the peer has ended the stream) and the kernel's wall-clock stamp of the
    /// last segment among them, if it gave one.
    pub(crate) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, Option<Duration>)>> {
        loop {
            let mut guard = ready!(self.fd.poll_read_ready(cx))?;
            match platform::receive(guard.get_inner(), buffer) {
                Ok((length, stamp)) => {
                    if length < buffer.len() && length > 0 {
                        guard.clear_ready();
                    }
                    return Poll::Ready(Ok((length, stamp)));
                }
                Err(rustix::io::Errno::AGAIN) => guard.clear_ready(),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }

    /// Writes as much of `parts` as the kernel takes: at least a byte.
    pub(crate) fn poll_send(&self, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.fd.poll_write_ready(cx))?;
            match self.try_send(parts) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    fn try_send(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut no_control = rustix::net::SendAncillaryBuffer::default();
        Ok(rustix::net::sendmsg(self.fd.get_ref(), parts, &mut no_control, platform::SEND_FLAGS)?)
    }

    /// What an idle connection has to say, without waiting.
    pub(crate) fn state(&self) -> Idleness {
        let mut byte = [0u8; 1];
        match rustix::net::recv(self.fd.get_ref(), &mut byte[..], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
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
