//! Requests that get an error: which status, and what the body says. Knows no socket.

use super::response::{self, JSON};

/// An error answer in OpenAI's shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: Status,
    message: String,
}

/// The statuses that this server refuses with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    BadRequest,
    NotFound,
    /// With the method that the path does take.
    MethodNotAllowed(&'static str),
    ContentTooLarge,
    HeadTooLarge,
    NotImplemented,
    VersionNotSupported,
    /// With the whole seconds after which to try again.
    TooManyRequests(u64),
    Internal,
    Unavailable,
}

impl Status {
    fn line(self) -> (u16, &'static str) {
        match self {
            Self::BadRequest => (400, "Bad Request"),
            Self::NotFound => (404, "Not Found"),
            Self::MethodNotAllowed(_) => (405, "Method Not Allowed"),
            Self::ContentTooLarge => (413, "Content Too Large"),
            Self::HeadTooLarge => (431, "Request Header Fields Too Large"),
            Self::TooManyRequests(_) => (429, "Too Many Requests"),
            Self::Internal => (500, "Internal Server Error"),
            Self::Unavailable => (503, "Service Unavailable"),
            Self::NotImplemented => (501, "Not Implemented"),
            Self::VersionNotSupported => (505, "HTTP Version Not Supported"),
        }
    }
}

/// Longer messages are cut: some quote what the client sent.
const LONGEST_MESSAGE: usize = 500;

impl Refusal {
    pub(super) fn new(status: Status, message: impl Into<String>) -> Self {
        let mut message: String = message.into();
        if message.len() > LONGEST_MESSAGE {
            message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
            message.push_str("...");
        }
        Self { status, message }
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(Status::BadRequest, message)
    }

    /// The error as JSON.
    pub(super) fn body(&self) -> String {
        let (code, _) = self.status.line();
        let kind = match self.status {
            Status::NotFound => "NotFoundError",
            Status::TooManyRequests(_) => "RateLimitError",
            Status::Internal => "InternalServerError",
            Status::Unavailable => "ServiceUnavailableError",
            Status::BadRequest
            | Status::MethodNotAllowed(_)
            | Status::ContentTooLarge
            | Status::HeadTooLarge
            | Status::NotImplemented
            | Status::VersionNotSupported => "BadRequestError",
        };
        let message = serde_json::Value::from(self.message.as_str());
        format!(r#"{{"error":{{"message":{message},"type":"{kind}","param":null,"code":{code}}}}}"#)
    }

    /// Adds the whole response to `out`.
    pub(super) fn write(&self, after: response::After, out: &mut Vec<u8>) {
        let (code, reason) = self.status.line();
        let extra = match self.status {
            Status::MethodNotAllowed(method) => format!("allow: {method}\r\n"),
            Status::TooManyRequests(seconds) => format!("retry-after: {seconds}\r\n"),
            _ => String::new(),
        };
        response::whole(&format!("{code} {reason}"), JSON, &extra, after, self.body().as_bytes(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::response::After;

    #[test]
    fn a_refusal_is_an_openai_error_whatever_its_message_holds() {
        let mut out = Vec::new();
        Refusal::new(Status::MethodNotAllowed("POST"), "a \"quote\"\r\n").write(After::Close, &mut out);
        let body = r#"{"error":{"message":"a \"quote\"\r\n","type":"BadRequestError","param":null,"code":405}}"#;
        let head = "HTTP/1.1 405 Method Not Allowed\r\ncontent-type: application/json\r\nallow: POST\r\n";
        let expected = format!("{head}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let Refusal { message, .. } = Refusal::bad("é".repeat(400) + "x");
        assert_eq!(message, "é".repeat(250) + "...");
    }
}
