//! From an address to an open connection: name, TCP, TLS, all within one timeout. It sends no request.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use metron_units::Nanos;
use rustls::pki_types::ServerName;
use url::Url;

use crate::answer::FailureKind;
use crate::clock::Clock;
use crate::connection::{Connection, Opening};
use crate::http2::{Broken, Link};
use crate::socket::Stamps;
use crate::target::{Http, host_header};
use crate::tls::{self, Session};

mod race;
mod resolve;

pub(crate) use resolve::Addresses;

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
}

/// One origin, and what is known of the way to it.
pub(crate) struct Way {
    scheme: Scheme,
    http: Http,
    /// Host and port as people write them.
    shown: String,
    addresses: Addresses,
}

/// An open connection, as far as HTTP's versions differ.
pub(crate) enum Opened {
    /// One request at a time.
    One(Box<Connection>),
    /// Many.
    Many(Rc<Link>),
}

impl Opened {
    /// Takes note of how it was opened.
    pub(crate) fn tell(&mut self, opening: Opening) {
        match self {
            Self::One(connection) => connection.opened(opening),
            Self::Many(link) => link.opened(opening),
        }
    }
}

/// What the opening of a connection waits for.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Connecting,
    /// TLS.
    Securing,
    /// The first words of HTTP/2.
    Greeting,
}

enum Scheme {
    Http,
    Https { config: Arc<rustls::ClientConfig>, host: ServerName<'static> },
}

impl Way {
    /// The way to a URL's origin. `config` is used for https alone.
    pub(crate) fn new(url: &Url, config: &Arc<rustls::ClientConfig>, http: Http) -> Result<Self, Refusal> {
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let scheme = match url.scheme() {
            "https" => Scheme::Https {
                config: config.clone(),
                host: ServerName::try_from(bare.to_owned()).map_err(|error| Refusal {
                    kind: FailureKind::Tls,
                    message: format!("`{host}` is no name that a certificate can hold: {error}"),
                })?,
            },
            _ => Scheme::Http,
        };
        let port = url.port_or_known_default().unwrap_or(80);
        Ok(Self { scheme, http, shown: host_header(url), addresses: Addresses::new(bare, port) })
    }

    /// Whether a connection to it may turn out to carry many requests.
    pub(crate) fn may_be_shared(&self) -> bool {
        match (self.http, &self.scheme) {
            (Http::One, _) | (Http::Auto, Scheme::Http) => false,
            (Http::Two, _) | (Http::Auto, Scheme::Https { .. }) => true,
        }
    }

    /// The scheme as URLs have it.
    pub(crate) fn scheme(&self) -> &'static str {
        match self.scheme {
            Scheme::Http => "http",
            Scheme::Https { .. } => "https",
        }
    }

    /// Opens a connection within `timeout`, up to the first word of HTTP.
    pub(crate) async fn open(&self, stamps: Stamps, clock: Clock, timeout: Nanos) -> Result<Opened, Refusal> {
        let started = clock.now();
        let deadline = tokio::time::Instant::from_std(clock.instant(started.saturating_add(timeout)));
        let stage = Cell::new(Stage::Connecting);
        match tokio::time::timeout_at(deadline, self.open_unbounded(stamps, &stage)).await {
            Ok(Ok(mut opened)) => {
                opened.tell(Opening::Waited(clock.now().saturating_sub(started)));
                Ok(opened)
            }
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => Err(Refusal { kind: FailureKind::TimeoutConnect, message: self.overdue(stage.get(), timeout) }),
        }
    }

    fn overdue(&self, stage: Stage, timeout: Nanos) -> String {
        let shown = &self.shown;
        match stage {
            Stage::Connecting => format!("no connection to {shown} within {timeout}"),
            Stage::Securing => format!(
                "{shown} took the connection, but TLS with it was not settled within {timeout} (hint: http:// in place of https://, if it speaks plain HTTP on this port)"
            ),
            Stage::Greeting => format!(
                "{shown} took the connection, but HTTP/2 on it was not settled within {timeout} (hint: --http 1.1)"
            ),
        }
    }

    async fn open_unbounded(&self, stamps: Stamps, stage: &Cell<Stage>) -> Result<Opened, Refusal> {
        let connection = Box::new(self.connect(stamps, stage).await?);
        match (self.http, connection.chosen_protocol(), &self.scheme) {
            (Http::Two, _, Scheme::Http) | (Http::Two | Http::Auto, Some(tls::HTTP2), _) => {}
            (Http::Two, _, Scheme::Https { .. }) => {
                return Err(Refusal {
                    kind: FailureKind::Tls,
                    message: format!("{} does not offer HTTP/2 (hint: --http 1.1)", self.shown),
                });
            }
            (Http::One | Http::Auto, ..) => return Ok(Opened::One(connection)),
        }
        stage.set(Stage::Greeting);
        Link::over(connection).await.map(Opened::Many).map_err(|broken| Refusal {
            kind: match &broken {
                Broken::Rules(_) => FailureKind::Protocol,
                Broken::Refused(_) | Broken::Lost(_) | Broken::Reset(_) => FailureKind::ConnectionLost,
            },
            message: format!("{} does not speak HTTP/2: {} (hint: --http 1.1)", self.shown, broken.message()),
        })
    }

    async fn connect(&self, stamps: Stamps, stage: &Cell<Stage>) -> Result<Connection, Refusal> {
        let addresses = self.addresses.get().await?;
        let (socket, used) =
            race::connect(&addresses).await.map_err(|(address, error)| self.refused(address, &error))?;
        self.addresses.prefer(used);
        let Scheme::Https { config, host } = &self.scheme else { return Ok(Connection::plain(socket, stamps)) };
        stage.set(Stage::Securing);
        let tls = |message: String| Refusal {
            kind: FailureKind::Tls,
            message: format!("TLS with {} failed: {message}", self.shown),
        };
        let session = Session::new(config.clone(), host.clone()).map_err(|error| tls(tls::explain(&error)))?;
        let mut connection = Connection::secure(socket, session, stamps);
        connection.handshake().await.map_err(|error| tls(explain(&error)))?;
        Ok(connection)
    }

    fn refused(&self, address: SocketAddr, error: &io::Error) -> Refusal {
        let kind = if is_own_shortage(error) { FailureKind::ClientResource } else { FailureKind::Connect };
        let place = match address.to_string() {
            address if address == self.shown => address,
            address => format!("{} ({address})", self.shown),
        };
        Refusal { kind, message: format!("cannot connect to {place}: {error}{}", shortage_hint(error)) }
    }
}

/// Whether a failed connect is this host's doing: descriptors, ports, memory.
fn is_own_shortage(error: &io::Error) -> bool {
    let own = [libc::EMFILE, libc::ENFILE, libc::EADDRNOTAVAIL, libc::ENOBUFS, libc::ENOMEM];
    error.raw_os_error().is_some_and(|code| own.contains(&code))
}

fn shortage_hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => " (hint: ulimit -n 65536)",
        Some(libc::EADDRNOTAVAIL) => " (hint: this host has no local port left; reuse connections or lower the rate)",
        _ => "",
    }
}

/// An error of the handshake: rustls' own reason if it has one.
fn explain(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(error) => tls::explain(error),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the server closed the connection during the handshake (hint: http:// in place of https://, if it speaks plain HTTP on this port)".to_owned()
        }
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortages_of_this_host_are_not_the_servers() {
        for (code, own) in [
            (libc::EMFILE, true),
            (libc::ENFILE, true),
            (libc::EADDRNOTAVAIL, true),
            (libc::ENOBUFS, true),
            (libc::ENOMEM, true),
            (libc::ECONNREFUSED, false),
            (libc::EHOSTUNREACH, false),
        ] {
            assert_eq!(is_own_shortage(&io::Error::from_raw_os_error(code)), own, "{code}");
        }
    }
}
