//! Why TLS failed, as a person needs it: the reason and the way out. It knows nothing of connections.

use rustls::{CertificateError, Error};

/// The reason, and a hint where there is one.
pub(crate) fn explain(error: &Error) -> String {
    let hint = match error {
        Error::InvalidMessage(_) => "http:// in place of https://, if the server speaks plain HTTP on this port",
        Error::InvalidCertificate(certificate) => certificate_hint(certificate),
        Error::PeerIncompatible(_) | Error::AlertReceived(rustls::AlertDescription::ProtocolVersion) => {
            "the server must speak TLS 1.2 or 1.3"
        }
        // HTTP/1.1 is offered unless only HTTP/2 may be spoken.
        Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol) => {
            "the server does not take the version of HTTP that was offered; --http auto offers 2 and 1.1"
        }
        _ => "",
    };
    match hint {
        "" => error.to_string(),
        hint => format!("{error} (hint: {hint})"),
    }
}

fn certificate_hint(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::UnknownIssuer => {
            "--ca FILE with the issuer's certificate (or the server's own, if it is self-signed), or --insecure"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired (or this machine's date is wrong); --insecure measures all the same"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet (or this machine's date is wrong); --insecure measures all the same"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "--url with a name that the certificate holds, or --insecure"
        }
        _ => "--insecure measures all the same",
    }
}
