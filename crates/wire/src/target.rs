//! What every request of a run shares: the address, the headers, the timeouts, the TLS set-up. It opens nothing.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use metron_units::Nanos;
use url::Url;
use zeroize::Zeroizing;

use crate::connect::Way;
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::header::Header;
use crate::secret::{Redactor, is_secret_name};
use crate::signature::{self, Signed, Signing};
use crate::tls;

/// What a [`Target`] is made of.
pub struct TargetSettings {
    /// Where requests go.
    pub endpoint: Endpoint,
    /// Sent with each of them.
    pub headers: Vec<Header>,
    /// Whom to trust.
    pub tls: TlsSettings,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// What a redirect means.
    pub redirects: Redirects,
    /// Which HTTP is spoken.
    pub http: Http,
}

/// Which version of HTTP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Http {
    /// HTTP/1.1: each connection carries one request at a time.
    One,
    /// HTTP/2, without asking where there is no TLS ("prior knowledge").
    Two,
    /// HTTP/2 where a TLS handshake settles on it, else HTTP/1.1.
    #[default]
    Auto,
}

impl std::str::FromStr for Http {
    type Err = UnknownHttp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1.1" => Ok(Self::One),
            "2" => Ok(Self::Two),
            "auto" => Ok(Self::Auto),
            other => Err(UnknownHttp(other.to_owned())),
        }
    }
}

/// No version of HTTP that is spoken here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of 1.1, 2 and auto")]
pub struct UnknownHttp(String);

/// Whom to trust as the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsSettings {
    /// A PEM file of root certificates that are trusted besides the system's.
    pub ca: Option<PathBuf>,
    /// Whether certificates are checked.
    pub verify: Verify,
}

/// Whether certificates are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Against the trusted roots and the host's name.
    #[default]
    Yes,
    /// Any certificate passes (`--insecure`).
    Insecure,
}

/// How long to wait; METRICS.md, *Errors*, says since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the name, TCP and TLS.
    pub connect: Nanos,
    /// From dispatch to the first bearing chunk.
    pub first_token: Nanos,
    /// From one bearing chunk to the next.
    pub idle: Nanos,
    /// From dispatch to the end.
    pub total: Nanos,
}

impl Default for Timeouts {
    /// The contract's defaults: 10 s, 60 s, 30 s, 600 s.
    fn default() -> Self {
        Self {
            connect: Nanos::from_secs(10),
            first_token: Nanos::from_secs(60),
            idle: Nanos::from_secs(30),
            total: Nanos::from_secs(600),
        }
    }
}

/// What a redirect means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirects {
    /// `http_3xx`, which names the new address.
    #[default]
    Reported,
    /// 307 and 308 are followed, up to [`crate::limits::REDIRECTS`] times, never from https to http; another origin gets no
    /// secret header.
    Followed,
}

/// Everything that the requests of a run share. One per run: the workers' clients hold it in an `Arc`.
pub struct Target {
    pub(crate) settings: TargetSettings,
    pub(crate) redactor: Redactor,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    pub(crate) way: Way,
    /// The request's head up to the headers that depend on its body.
    head: Zeroizing<Vec<u8>>,
    /// What some requests send otherwise.
    variants: Vec<Variant>,
    /// Who signs each request, if anybody does.
    signing: Option<Signing>,
}

/// Headers of some requests alone.
struct Variant {
    headers: Vec<Header>,
    head: Zeroizing<Vec<u8>>,
}

/// Why a target cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The file of root certificates cannot be used.
    #[error("cannot read root certificates from {}: {reason}\n  hint: --ca takes a PEM file with CERTIFICATE blocks", .path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The host's name cannot be in a certificate.
    #[error("{0}")]
    Name(String),
    /// The TLS library refuses the set-up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
}

/// A request that is ready to be written. It holds no secret: the headers are the target's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The headers of its own, those that depend on the body, and the blank line.
    pub(crate) length: Vec<u8>,
    /// Which of the target's variants it is, if any.
    pub(crate) variant: Option<usize>,
    pub(crate) body: Bytes,
    /// The body's hash, where requests are signed.
    hash: Option<String>,
}

impl Target {
    /// Serialises what every request starts with, and reads the certificates that will be needed.
    ///
    /// # Errors
    /// If a root certificate cannot be read.
    pub fn new(settings: TargetSettings) -> Result<Self, TargetError> {
        let url = settings.endpoint.address();
        let secret_headers = settings.headers.iter().filter(|header| header.is_secret()).map(Header::value);
        let queries: Vec<String> =
            url.query_pairs().filter(|(name, _)| is_secret_name(name)).map(|(_, value)| value.into_owned()).collect();
        let redactor = Redactor::new(secret_headers.chain(queries.iter().map(String::as_str)));
        let head = Zeroizing::new(request_head(url, settings.endpoint.dialect(), settings.headers.iter()));
        let tls = tls::config(&settings.tls, settings.http)?;
        let way = Way::new(url, &tls, settings.http).map_err(|refusal| TargetError::Name(refusal.message))?;
        Ok(Self { redactor, head, variants: Vec::new(), tls, way, settings, signing: None })
    }

    /// The same target, to some of whose requests go headers of their own, `variants`, in place of the target's of the same
    /// name. They may be secret: another origin gets none of those, and no text from the server shows them.
    #[must_use]
    pub fn varied(mut self, variants: Vec<Vec<Header>>) -> Self {
        let secret = variants.iter().flatten().filter(|header| header.is_secret());
        self.redactor.also(secret.map(Header::value));
        let (url, dialect) = (self.settings.endpoint.address(), self.settings.endpoint.dialect());
        let with_head = |headers: Vec<Header>| {
            let head = Zeroizing::new(request_head(url, dialect, laid_over(&self.settings.headers, &headers)));
            Variant { headers, head }
        };
        let variants = variants.into_iter().map(with_head).collect();
        self.variants = variants;
        self
    }

    /// A request's head up to the headers that depend on its body.
    pub(crate) fn head(&self, variant: Option<usize>) -> &[u8] {
        variant.map_or(&self.head, |variant| &self.variants[variant].head)
    }

    /// What a request sends besides what its body and its dialect ask for.
    pub(crate) fn headers(&self, variant: Option<usize>) -> impl Iterator<Item = &Header> {
        laid_over(&self.settings.headers, self.headers_of(variant))
    }

    fn headers_of(&self, variant: Option<usize>) -> &[Header] {
        variant.map_or(&[], |variant| &self.variants[variant].headers)
    }

    /// The same target, each of whose requests is signed when it is sent.
    #[must_use]
    pub fn signed(mut self, signing: Signing) -> Self {
        let token = signing.session_token.as_ref().map(crate::secret::Secret::expose);
        self.redactor.also(std::iter::once(signing.secret_key.expose()).chain(token));
        self.signing = Some(signing);
        self
    }

    /// The last headers of a request to `url` behind `head`, which depend on its body and, where it is signed, on the time:
    /// seconds since 1970.
    pub(crate) fn last_lines<'a>(&self, url: &Url, head: &[u8], prepared: &'a Prepared, at: i64) -> Cow<'a, [u8]> {
        let (Some(signing), Some(hash)) = (&self.signing, &prepared.hash) else {
            return Cow::Borrowed(&prepared.length);
        };
        // What is signed is what is sent: a header that the user gives may stand in the place of one of ours.
        let lines = [head, &prepared.length].concat();
        let lines = Zeroizing::new(String::from_utf8(lines).expect("headers are made of texts"));
        let headers: Vec<(&str, &str)> = lines.lines().skip(1).filter_map(|line| line.split_once(": ")).collect();
        let signed = Signed { method: "POST", url, headers: &headers, body: hash };
        Cow::Owned([signing.lines(&signed, at).as_bytes(), &prepared.length].concat())
    }

    /// Where requests go.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.settings.endpoint
    }

    /// A request with this body, to be sent any number of times.
    #[must_use]
    pub fn prepare(&self, body: Vec<u8>) -> Prepared {
        self.prepare_with(None, &[], body)
    }

    /// A request of one of the target's variants, with this body and headers of its own, which come after the target's. They must
    /// not be secret: a redirect to another origin takes them along.
    ///
    /// # Panics
    /// If there is no such variant.
    #[must_use]
    pub fn prepare_with(&self, variant: Option<usize>, headers: &[Header], body: Vec<u8>) -> Prepared {
        let mut length = Vec::new();
        for header in headers {
            debug_assert!(!header.is_secret(), "{} is the target's to hold", header.name());
            for part in [header.name(), ": ", header.value(), "\r\n"] {
                length.extend_from_slice(part.as_bytes());
            }
        }
        length.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        // A key of its own stands in the place of a signature.
        let has_key = self.headers_of(variant).iter().any(|header| header.name().eq_ignore_ascii_case("authorization"));
        let hash = self.signing.as_ref().filter(|_| !has_key).map(|_| signature::hash(&body));
        Prepared { length, variant, body: body.into(), hash }
    }
}

/// Headers, those of `own` in place of others of the same name.
fn laid_over<'a>(headers: &'a [Header], own: &'a [Header]) -> impl Iterator<Item = &'a Header> {
    let replaced = |header: &Header| own.iter().any(|own| own.name().eq_ignore_ascii_case(header.name()));
    headers.iter().filter(move |header| !replaced(header)).chain(own)
}

/// A POST's request line and headers, up to the ones that depend on the body.
pub(crate) fn request_head<'a>(url: &Url, dialect: Dialect, headers: impl Iterator<Item = &'a Header>) -> Vec<u8> {
    let mut lines = vec![];
    for header in headers {
        lines.push((header.name(), header.value()));
    }
    let has = |name: &str| lines.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
    let mut head = Vec::with_capacity(512);
    head.extend_from_slice(format!("POST {} HTTP/1.1\r\n", path_and_query(url)).as_bytes());
    let host = host_header(url);
    let mut own = vec![
        ("host", host.as_str()),
        ("user-agent", concat!("metron/", env!("CARGO_PKG_VERSION"))),
        ("accept", "text/event-stream, application/json"),
        ("content-type", "application/json"),
    ];
    for header in dialect.own_headers() {
        own.push(header);
    }
    for (name, value) in own.into_iter().filter(|(name, _)| !has(name)).chain(lines.iter().copied()) {
        for part in [name, ": ", value, "\r\n"] {
            head.extend_from_slice(part.as_bytes());
        }
    }
    head
}

/// The request target of the request line.
pub(crate) fn path_and_query(url: &Url) -> &str {
    &url[url::Position::BeforePath..url::Position::AfterQuery]
}

/// `host`, or `host:port` where the port is not the scheme's own.
pub(crate) fn host_header(url: &Url) -> String {
    url[url::Position::BeforeHost..url::Position::AfterPort].to_owned()
}
