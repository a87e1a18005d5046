//! Content encodings, undone as the bytes come, with a bound on what they may grow to. It knows nothing of framing.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use super::{Encoding, Malformed};
use crate::limits::{BODY_BYTES, DECODE_ALLOWANCE, DECODE_RATIO};

/// A body's encodings, outermost first.
pub(crate) struct Content {
    layers: Vec<Layer>,
}

struct Layer {
    encoding: Encoding,
    /// `None` until the first byte tells which kind of `deflate` it is.
    decoder: Option<Box<dyn Write>>,
    output: Rc<RefCell<Bounded>>,
}

/// What a decoder has given, and how much more it may.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    received: u64,
    given: u64,
}

/// The decoder's end of [`Bounded`].
struct Sink(Rc<RefCell<Bounded>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut output = self.0.borrow_mut();
        output.given += bytes.len() as u64;
        let allowed = output.received.saturating_mul(DECODE_RATIO).clamp(DECODE_ALLOWANCE, BODY_BYTES);
        if output.given > allowed {
            return Err(io::Error::other(format!(
                "{} bytes unpack to more than {allowed}: a decompression bomb",
                output.received
            )));
        }
        output.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Content {
    /// Undoes `encodings`, given in the order in which they were applied.
    pub(crate) fn new(encodings: &[Encoding]) -> Self {
        let layer = |&encoding: &Encoding| Layer { encoding, decoder: None, output: Rc::default() };
        Self { layers: encodings.iter().rev().map(layer).collect() }
    }

    /// Decodes the next bytes of the body, as far as they allow, and hands the result to `read`.
    pub(crate) fn decode<T>(&mut self, bytes: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<T, Malformed> {
        decode_layers(&mut self.layers, bytes, read)
    }
}

fn decode_layers<T>(layers: &mut [Layer], bytes: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<T, Malformed> {
    let mut held = Vec::new();
    for (k, layer) in layers.iter_mut().enumerate() {
        let input = if k == 0 { bytes } else { &held };
        layer
            .decode(input)
            .map_err(|error| Malformed::new(format!("bad `{}` content: {error}", layer.encoding.name())))?;
        let output = std::mem::take(&mut layer.output.borrow_mut().bytes);
        held = output;
    }
    let result = read(if layers.is_empty() { bytes } else { &held });
    // The last layer's buffer goes back to it, so that a stream grows it once.
    if let Some(layer) = layers.last_mut() {
        held.clear();
        layer.output.borrow_mut().bytes = held;
    }
    Ok(result)
}

impl Layer {
    fn decode(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(&first) = bytes.first() else { return Ok(()) };
        self.output.borrow_mut().received += bytes.len() as u64;
        if self.decoder.is_none() {
            self.decoder = Some(decoder(self.encoding, first, Sink(self.output.clone()))?);
        }
        let decoder = self.decoder.as_mut().expect("made above");
        decoder.write_all(bytes)?;
        decoder.flush()?;
        // This one keeps what its own buffer had no room for until it is called again, though that is read already.
        let mut given = None;
        while self.encoding == Encoding::Brotli && given != Some(self.output.borrow().given) {
            given = Some(self.output.borrow().given);
            let _nothing_taken = decoder.write(&[])?;
        }
        Ok(())
    }
}

fn decoder(encoding: Encoding, first: u8, sink: Sink) -> io::Result<Box<dyn Write>> {
    Ok(match encoding {
        Encoding::Gzip => Box::new(flate2::write::MultiGzDecoder::new(sink)),
        // Meant is zlib (RFC 1950); some servers send bare deflate. A zlib header says method 8, which bare deflate never
        // begins with: it would be a stored block whose padding is not zero.
        Encoding::Deflate if first & 0x0f == 8 => Box::new(flate2::write::ZlibDecoder::new(sink)),
        Encoding::Deflate => Box::new(flate2::write::DeflateDecoder::new(sink)),
        Encoding::Brotli => Box::new(brotli::DecompressorWriter::new(sink, 4096)),
        Encoding::Zstd => Box::new(zstd::stream::write::Decoder::new(sink)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(encoding: Encoding, pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        struct Shared(Rc<RefCell<Vec<u8>>>);
        impl Write for Shared {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.borrow_mut().write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let out = Rc::new(RefCell::new(Vec::new()));
        let sink = Shared(out.clone());
        let level = flate2::Compression::default();
        let mut encoder: Box<dyn Write> = match encoding {
            Encoding::Gzip => Box::new(flate2::write::GzEncoder::new(sink, level)),
            Encoding::Deflate => Box::new(flate2::write::ZlibEncoder::new(sink, level)),
            Encoding::Brotli => Box::new(brotli::CompressorWriter::new(sink, 4096, 5, 20)),
            Encoding::Zstd => Box::new(zstd::stream::write::Encoder::new(sink, 3).unwrap().auto_finish()),
        };
        let mut encoded = Vec::new();
        for piece in pieces {
            encoder.write_all(piece).unwrap();
            encoder.flush().unwrap();
            encoded.push(std::mem::take(&mut *out.borrow_mut()));
        }
        drop(encoder);
        encoded.push(std::mem::take(&mut *out.borrow_mut()));
        encoded
    }

    const ALL: [Encoding; 4] = [Encoding::Gzip, Encoding::Deflate, Encoding::Brotli, Encoding::Zstd];

    #[test]
    fn what_is_flushed_can_be_read_at_once() {
        for encoding in ALL {
            let pieces: [&[u8]; 3] = [b"data: one\n\n", b"data: two\n\n", b"data: three\n\n"];
            let mut content = Content::new(&[encoding]);
            for (encoded, piece) in encode(encoding, &pieces).iter().zip(pieces) {
                assert_eq!(content.decode(encoded, <[u8]>::to_vec), Ok(piece.to_vec()), "{encoding:?}");
            }
        }
    }

    #[test]
    fn much_that_is_flushed_can_be_read_at_once_too() {
        for encoding in ALL {
            let long: String = (0..20_000).map(|k| format!("data: {}\n\n", k * k)).collect();
            let mut content = Content::new(&[encoding]);
            let encoded = encode(encoding, &[long.as_bytes(), b"data: last\n\n"]);
            assert_eq!(content.decode(&encoded[0], <[u8]>::len), Ok(long.len()), "{encoding:?}");
            assert_eq!(content.decode(&encoded[1], <[u8]>::to_vec), Ok(b"data: last\n\n".to_vec()), "{encoding:?}");
        }
    }

    #[test]
    fn bytes_may_come_one_by_one() {
        for encoding in ALL {
            let text = b"data: the same thing over and over, the same thing over and over\n\n";
            let encoded = encode(encoding, &[text]).concat();
            let mut content = Content::new(&[encoding]);
            let mut found = Vec::new();
            for byte in encoded.chunks(1) {
                content.decode(byte, |bytes| found.extend_from_slice(bytes)).unwrap();
            }
            assert_eq!(found, text, "{encoding:?}");
        }
    }

    #[test]
    fn encodings_within_one_another_are_undone_from_the_outside() {
        let inner = encode(Encoding::Gzip, &[b"hello"]).concat();
        let both = encode(Encoding::Zstd, &[&inner]).concat();
        let mut content = Content::new(&[Encoding::Gzip, Encoding::Zstd]);
        assert_eq!(content.decode(&both, <[u8]>::to_vec), Ok(b"hello".to_vec()));
    }

    #[test]
    fn bare_deflate_is_understood() {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(b"hello").unwrap();
        let bare = encoder.finish().unwrap();
        assert_eq!(Content::new(&[Encoding::Deflate]).decode(&bare, <[u8]>::to_vec), Ok(b"hello".to_vec()));
    }

    #[test]
    fn what_is_not_so_encoded_is_refused() {
        for encoding in ALL {
            assert!(Content::new(&[encoding]).decode(b"\xffplain text, certainly\n", |_| ()).is_err(), "{encoding:?}");
        }
    }

    #[test]
    fn a_bomb_is_stopped() {
        let zeroes = vec![0u8; 64 << 20];
        for encoding in [Encoding::Gzip, Encoding::Brotli, Encoding::Zstd] {
            let bomb = encode(encoding, &[&zeroes]).concat();
            let mut content = Content::new(&[encoding]);
            let error = content.decode(&bomb, |_| ()).expect_err("a bomb");
            assert!(error.0.contains("bomb"), "{encoding:?}: {error}");
        }
    }
}
