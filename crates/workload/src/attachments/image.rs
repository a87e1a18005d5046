//! Images: tiles of random colours as PNG. Knows no request.
//!
//! Tiles and not noise: noise does not compress, so that a photograph's worth of pixels would be megabytes of body, most of
//! them spent on the network and none on the model.

use std::fmt;
use std::str::FromStr;

use metron_units::ParseError;
use rand::Rng;

/// Pixels of a tile's side.
const TILE: u32 = 32;
const EXAMPLE: &str = "512x512";
/// The largest side: a larger one is a slip of the pen.
const MOST: u32 = 16_384;

/// Width and height in pixels, each 1 to 16,384: `512x512`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageSize {
    width: u32,
    height: u32,
}

impl Default for ImageSize {
    fn default() -> Self {
        Self { width: 512, height: 512 }
    }
}

impl fmt::Display for ImageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for ImageSize {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let side = |side: &str| {
            let digits = !side.is_empty() && side.bytes().all(|byte| byte.is_ascii_digit());
            side.parse::<u32>().ok().filter(|side| digits && (1..=MOST).contains(side))
        };
        let sides = text.trim().split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
        let (width, height) = sides.ok_or_else(|| ParseError {
            quantity: "image size",
            text: text.to_owned(),
            reason: format!("is no width and height from 1 to {MOST}"),
            hint: EXAMPLE.to_owned(),
        })?;
        Ok(Self { width, height })
    }
}

/// A PNG image of this size, its colours drawn.
pub fn png<R: Rng + ?Sized>(size: ImageSize, rng: &mut R) -> Vec<u8> {
    let ImageSize { width, height } = size;
    let across = width.div_ceil(TILE) as usize;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    let mut row = Vec::with_capacity(width as usize * 3);
    for y in 0..height {
        if y % TILE == 0 {
            row.clear();
            for tile in 0..across {
                let [red, green, blue, ..] = rng.next_u32().to_le_bytes();
                let left = width as usize - tile * TILE as usize;
                (0..left.min(TILE as usize)).for_each(|_| row.extend_from_slice(&[red, green, blue]));
            }
        }
        pixels.extend_from_slice(&row);
    }
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.expect("memory takes an image whose pixels are as many as its size says");
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Stream, generator};

    #[test]
    fn what_is_made_is_an_image_of_the_size_that_was_asked() {
        for text in ["1x1", "33x65", "512x512"] {
            let size: ImageSize = text.parse().unwrap();
            assert_eq!(size.to_string(), text);
            let file = png(size, &mut generator(0, Stream::Images, 0));
            let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!((info.width, info.height), (size.width, size.height));
            // The first tile has one colour and the last pixel, where it lies in another tile, another.
            assert_eq!(pixels[..3], pixels[3 * (size.width.min(TILE) as usize - 1)..][..3]);
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "512", "0x5", "5x", "5x-1", "99999x1", "5 x 5"] {
            assert_eq!(text.parse::<ImageSize>().unwrap_err().hint, EXAMPLE, "{text}");
        }
    }
}
