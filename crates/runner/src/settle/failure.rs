//! The network's failures by the names under which they are counted. METRICS.md, *Errors*.

use metron_metrics::{ErrorClass, Failure};
use metron_wire::FailureKind;

/// The class of a kind of failure.
pub(crate) const fn class(kind: FailureKind) -> ErrorClass {
    match kind {
        FailureKind::Dns => ErrorClass::Dns,
        FailureKind::Connect => ErrorClass::Connect,
        FailureKind::Tls => ErrorClass::Tls,
        FailureKind::TimeoutConnect => ErrorClass::TimeoutConnect,
        FailureKind::ClientResource => ErrorClass::ClientResource,
        FailureKind::ConnectionLost => ErrorClass::ConnectionLost,
        FailureKind::Http3xx => ErrorClass::Http3xx,
        FailureKind::Http4xx => ErrorClass::Http4xx,
        FailureKind::Http429 => ErrorClass::Http429,
        FailureKind::Http5xx => ErrorClass::Http5xx,
        FailureKind::TimeoutFirstToken => ErrorClass::TimeoutFirstToken,
        FailureKind::TimeoutIdle => ErrorClass::TimeoutIdle,
        FailureKind::TimeoutTotal => ErrorClass::TimeoutTotal,
        FailureKind::Protocol => ErrorClass::Protocol,
        FailureKind::StreamError => ErrorClass::StreamError,
        FailureKind::Truncated => ErrorClass::Truncated,
        FailureKind::Empty => ErrorClass::Empty,
    }
}

pub(super) fn failure(kind: FailureKind, message: String) -> Failure {
    Failure { class: class(kind), message }
}
