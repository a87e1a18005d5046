//! Lengths of prompt and answer drawn together, so that long prompts may have long answers, or short ones. Knows no request.
//!
//! `bilognormal:512,0.5,128,0.7,0.6` is median and sigma of prompts, median and sigma of answers, and the correlation of
//! their logarithms; each of the two alone is a `lognormal`. Pairs of a trace keep whatever they have in common.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use metron_units::{ParseError, Tokens};
use rand::Rng;

use super::normal::quantile;
use super::{Drawn, Quantity};
use crate::random::{below, unit};

const EXAMPLE: &str = "bilognormal:512,0.5,128,0.7,0.6";
const LARGEST_SIGMA: f64 = 10.0;

/// A distribution of pairs: of a prompt's length and its answer's.
#[derive(Debug, Clone, PartialEq)]
pub struct JointLengths(Shape);

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Pairs { name: Arc<str>, pairs: Arc<[[Tokens; 2]]> },
    Lognormal { medians: [Tokens; 2], sigmas: [f64; 2], correlation: f64 },
}

impl JointLengths {
    /// Each pair of a trace equally likely; `None` of none. `name` is the file from which they come.
    #[must_use]
    pub fn pairs(name: &str, pairs: Vec<[Tokens; 2]>) -> Option<Self> {
        (!pairs.is_empty()).then(|| Self(Shape::Pairs { name: name.into(), pairs: pairs.into() }))
    }

    /// Draws a pair, each of the two held in 1 to 10,000,000 tokens.
    pub fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> [Drawn<Tokens>; 2] {
        match &self.0 {
            Shape::Pairs { pairs, .. } => {
                pairs[below(rng, pairs.len() as u64) as usize].map(|tokens| held(tokens.get() as f64))
            }
            Shape::Lognormal { medians, sigmas, correlation } => {
                let first = quantile(unit(rng));
                let own = quantile(unit(rng));
                let second = correlation * first + (1.0 - correlation * correlation).sqrt() * own;
                let draw = |which: usize, z: f64| held(medians[which].get() as f64 * libm::exp(sigmas[which] * z));
                [draw(0, first), draw(1, second)]
            }
        }
    }
}

/// Rounded half up and moved into the range of lengths.
fn held(length: f64) -> Drawn<Tokens> {
    let whole = (length + 0.5).floor();
    let (least, most) = (Tokens::LEAST, Tokens::MOST);
    Drawn {
        value: Tokens::new((whole as u64).clamp(least, most)),
        clamped: whole < least as f64 || whole > most as f64,
    }
}

/// The text that reads back to the same; of pairs, the name of their trace.
impl fmt::Display for JointLengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Shape::Pairs { name, .. } => write!(f, "trace:{name}"),
            Shape::Lognormal { medians: [input, output], sigmas: [wide, narrow], correlation } => {
                write!(f, "bilognormal:{input},{wide},{output},{narrow},{correlation}")
            }
        }
    }
}

impl FromStr for JointLengths {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let refused = |reason: String| ParseError {
            quantity: "joint length distribution",
            text: text.to_owned(),
            reason,
            hint: EXAMPLE.to_owned(),
        };
        let needs = || refused("needs median and sigma of prompts and of answers, and their correlation".to_owned());
        let arguments = text.trim().strip_prefix("bilognormal:").ok_or_else(needs)?;
        let parts: Vec<&str> = arguments.split(',').map(str::trim).collect();
        let [input, wide, output, narrow, correlation] = parts[..] else { return Err(needs()) };
        let median = |written: &str| match Tokens::read(written) {
            Ok(tokens) if (1..=Tokens::MOST).contains(&tokens.get()) => Ok(tokens),
            _ => Err(refused(format!("holds `{written}`, which is no median from 1 to {}", Tokens::MOST))),
        };
        let number = |written: &str, least: f64, most: f64| {
            let plain = written.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
            let read = written.parse::<f64>().ok().filter(|number| plain && (least..=most).contains(number));
            read.ok_or_else(|| refused(format!("holds `{written}`, which is no number from {least} to {most}")))
        };
        Ok(Self(Shape::Lognormal {
            medians: [median(input)?, median(output)?],
            sigmas: [number(wide, 0.0, LARGEST_SIGMA)?, number(narrow, 0.0, LARGEST_SIGMA)?],
            correlation: number(correlation, -1.0, 1.0)?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Stream, generator};
    use crate::testing;

    fn draws(joint: &JointLengths, count: u64) -> Vec<[f64; 2]> {
        let draw = |k| joint.sample(&mut generator(1, Stream::BothTokens, k)).map(|drawn| drawn.value.get() as f64);
        (0..count).map(draw).collect()
    }

    fn correlation(pairs: &[[f64; 2]]) -> f64 {
        let n = pairs.len() as f64;
        let mean = |which: usize| pairs.iter().map(|pair| pair[which]).sum::<f64>() / n;
        let means = [mean(0), mean(1)];
        let product = |a: usize, b: usize| pairs.iter().map(|p| (p[a] - means[a]) * (p[b] - means[b])).sum::<f64>();
        product(0, 1) / (product(0, 0) * product(1, 1)).sqrt()
    }

    #[test]
    fn each_of_the_two_is_lognormal_and_their_logarithms_correlate_as_asked() {
        for asked in [-0.9, 0.0, 0.6, 1.0] {
            let joint: JointLengths = format!("bilognormal:90000,0.5,50000,0.7,{asked}").parse().unwrap();
            let logs: Vec<[f64; 2]> = draws(&joint, 20_000).iter().map(|pair| pair.map(libm::log)).collect();
            let got = correlation(&logs);
            assert!((got - asked).abs() < 0.03, "{asked}: {got}");
            for (which, median, sigma) in [(0, 90_000_f64, 0.5), (1, 50_000_f64, 0.7)] {
                let standard = logs.iter().map(|pair| (pair[which] - median.ln()) / sigma).collect();
                testing::check_law(&format!("{asked}, {which}"), standard, |z| {
                    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
                });
            }
        }
    }

    #[test]
    fn pairs_stay_together_and_come_equally_often() {
        let pairs = [[1, 10], [2, 20], [3, 30]].map(|pair| pair.map(Tokens::new));
        let joint = JointLengths::pairs("a.csv", pairs.to_vec()).unwrap();
        let mut counts = [0_f64; 3];
        for [input, output] in draws(&joint, 9000) {
            assert_eq!(output, input * 10.0);
            counts[input as usize - 1] += 1.0;
        }
        // Chi-square of two degrees: 13.8 is passed once in a thousand.
        let distance: f64 = counts.iter().map(|count| (count - 3000.0) * (count - 3000.0) / 3000.0).sum();
        assert!(distance < 13.8, "{counts:?}");
        assert_eq!(joint.to_string(), "trace:a.csv");
        assert_eq!(JointLengths::pairs("a.csv", Vec::new()), None);
    }

    #[test]
    fn a_pair_outside_the_range_of_lengths_is_moved_into_it_and_says_so() {
        let joint = JointLengths::pairs("a", vec![[Tokens::new(0), Tokens::new(20_000_000)]]).unwrap();
        let drawn = joint.sample(&mut generator(0, Stream::BothTokens, 0));
        assert_eq!(drawn.map(|drawn| (drawn.value.get(), drawn.clamped)), [(1, true), (10_000_000, true)]);
    }

    #[test]
    fn what_is_read_is_printed_and_what_is_none_is_refused() {
        assert_eq!(EXAMPLE.parse::<JointLengths>().unwrap().to_string(), EXAMPLE);
        for text in [
            "",
            "512",
            "bilognormal:1,1,1,1",
            "bilognormal:0,1,1,1,0",
            "bilognormal:1,1,1,1,1.1",
            "bilognormal:1,nan,1,1,0",
            "bilognormal:1,-1,1,1,0",
            "bilognormal:1,1,1,1,0,0",
        ] {
            let refused = text.parse::<JointLengths>().unwrap_err();
            assert_eq!(refused.hint, EXAMPLE, "{text}");
        }
    }
}
