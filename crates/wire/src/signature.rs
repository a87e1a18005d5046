//! Signature Version 4, by which AWS knows who sends a request: headers that depend on the body and on the time. It sends
//! nothing and reads no clock.

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
    /// As it is sent.
    pub(crate) host: &'a str,
    /// Further headers, names in lower case.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// The body's hash, by [`hash`].
    pub(crate) body: &'a str,
}

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
        let mut headers = vec![("host", request.host), ("x-amz-date", time.as_str())];
        headers.extend(token.map(|token| ("x-amz-security-token", token)));
        headers.extend_from_slice(request.headers);
        headers.sort_unstable();
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        let names = names.join(";");
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
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

/// What a slash becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slashes {
    Stand,
    Encoded,
}

/// A text with all but letters, digits and `-._~` as `%XX`. A path is encoded as it is sent, so what is encoded there is twice.
fn encoded(text: &str, slashes: Slashes) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
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

    /// The credentials of AWS's published examples, and their instant: 2015-08-30 12:36:00 UTC.
    const AT: i64 = 1_440_938_160;

    fn signing(service: &'static str) -> Signing {
        Signing {
            access_key: "AKIDEXAMPLE".to_owned(),
            secret_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned()),
            session_token: None,
            region: "us-east-1".to_owned(),
            service,
        }
    }

    #[track_caller]
    fn check(service: &'static str, method: &str, url: &str, headers: &[(&str, &str)], body: &str, signature: &str) {
        let url = Url::parse(url).unwrap();
        let host = url.host_str().unwrap();
        let signed = Signed { method, url: &url, host, headers, body: &hash(body.as_bytes()) };
        let lines = signing(service).lines(&signed, AT);
        assert!(lines.starts_with("x-amz-date: 20150830T123600Z\r\nauthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/"), "{lines}");
        assert!(lines.ends_with(&format!("Signature={signature}\r\n")), "{lines}");
    }

    #[test]
    fn the_published_examples_are_signed_as_published() {
        let root = "http://example.amazonaws.com/";
        check("service", "GET", root, &[], "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
        check("service", "POST", root, &[], "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
        let query = "http://example.amazonaws.com/?Param2=value2&Param1=value1";
        check("service", "GET", query, &[], "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        check(
            "service",
            "POST",
            root,
            &form,
            "Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        );
        let users = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08";
        let utf8 = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        check("iam", "GET", users, &utf8, "", "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    #[test]
    fn what_is_encoded_in_a_path_is_encoded_again() {
        assert_eq!(encoded("/model/a.b-v1%3A0/converse-stream", Slashes::Stand), "/model/a.b-v1%253A0/converse-stream");
        assert_eq!(encoded("a/b:c", Slashes::Encoded), "a%2Fb%3Ac");
    }

    #[test]
    fn a_key_that_holds_for_a_while_sends_its_token() {
        let mut signing = signing("bedrock");
        signing.session_token = Some(Secret::new("token==".to_owned()));
        let url = Url::parse("https://h/").unwrap();
        let signed = Signed { method: "POST", url: &url, host: "h", headers: &[], body: &hash(b"") };
        let lines = signing.lines(&signed, AT);
        assert!(lines.contains("\r\nx-amz-security-token: token==\r\n"), "{lines}");
        assert!(lines.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"), "{lines}");
    }
}
