//! The chunked transfer coding (RFC 9112, 7.1), decoded in place. It knows nothing of heads.

use super::Malformed;
use crate::limits::{BODY_BYTES, CHUNK_LINE_BYTES};

/// Where in a chunked body the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the size's digits: how many there were, and their value.
    Size {
        digits: u8,
        size: u64,
    },
    /// Behind the digits: blanks, or an extension.
    Extension {
        size: u64,
    },
    /// A CR has come behind a size.
    SizeEnd {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataCr,
    DataLf,
    /// At the start of a trailer line.
    TrailerStart,
    Trailer,
    /// A CR has come; `last` if its line was empty.
    TrailerLf {
        last: bool,
    },
    Over,
}

/// A chunked body.
#[derive(Debug, Clone)]
pub(super) struct Chunked {
    state: State,
    /// Bytes of the present size line, or of the trailer section.
    line: usize,
}

/// What the front of the input was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Data(&'a [u8]),
    End,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self { state: State::Size { digits: 0, size: 0 }, line: 0 }
    }

    /// The next piece, taken off the front of `input`; `None` once all of it is taken.
    pub(super) fn next<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Piece<'a>>, Malformed> {
        loop {
            if let State::Data { left } = self.state {
                if input.is_empty() {
                    return Ok(None);
                }
                let take = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                let (data, rest) = input.split_at(take);
                *input = rest;
                let left = left - take as u64;
                self.state = if left == 0 { State::DataCr } else { State::Data { left } };
                return Ok(Some(Piece::Data(data)));
            }
            if self.state == State::Over {
                return Ok(Some(Piece::End));
            }
            let Some((&byte, rest)) = input.split_first() else { return Ok(None) };
            *input = rest;
            self.step(byte)?;
        }
    }

    /// One byte of framing.
    fn step(&mut self, byte: u8) -> Result<(), Malformed> {
        self.line += 1;
        if self.line > CHUNK_LINE_BYTES {
            return Err(Malformed::new(format!(
                "a chunk's size line or trailers of more than {CHUNK_LINE_BYTES} bytes"
            )));
        }
        self.state = match (self.state, byte) {
            (State::Size { digits, size }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                if digits == 16 {
                    return Err(Malformed::new("a chunk size of more than 16 digits"));
                }
                let digit = char::from(byte).to_digit(16).expect("the pattern holds hexadecimal digits");
                let size = size << 4 | u64::from(digit);
                if size > BODY_BYTES {
                    return Err(Malformed::new(format!("a chunk of more than {BODY_BYTES} bytes")));
                }
                State::Size { digits: digits + 1, size }
            }
            (State::Size { digits: 1.., size } | State::Extension { size }, b'\r') => State::SizeEnd { size },
            (State::Size { digits: 1.., size }, b';' | b' ' | b'\t') => State::Extension { size },
            (State::Extension { size }, byte) if byte != b'\n' => State::Extension { size },
            (State::SizeEnd { size: 0 }, b'\n') => State::TrailerStart,
            (State::SizeEnd { size }, b'\n') => State::Data { left: size },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::Size { digits: 0, size: 0 },
            (State::TrailerStart, b'\r') => State::TrailerLf { last: true },
            (State::Trailer, b'\r') => State::TrailerLf { last: false },
            (State::TrailerStart | State::Trailer, byte) if byte != b'\n' => State::Trailer,
            (State::TrailerLf { last: true }, b'\n') => State::Over,
            (State::TrailerLf { last: false }, b'\n') => State::TrailerStart,
            (State::DataCr | State::DataLf, _) => {
                return Err(Malformed::new("a chunk is longer than its size says"));
            }
            (state, byte) => {
                let place = if matches!(state, State::Trailer | State::TrailerStart | State::TrailerLf { .. }) {
                    "trailers"
                } else {
                    "a chunk size"
                };
                return Err(Malformed::new(format!("bad byte `{}` in {place}", byte.escape_ascii())));
            }
        };
        if matches!(self.state, State::Data { .. } | State::Size { digits: 0, .. }) {
            self.line = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body, whether it ended, and what lay behind its end.
    fn decode(pieces: &[&[u8]]) -> Result<(Vec<u8>, bool, usize), String> {
        let (mut chunked, mut body, mut behind, mut over) = (Chunked::new(), Vec::new(), 0, false);
        for mut input in pieces.iter().copied() {
            while !over {
                match chunked.next(&mut input).map_err(|error| error.0)? {
                    Some(Piece::Data(data)) => body.extend_from_slice(data),
                    Some(Piece::End) => over = true,
                    None => break,
                }
            }
            behind += input.len();
        }
        Ok((body, over, behind))
    }

    /// `behind` is how many bytes lie behind the end, `None` if that does not come.
    fn check(stream: &str, body: &str, behind: Option<usize>) {
        let expected = Ok((body.as_bytes().to_vec(), behind.is_some(), behind.unwrap_or(0)));
        assert_eq!(decode(&[stream.as_bytes()]), expected, "{stream:?}");
        let single: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(decode(&single), expected, "{stream:?} byte by byte");
    }

    #[test]
    fn chunks_are_taken_apart() {
        check("5\r\nhello\r\n0\r\n\r\n", "hello", Some(0));
        check("5;name=value\r\nhello\r\nA \r\n0123456789\r\n000\r\nTrailer: x\r\n\r\nHTTP", "hello0123456789", Some(4));
        check("5\r\nhel", "hel", None);
        check("5\r\nhello\r\n0\r\n", "hello", None);
    }

    #[test]
    fn bad_framing_is_refused_wherever_it_is_cut() {
        for stream in [
            "x\r\n",
            "\r\n",
            "-1\r\n",
            "5\nhello",
            "5\r\nhello!\r\n",
            "5\r\nhello\n",
            "0\r\n\n",
            "0x5\r\nhello",
            "5 \n",
            "fffffffffffffffff\r\n",
            "0\r\nT: x\n\r\n",
            "g\r\n",
            ";\r\n",
            "5\rhello",
        ] {
            for cut in 0..stream.len() {
                let (a, b) = stream.as_bytes().split_at(cut);
                assert!(decode(&[a, b]).is_err(), "{stream:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_chunk_is_no_longer_than_a_body_may_be() {
        check(&format!("{BODY_BYTES:x}\r\nabc"), "abc", None);
        for size in [BODY_BYTES + 1, u64::MAX] {
            assert!(decode(&[format!("{size:x}\r\nabc").as_bytes()]).is_err(), "{size}");
        }
    }

    #[test]
    fn size_lines_and_trailers_are_bounded() {
        let extended = |length: usize| format!("1;{}\r\nx\r\n0\r\n\r\n", "y".repeat(length - 4));
        assert!(decode(&[extended(CHUNK_LINE_BYTES).as_bytes()]).is_ok());
        assert!(decode(&[extended(CHUNK_LINE_BYTES + 1).as_bytes()]).is_err());
        assert!(decode(&[("0\r\n".to_owned() + &"T: x\r\n".repeat(CHUNK_LINE_BYTES / 6 + 1)).as_bytes()]).is_err());
    }

    proptest! {
        #[test]
        fn any_chunking_cut_anywhere_gives_the_body_back(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..6),
            cuts in prop::collection::vec(0usize..300, 0..6),
        ) {
            let mut stream = Vec::new();
            for chunk in &chunks {
                stream.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                stream.extend_from_slice(chunk);
                stream.extend_from_slice(b"\r\n");
            }
            stream.extend_from_slice(b"0\r\n\r\n");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (stream.len() + 1)).chain([0, stream.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
            prop_assert_eq!(decode(&pieces), Ok((chunks.concat(), true, 0)));
        }
    }
}
