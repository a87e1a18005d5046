//! Secrets: a text that cannot be printed by accident, which headers hold one, and how they are struck out of what a server
//! sends back. It knows nothing of where secrets come from.

use zeroize::Zeroizing;

/// What stands where a secret was.
pub(crate) const REDACTED: &str = "[redacted]";
/// Secrets shorter than this are not searched for: striking out every `a` would hide the text and no secret.
const SHORTEST_SOUGHT: usize = 4;

/// A text that must not reach a file, a log or a screen: it has no `Debug`, `Display`, `Serialize` or `Clone`, and its memory
/// is overwritten when it is dropped.
///
/// ```compile_fail
/// println!("{:?}", metron_wire::Secret::new("sk-1".to_owned()));
/// ```
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over the text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, to be written to a connection and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Whether the value of a header or query parameter of this name is a secret: `authorization`, `cookie`, and every name with
/// `key`, `token` or `secret` in it.
///
/// ```
/// use metron_wire::is_secret_name;
/// assert!(is_secret_name("X-Goog-Api-Key") && is_secret_name("Proxy-Authorization"));
/// assert!(!is_secret_name("Content-Type"));
/// ```
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["authorization", "cookie", "key", "token", "secret"].iter().any(|part| name.contains(part))
}

/// Strikes known secrets out of texts, in the forms in which servers echo them.
pub(crate) struct Redactor {
    /// Longest first, so that a secret within another does not leave the rest of the longer one behind.
    sought: Vec<Zeroizing<String>>,
}

impl Redactor {
    /// Seeks each of `secrets` as it stands, percent-encoded, escaped in JSON, and in base64 at any offset. Of `Bearer KEY` the
    /// key alone is sought too.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut sought = Vec::new();
        for secret in secrets {
            let parts = secret.split([' ', '=', ';', ',']).filter(|part| part.len() >= 2 * SHORTEST_SOUGHT);
            for text in std::iter::once(secret).chain(parts) {
                if text.len() >= SHORTEST_SOUGHT {
                    sought.extend(forms(text).map(Zeroizing::new));
                }
            }
        }
        sought.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        sought.dedup();
        Self { sought }
    }

    /// Seeks these as well.
    pub(crate) fn also<'a>(&mut self, secrets: impl IntoIterator<Item = &'a str>) {
        self.sought.append(&mut Self::new(secrets).sought);
        self.sought.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    }

    /// The text with every known secret replaced by [`REDACTED`].
    pub(crate) fn redact(&self, text: String) -> String {
        self.sought.iter().fold(text, |text, secret| match text.contains(secret.as_str()) {
            true => text.replace(secret.as_str(), REDACTED),
            false => text,
        })
    }
}

fn forms(secret: &str) -> impl Iterator<Item = String> {
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let percent = |hex: fn(u8) -> String| {
        let keep = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        secret.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { hex(b) }).collect::<String>()
    };
    let form_encoded = percent(|b| format!("%{b:02X}")).replace("%20", "+");
    let base64 = [false, true].into_iter().flat_map(move |url| {
        let alphabet = if url { URL_SAFE } else { STANDARD };
        (0..3).map(move |offset| (alphabet, offset))
    });
    let base64: Vec<String> = base64.filter_map(|(alphabet, offset)| base64_within(secret, alphabet, offset)).collect();
    [secret.to_owned(), json, percent(|b| format!("%{b:02X}")), percent(|b| format!("%{b:02x}")), form_encoded]
        .into_iter()
        .chain(base64)
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The base64 digits that depend on the secret alone when it begins `offset` bytes into a group of three; `None` if they
/// are too few to be told from chance.
fn base64_within(secret: &str, alphabet: &[u8; 64], offset: usize) -> Option<String> {
    let bits: Vec<u8> = std::iter::repeat_n(0u8, offset).chain(secret.bytes()).collect();
    let digit = |k: usize| {
        let (byte, shift) = (k * 6 / 8, k * 6 % 8);
        let pair = u16::from(bits[byte]) << 8 | u16::from(*bits.get(byte + 1).unwrap_or(&0));
        char::from(alphabet[usize::from(pair >> (10 - shift) & 0x3f)])
    };
    let (first, end) = ((offset * 8).div_ceil(6), bits.len() * 8 / 6);
    (end >= first + 6).then(|| (first..end).map(digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(echo: &str, left: &str) {
        let redactor = Redactor::new(["Bearer sk-canary/+ 7\"x", "sk-canary/+ 7\"x"]);
        assert_eq!(redactor.redact(echo.to_owned()), left);
    }

    #[test]
    fn a_secret_is_struck_out_in_every_form_that_servers_echo() {
        check("you sent sk-canary/+ 7\"x!", "you sent [redacted]!");
        check("authorization: Bearer sk-canary/+ 7\"x", "authorization: [redacted]");
        check("?key=sk-canary%2F%2B%207%22x", "?key=[redacted]");
        check("?key=sk-canary%2f%2b%207%22x", "?key=[redacted]");
        check("?key=sk-canary%2F%2B+7%22x", "?key=[redacted]");
        check(r#"{"got":"sk-canary/+ 7\"x"}"#, r#"{"got":"[redacted]"}"#);
        check("nothing of it", "nothing of it");
    }

    #[test]
    fn base64_at_any_offset_is_struck_out() {
        // "sk-0123456789" behind 0, 1 and 2 other bytes, by coreutils' base64.
        let redactor = Redactor::new(["sk-0123456789"]);
        for encoded in ["c2stMDEyMzQ1Njc4OQ==", "eHNrLTAxMjM0NTY3ODk=", "eHhzay0wMTIzNDU2Nzg5"] {
            let left = redactor.redact(encoded.to_owned());
            assert!(left.contains(REDACTED) && left.len() < REDACTED.len() + 8, "{encoded} -> {left}");
        }
    }

    #[test]
    fn names_that_hold_secrets_are_known_by_pattern() {
        for name in
            ["Authorization", "api-key", "X-API-Key", "x-goog-api-key", "Cookie", "x-auth-token", "client_secret"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["accept", "content-type", "x-request-id", "user-agent"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
