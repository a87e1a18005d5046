//! TLS over the stamped socket: rustls is fed the bytes that a read brought, so that what it decrypts has that read's stamp.
//! It knows nothing of HTTP.

use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use crate::socket::Socket;

mod reason;
mod trust;

pub(crate) use reason::explain;
pub(crate) use trust::{HTTP2, config, offering_http2};

/// The TLS side of a connection.
pub(crate) struct Session {
    connection: ClientConnection,
    /// Decrypted bytes of a read that brought more than rustls holds, and how many of them were taken.
    held: Vec<u8>,
    taken: usize,
}

impl Session {
    pub(crate) fn new(config: Arc<rustls::ClientConfig>, host: ServerName<'static>) -> Result<Self, rustls::Error> {
        let mut connection = ClientConnection::new(config, host)?;
        // A request is written whole, however long: a bound would only cut it short.
        connection.set_buffer_limit(None);
        Ok(Self { connection, held: Vec::new(), taken: 0 })
    }

    /// Takes the bytes of a request, to be sent by [`Session::poll_flush`].
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.connection.writer().write_all(bytes)
    }

    /// Sends what waits to be sent.
    pub(crate) fn poll_flush(&mut self, socket: &mut Socket, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut Polled { socket, cx }) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Takes the bytes of a read off the wire.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) -> Result<(), rustls::Error> {
        while !bytes.is_empty() {
            // rustls takes some, and then wants them processed before it takes more.
            let taken =
                self.connection.read_tls(&mut bytes).map_err(|error| rustls::Error::General(error.to_string()))?;
            let state = self.connection.process_new_packets()?;
            if taken == 0 {
                break;
            }
            // It refuses more while what it has decrypted, 16 KiB at most, is not taken.
            if !bytes.is_empty() && state.plaintext_bytes_to_read() > 0 {
                let start = self.held.len();
                self.held.resize(start + state.plaintext_bytes_to_read(), 0);
                self.connection.reader().read_exact(&mut self.held[start..]).expect("rustls says that they are there");
            }
        }
        Ok(())
    }

    /// Decrypted bytes: how many now stand in `buffer`; `None` if there are none yet, 0 at the peer's proper end.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if self.taken < self.held.len() {
            let length = buffer.len().min(self.held.len() - self.taken);
            buffer[..length].copy_from_slice(&self.held[self.taken..self.taken + length]);
            self.taken += length;
            return Ok(Some(length));
        }
        self.held.clear();
        self.taken = 0;
        match self.connection.reader().read(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The protocol that the server chose of those offered, if it chose any.
    pub(crate) fn chosen_protocol(&self) -> Option<&[u8]> {
        self.connection.alpn_protocol()
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }
}

/// A writer that has the task woken when it would block.
struct Polled<'a, 'b> {
    socket: &'a mut Socket,
    cx: &'a mut Context<'b>,
}

impl Write for Polled<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.socket.poll_send(self.cx, &[IoSlice::new(bytes)]) {
            Poll::Ready(sent) => sent,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
