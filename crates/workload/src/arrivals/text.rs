//! Arrivals read from text and written back: a law of gaps, a curve of rates, or one `over` the other. Knows no draw.
//!
//! `poisson`, `constant`, `gamma:0.5` (or `gamma:cv=2`), `weibull:0.7`, `jitter:0.2`, `onoff:2s,8s` (a third value is the rate of a
//! silence as a share of a burst's), any of [`curve`](super::curve)'s texts, and `gamma:0.5 over diurnal:24h,0.6`. A
//! curve alone is of Poisson arrivals.

use std::fmt;
use std::str::FromStr;

use metron_units::{Nanos, ParseError};

use super::curve::{Curve, Shape};
use crate::plan::Arrivals;

const NAMES: [&str; 11] =
    ["poisson", "constant", "gamma", "weibull", "jitter", "onoff", "diurnal", "steps", "cycle", "ramp", "curve"];
/// More points are no text that a person writes.
const MOST_POINTS: usize = 1000;
/// Arrivals per second beyond any client.
const MOST_RATE: f64 = 1e9;

/// A law of gaps and how its rate changes with time.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// The law of the gaps.
    pub arrivals: Arrivals,
    /// How the rate changes; `None` if it does not.
    pub curve: Option<Curve>,
}

impl Arrivals {
    /// Its name without parameters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Poisson => "poisson",
            Self::Constant => "constant",
            Self::Gamma { .. } => "gamma",
            Self::Weibull { .. } => "weibull",
            Self::Jitter { .. } => "jitter",
            Self::OnOff { .. } => "onoff",
            Self::Recorded => "recorded",
        }
    }
}

/// The text that reads back to the same law; of recorded arrivals a name only, since no text holds a trace.
impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Poisson | Self::Constant | Self::Recorded => f.write_str(self.name()),
            Self::Gamma { burstiness: value } | Self::Weibull { shape: value } | Self::Jitter { share: value } => {
                write!(f, "{}:{value}", self.name())
            }
            Self::OnOff { on, off, quiet: 0.0 } => write!(f, "onoff:{},{}", on.exact(), off.exact()),
            Self::OnOff { on, off, quiet } => write!(f, "onoff:{},{},{quiet}", on.exact(), off.exact()),
        }
    }
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |points: &[(Nanos, f64)]| {
            points.iter().map(|(at, rate)| format!("{}@{rate}", at.exact())).collect::<Vec<_>>().join(",")
        };
        match &self.0 {
            Shape::Diurnal { period, amplitude, start: Nanos::ZERO } => {
                write!(f, "diurnal:{},{amplitude}", period.exact())
            }
            Shape::Diurnal { period, amplitude, start } => {
                write!(f, "diurnal:{},{amplitude},{}", period.exact(), start.exact())
            }
            Shape::Steps { steps, repeats } => {
                write!(f, "{}:{}", if *repeats { "cycle" } else { "steps" }, list(steps))
            }
            Shape::Lines { points, ramp } => match points[..] {
                [(_, from), (time, to)] if *ramp => write!(f, "ramp:{}@{from}..{to}", time.exact()),
                _ => write!(f, "curve:{}", list(points)),
            },
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.curve, self.arrivals) {
            (None, arrivals) => write!(f, "{arrivals}"),
            (Some(curve), Arrivals::Poisson) => write!(f, "{curve}"),
            (Some(curve), arrivals) => write!(f, "{arrivals} over {curve}"),
        }
    }
}

fn refused(text: &str, reason: impl Into<String>, hint: impl Into<String>) -> ParseError {
    ParseError { quantity: "arrivals", text: text.to_owned(), reason: reason.into(), hint: hint.into() }
}

impl FromStr for Process {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        if let Some((law, curve)) = text.split_once(" over ") {
            let arrivals: Arrivals = law.parse()?;
            if matches!(arrivals, Arrivals::OnOff { .. }) {
                return Err(refused(text, "has bursts over a curve, and both say how the rate changes", law.trim()));
            }
            return Ok(Self { arrivals, curve: Some(curve.parse()?) });
        }
        match name(text) {
            "diurnal" | "steps" | "cycle" | "ramp" | "curve" => {
                Ok(Self { arrivals: Arrivals::Poisson, curve: Some(text.parse()?) })
            }
            _ => Ok(Self { arrivals: text.parse()?, curve: None }),
        }
    }
}

fn name(text: &str) -> &str {
    text.split(':').next().unwrap_or(text).trim()
}

fn unknown(text: &str) -> ParseError {
    let written = name(text);
    let nearest = NAMES
        .iter()
        .map(|known| (strsim::damerau_levenshtein(written, known), known))
        .min()
        .filter(|&(distance, _)| distance <= 2)
        .map(|(_, known)| format!("{known}{}", &text.trim()[written.len()..]));
    let reason = format!("has the unknown name `{written}`; known are {}", NAMES.join(", "));
    refused(text, reason, nearest.unwrap_or_else(|| "poisson".to_owned()))
}

impl FromStr for Arrivals {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        let arguments = text.split_once(':').map(|(_, arguments)| arguments.trim());
        let number = |example: &str| match arguments {
            Some(written) => decimal(written).ok_or_else(|| refused(text, "needs one number", example)),
            None => Err(refused(text, "needs its parameter", example)),
        };
        let read = match name(text) {
            "poisson" if arguments.is_none() => Self::Poisson,
            "constant" if arguments.is_none() => Self::Constant,
            simple @ ("poisson" | "constant") => return Err(refused(text, "has no parameters", simple)),
            "gamma" => match arguments.and_then(|written| written.strip_prefix("cv=")) {
                Some(written) => {
                    let variation = decimal(written).ok_or_else(|| refused(text, "needs one number", "gamma:cv=2"))?;
                    Self::Gamma { burstiness: 1.0 / (variation * variation) }
                }
                None => Self::Gamma { burstiness: number("gamma:0.5")? },
            },
            "weibull" => Self::Weibull { shape: number("weibull:0.7")? },
            "jitter" => Self::Jitter { share: number("jitter:0.2")? },
            "onoff" => on_off(text, arguments.unwrap_or_default())?,
            _ => return Err(unknown(text)),
        };
        read.check().map_err(|out| {
            let hint = out.hint().trim_start_matches("--arrivals ");
            let hint = if hint.starts_with("--") { "gamma:1" } else { hint };
            refused(text, format!("is refused: {out}"), hint)
        })?;
        Ok(read)
    }
}

fn on_off(text: &str, arguments: &str) -> Result<Arrivals, ParseError> {
    let needs = || refused(text, "needs the mean times of a burst and of a silence", "onoff:2s,8s");
    let parts: Vec<&str> = arguments.split(',').map(str::trim).collect();
    let (on, off, quiet) = match parts[..] {
        [on, off] => (on, off, "0"),
        [on, off, quiet] => (on, off, quiet),
        _ => return Err(needs()),
    };
    let quiet = decimal(quiet).ok_or_else(needs)?;
    Ok(Arrivals::OnOff { on: time(text, on)?, off: time(text, off)?, quiet })
}

impl FromStr for Curve {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        let arguments = text.split_once(':').map_or("", |(_, arguments)| arguments.trim());
        let shape = match name(text) {
            "diurnal" => diurnal(text, arguments)?,
            "steps" => Shape::Steps { steps: points(text, arguments)?, repeats: false },
            "cycle" => Shape::Steps { steps: points(text, arguments)?, repeats: true },
            "ramp" => {
                let (from, to) = arguments
                    .split_once("..")
                    .ok_or_else(|| refused(text, "needs a time and two rates", "ramp:10s@5..50"))?;
                let from = points(text, from)?;
                let rate = rate(text, to)?;
                let [(time, first)] = from[..] else {
                    return Err(refused(text, "needs a time and two rates", "ramp:10s@5..50"));
                };
                Shape::Lines { points: vec![(Nanos::ZERO, first), (time, rate)], ramp: true }
            }
            "curve" => Shape::Lines { points: points(text, arguments)?, ramp: false },
            _ => return Err(unknown(text)),
        };
        check(text, &shape)?;
        Ok(Self(shape))
    }
}

fn diurnal(text: &str, arguments: &str) -> Result<Shape, ParseError> {
    let needs = || refused(text, "needs a period and an amplitude from 0 to 1", "diurnal:24h,0.6");
    let parts: Vec<&str> = arguments.split(',').map(str::trim).collect();
    let (period, amplitude, start) = match parts[..] {
        [period, amplitude] => (period, amplitude, "0s"),
        [period, amplitude, start] => (period, amplitude, start),
        _ => return Err(needs()),
    };
    let amplitude = decimal(amplitude).filter(|amplitude| *amplitude <= 1.0).ok_or_else(needs)?;
    let (period, start) = (time(text, period)?, time(text, start)?);
    if period == Nanos::ZERO || start >= period {
        return Err(refused(text, "needs a period above zero, and a start within it", "diurnal:24h,0.6"));
    }
    Ok(Shape::Diurnal { period, amplitude, start })
}

/// What no arrivals would come of, or none in order.
fn check(text: &str, shape: &Shape) -> Result<(), ParseError> {
    match shape {
        Shape::Diurnal { .. } => Ok(()),
        Shape::Steps { steps, .. } => {
            if steps.iter().any(|(length, _)| *length == Nanos::ZERO) {
                return Err(refused(text, "has a step of no length", "steps:10s@5,20s@50"));
            }
            some_rate(text, steps)
        }
        Shape::Lines { points, ramp: true } => match points[..] {
            [_, (Nanos::ZERO, _)] => Err(refused(text, "takes no time", "ramp:10s@5..50")),
            _ => some_rate(text, points),
        },
        Shape::Lines { points, ramp: false } => {
            let rises = points.windows(2).all(|pair| pair[0].0 < pair[1].0);
            if !rises || points.first().is_none_or(|(at, _)| *at > Nanos::ZERO) {
                let reason = "needs points whose times rise from 0s";
                return Err(refused(text, reason, "curve:0s@5,10s@50,30s@20"));
            }
            some_rate(text, points)
        }
    }
}

fn some_rate(text: &str, points: &[(Nanos, f64)]) -> Result<(), ParseError> {
    match points.iter().any(|(_, rate)| *rate > 0.0) {
        true => Ok(()),
        false => Err(refused(text, "has no rate above zero, so nothing would arrive", "steps:10s@5,20s@50")),
    }
}

fn points(text: &str, list: &str) -> Result<Vec<(Nanos, f64)>, ParseError> {
    let read: Vec<_> = list
        .split(',')
        .take(MOST_POINTS + 1)
        .map(|point| {
            let (at, of) = point.split_once('@').ok_or_else(|| {
                refused(text, format!("has `{}`, which is no time@rate", point.trim()), "steps:10s@5,20s@50")
            })?;
            Ok((time(text, at.trim())?, rate(text, of)?))
        })
        .collect::<Result<_, ParseError>>()?;
    if read.len() > MOST_POINTS {
        return Err(refused(&text[..text.floor_char_boundary(40)], format!("has more than {MOST_POINTS} points"), ""));
    }
    Ok(read)
}

fn time(text: &str, written: &str) -> Result<Nanos, ParseError> {
    written.parse().map_err(|cause: ParseError| {
        let hint = if cause.hint.is_empty() { String::new() } else { text.replacen(written, &cause.hint, 1) };
        refused(text, format!("is refused: {cause}"), hint)
    })
}

fn rate(text: &str, written: &str) -> Result<f64, ParseError> {
    let number = written.trim().trim_end_matches("/s");
    decimal(number).filter(|rate| *rate <= MOST_RATE).ok_or_else(|| {
        refused(text, format!("has `{}`, which is no rate per second up to 10^9", written.trim()), "steps:10s@5,20s@50")
    })
}

/// A plain decimal: digits with at most one point.
fn decimal(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.parse().ok().filter(|_| plain)
}
