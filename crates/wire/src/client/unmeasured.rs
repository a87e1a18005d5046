//! What is asked of a server beside the requests (`/v1/models`, `/health`), and what is told to one (telemetry): a GET or a POST
//! on a connection of its own, with a bounded reply. It measures nothing.

use std::future::poll_fn;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use super::multiplexed::head_lines;
use super::{Client, shortened};
use crate::answer::FailureKind;
use crate::connect::{Opened, Refusal};
use crate::connection::{Connection, Unsent};
use crate::head_lines::HeadLines;
use crate::http1::{Content, Head, Malformed, Part};
use crate::http2::{Broken, Link, Next, request};
use crate::limits::REPLY_BYTES;
use crate::target::host_header;

/// The whole answer to a GET or POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The response's status.
    pub status: u16,
    /// The lines of its head.
    pub head: HeadLines,
    /// Its decoded body.
    pub body: Vec<u8>,
}

/// Why there is no answer or no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReachError {
    /// Its kind.
    pub kind: FailureKind,
    /// What a person needs to act; from outside, so not safe for a terminal as it stands, and without secrets.
    pub message: String,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
struct Ask<'a> {
    method: &'static str,
    path: &'a str,
    /// Empty for a GET.
    body: &'a [u8],
}

impl Client {
    /// GETs a path of the target's origin, with the target's headers, on a connection of its own, within the connect and
    /// first-token timeouts. The status is the caller's to judge; redirects are not followed.
    ///
    /// # Errors
    /// If there is no connection, no whole answer in time, or one longer than [`crate::limits::REPLY_BYTES`].
    pub async fn get(&self, path: &str) -> Result<Reply, ReachError> {
        self.exchange_once(Ask { method: "GET", path, body: b"" }).await
    }

    /// POSTs a JSON text, as [`Client::get`] gets a path.
    ///
    /// # Errors
    /// As for [`Client::get`].
    pub async fn post(&self, path: &str, body: &[u8]) -> Result<Reply, ReachError> {
        self.exchange_once(Ask { method: "POST", path, body }).await
    }

    async fn exchange_once(&self, ask: Ask<'_>) -> Result<Reply, ReachError> {
        let timeout = self.target.settings.timeouts.first_token;
        let reply = async {
            let opened = self.open(&self.target.way).await?;
            match tokio::time::timeout(Duration::from(timeout), self.ask_over(opened, ask)).await {
                Ok(reply) => reply,
                Err(_) => Err(Refusal {
                    kind: FailureKind::TimeoutTotal,
                    message: format!("no whole answer to {} {} within {timeout}", ask.method, ask.path),
                }),
            }
        };
        reply.await.map_err(|refusal| self.reach_error(refusal))
    }

    pub(super) fn reach_error(&self, refusal: Refusal) -> ReachError {
        let Refusal { kind, message } = refusal;
        ReachError { kind, message: shortened(self.target.redactor.redact(message)) }
    }

    async fn ask_over(&self, opened: Opened, ask: Ask<'_>) -> Result<Reply, Refusal> {
        let Ask { method, path, body } = ask;
        let asked = match opened {
            _ if path.bytes().any(|b| b <= b' ' || b == 0x7f) => {
                Err(refused(FailureKind::Protocol, "the path has a blank or a control character in it"))
            }
            Opened::One(connection) => self.ask_over_connection(connection, &self.ask_head(ask), body).await,
            Opened::Many(link) => self.ask_over_link(&link, &self.ask_head(ask), body).await,
        };
        asked.map_err(|Refusal { kind, message }| Refusal { kind, message: format!("{method} {path}: {message}") })
    }

    async fn ask_over_connection(
        &self,
        mut connection: Box<Connection>,
        head: &[u8],
        body: &[u8],
    ) -> Result<Reply, Refusal> {
        connection.decoder.keep_heads();
        let mut unsent = Unsent::new([head, body, b""]);
        // A failed write shows in the read.
        let _sealed = connection.seal(&mut unsent);
        let _sent = poll_fn(|cx| connection.poll_write(cx, &mut unsent)).await;
        let mut coming = Coming::default();
        loop {
            let received = poll_fn(|cx| connection.poll_read(cx, &mut self.scratch.borrow_mut())).await;
            let received = received.map_err(|error| refused(FailureKind::ConnectionLost, error))?;
            let scratch = self.scratch.borrow();
            let mut bytes = scratch.bytes(received);
            while let Some(part) = connection.decoder.next(&mut bytes).map_err(broken)? {
                if coming.take(part)? {
                    return Ok(self.reply(coming, connection.decoder.kept_head()));
                }
            }
            if received.length == 0 {
                return match coming.status {
                    Some(_) if connection.decoder.may_end() => Ok(self.reply(coming, connection.decoder.kept_head())),
                    _ => Err(refused(FailureKind::ConnectionLost, "the server closed the connection")),
                };
            }
        }
    }

    async fn ask_over_link(&self, link: &Rc<Link>, head: &[u8], body: &[u8]) -> Result<Reply, Refusal> {
        let request = request(self.target.way.scheme(), &[head]);
        let request = request.map_err(|message| refused(FailureKind::Protocol, message))?;
        let lost = |broken: Broken| match broken {
            Broken::Rules(message) => refused(FailureKind::Protocol, message),
            broken => refused(FailureKind::ConnectionLost, broken.message()),
        };
        let mut stream = link.send(request, Bytes::copy_from_slice(body)).map_err(lost)?;
        let (mut coming, mut lines) = (Coming::default(), None);
        loop {
            let (next, _) = poll_fn(|cx| stream.poll_next(cx)).await.map_err(lost)?;
            let is_over = match next {
                Next::Head(response) => {
                    lines = Some(head_lines(&response));
                    coming.take(Part::Head(Head::of_http2(&response).map_err(broken)?))?
                }
                Next::Data(data) => coming.take(Part::Body(&data))?,
                Next::End => coming.take(Part::End)?,
            };
            if is_over {
                return Ok(self.reply(coming, lines.as_deref()));
            }
        }
    }

    fn reply(&self, coming: Coming, head: Option<&[u8]>) -> Reply {
        let head = HeadLines::new(head.unwrap_or_default(), |text| self.target.redactor.redact(text));
        Reply { status: coming.status.expect("a head comes before the end"), head, body: coming.body }
    }

    fn ask_head(&self, ask: Ask<'_>) -> zeroize::Zeroizing<Vec<u8>> {
        let Ask { method, path, body } = ask;
        let settings = &self.target.settings;
        let host = host_header(settings.endpoint.address());
        let mut head = zeroize::Zeroizing::new(format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n").into_bytes());
        for header in settings.headers.iter().filter(|header| !header.name().eq_ignore_ascii_case("host")) {
            for part in [header.name(), ": ", header.value(), "\r\n"] {
                head.extend_from_slice(part.as_bytes());
            }
        }
        let is_given = |name| settings.headers.iter().any(|header| header.name().eq_ignore_ascii_case(name));
        for (name, value) in settings.endpoint.dialect().own_headers().filter(|(name, _)| !is_given(name)) {
            head.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if method == "POST" {
            head.extend_from_slice(
                format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()).as_bytes(),
            );
        }
        head.extend_from_slice(b"accept: application/json\r\nconnection: close\r\n\r\n");
        head
    }
}

/// An answer that is coming.
#[derive(Default)]
struct Coming {
    status: Option<u16>,
    content: Option<Content>,
    body: Vec<u8>,
}

impl Coming {
    /// Takes a part; whether it was the last.
    fn take(&mut self, part: Part<'_>) -> Result<bool, Refusal> {
        match part {
            Part::Head(head) => {
                self.status = Some(head.status);
                self.content = Some(Content::new(&head.encodings));
            }
            Part::Body(data) => {
                let content = self.content.as_mut().expect("a head comes before its body");
                content.decode(data, |data| self.body.extend_from_slice(data)).map_err(broken)?;
                if self.body.len() > REPLY_BYTES {
                    let mib = REPLY_BYTES >> 20;
                    return Err(refused(FailureKind::Protocol, format!("a body of more than {mib} MiB")));
                }
            }
            Part::End => return Ok(true),
        }
        Ok(false)
    }
}

fn refused(kind: FailureKind, message: impl ToString) -> Refusal {
    Refusal { kind, message: message.to_string() }
}

fn broken(error: Malformed) -> Refusal {
    refused(FailureKind::Protocol, error.0)
}
