//! A request header: checked once, and secret if its name says so or whoever gives it. It knows nothing of which headers a request needs.

use std::fmt;

use crate::dialect::Dialect;
use crate::secret::{Secret, is_secret_name};

/// One header of every request. Its name and value can be written as they stand: no line end, no NUL.
pub struct Header {
    name: String,
    value: Secret,
    /// Whether it is secret whatever its name.
    kept: bool,
}

/// Why a text is no header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// There is no colon.
    #[error("header has no colon between name and value\n  hint: --header 'x-team: search'")]
    NoColon,
    /// The name has a character that a name must not have, or none at all.
    #[error("header name `{}` is empty or has a character other than letters, digits and !#$%&'*+-.^_`|~", .0.escape_debug())]
    BadName(String),
    /// The value would end the line. It is not shown, since it may be a secret.
    #[error("the value of header `{0}` has a line end or another control character")]
    BadValue(String),
    /// The header is this program's to set.
    #[error("header `{0}` frames the request and is set by metron itself")]
    Reserved(String),
}

/// Its name alone: the value may be a secret.
impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Header").field(&self.name).finish_non_exhaustive()
    }
}

impl Header {
    /// A header of this name and value, blanks around the value dropped.
    ///
    /// # Errors
    /// If the name is no token, if the value has a control character, or if the header frames the request.
    pub fn new(name: &str, value: Secret) -> Result<Self, HeaderError> {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(HeaderError::BadName(name.to_owned()));
        }
        if ["content-length", "transfer-encoding", "connection", "te", "upgrade", "expect"]
            .contains(&name.to_ascii_lowercase().as_str())
        {
            return Err(HeaderError::Reserved(name.to_owned()));
        }
        if value.expose().bytes().any(|b| b != b'\t' && b.is_ascii_control()) {
            return Err(HeaderError::BadValue(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), value: Secret::new(value.expose().trim().to_owned()), kept: false })
    }

    /// Reads `Name: value`.
    ///
    /// # Errors
    /// As [`Header::new`], or if there is no colon.
    pub fn parse(line: &str) -> Result<Self, HeaderError> {
        let (name, value) = line.split_once(':').ok_or(HeaderError::NoColon)?;
        Self::new(name.trim(), Secret::new(value.to_owned()))
    }

    /// The header by which servers of this dialect take a key: `Authorization: Bearer KEY`, `x-api-key: KEY`, and the like.
    ///
    /// # Errors
    /// If the key has a control character.
    pub fn key(dialect: Dialect, key: &Secret) -> Result<Self, HeaderError> {
        let (name, before) = dialect.key_header();
        Self::new(name, Secret::new(format!("{before}{}", key.expose().trim())))
    }

    /// The same header as a secret, whatever its name: one whose value came from where secrets are kept.
    #[must_use]
    pub fn kept_secret(self) -> Self {
        Self { kept: true, ..self }
    }

    /// Its name, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether its value must not be shown or sent to another origin.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.kept || is_secret_name(&self.name)
    }

    /// Its value, to be written to a connection.
    pub(crate) fn value(&self) -> &str {
        self.value.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> HeaderError {
        match Header::parse(line) {
            Ok(_) => panic!("{line} was taken"),
            Err(refused) => refused,
        }
    }

    #[test]
    fn a_header_cannot_split_a_request() {
        assert_eq!(refused("x-a: 1\r\nx-b: 2"), HeaderError::BadValue("x-a".to_owned()));
        assert_eq!(refused("x-a: 1\0"), HeaderError::BadValue("x-a".to_owned()));
        assert_eq!(refused("x a: 1"), HeaderError::BadName("x a".to_owned()));
        assert_eq!(refused(": 1"), HeaderError::BadName(String::new()));
        assert_eq!(refused("no colon"), HeaderError::NoColon);
        assert_eq!(refused("Content-Length: 3"), HeaderError::Reserved("Content-Length".to_owned()));
    }

    #[test]
    fn a_refusal_does_not_show_the_value() {
        assert!(!refused("authorization: Bearer sk-canary\n").to_string().contains("sk-canary"));
    }

    #[test]
    fn a_header_is_read_with_its_blanks_dropped() {
        let header = Header::parse("X-Team:  search ").expect("a header");
        assert_eq!((header.name(), header.value(), header.is_secret()), ("X-Team", "search", false));
        assert!(Header::key(Dialect::Chat, &Secret::new("sk-1\n".to_owned())).expect("trimmed").is_secret());
    }
}
