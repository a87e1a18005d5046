//! Random draws that depend on nothing but their key: (seed, stream, k). Knows no distribution.
//!
//! Every draw of request k comes from a generator of its own, so any part of a plan can be made alone, in any order, on
//! any machine. The generator is ChaCha with 8 rounds: its output is fixed by a published algorithm, not by a release of
//! a library, and a block costs some tens of nanoseconds. The key is the seed and the stream, the nonce is k: no two
//! draws share a block.

use std::convert::Infallible;

use chacha20::ChaCha8Rng;
use rand::{Rng, SeedableRng, TryRng};

/// What a draw is for. Draws of two streams never touch, so a new use of randomness does not move the old ones.
///
/// The numbers are part of every plan ever made: they never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Stream {
    /// The gap before arrival k.
    Gaps = 1,
    /// The length of prompt k.
    InputTokens = 2,
    /// The length of answer k.
    OutputTokens = 3,
    /// The words of prompt k.
    Prompts = 4,
    /// What the simulated engine draws for its request k.
    Engine = 5,
    /// How long burst or silence k lasts.
    Bursts = 6,
    /// How long a user thinks after the answer to request k.
    ThinkTime = 7,
    /// Both lengths of request k, where they are drawn together.
    BothTokens = 8,
    /// To which group of prefixes request k belongs.
    Groups = 9,
    /// The words of the prefix of group k.
    Prefixes = 10,
    /// The words of block k of a trace.
    Blocks = 11,
    /// Which faults befall request k of the simulated engine.
    Faults = 12,
    /// How many turns session k has.
    Turns = 13,
    /// After which turn the user of session k leaves.
    Abandons = 14,
    /// To which class request or session k belongs.
    Classes = 15,
    /// Whether and when the user of request k gives it up.
    Cancels = 16,
    /// What images request k carries.
    Images = 17,
    /// What sounds request k carries.
    Sounds = 18,
    /// The tools that are made up.
    Tools = 19,
}

/// The last 16 bytes of every key. Changing them changes every plan.
const DOMAIN: [u8; 16] = *b"metron/workload1";

/// The draws of one key. Made by [`generator`].
#[derive(Debug)]
pub struct Generator(ChaCha8Rng);

/// The generator of draws for `k` on `stream` under `seed`: the same for the same three, on every machine.
#[must_use]
pub fn generator(seed: u64, stream: Stream, k: u64) -> Generator {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(stream as u64).to_le_bytes());
    key[16..].copy_from_slice(&DOMAIN);
    let mut rng = ChaCha8Rng::from_seed(key);
    rng.set_stream(k);
    Generator(rng)
}

impl TryRng for Generator {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    #[inline]
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

/// A number strictly between 0 and 1, one of 2^52 equally spaced ones, symmetric about one half.
///
/// Neither end can come, so its logarithm and its normal quantile are finite.
pub fn unit<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    // 52 bits and a half: the largest such number still fits a float's 53 bits, so none rounds up to 1.
    ((rng.next_u64() >> 12) as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0)
}

/// A whole number from 0 to `bound` - 1; 0 if `bound` is 0. One draw; its bias is below `bound` / 2^64.
pub fn below<R: Rng + ?Sized>(rng: &mut R, bound: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAMS: [Stream; 5] =
        [Stream::Gaps, Stream::InputTokens, Stream::OutputTokens, Stream::Prompts, Stream::Engine];

    #[test]
    fn the_draws_of_a_key_are_the_ones_of_every_release() {
        let mut drawn = Vec::new();
        for (seed, stream, k) in
            [(0, Stream::Gaps, 0), (42, Stream::InputTokens, 7), (u64::MAX, Stream::Prompts, u64::MAX)]
        {
            let mut rng = generator(seed, stream, k);
            drawn.push((rng.next_u64(), rng.next_u64()));
        }
        assert_eq!(drawn, GOLDEN);
    }

    const GOLDEN: [(u64, u64); 3] = [
        (283_438_853_809_206_243, 5_247_704_093_270_450_637),
        (11_251_489_620_279_680_076, 4_431_530_467_400_312_032),
        (14_025_679_122_444_414_048, 13_746_076_581_743_771_343),
    ];

    #[test]
    fn no_two_keys_share_their_draws() {
        let mut seen = std::collections::HashSet::new();
        for seed in [0, 1, 1 << 32, u64::MAX] {
            for stream in STREAMS {
                for k in [0, 1, 4, 1 << 32, u64::MAX] {
                    assert!(seen.insert(generator(seed, stream, k).next_u64()), "{seed} {stream:?} {k}");
                }
            }
        }
    }

    #[test]
    fn the_unit_draw_reaches_neither_end() {
        struct Always(u64);
        impl TryRng for Always {
            type Error = Infallible;
            fn try_next_u32(&mut self) -> Result<u32, Infallible> {
                Ok(self.0 as u32)
            }
            fn try_next_u64(&mut self) -> Result<u64, Infallible> {
                Ok(self.0)
            }
            fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Infallible> {
                Ok(())
            }
        }
        let (least, most) = (unit(&mut Always(0)), unit(&mut Always(u64::MAX)));
        assert!(least > 0.0 && most < 1.0);
        assert_eq!(least, 1.0 - most);
        assert_eq!(below(&mut Always(u64::MAX), 10), 9);
        assert_eq!(below(&mut Always(0), 10), 0);
    }
}
