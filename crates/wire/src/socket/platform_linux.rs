//! What Linux has for a stamped socket: `recvmsg` with the kernel's receive stamp (`SO_TIMESTAMPNS`), which comes as a control
//! message. It knows nothing of clocks.

#![expect(unsafe_code, reason = "no safe wrapper reads SCM_TIMESTAMPNS; each block says why it holds")]

use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType};

/// A peer that is gone is an error of the write, not a signal to the process.
pub(super) const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL;

/// Room for the control messages: one stamp takes 32 bytes on 64-bit machines.
#[repr(C, align(16))]
struct Control([u8; 128]);

/// A non-blocking TCP socket whose reads are stamped.
pub(super) fn open(family: AddressFamily) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let fd = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    ask_for_stamps(&fd);
    Ok(fd)
}

/// Asks for a stamp with every read. Where the kernel will not, reads come without one, and the caller's clock serves.
fn ask_for_stamps(fd: &OwnedFd) {
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is open for as long as it is borrowed; the pointer is to a c_int of the length stated.
    let _refused = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
}

/// One read without waiting: how many bytes, and when the last segment among them arrived by the wall clock.
pub(super) fn receive(fd: &OwnedFd, buffer: &mut [u8]) -> Result<(usize, Option<Duration>), Errno> {
    let mut control = MaybeUninit::<Control>::uninit();
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: an all-zero msghdr is a valid one: null pointers with lengths of zero.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of::<Control>() as _;
    // SAFETY: `message` points to `part` and `control`, which outlive the call, with their true lengths; `part` points to
    // `buffer`, which is borrowed mutably. The kernel writes within these bounds only.
    let length = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT) };
    match usize::try_from(length) {
        Ok(length) => Ok((length, stamp(&message))),
        Err(_) => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}

/// The stamp among the control messages of a `recvmsg` that has succeeded.
fn stamp(message: &libc::msghdr) -> Option<Duration> {
    // SAFETY: the kernel has set msg_controllen to what it wrote into the control buffer, and that buffer, aligned for
    // cmsghdr, is still alive; CMSG_FIRSTHDR and CMSG_NXTHDR stay within it, and the payload of a message of this level and
    // type, of at least this length, is a timespec. It may be unaligned as far as C promises, so it is read as such.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while let Some(control) = header.as_ref() {
            let is_stamp = control.cmsg_level == libc::SOL_SOCKET && control.cmsg_type == libc::SCM_TIMESTAMPNS;
            if is_stamp && control.cmsg_len >= libc::CMSG_LEN(size_of::<libc::timespec>() as u32) as _ {
                let time = libc::CMSG_DATA(header).cast::<libc::timespec>().read_unaligned();
                return Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?));
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    None
}
