//! Which read completed which frame. Looks at the frames' outlines alone (RFC 9113, section 4.1), beside the library that reads
//! them: that one does not say when a frame was whole. What it would refuse is passed over here.

use std::collections::{HashMap, VecDeque};

use crate::socket::Stamp;

/// Bytes of a frame's own head.
const HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;

/// The read that completed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    pub(crate) stamp: Stamp,
    /// The read's number on its connection.
    pub(crate) read: u64,
}

/// The frames of a connection, and when those of watched streams were whole.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD],
    /// How much of the head has come.
    have: usize,
    frame: Option<Frame>,
    /// Whether the last HEADERS ended its stream: its CONTINUATIONs do not say.
    ends_stream: bool,
    settled: bool,
    watched: HashMap<u32, Watched>,
}

/// The frame whose payload is coming.
#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    left: usize,
    /// Bytes of content: the payload without its padding. Known once the padding's length has come.
    content: Option<usize>,
}

/// What has come of one stream.
#[derive(Debug, Default)]
struct Watched {
    head: Option<Mark>,
    /// Content so far, and where each frame of it ended.
    bytes: u64,
    ends: VecDeque<(u64, Mark)>,
    last: Mark,
}

impl Frames {
    /// Whether the server has said its settings, with which its side of a connection begins.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Notes the frames of a stream from here on.
    pub(super) fn watch(&mut self, stream: u32) {
        self.watched.insert(stream, Watched::default());
    }

    pub(super) fn forget(&mut self, stream: u32) {
        self.watched.remove(&stream);
    }

    /// The read that completed the response's head.
    pub(super) fn head(&self, stream: u32) -> Mark {
        self.watched.get(&stream).and_then(|watched| watched.head).unwrap_or_default()
    }

    /// The read that completed the frame in which the body's byte number `bytes`, counted from 1, lies.
    pub(super) fn data(&mut self, stream: u32, bytes: u64) -> Mark {
        let Some(watched) = self.watched.get_mut(&stream) else { return Mark::default() };
        while watched.ends.front().is_some_and(|&(end, _)| end < bytes) {
            watched.ends.pop_front();
        }
        watched.ends.front().map_or(watched.last, |&(_, mark)| mark)
    }

    /// The read that completed the last frame so far.
    pub(super) fn last(&self, stream: u32) -> Mark {
        self.watched.get(&stream).map(|watched| watched.last).unwrap_or_default()
    }

    /// Takes the bytes of one read.
    pub(super) fn take(&mut self, mut bytes: &[u8], mark: Mark) {
        while !bytes.is_empty() {
            let Some(frame) = &mut self.frame else {
                let step = (HEAD - self.have).min(bytes.len());
                self.head[self.have..self.have + step].copy_from_slice(&bytes[..step]);
                self.have += step;
                bytes = &bytes[step..];
                if self.have == HEAD {
                    self.begin(mark);
                }
                continue;
            };
            if frame.content.is_none() {
                frame.content = Some((frame.left - 1).saturating_sub(bytes[0].into()));
            }
            let step = frame.left.min(bytes.len());
            frame.left -= step;
            bytes = &bytes[step..];
            if frame.left == 0 {
                self.end(mark);
            }
        }
    }

    fn begin(&mut self, mark: Mark) {
        let [a, b, c, kind, flags, stream @ ..] = self.head;
        let left = u32::from_be_bytes([0, a, b, c]) as usize;
        let padded = kind == DATA && flags & PADDED != 0 && left > 0;
        let stream = u32::from_be_bytes(stream) & 0x7fff_ffff;
        self.frame = Some(Frame { kind, flags, stream, left, content: (!padded).then_some(left) });
        self.have = 0;
        if left == 0 {
            self.end(mark);
        }
    }

    fn end(&mut self, mark: Mark) {
        let Some(Frame { kind, flags, stream, content, .. }) = self.frame.take() else { return };
        self.settled |= kind == SETTINGS;
        if kind == HEADERS {
            self.ends_stream = flags & END_STREAM != 0;
        }
        let Some(watched) = self.watched.get_mut(&stream) else { return };
        match kind {
            DATA => {
                watched.bytes += content.unwrap_or_default() as u64;
                watched.ends.push_back((watched.bytes, mark));
            }
            // What ends the stream is a trailer, unless nothing came before it; what comes before the last is interim.
            HEADERS | CONTINUATION if flags & END_HEADERS != 0 => {
                if watched.head.is_none() || !self.ends_stream {
                    watched.head = Some(mark);
                }
            }
            _ => return,
        }
        watched.last = mark;
    }
}

#[cfg(test)]
mod tests {
    use metron_units::Nanos;

    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let stream = stream.to_be_bytes();
        [&length[1..], &[kind, flags], &stream, payload].concat()
    }

    fn mark(read: u64) -> Mark {
        Mark { stamp: Stamp { arrived: Nanos::from_millis(read), read_lag: Nanos::ZERO }, read }
    }

    #[test]
    fn each_byte_of_a_body_has_the_read_that_completed_its_frame() {
        let mut frames = Frames::default();
        frames.watch(1);
        frames.watch(3);
        assert!(!frames.is_settled());
        let stream = [
            frame(SETTINGS, 0, 0, b""),
            frame(HEADERS, END_HEADERS, 1, b"interim"),
            frame(HEADERS, 0, 1, b"fin"),
            frame(CONTINUATION, END_HEADERS, 1, b"al"),
            frame(DATA, 0, 1, b"abc"),
            frame(DATA, PADDED, 3, b"\x02xy__"),
            frame(DATA, 0, 5, b"nobody watches"),
            frame(DATA, 0, 1, b"de"),
            frame(HEADERS, END_HEADERS | END_STREAM, 1, b"trailer"),
        ];
        // One byte a read: the read's number is one past its byte.
        for (k, byte) in (1..).zip(stream.concat()) {
            frames.take(&[byte], mark(k));
        }
        let ends: Vec<u64> = (1..=stream.len()).map(|k| stream[..k].concat().len() as u64).collect();
        assert!(frames.is_settled());
        assert_eq!(frames.head(1).read, ends[3]);
        let data: Vec<u64> = (1..=5).map(|bytes| frames.data(1, bytes).read).collect();
        assert_eq!(data, [ends[4], ends[4], ends[4], ends[7], ends[7]]);
        assert_eq!((frames.data(3, 1).read, frames.data(3, 2).read), (ends[5], ends[5]));
        assert_eq!((frames.last(1).read, frames.last(3).read), (ends[8], ends[5]));
        frames.forget(1);
        assert_eq!(frames.last(1), Mark::default());
    }

    #[test]
    fn a_head_that_ends_its_stream_is_the_head() {
        let mut frames = Frames::default();
        frames.watch(1);
        frames.take(&frame(HEADERS, END_HEADERS | END_STREAM, 1, b"refusal"), mark(7));
        assert_eq!((frames.head(1), frames.last(1)), (mark(7), mark(7)));
    }
}
