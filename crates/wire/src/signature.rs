//! Signature Version 4, by which AWS knows who sends a request: headers that depend on the body and on the time. It sends
//! nothing and reads no clock.

use std::collections::BTreeMap;

use ring::{digest, hmac};
use url::Url;

use crate::secret::Secret;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Who signs, and for whom.
pub struct Signing {
    /// The access key's name, which is sent.
    pub access_key: String,
    /// The key itself, which is not.
    pub secret_key: Secret,
    /// Sent with keys that hold for a while.
    pub session_token: Option<Secret>,
    /// The region of the service, as in `us-east-1`.
    pub region: String,
    /// The service's name in signatures.
    pub service: &'static str,
}

/// What is signed of a request.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a Url,
    /// All that are sent, the host among them. Those that somebody on the way may change are left out of the signature.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// The body's hash, by [`hash`].
    pub(crate) body: &'a str,
}

/// What botocore leaves unsigned, the length, which it does not know when it signs, and what is said to the next hop alone.
const UNSIGNED: [&str; 7] = [
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "user-agent",
    "x-amzn-trace-id",
];

/// SHA-256, in hexadecimal.
pub(crate) fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

impl Signing {
    /// The header lines that sign a request at `at`, seconds since 1970.
    pub(crate) fn lines(&self, request: &Signed<'_>, at: i64) -> String {
        let time = jiff::Timestamp::from_second(at).unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string();
        let day = &time[..8];
        let token = self.session_token.as_ref().map(Secret::expose);
        let own =
            std::iter::once(("x-amz-date", time.as_str())).chain(token.map(|token| ("x-amz-security-token", token)));
        let headers = canonical(own.chain(request.headers.iter().copied()));
        let names = headers.keys().map(String::as_str).collect::<Vec<_>>().join(";");
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let canonical = format!(
            "{}\n{}\n{}\n{lines}\n{names}\n{}",
            request.method,
            encoded(request.url.path(), Slashes::Stand),
            query(request.url),
            request.body
        );
        let scope = format!("{day}/{}/{}/aws4_request", self.region, self.service);
        let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hash(canonical.as_bytes()));
        let signature = hex(self.key(day).sign(to_sign.as_bytes()).as_ref());
        let token = token.map_or_else(String::new, |token| format!("x-amz-security-token: {token}\r\n"));
        format!(
            "x-amz-date: {time}\r\n{token}authorization: {ALGORITHM} Credential={}/{scope}, SignedHeaders={names}, Signature={signature}\r\n",
            self.access_key
        )
    }

    /// The key of a day.
    fn key(&self, day: &str) -> Key {
        let first = zeroize::Zeroizing::new(format!("AWS4{}", self.secret_key.expose()));
        [day, &self.region, self.service, "aws4_request"]
            .iter()
            .fold(Key::new(first.as_bytes()), |key, part| Key::new(key.sign(part.as_bytes()).as_ref()))
    }
}

struct Key(hmac::Key);

impl Key {
    fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    fn sign(&self, bytes: &[u8]) -> hmac::Tag {
        hmac::sign(&self.0, bytes)
    }
}

/// The headers that are signed, names in lower case and in order: blanks within a value count as one, and values of one name stand
/// in one line as they came.
fn canonical<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    let mut lines: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        if UNSIGNED.contains(&name.as_str()) {
            continue;
        }
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.entry(name).and_modify(|line| *line = format!("{line},{value}")).or_insert(value);
    }
    lines
}

/// What a slash becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slashes {
    Stand,
    Encoded,
}

/// A text with all but letters, digits and `-._~` as `%XX`. A path is encoded as it is sent, so what is encoded there is twice,
/// and slashes in a row count as one.
fn encoded(text: &str, slashes: Slashes) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'/' if slashes == Slashes::Stand && out.ends_with('/') => {}
            b'/' if slashes == Slashes::Stand => out.push('/'),
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The query's pairs in order.
fn query(url: &Url) -> String {
    let pair = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| {
        (encoded(&name, Slashes::Encoded), encoded(&value, Slashes::Encoded))
    };
    let mut pairs: Vec<(String, String)> = url.query_pairs().map(pair).collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::fixture;

    /// What botocore signs, by `tests/fixtures/signatures.py`.
    #[derive(serde::Deserialize)]
    struct Vectors {
        access_key: String,
        secret_key: String,
        requests: Vec<Vector>,
    }

    #[derive(serde::Deserialize)]
    struct Vector {
        service: String,
        region: String,
        at: i64,
        method: String,
        url: String,
        headers: BTreeMap<String, String>,
        body: String,
        token: Option<String>,
        date: String,
        authorization: String,
    }

    #[test]
    fn requests_are_signed_as_botocore_signs_them() {
        let vectors: Vectors = serde_json::from_slice(&fixture("signatures.json")).unwrap();
        assert!(vectors.requests.len() > 10);
        for vector in vectors.requests {
            let signing = Signing {
                access_key: vectors.access_key.clone(),
                secret_key: Secret::new(vectors.secret_key.clone()),
                session_token: vector.token.clone().map(Secret::new),
                region: vector.region,
                service: ["bedrock", "sagemaker"].into_iter().find(|name| *name == vector.service).unwrap(),
            };
            let url = Url::parse(&vector.url).unwrap();
            let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
            let host = format!("{}{port}", url.host_str().unwrap());
            let given = vector.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let headers: Vec<(&str, &str)> = [("host", host.as_str())].into_iter().chain(given).collect();
            let body = hash(vector.body.as_bytes());
            let signed = Signed { method: &vector.method, url: &url, headers: &headers, body: &body };
            let token = vector.token.map_or_else(String::new, |token| format!("x-amz-security-token: {token}\r\n"));
            let expected = format!("x-amz-date: {}\r\n{token}authorization: {}\r\n", vector.date, vector.authorization);
            assert_eq!(signing.lines(&signed, vector.at), expected, "{}", vector.url);
        }
    }

    #[test]
    fn what_is_encoded_in_a_path_is_encoded_again() {
        assert_eq!(encoded("/model/a.b-v1%3A0/converse-stream", Slashes::Stand), "/model/a.b-v1%253A0/converse-stream");
        assert_eq!(encoded("a/b:c", Slashes::Encoded), "a%2Fb%3Ac");
    }
}
