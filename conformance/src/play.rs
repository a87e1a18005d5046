//! Plays a case over a connection, step by step, and notes when each event left.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::case::{Case, Step};
use crate::server::unix_nanos;

/// What becomes of the connection after an answer.
pub(crate) enum After {
    /// It serves the next request.
    Open,
    /// It is closed.
    Close,
    /// It is reset.
    Reset,
}

/// How an answer is to be played.
pub(crate) struct Manner {
    /// How its waits pass.
    pub(crate) time: Time,
    /// The connection has served this case before.
    pub(crate) reused: bool,
}

/// How the waits of an answer pass.
#[derive(Clone, Copy)]
pub(crate) enum Time {
    /// As its steps say, and so long before each event.
    Paced(Duration),
    /// Not at all.
    Skipped,
}

/// Plays `case`; `left` is called just before each event is handed to the kernel.
pub(crate) fn play(case: &Case, to: &mut dyn Write, manner: &Manner, left: &dyn Fn()) -> io::Result<After> {
    // The race that this step is about: the connection goes before a byte of the answer.
    if manner.reused && matches!(case.steps.first(), Some(Step::ResetIfReused)) {
        return Ok(After::Reset);
    }
    let mut player = Player {
        case,
        to,
        time: manner.time,
        chunked: has(case, "transfer-encoding", "chunked"),
        gzip: has(case, "content-encoding", "gzip").then(|| GzEncoder::new(Vec::new(), Compression::default())),
        due: unix_nanos(),
    };
    player.head()?;
    for step in &case.steps {
        match step {
            Step::WaitMs(ms) => player.wait(Duration::from_millis(*ms)),
            Step::Close => return Ok(After::Close),
            Step::Reset => return Ok(After::Reset),
            Step::ResetIfReused => {}
            Step::End => player.end()?,
            Step::Raw(text) => player.body(text.as_bytes())?,
            Step::Split { every, after, wait_ms, steps } => {
                let whole = player.joined(steps);
                let cuts = cut(&whole, *every, after.as_deref().map(|text| text.as_bytes()[0]));
                player.parts(&cuts, Duration::from_millis(*wait_ms), steps, left)?;
            }
            Step::Say(_)
            | Step::Role
            | Step::Finish(_)
            | Step::Usage(..)
            | Step::Event(_)
            | Step::Json(_)
            | Step::Typed(_)
            | Step::Message(_)
            | Step::Data(_)
            | Step::Done => {
                player.pace();
                let event = case.event(step).unwrap_or_default();
                left();
                player.body(&event)?;
            }
        }
    }
    let framed = player.chunked || has(case, "content-length", "");
    let open = framed && !has(case, "connection", "close") && !case.head[0].starts_with("HTTP/1.0");
    Ok(if open { After::Open } else { After::Close })
}

/// Whether the head has this header with a value that holds `word`.
fn has(case: &Case, header: &str, word: &str) -> bool {
    case.head[1..].iter().any(|line| {
        line.split_once(':').is_some_and(|(name, value)| name.eq_ignore_ascii_case(header) && value.contains(word))
    })
}

/// Cuts `bytes` after every so many of them, or after each one that equals `after`.
fn cut(bytes: &[u8], every: Option<usize>, after: Option<u8>) -> Vec<Vec<u8>> {
    match (every, after) {
        (Some(every), _) => bytes.chunks(every).map(<[u8]>::to_vec).collect(),
        (None, Some(after)) => bytes.split_inclusive(|&byte| byte == after).map(<[u8]>::to_vec).collect(),
        (None, None) => vec![bytes.to_vec()],
    }
}

struct Player<'a> {
    case: &'a Case,
    to: &'a mut dyn Write,
    time: Time,
    chunked: bool,
    gzip: Option<GzEncoder<Vec<u8>>>,
    /// When the step at hand is due: a late wake-up is not carried on to the next one.
    due: u64,
}

impl Player<'_> {
    fn head(&mut self) -> io::Result<()> {
        let mut head = self.case.head.join("\r\n");
        for hop in 0..self.case.extra_headers {
            head.push_str(&format!("\r\nx-hop-{hop}: gateway-{hop}"));
        }
        head.push_str("\r\n\r\n");
        self.to.write_all(head.as_bytes())
    }

    /// Waits before an event, if the answer is paced.
    fn pace(&mut self) {
        if let Time::Paced(pace) = self.time {
            self.wait(pace);
        }
    }

    /// Sleeps until so long after the step before was due.
    fn wait(&mut self, long: Duration) {
        match self.time {
            Time::Skipped => {}
            Time::Paced(_) => {
                self.due += u64::try_from(long.as_nanos()).unwrap_or(u64::MAX);
                std::thread::sleep(Duration::from_nanos(self.due.saturating_sub(unix_nanos())));
            }
        }
    }

    /// The bytes of all events and texts of `steps`.
    fn joined(&self, steps: &[Step]) -> Vec<u8> {
        steps
            .iter()
            .flat_map(|step| match step {
                Step::Raw(text) => text.clone().into_bytes(),
                other => self.case.event(other).unwrap_or_default(),
            })
            .collect()
    }

    /// Sends the parts one by one. An event's instant is that of the part which holds its last byte.
    fn parts(&mut self, parts: &[Vec<u8>], wait: Duration, of: &[Step], left: &dyn Fn()) -> io::Result<()> {
        let mut ends = VecDeque::new();
        let mut end = 0;
        for step in of {
            end += self.joined(std::slice::from_ref(step)).len();
            if self.case.event(step).is_some() {
                ends.push_back(end);
            }
        }
        let mut sent = 0;
        for part in parts {
            self.wait(wait);
            sent += part.len();
            while ends.pop_front_if(|end| *end <= sent).is_some() {
                left();
            }
            self.body(part)?;
        }
        Ok(())
    }

    /// Sends bytes of the body in its framing and encoding, one write and one HTTP chunk.
    fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        let encoded = match &mut self.gzip {
            None => bytes.to_vec(),
            Some(gzip) => {
                gzip.write_all(bytes)?;
                gzip.flush()?;
                std::mem::take(gzip.get_mut())
            }
        };
        self.framed(&encoded)
    }

    fn framed(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.chunked {
            return self.to.write_all(bytes);
        }
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.to.write_all(&chunk)
    }

    fn end(&mut self) -> io::Result<()> {
        if let Some(gzip) = self.gzip.take() {
            let rest = gzip.finish()?;
            self.framed(&rest)?;
        }
        if self.chunked { self.to.write_all(b"0\r\n\r\n") } else { Ok(()) }
    }
}
