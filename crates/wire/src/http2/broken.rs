//! What an error of HTTP/2 means for the request it meets. It knows nothing of how far that request has come.

use h2::Reason;

/// Why a stream has broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The server says that it has not taken the request.
    Refused(String),
    /// The connection is gone.
    Lost(String),
    /// The stream alone is gone.
    Reset(String),
    /// What came breaks the rules.
    Rules(String),
}

impl Broken {
    pub(super) fn of(error: &h2::Error) -> Self {
        let reason = error.reason().map_or_else(String::new, |reason| format!(" ({})", name(reason)));
        if let Some(error) = error.get_io() {
            return Self::Lost(match error.kind() {
                std::io::ErrorKind::ConnectionReset => "the server reset the connection".to_owned(),
                std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::UnexpectedEof => {
                    "the server closed the connection".to_owned()
                }
                _ => format!("the connection broke ({error})"),
            });
        }
        if error.is_library() {
            return Self::Rules(format!("what came breaks the rules of HTTP/2{reason}"));
        }
        match (error.is_go_away(), error.reason()) {
            (true, _) => Self::Refused(format!("the server is going away{reason}")),
            (false, Some(Reason::REFUSED_STREAM)) => Self::Refused(format!("the server refused the stream{reason}")),
            (false, Some(Reason::HTTP_1_1_REQUIRED)) => {
                Self::Reset("the server wants HTTP/1.1 for this (hint: --http 1.1)".to_owned())
            }
            (false, Some(_)) => Self::Reset(format!("the server reset the stream{reason}")),
            (false, None) => Self::Reset(format!("the stream broke ({error})")),
        }
    }

    /// What happened, in words.
    pub(crate) fn message(self) -> String {
        match self {
            Self::Refused(message) | Self::Lost(message) | Self::Reset(message) | Self::Rules(message) => message,
        }
    }
}

/// A reason by the name that RFC 9113 gives it.
fn name(reason: Reason) -> String {
    format!("{reason:?}")
}
