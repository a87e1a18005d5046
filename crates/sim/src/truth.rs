//! The truth log: when every request arrived and every token was handed to the kernel, by the server's own clock. Knows no
//! socket and no schedule.
//!
//! A binary file, little-endian. 32 bytes of head: the 16 bytes `metron-truth/1` and two zeros; u64, what to add to an
//! instant to have nanoseconds since 1970; u64, zero. Then records of 32 bytes each, in the order in which things happened:
//!
//! | bytes | type | what |
//! |---|---|---|
//! | 0..8 | u64 | the request's number: requests are numbered from 0 as they arrive |
//! | 8..16 | u64 | the instant, `CLOCK_MONOTONIC` in nanoseconds |
//! | 16..24 | u64 | when it was due, on the same clock; an answer's end is due with its last token; else the instant again |
//! | 24..28 | u32 | a token's index, counted from 0; the number of tokens that an arrival will be answered with; else 0 |
//! | 28..30 | u16 | the client's port: with the order of requests on it, this names the request on the client's side |
//! | 30 | u8 | [`What`]: 1 arrived, 2 token, 3 finished, 4 cancelled |
//! | 31 | u8 | zero |
//!
//! A token's instant is read just before the call that hands its last byte to the kernel, so no client can have it earlier.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use metron_units::Nanos;

const MAGIC: &[u8; 16] = b"metron-truth/1\0\0";
const RECORD: usize = 32;
/// Records go to the writing thread in pieces of at least this many bytes.
const PIECE: usize = 2_048 * RECORD;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum What {
    /// The request was read whole.
    Arrived = 1,
    /// A token's last byte was handed to the kernel.
    Token = 2,
    /// The answer's last byte was handed to the kernel.
    Finished = 3,
    /// It ended before that: the client hung up, the engine could never run it, or a fault cut it short.
    Cancelled = 4,
}

/// One thing that happened. The module's words say what the numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// What.
    pub what: What,
    /// To which request.
    pub request: u64,
    /// When.
    pub at: Nanos,
    /// When it should have.
    pub due: Nanos,
    /// Which token, or how many.
    pub index: u32,
    /// The client's port.
    pub port: u16,
}

impl Record {
    fn bytes(&self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        bytes[0..8].copy_from_slice(&self.request.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.at.get().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.due.get().to_le_bytes());
        bytes[24..28].copy_from_slice(&self.index.to_le_bytes());
        bytes[28..30].copy_from_slice(&self.port.to_le_bytes());
        bytes[30] = self.what as u8;
        bytes
    }

    fn read(bytes: &[u8; RECORD]) -> Option<Self> {
        let long = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let what = match bytes[30] {
            1 => What::Arrived,
            2 => What::Token,
            3 => What::Finished,
            4 => What::Cancelled,
            _ => return None,
        };
        Some(Self {
            what,
            request: long(0),
            at: Nanos::new(long(8)),
            due: Nanos::new(long(16)),
            index: u32::from_le_bytes(bytes[24..28].try_into().expect("four bytes")),
            port: u16::from_le_bytes(bytes[28..30].try_into().expect("two bytes")),
        })
    }
}

/// A log that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truth {
    /// What to add to an instant to have nanoseconds since 1970; taken when the server started.
    pub unix_offset: u64,
    /// Everything, in order.
    pub records: Vec<Record>,
}

/// Reads a truth log. One cut inside a record, as a killed server leaves it, is read up to there.
///
/// # Errors
/// If it cannot be read, or is no truth log of this version.
pub fn read(mut from: impl Read) -> io::Result<Truth> {
    let refused = |reason: &str| io::Error::new(io::ErrorKind::InvalidData, reason);
    let mut head = [0; 32];
    from.read_exact(&mut head)?;
    let magic = head.strip_prefix(MAGIC).ok_or_else(|| refused("this is no truth log of version 1"))?;
    let unix_offset = u64::from_le_bytes(magic[..8].try_into().expect("eight bytes"));
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes)?;
    let (records, _cut) = bytes.as_chunks::<RECORD>();
    let records: Option<Vec<Record>> = records.iter().map(Record::read).collect();
    Ok(Truth { unix_offset, records: records.ok_or_else(|| refused("the truth log holds an unknown kind of record"))? })
}

/// Writes a log, on a thread of its own: a slow disk must not hold up the schedule.
#[derive(Debug)]
pub(crate) struct TruthWriter {
    piece: Vec<u8>,
    pieces: Sender<Vec<u8>>,
    /// Pieces that are in the file, for their room.
    written: Receiver<Vec<u8>>,
    thread: JoinHandle<io::Result<()>>,
}

impl TruthWriter {
    pub(crate) fn create(path: &Path, unix_offset: u64) -> io::Result<Self> {
        let mut file = File::create(path)?;
        file.write_all(MAGIC)?;
        file.write_all(&unix_offset.to_le_bytes())?;
        file.write_all(&[0; 8])?;
        let (pieces, to_write) = mpsc::channel::<Vec<u8>>();
        let (emptied, written) = mpsc::channel();
        let write = move || {
            to_write.into_iter().try_for_each(|mut piece| {
                file.write_all(&piece)?;
                piece.clear();
                // Refused only at the end, when nobody needs room.
                let _ = emptied.send(piece);
                Ok(())
            })
        };
        let thread = std::thread::Builder::new().name("metron-sim-log".to_owned()).spawn(write)?;
        Ok(Self { piece: Vec::with_capacity(PIECE), pieces, written, thread })
    }

    /// Keeps `record` until [`TruthWriter::hand_over`].
    pub(crate) fn push(&mut self, record: &Record) {
        self.piece.extend_from_slice(&record.bytes());
    }

    /// Hands what there is to the thread that writes it, if that is worth waking it. To be called where nothing is due: on a single core
    /// that thread takes the caller's place.
    pub(crate) fn hand_over(&mut self) {
        if self.piece.len() >= PIECE {
            self.send();
        }
    }

    /// Writes what is left and waits for it.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.send();
        drop(self.pieces);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn send(&mut self) {
        let room = self.written.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE));
        let piece = std::mem::replace(&mut self.piece, room);
        // Refused only if the thread gave up on an error, which `finish` hands over.
        let _ = self.pieces.send(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(what: What, k: u64) -> Record {
        let (at, due) = (Nanos::new(1 << 40 | k), Nanos::new(1 << 39 | k));
        Record { what, request: u64::MAX - k, at, due, index: 0x0102_0304, port: 0xabcd }
    }

    #[test]
    fn what_is_written_is_read_back_even_if_the_end_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("truth");
        let whats = [What::Arrived, What::Token, What::Finished, What::Cancelled];
        let records: Vec<Record> = (0..5_000).map(|k| record(whats[k % 4], k as u64)).collect();
        let mut writer = TruthWriter::create(&path, 77).unwrap();
        for few in records.chunks(300) {
            few.iter().for_each(|record| writer.push(record));
            writer.hand_over();
        }
        writer.finish().unwrap();
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(bytes.len(), 32 + 5_000 * 32);
        assert_eq!(read(&bytes[..]).unwrap(), Truth { unix_offset: 77, records: records.clone() });
        assert_eq!(read(&bytes[..bytes.len() - 1]).unwrap().records, records[..4_999]);
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let expected = "fffffffffffffffe 0000010000000001 0000008000000001 01020304 abcd 02 00";
        let mut bytes = record(What::Token, 1).bytes();
        for field in [0..8, 8..16, 16..24, 24..28, 28..30] {
            bytes[field].reverse();
        }
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, expected.replace(' ', ""));
    }

    #[test]
    fn another_file_is_refused() {
        assert_eq!(read(&[0; 64][..]).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let mut bytes = [MAGIC.as_slice(), &[0; 48]].concat();
        bytes[62] = 9;
        assert_eq!(read(&bytes[..]).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
