//! What every Unix has for a socket: no receive stamp for TCP, so reads are stamped by the caller's clock. It knows nothing of
//! clocks.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::{Errno, FdFlags};
use rustix::net::{AddressFamily, SendFlags, SocketType};

/// Rust programs ignore SIGPIPE from their start, so a peer that is gone is an error of the write here too.
pub(super) const SEND_FLAGS: SendFlags = SendFlags::empty();

/// A non-blocking TCP socket.
pub(super) fn open(family: AddressFamily) -> Result<OwnedFd, Errno> {
    let fd = rustix::net::socket(family, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&fd, true)?;
    Ok(fd)
}

/// One read without waiting.
pub(super) fn receive(fd: &OwnedFd, buffer: &mut [u8]) -> Result<(usize, Option<Duration>), Errno> {
    rustix::io::read(fd, buffer).map(|length| (length, None))
}
