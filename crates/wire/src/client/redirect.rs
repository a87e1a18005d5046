//! Where a redirect leads, and whether it may be followed. It sends nothing.

use std::borrow::Cow;

use url::Url;
use zeroize::Zeroizing;

use crate::answer::FailureKind;
use crate::connect::{Refusal, Way};
use crate::endpoint::printable;
use crate::http1::Head;
use crate::limits::REDIRECTS;
use crate::target::{Redirects, Target, request_head};

/// One address on a request's way.
pub(super) struct Hop<'a> {
    url: Cow<'a, Url>,
    /// `None` at the target itself, which has its own.
    other: Option<Box<Other>>,
    target: &'a Target,
    /// Which of the target's variants is sent.
    variant: Option<usize>,
    /// Redirects followed so far.
    followed: usize,
}

/// What an address needs that is not the target's.
struct Other {
    head: Zeroizing<Vec<u8>>,
    /// `None` if it has the target's origin.
    way: Option<Way>,
}

impl<'a> Hop<'a> {
    pub(super) fn first(target: &'a Target, variant: Option<usize>) -> Self {
        Self { url: Cow::Borrowed(target.endpoint().address()), other: None, target, variant, followed: 0 }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The request's head for this address.
    pub(super) fn head(&self) -> &[u8] {
        self.other.as_ref().map_or(self.target.head(self.variant), |other| &other.head)
    }

    pub(super) fn way(&self) -> &Way {
        self.other.as_ref().and_then(|other| other.way.as_ref()).unwrap_or(&self.target.way)
    }

    /// Whether this is the target's own origin, whose connections are kept.
    pub(super) fn is_target(&self) -> bool {
        self.other.as_ref().is_none_or(|other| other.way.is_none())
    }

    /// The next address if the answer redirects there and redirects are followed; `None` if the answer stands.
    pub(super) fn next(&self, target: &'a Target, head: Option<&Head>) -> Result<Option<Self>, Refusal> {
        let Some(location) =
            head.filter(|head| matches!(head.status, 307 | 308)).and_then(|head| head.location.as_ref())
        else {
            return Ok(None);
        };
        match target.settings.redirects {
            Redirects::Reported => return Ok(None),
            Redirects::Followed => {}
        }
        let refused = |reason: String| Refusal { kind: FailureKind::Http3xx, message: reason };
        if self.followed == REDIRECTS {
            return Err(refused(format!("more than {REDIRECTS} redirects, the last one to {location}")));
        }
        let url = self.url.join(location).map_err(|error| refused(format!("redirected to `{location}`: {error}")))?;
        match (self.url.scheme(), url.scheme()) {
            ("https", "http") => {
                return Err(refused(format!(
                    "redirected from https to {}, which would give the request away",
                    printable(&url)
                )));
            }
            (_, "http" | "https") => {}
            (_, scheme) => return Err(refused(format!("redirected to `{location}`, of scheme {scheme}"))),
        }
        // A user's name in a redirect is the server's idea, not the user's: it is never sent.
        let same_origin = url.origin() == target.endpoint().address().origin();
        let headers = target.headers(self.variant).filter(|header| same_origin || !header.is_secret());
        let head = Zeroizing::new(request_head(&url, target.endpoint().dialect(), headers));
        let way = if same_origin { None } else { Some(Way::new(&url, &target.tls, target.settings.http)?) };
        let other = Some(Box::new(Other { head, way }));
        Ok(Some(Self { url: Cow::Owned(url), other, followed: self.followed + 1, ..*self }))
    }
}
