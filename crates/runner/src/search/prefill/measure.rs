//! Measures a profile: a few lengths first, then more where the curve may still miss something. Each length is asked one request at a time
//! until the median's interval is narrow enough, and once more before a length is put beside it. Knows no server: [`Ask`] does.

use std::collections::BTreeMap;

use metron_metrics::interval::{Interval, order_statistic, samples_needed};
use metron_metrics::quantile::of_sorted;
use metron_results::prefill_profile as written;
use metron_results::summary::Target;
use metron_units::Share;

use super::again::Again;
use super::fit::{FitError, fit, missed};
use super::profile::{Point, Profile};

/// Lengths to begin with, evenly apart in their logarithms.
const FIRST: usize = 6;

/// Of interquartile ranges, so many above the third quartile is far outside (J. W. Tukey, *Exploratory Data Analysis*, 1977).
const FAR_OUTSIDE: f64 = 3.0;

/// Asks for prompts of a length.
pub trait Ask {
    /// What can keep it from asking.
    type Error;

    /// Asks for prompts of `tokens`, one after the other, until `enough` says so of the times so far, in seconds and in order. The
    /// times, and how many requests failed.
    ///
    /// # Errors
    /// If nothing could be asked; a request that fails is no error.
    fn ask(
        &mut self,
        tokens: u64,
        most: u64,
        enough: &mut (dyn FnMut(&[f64]) -> bool + Send),
    ) -> Result<Asked, Self::Error>;
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// TTFTs in seconds.
    pub seconds: Vec<f64>,
    /// Requests that failed.
    pub failed: u64,
    /// Whether the person ended it.
    pub interrupted: bool,
}

/// How a profile is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The shortest prompt.
    pub least: u64,
    /// The longest one.
    pub most: u64,
    /// How narrow each median's interval must be, half its width over the median; and how far the curve may be off between lengths,
    /// beyond those intervals, before no more are asked for.
    pub precision: Share,
    /// Requests of one length at most.
    pub samples: u64,
    /// Lengths at most.
    pub lengths: usize,
}

/// A measured profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The curve.
    pub profile: Profile,
    /// What was measured, by rising length.
    pub points: Vec<written::Point>,
    /// Lengths that no request of was answered.
    pub refused: Vec<u64>,
    /// Whether it was ended before it was precise.
    pub interrupted: bool,
}

impl Measured {
    /// As prefill-profile.json tells it: whom was asked, and beside which load.
    #[must_use]
    pub fn to_file(&self, target: Option<Target>, background: Option<String>) -> written::PrefillProfileFile {
        let (least, most) = self.profile.valid();
        written::PrefillProfileFile {
            schema: written::SCHEMA.to_owned(),
            target,
            background,
            points: self.points.clone(),
            fit: self.profile.to_fit(),
            valid: [least, most],
        }
    }
}

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError<E> {
    /// Nothing could be asked.
    #[error(transparent)]
    Ask(E),
    /// Too little came back.
    #[error(transparent)]
    Fit(FitError),
    /// Too few lengths were answered.
    #[error("prompts of {} tokens got no answer, and {left} lengths are too few for a curve", listed(refused))]
    Refused {
        /// Lengths that got none.
        refused: Vec<u64>,
        /// How many got one.
        left: usize,
        /// The shortest and the longest that did; `None` if they are one, or none.
        answered: Option<(u64, u64)>,
    },
}

fn listed(lengths: &[u64]) -> String {
    lengths.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

/// Measures. `told` hears of each length as it is done.
///
/// # Errors
/// What keeps `ask` from asking, or too few answers for a curve.
pub fn measure<A: Ask>(
    ask: &mut A,
    plan: Plan,
    told: &mut dyn FnMut(&written::Point),
) -> Result<Measured, MeasureError<A::Error>> {
    let mut waiting = first_lengths(plan.least, plan.most);
    let mut heard: BTreeMap<u64, Asked> = BTreeMap::new();
    let mut again = Again::default();
    let mut points: Vec<written::Point> = Vec::new();
    let (mut refused, mut interrupted) = (Vec::new(), false);
    while let Some(tokens) = waiting.pop() {
        let mut enough = |seconds: &[f64]| is_narrow(seconds, plan.precision);
        let asked = ask.ask(tokens, plan.samples, &mut enough).map_err(MeasureError::Ask)?;
        interrupted |= asked.interrupted;
        let median = of_sorted(&sorted(&asked.seconds), 0.5);
        let all = heard.entry(tokens).or_default();
        if let Some((before, now)) = of_sorted(&sorted(&all.seconds), 0.5).zip(median) {
            again.told(now / before - 1.0, plan.precision);
        }
        all.seconds.extend(asked.seconds);
        all.failed += asked.failed;
        match point(tokens, all) {
            Some(point) => {
                told(&point);
                match points.binary_search_by_key(&tokens, |it| it.prompt_tokens) {
                    Ok(place) => points[place] = point,
                    Err(place) => points.insert(place, point),
                }
            }
            None => refused.push(tokens),
        }
        if interrupted {
            break;
        }
        if waiting.is_empty()
            && points.len() < plan.lengths
            && let Some(gap) = to_halve(&points, plan.precision.get(), |tokens| refused.contains(&tokens))
        {
            waiting.push(again.end_of([gap.low, gap.high]).unwrap_or(gap.middle));
        }
    }
    refused.sort_unstable();
    let profile = fit(points.iter().map(told_apart).collect()).map_err(|error| match error {
        FitError::TooFew(left) if !refused.is_empty() => {
            let ends = points.first().zip(points.last()).map(|(first, last)| (first.prompt_tokens, last.prompt_tokens));
            let answered = ends.filter(|(least, most)| least < most);
            MeasureError::Refused { refused: refused.clone(), left, answered }
        }
        error => MeasureError::Fit(error),
    })?;
    Ok(Measured { profile, points, refused, interrupted })
}

fn first_lengths(least: u64, most: u64) -> Vec<u64> {
    let (low, high) = ((least as f64).ln(), (most as f64).ln());
    let at = |k: usize| (low + (high - low) * k as f64 / (FIRST - 1) as f64).exp().round() as u64;
    let mut lengths: Vec<u64> = (0..FIRST).map(at).collect();
    lengths.dedup();
    // The shortest is taken first.
    lengths.reverse();
    lengths
}

/// Two lengths, and the one that is to be put between them.
struct Halved {
    low: u64,
    middle: u64,
    high: u64,
}

/// The gap in which the curve may miss most, by how far and over how many lengths (in their logarithms), beyond what the medians at
/// its ends are known to. `None` if it misses too little anywhere.
fn to_halve(points: &[written::Point], enough: f64, tried: impl Fn(u64) -> bool) -> Option<Halved> {
    let mut worst: Option<(f64, Halved)> = None;
    for gap in missed(points.iter().map(told_apart).collect()) {
        let [before, after] = [&points[gap.place], &points[gap.place + 1]];
        let (low, high) = (before.prompt_tokens, after.prompt_tokens);
        let middle = ((low as f64 * high as f64).sqrt().round() as u64).clamp(low + 1, high - 1);
        if gap.error <= enough + half_width(before).max(half_width(after)) || tried(middle) {
            continue;
        }
        let missed = gap.error * (high as f64 / low as f64).ln();
        if worst.as_ref().is_none_or(|&(most, _)| missed > most) {
            worst = Some((missed, Halved { low, middle, high }));
        }
    }
    worst.map(|(_, gap)| gap)
}

/// Half the interval of a point's median over the median; 0 where there is no interval.
fn half_width(point: &written::Point) -> f64 {
    let median = point.ttft_s.get("p50").copied().filter(|median| *median > 0.0);
    point.median_ci95.zip(median).map_or(0.0, |([low, high], median)| (high - low) / 2.0 / median)
}

fn told_apart(point: &written::Point) -> Point {
    let median = point.ttft_s.get("p50").copied().unwrap_or(f64::NAN);
    Point { prompt_tokens: point.prompt_tokens, ttft_s: vec![(0.5, median)], samples: point.samples }
}

/// Whether the median is known well enough.
fn is_narrow(seconds: &[f64], precision: Share) -> bool {
    if (seconds.len() as u64) < samples_needed(0.5) + 2 {
        return false;
    }
    let sorted = sorted(seconds);
    let median = of_sorted(&sorted, 0.5).unwrap_or(f64::NAN);
    order_statistic(&sorted, 0.5).is_some_and(|it| (it.high - it.low) / 2.0 <= precision.get() * median)
}

fn sorted(seconds: &[f64]) -> Vec<f64> {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn point(prompt_tokens: u64, asked: &Asked) -> Option<written::Point> {
    let seconds = sorted(&asked.seconds);
    let at = |p: f64| of_sorted(&seconds, p);
    let (low, high) = (at(0.25)?, at(0.75)?);
    let fence = high + FAR_OUTSIDE * (high - low);
    let names = [("min", 0.0), ("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p90", 0.9), ("max", 1.0)];
    Some(written::Point {
        prompt_tokens,
        ttft_s: names.into_iter().filter_map(|(name, p)| Some((name.to_owned(), at(p)?))).collect(),
        samples: seconds.len() as u64,
        median_ci95: order_statistic(&seconds, 0.5).map(|Interval { low, high }| [low, high]),
        // Of equal times nothing is outside, but for the rounding of the fence itself.
        outliers: seconds.iter().filter(|&&it| it > fence * (1.0 + 1e-9)).count() as u64,
        failed: asked.failed,
    })
}
