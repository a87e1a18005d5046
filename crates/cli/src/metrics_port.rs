//! The run itself as a Prometheus endpoint (`--metrics-port`), on loopback: the latest snapshot, for as long as the run runs.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metron_report::exposition::prometheus;
use metron_results::event::{RunEvent, Snapshot};

use crate::failure::Failure;

/// A request's head that is longer is none of a scraper's.
const HEAD_BYTES: usize = 8 * 1024;
/// Who says nothing for so long is left.
const PATIENCE: Duration = Duration::from_secs(2);

/// Serves what goes by in `events`, which are handed on unchanged; without a port nothing is served.
///
/// # Errors
/// If the port cannot be had.
pub(crate) fn serve(port: Option<u16>, events: Receiver<RunEvent>) -> Result<Receiver<RunEvent>, Failure> {
    let Some(port) = port else { return Ok(events) };
    let refused = |error: io::Error| {
        Failure::could_not_run(format!("--metrics-port {port}: {error}"), "name another port: --metrics-port 9464")
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(refused)?;
    let latest = Arc::new(Mutex::new(Snapshot::default()));
    let (hand_on, handed_on) = channel();
    let kept = Arc::clone(&latest);
    let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
    let relay = move || {
        for event in events {
            if let RunEvent::Progress(snapshot) = &event {
                *kept.lock().unwrap_or_else(PoisonError::into_inner) = (**snapshot).clone();
            }
            // The view may have ended before the run.
            let _nobody_looks = hand_on.send(event);
        }
    };
    thread("metrics-relay").spawn(relay).map_err(refused)?;
    // It ends with the process: who scrapes after the run's end finds nobody.
    let answer_all = move || {
        for stream in listener.incoming().flatten() {
            let text = prometheus(&latest.lock().unwrap_or_else(PoisonError::into_inner).clone());
            let _gone = answer(stream, &text);
        }
    };
    thread("metrics-port").spawn(answer_all).map_err(refused)?;
    Ok(handed_on)
}

fn answer(mut stream: TcpStream, text: &str) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut head = Vec::new();
    let mut bytes = [0; 1024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            n => head.extend_from_slice(&bytes[..n]),
        }
        if head.len() > HEAD_BYTES {
            return Ok(());
        }
    }
    let found = head.starts_with(b"GET /metrics ") || head.starts_with(b"GET / ");
    let (status, body) = if found { ("200 OK", text) } else { ("404 Not Found", "the metrics are at /metrics\n") };
    write!(
        stream,
        "HTTP/1.1 {status}\r\ncontent-type: text/plain; version=0.0.4; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
