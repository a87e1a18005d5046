//! TLS: what is trusted, what is refused and why, and that nothing else changes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use metron_wire::{Answer, Dialect, End, FailureKind, Http, TargetSettings, TlsSettings, Verify};
use rcgen::{CertificateParams, CertifiedIssuer, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::client::{failure, send as send_request, settings, with_client};
use crate::server::{STREAM_HEAD, stream_end, token};

/// How a server ends a connection.
#[derive(Clone, Copy)]
enum Ending {
    /// With a close_notify, as it should.
    Proper,
    /// With nothing but the TCP stream's end.
    Cut,
}

/// A TLS server that sends each part of its answer in a record of its own, and what its certificate was signed by.
struct TlsServer {
    address: SocketAddr,
    issuer_pem: String,
}

type Key = CertifiedIssuer<'static, KeyPair>;

fn issuer() -> Key {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "the tests' own issuer");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server whose certificate is for `name`, valid in these years, and which answers with `parts`.
fn serve(name: &str, years: [i32; 2], parts: Vec<String>, ending: Ending) -> TlsServer {
    serve_offering(&[], name, years, parts, ending)
}

/// As [`serve`], with these versions of HTTP in its handshake; with none it passes over what a client offers.
fn serve_offering(versions: &[&str], name: &str, years: [i32; 2], parts: Vec<String>, ending: Ending) -> TlsServer {
    let issuer = issuer();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(years[0], 1, 1);
    params.not_after = rcgen::date_time_ymd(years[1], 1, 1);
    let key = KeyPair::generate().unwrap();
    let signer: &Issuer<'_, KeyPair> = &issuer;
    let certificate = params.signed_by(&key, signer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = versions.iter().map(|version| version.as_bytes().to_vec()).collect();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (config, parts) = (config.clone(), parts.clone());
            thread::spawn(move || play(stream.unwrap(), config, &parts, ending));
        }
    });
    TlsServer { address, issuer_pem: issuer.pem() }
}

fn play(mut tcp: TcpStream, config: Arc<rustls::ServerConfig>, parts: &[String], ending: Ending) -> Option<()> {
    tcp.set_nodelay(true).ok()?;
    let mut tls = rustls::ServerConnection::new(config).ok()?;
    let mut request = Vec::new();
    loop {
        let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
        let mut buffer = [0; 4096];
        while !request.ends_with(b"}") {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(length) => request.extend_from_slice(&buffer[..length]),
            }
        }
        request.clear();
        for part in parts {
            stream.write_all(part.as_bytes()).ok()?;
            stream.flush().ok()?;
            thread::sleep(Duration::from_millis(5));
        }
        match ending {
            Ending::Proper => {}
            Ending::Cut => return None,
        }
    }
}

fn good() -> Vec<String> {
    vec![STREAM_HEAD.to_owned(), token("a"), token("b"), stream_end()]
}

fn trusting(server: &TlsServer, host: &str) -> (TargetSettings, tempfile::NamedTempFile) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(server.issuer_pem.as_bytes()).unwrap();
    let mut settings = settings(&format!("https://{host}:{}", server.address.port()), Dialect::Chat);
    settings.tls = TlsSettings { ca: Some(file.path().to_owned()), verify: Verify::Yes };
    (settings, file)
}

fn request(settings: TargetSettings) -> Answer {
    with_client(settings, async |client| send_request(client).await)
}

fn refused(answer: &Answer, says: &str) {
    let (kind, message) = failure(answer);
    assert_eq!(kind, FailureKind::Tls, "{message}");
    assert!(message.contains(says), "{message:?} does not say {says:?}");
    assert_eq!(answer.dispatched, None);
}

#[test]
fn a_stream_over_tls_is_like_any_other_and_its_connection_is_kept() {
    let server = serve("localhost", [2020, 2200], good(), Ending::Proper);
    let (settings, _file) = trusting(&server, "localhost");
    with_client(settings, async |client| {
        for k in 0..3 {
            let answer = send_request(client).await;
            assert_eq!((&answer.end, answer.text.as_str()), (&End::Complete, "ab"));
            assert_eq!(answer.connect.is_some(), k == 0);
            let [a, b] = answer.chunks[..] else { panic!("two chunks") };
            assert!(answer.dispatched.unwrap() < a.arrived && a.arrived < b.arrived, "each read has its own stamp");
        }
        assert_eq!(client.stamps().refused, 0);
    });
}

#[test]
fn an_ip_address_can_be_in_a_certificate() {
    let server = serve("127.0.0.1", [2020, 2200], good(), Ending::Proper);
    assert_eq!(request(trusting(&server, "127.0.0.1").0).end, End::Complete);
}

#[test]
fn what_is_wrong_with_a_certificate_is_named_with_the_way_out() {
    let check = |name: &str, years, says: &str| {
        let server = serve(name, years, good(), Ending::Proper);
        let (settings, _file) = trusting(&server, "localhost");
        refused(&request(settings), says);
    };
    check("localhost", [2020, 2021], "expired");
    check("localhost", [2190, 2200], "not valid yet");
    check("elsewhere.example", [2020, 2200], "name that the certificate holds");
    let unknown = serve("localhost", [2020, 2200], good(), Ending::Proper);
    let url = format!("https://localhost:{}", unknown.address.port());
    refused(&request(settings(&url, Dialect::Chat)), "--ca FILE");
}

#[test]
fn insecure_passes_any_certificate() {
    for (name, years) in [("localhost", [2020, 2021]), ("elsewhere.example", [2020, 2200])] {
        let server = serve(name, years, good(), Ending::Proper);
        let mut settings = settings(&format!("https://localhost:{}", server.address.port()), Dialect::Chat);
        settings.tls.verify = Verify::Insecure;
        assert_eq!(request(settings).end, End::Complete);
    }
}

#[test]
fn a_server_that_speaks_plain_http_is_named_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let plain = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _hello = stream.read(&mut [0; 4096]);
            let _gone = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    refused(&request(settings(&format!("https://{plain}"), Dialect::Chat)), "http:// in place of https://");
}

#[test]
fn a_handshake_that_stalls_is_a_connect_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = settings(&format!("https://{}", listener.local_addr().unwrap()), Dialect::Chat);
    settings.timeouts.connect = "100ms".parse().unwrap();
    let answer = request(settings);
    let (kind, message) = failure(&answer);
    assert_eq!(kind, FailureKind::TimeoutConnect);
    assert!(message.contains("took the connection, but TLS"), "{message}");
}

#[test]
fn a_server_without_http2_is_refused_where_nothing_else_may_be_spoken_and_taken_where_it_may() {
    for (versions, says) in [(&[][..], "does not offer HTTP/2 (hint: --http 1.1)"), (&["http/1.1"], "--http auto")] {
        let server = serve_offering(versions, "localhost", [2020, 2200], good(), Ending::Proper);
        let (mut settings, file) = trusting(&server, "localhost");
        settings.http = Http::Two;
        refused(&request(settings), says);
        drop(file);
        for http in [Http::One, Http::Auto] {
            let (mut settings, _file) = trusting(&server, "localhost");
            settings.http = http;
            assert_eq!(request(settings).end, End::Complete, "{versions:?} {http:?}");
        }
    }
}

#[test]
fn a_connection_cut_without_close_notify_ends_no_body() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let event = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";
    let server = serve("localhost", [2020, 2200], vec![head.to_owned(), event.to_owned()], Ending::Cut);
    let answer = request(trusting(&server, "localhost").0);
    assert_eq!(failure(&answer).0, FailureKind::Truncated);
}

#[test]
fn a_file_without_a_certificate_is_refused_before_anything_is_sent() {
    for content in ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content.as_bytes()).unwrap();
        let mut settings = settings("https://localhost", Dialect::Chat);
        settings.tls.ca = Some(file.path().to_owned());
        let error = metron_wire::Target::new(settings).err().expect(content).to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }
}

#[test]
fn a_large_request_over_tls_is_sent_whole() {
    let server = serve("localhost", [2020, 2200], good(), Ending::Proper);
    with_client(trusting(&server, "localhost").0, async |client| {
        let mut answer = Answer::default();
        let mut body = vec![b' '; 4 << 20];
        body.push(b'}');
        client.send(&client.target().prepare(body), &mut answer).await;
        assert_eq!(answer.end, End::Complete);
    });
}

#[test]
fn much_that_arrives_at_once_over_tls_is_taken_whole() {
    // Many times what rustls holds decrypted.
    let words = "a".repeat(300_000);
    let all = [STREAM_HEAD, &token(&words), &stream_end()].concat();
    let server = serve("localhost", [2020, 2200], vec![all], Ending::Proper);
    let answer = request(trusting(&server, "localhost").0);
    assert_eq!((&answer.end, answer.text.len()), (&End::Complete, words.len()));
}
