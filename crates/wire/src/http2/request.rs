//! A request's head as HTTP/2 has it, from the lines that HTTP/1.1 would send: both say the same, headers and signature alike.

use http::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue};
use http::{Method, Request, Uri};

use crate::secret::is_secret_name;

/// The most headers of a request: the user's and our own.
const HEADERS: usize = 1_024;

/// What HTTP/1.1 says of its connection, and HTTP/2 must not.
const OF_A_CONNECTION: [&str; 3] = ["connection", "keep-alive", "proxy-connection"];

/// The request that these lines are, over this scheme. The error is what is wrong with them.
pub(crate) fn request(scheme: &str, lines: &[&[u8]]) -> Result<Request<()>, String> {
    let bytes = zeroize::Zeroizing::new(lines.concat());
    let mut headers = vec![httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(&bytes).map_err(|error| format!("a request that HTTP/2 cannot carry: {error}"))?;
    let (method, path) = (parsed.method.unwrap_or_default(), parsed.path.unwrap_or_default());
    let host = parsed.headers.iter().find(|header| header.name.eq_ignore_ascii_case(HOST.as_str()));
    let authority = host.map_or("", |header| std::str::from_utf8(header.value).unwrap_or_default());
    let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build();
    let uri = uri.map_err(|error| format!("an address that HTTP/2 cannot carry: {error}"))?;
    let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
    let mut request = Request::new(());
    (*request.method_mut(), *request.uri_mut()) = (method, uri);
    for header in parsed.headers.iter() {
        let refused = || format!("header `{}` cannot be sent over HTTP/2", header.name);
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| refused())?;
        let is_of_http1 = name == HOST || OF_A_CONNECTION.contains(&name.as_str());
        if is_of_http1 || (name == CONTENT_LENGTH && header.value == b"0") {
            continue;
        }
        let mut value = HeaderValue::from_bytes(header.value).map_err(|_| refused())?;
        // A secret is kept out of the tables that compress headers.
        value.set_sensitive(is_secret_name(header.name));
        request.headers_mut().append(name, value);
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_http_1_are_a_request_of_http_2() {
        let lines: [&[u8]; 2] = [
            b"POST /v1/chat?x=%20y HTTP/1.1\r\nhost: example.org:8443\r\nAuthorization: Bearer k\r\n",
            b"x-a: 1\r\nx-a: 2\r\nKeep-Alive: timeout=5\r\ncontent-length: 5\r\n\r\n",
        ];
        let request = request("https", &lines).unwrap();
        assert_eq!(
            (request.method().as_str(), request.uri().to_string().as_str()),
            ("POST", "https://example.org:8443/v1/chat?x=%20y")
        );
        let headers: Vec<(&str, &[u8])> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        let expected: [(&str, &[u8]); 4] =
            [("authorization", b"Bearer k"), ("x-a", b"1"), ("x-a", b"2"), ("content-length", b"5")];
        assert_eq!(headers, expected);
        assert!(request.headers()["authorization"].is_sensitive());
    }
}
