//! Reads without the kernel's receive stamp, where the platform has none for TCP. It knows nothing of clocks.

use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;

/// There is nothing to ask for.
pub(super) fn ask_for_stamps(_fd: &OwnedFd) {}

/// One read without waiting.
pub(super) fn receive(fd: &OwnedFd, buffer: &mut [u8]) -> Result<(usize, Option<Duration>), Errno> {
    rustix::io::read(fd, buffer).map(|length| (length, None))
}
