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
