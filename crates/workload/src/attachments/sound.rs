//! Sounds: a row of tones as WAV, 16 kHz, 16 bits, one channel: what speech models take. Knows no request.

use metron_units::Nanos;
use rand::Rng;

use crate::random::below;

/// Samples a second.
const RATE: u32 = 16_000;
/// Samples of one tone: a twentieth of a second.
const TONE: u64 = 800;
/// Bytes of the header.
const HEADER: u32 = 44;

/// A WAV file of this length, rounded to whole samples; its tones are drawn. At most 37 hours, where the format ends.
pub fn wav<R: Rng + ?Sized>(length: Nanos, rng: &mut R) -> Vec<u8> {
    let samples = (u128::from(length.get()) * u128::from(RATE) + 500_000_000) / 1_000_000_000;
    let most = (u32::MAX - HEADER) / 2;
    let samples = u32::try_from(samples).unwrap_or(most).min(most);
    let mut file = Vec::with_capacity((HEADER + 2 * samples) as usize);
    header(2 * samples, &mut file);
    let (mut phase, mut step) = (0_u16, 0_u16);
    for sample in 0..u64::from(samples) {
        if sample % TONE == 0 {
            // 100 to 1,000 Hz, where speech lies: so many 65,536ths of a period pass in one sample.
            let hertz = 100 + below(rng, 901);
            step = u16::try_from(hertz * 65_536 / u64::from(RATE)).expect("a tone is far below the sampling rate");
        }
        phase = phase.wrapping_add(step);
        file.extend_from_slice(&triangle(phase).to_le_bytes());
    }
    file
}

/// A quarter of full height, up and down once in a period.
fn triangle(phase: u16) -> i16 {
    let height = i32::from(phase) - 32_768;
    i16::try_from((height.abs() - 16_384) / 2).expect("a half of 16,384 fits")
}

fn header(data: u32, file: &mut Vec<u8>) {
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(HEADER - 8 + data).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    // The length of the format's part; PCM; one channel.
    file.extend_from_slice(&16_u32.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&1_u16.to_le_bytes());
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&(RATE * 2).to_le_bytes());
    // Bytes a frame; bits a sample.
    file.extend_from_slice(&2_u16.to_le_bytes());
    file.extend_from_slice(&16_u16.to_le_bytes());
    file.extend_from_slice(b"data");
    file.extend_from_slice(&data.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Stream, generator};

    fn made(length: Nanos) -> Vec<u8> {
        wav(length, &mut generator(0, Stream::Sounds, 0))
    }

    #[test]
    fn a_sound_lasts_as_long_as_was_asked() {
        for (length, samples) in [(Nanos::ZERO, 0_u32), (Nanos::from_millis(5), 80), (Nanos::from_secs(2), 32_000)] {
            let file = made(length);
            assert_eq!(file.len() as u32, HEADER + 2 * samples);
            let at = |place: usize| u32::from_le_bytes(file[place..place + 4].try_into().unwrap());
            assert_eq!((&file[..4], &file[8..16]), (&b"RIFF"[..], &b"WAVEfmt "[..]));
            assert_eq!((at(4), at(24), at(40)), (HEADER - 8 + 2 * samples, RATE, 2 * samples));
        }
    }

    #[test]
    fn a_sound_is_no_silence() {
        let file = made(Nanos::from_millis(100));
        let samples = file[HEADER as usize..].chunks(2).map(|bytes| i16::from_le_bytes([bytes[0], bytes[1]]));
        let heights: Vec<i16> = samples.collect();
        assert!(heights.iter().any(|&height| height > 4_000) && heights.iter().any(|&height| height < -4_000));
    }
}
