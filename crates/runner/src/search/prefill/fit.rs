//! Which form fits best, and how well. Knows no server.
//!
//! Each inner length is left out in turn, each form is fitted to the rest and asked for it (leave-one-out cross-validation; M. Stone, *J. R. Stat. Soc. B* 36
//! (1974) 111). The form of the least mean squared relative error is taken; a simpler one whose error is within a tenth is preferred. A
//! quadratic that would fall somewhere within the lengths, or a line that falls, is no candidate. Of straight pieces the error counts as far
//! as it is of lengths that were not measured ([`super::gaps`]).

use super::curve::{Curve, Kind};
use super::forms::{Median, form};
use super::gaps::{Gap, gaps, unknown};
use super::profile::{Point, Profile};

/// Lengths that a fit needs.
const FEWEST: usize = 4;

/// A simpler form is preferred if its error is at most so many times the least.
const AS_GOOD: f64 = 1.1;

/// Why points give no profile.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum FitError {
    /// Too few lengths.
    #[error("{0} prompt lengths were measured, and a curve needs {FEWEST}\n  hint: --prompt-tokens 64..8192")]
    TooFew(usize),
    /// A point without a time.
    #[error("the median TTFT at {0} prompt tokens is no time above zero, so nothing can be fitted to it")]
    NoTime(u64),
}

/// Fits a profile to points in any order; points of one length are taken as they are.
///
/// # Errors
/// If there are fewer than four lengths, or a median that is no time.
pub fn fit(points: Vec<Point>) -> Result<Profile, FitError> {
    let mut points = points;
    points.sort_by_key(|point| point.prompt_tokens);
    let lengths = points.chunk_by(|a, b| a.prompt_tokens == b.prompt_tokens).count();
    if lengths < FEWEST {
        return Err(FitError::TooFew(lengths));
    }
    if let Some(point) = points.iter().find(|point| !(point.median().is_finite() && point.median() > 0.0)) {
        return Err(FitError::NoTime(point.prompt_tokens));
    }
    let medians = pooled(&points);
    let scored =
        Kind::ALL.into_iter().filter_map(|kind| Some((errors_left_out(kind, &medians)?, form(kind, &medians)?)));
    let candidates: Vec<(Vec<f64>, Curve)> = scored.collect();
    let least = candidates.iter().map(|(errors, _)| root_mean_square(errors)).fold(f64::INFINITY, f64::min);
    let chosen = candidates.into_iter().find(|(errors, _)| root_mean_square(errors) <= least * AS_GOOD);
    let (left_out, curve) = chosen.expect("four medians always have a piecewise curve");
    let told = medians.iter().map(|median| (curve.at(median.tokens) / median.seconds - 1.0).abs());
    let hidden: Vec<f64> = match curve.kind() {
        Kind::Piecewise => gaps(&medians, &left_out).into_iter().map(|gap| gap.error).collect(),
        Kind::Linear | Kind::Quadratic => left_out.into_iter().map(f64::abs).collect(),
    };
    let error = hidden.into_iter().chain(told).fold(0.0, f64::max);
    Ok(Profile::new(points, curve, error).expect("points are sorted, and a fitted curve rises between them"))
}

/// What the best form may miss between neighbouring points, by rising length; nothing for too few points.
pub(super) fn missed(points: Vec<Point>) -> Vec<Gap> {
    let medians = pooled(&points);
    if medians.len() < FEWEST || medians.len() != points.len() {
        return Vec::new();
    }
    let forms = Kind::ALL.into_iter().filter_map(|kind| errors_left_out(kind, &medians));
    let best = forms.min_by(|a, b| root_mean_square(a).total_cmp(&root_mean_square(b)));
    best.map_or_else(Vec::new, |left_out| gaps(&medians, &left_out))
}

fn root_mean_square(errors: &[f64]) -> f64 {
    (errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64).sqrt()
}

/// The medians of one length as one, weighted by their samples.
fn pooled(points: &[Point]) -> Vec<Median> {
    points
        .chunk_by(|a, b| a.prompt_tokens == b.prompt_tokens)
        .map(|same| {
            let samples: f64 = same.iter().map(|point| point.samples.max(1) as f64).sum();
            let sum: f64 = same.iter().map(|point| point.median() * point.samples.max(1) as f64).sum();
            Median { tokens: same[0].prompt_tokens as f64, seconds: sum / samples, samples }
        })
        .collect()
}

/// The relative error at each inner length when it is left out; `None` if the form cannot be fitted to the rest.
fn errors_left_out(kind: Kind, medians: &[Median]) -> Option<Vec<f64>> {
    let inner = 1..medians.len() - 1;
    inner
        .map(|left_out| {
            let rest = medians.iter().enumerate().filter(|(k, _)| *k != left_out).map(|(_, it)| *it);
            let rest: Vec<Median> = rest.collect();
            let Median { tokens, seconds, .. } = medians[left_out];
            let error = form(kind, &rest)?.at(tokens) / seconds - 1.0;
            Some(if kind == Kind::Piecewise { unknown(error, &medians[left_out - 1..=left_out + 1]) } else { error })
        })
        .collect()
}
