//! Connects to the first of several addresses that answers (RFC 8305, "happy eyeballs"). It knows nothing of names.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::Poll;

use crate::limits::NEXT_ADDRESS_AFTER;
use crate::socket::Socket;

type Attempt = Pin<Box<dyn Future<Output = io::Result<Socket>>>>;

/// Tries one address after the other: the next when one fails, or when it has had [`NEXT_ADDRESS_AFTER`] to itself. The
/// first connection wins; if there is none, the last address to fail and its error are returned.
pub(super) async fn connect(addresses: &[SocketAddr]) -> Result<(Socket, SocketAddr), (SocketAddr, io::Error)> {
    let mut waiting = addresses.iter().copied().peekable();
    let mut running: Vec<(SocketAddr, Attempt)> = Vec::new();
    let mut patience = Box::pin(tokio::time::sleep(NEXT_ADDRESS_AFTER));
    let mut last = None;
    poll_fn(|cx| {
        loop {
            let mut next = running.is_empty() || patience.as_mut().poll(cx).is_ready();
            let mut k = 0;
            while k < running.len() {
                match running[k].1.as_mut().poll(cx) {
                    Poll::Ready(Ok(socket)) => return Poll::Ready(Ok((socket, running[k].0))),
                    Poll::Ready(Err(error)) => {
                        last = Some((running.swap_remove(k).0, error));
                        // A failure makes room for the next at once.
                        next = true;
                    }
                    Poll::Pending => k += 1,
                }
            }
            match waiting.next_if(|_| next) {
                Some(address) => {
                    running.push((address, Box::pin(Socket::connect(address))));
                    patience.set(tokio::time::sleep(NEXT_ADDRESS_AFTER));
                }
                None if running.is_empty() => {
                    let none = || (SocketAddr::from(([0, 0, 0, 0], 0)), io::Error::from(io::ErrorKind::NotFound));
                    return Poll::Ready(Err(last.take().unwrap_or_else(none)));
                }
                None => return Poll::Pending,
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use super::*;

    fn race(addresses: &[SocketAddr]) -> Result<SocketAddr, io::ErrorKind> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
        let won = runtime.block_on(connect(addresses));
        won.map(|(_, address)| address).map_err(|(_, error)| error.kind())
    }

    /// An address whose connections are refused.
    fn refusing() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    /// A listener whose queue is full, so that a further connection hangs; it does so for as long as all of this lives.
    fn hanging() -> (SocketAddr, OwnedFd, Vec<TcpStream>) {
        use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        listen(&listener, 0).unwrap();
        let address = SocketAddr::try_from(getsockname(&listener).unwrap()).unwrap();
        let queued = std::iter::from_fn(|| TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok());
        let queued = queued.take(16).collect();
        (address, listener, queued)
    }

    #[test]
    fn the_first_address_that_answers_wins() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        assert_eq!(race(&[good, refusing()]), Ok(good));
        assert_eq!(race(&[refusing(), refusing(), good]), Ok(good));
        let (hangs, _listener, _queued) = hanging();
        assert_eq!(race(&[hangs, good]), Ok(good));
    }

    #[test]
    fn if_none_answers_the_last_error_is_told() {
        assert_eq!(race(&[refusing(), refusing()]), Err(io::ErrorKind::ConnectionRefused));
        assert_eq!(race(&[]), Err(io::ErrorKind::NotFound));
    }
}
