//! How much worse a figure may become: `p99 ttft +5%`, `p50 e2e_latency +200ms`, `fluidity_index mean -2%`, `error_rate +1pp`.
//!
//! A percentage is a part of the baseline's figure; `pp` are percentage points of a share; other units are the figure's own.
//! The sign is the direction in which the figure gets worse. Every refusal says which word is meant and what to type.

use std::fmt;
use std::str::FromStr;

use metron_units::Nanos;

use super::{Aspect, Difference};
use crate::catalogue::{Better, Kind, Metric, Unit, UnknownMetric};
use crate::fraction::Fraction;

/// The most that a figure may move in one direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// Which metric.
    pub metric: Metric,
    /// Which of its numbers.
    pub aspect: Aspect,
    /// Whether it may rise or fall so far.
    pub direction: Direction,
    /// How far.
    pub allowance: Allowance,
}

/// The direction that is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// `+`
    Up,
    /// `-`
    Down,
}

/// How far a figure may move.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Allowance {
    /// By a part of the baseline's figure; may be above 1.
    Relative(f64),
    /// In the figure's unit: seconds, a share, or its plain number.
    Absolute(f64),
}

/// What became of a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// The figure did not move so far.
    Held,
    /// It moved farther, and noise does not explain that it moved.
    Broken,
    /// It moved farther, but as likely as not by noise: nothing is broken.
    Noise,
    /// Nothing can be said: a figure is missing, or it moved farther and the samples carry no interval.
    Undecided,
}

impl Ruling {
    /// Its name in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Broken => "broken",
            Self::Noise => "noise",
            Self::Undecided => "undecided",
        }
    }
}

impl Bound {
    /// Rules on a difference; `None` is a figure that one of the runs does not have.
    #[must_use]
    pub fn rule(&self, difference: Option<&Difference>) -> Ruling {
        let Some(difference) = difference else { return Ruling::Undecided };
        let sign = match self.direction {
            Direction::Up => 1.0,
            Direction::Down => -1.0,
        };
        let moved = match self.allowance {
            Allowance::Absolute(most) => Some(exceeds(sign * difference.absolute(), most)),
            // Nothing is a multiple of 0, but what did not move is within every bound.
            Allowance::Relative(_) if difference.absolute() == 0.0 => Some(false),
            Allowance::Relative(most) => difference.relative().map(|relative| exceeds(sign * relative, most)),
        };
        match (moved, difference.ci95) {
            (Some(false), _) => Ruling::Held,
            (Some(true), Some(ends)) => {
                let beyond = if self.direction == Direction::Up { ends.low > 0.0 } else { ends.high < 0.0 };
                if beyond { Ruling::Broken } else { Ruling::Noise }
            }
            (Some(true), None) | (None, _) => Ruling::Undecided,
        }
    }
}

/// Whether `moved` is more than `most`, and by more than the floats' last bits: 1.05 lies 5 % above 1.
fn exceeds(moved: f64, most: f64) -> bool {
    moved - most > 1e-9 * most.max(1e-3)
}

/// As it is typed; the parser takes it back.
impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.aspect != Aspect::Value {
            write!(f, "{} ", self.aspect.name())?;
        }
        let sign = if self.direction == Direction::Up { '+' } else { '-' };
        write!(f, "{} {sign}", self.metric)?;
        match (self.allowance, self.metric.unit()) {
            (Allowance::Relative(part), _) => write!(f, "{}%", plain(part * 100.0)),
            (Allowance::Absolute(seconds), Unit::Seconds) => {
                let time = Nanos::from_secs_f64(seconds).unwrap_or(Nanos::ZERO);
                write!(f, "{}", time.to_string().replace(' ', ""))
            }
            (Allowance::Absolute(share), Unit::Share) => write!(f, "{}pp", plain(share * 100.0)),
            (Allowance::Absolute(count), Unit::Tokens) => write!(f, "{}", plain(count)),
            (Allowance::Absolute(rate), unit) => write!(f, "{} {unit}", plain(rate)),
        }
    }
}

/// The digits that were meant: a float's last bits are not.
fn plain(number: f64) -> String {
    let text = format!("{number:.9}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A text that is no bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bound `{expression}`: {refusal}")]
pub struct BoundError {
    /// The text as it was given.
    pub expression: String,
    /// Why it was refused.
    #[source]
    pub refusal: BoundRefusal,
    /// A bound that can be typed, as near to the text as can be guessed.
    pub hint: String,
}

/// Why a text is no bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoundRefusal {
    /// Nothing but spaces.
    #[error("is empty")]
    Empty,
    /// No word begins with a sign.
    #[error("does not say how far the figure may move (`+5%`)")]
    NoAllowance,
    /// No metric, or more words than a statistic and a metric.
    #[error("is not a statistic, a metric and a bound")]
    Words,
    /// The metric's name is unknown.
    #[error(transparent)]
    UnknownMetric(#[from] UnknownMetric),
    /// A word beside the metric that is no statistic.
    #[error("`{0}` is neither a percentile (`p99`) nor `mean`")]
    UnknownStatistic(String),
    /// A distribution without a word on which of its numbers is meant.
    #[error("`{0}` has many values: say which, as a percentile or `mean`")]
    NoStatistic(Metric),
    /// A statistic of one value.
    #[error("`{0}` is one value for the run and has no percentile or mean")]
    OneValue(Metric),
    /// The direction is the one in which the figure gets better.
    #[error("`{0}` gets worse the other way")]
    OtherWay(Metric),
    /// The allowance is none, or of another unit than the figure.
    #[error("`{text}` is no {expected}")]
    Allowance {
        /// What stood there.
        text: String,
        /// What can stand there.
        expected: &'static str,
    },
}

const EXAMPLE: &str = "p99 ttft +5%";

impl FromStr for Bound {
    type Err = BoundError;

    fn from_str(text: &str) -> Result<Self, BoundError> {
        parse(text).map_err(|(refusal, hint)| BoundError { expression: text.to_owned(), refusal, hint })
    }
}

type Refused = (BoundRefusal, String);

fn parse(text: &str) -> Result<Bound, Refused> {
    let text = text.trim();
    if text.is_empty() {
        return Err((BoundRefusal::Empty, EXAMPLE.to_owned()));
    }
    let start = text.char_indices().find(|(at, c)| {
        matches!(c, '+' | '-' | '−') && text[..*at].chars().next_back().is_none_or(char::is_whitespace)
    });
    let Some((at, sign)) = start else {
        return Err((BoundRefusal::NoAllowance, with_sign(text)));
    };
    let (words, amount) = (&text[..at], text[at + sign.len_utf8()..].trim());
    let direction = if sign == '+' { Direction::Up } else { Direction::Down };
    let typed = format!("{}{amount}", if direction == Direction::Up { '+' } else { '-' });
    let (statistic, metric) = statistic_and_metric(words, &typed)?;
    let aspect = aspect(statistic, metric, &typed)?;
    let subject = if aspect == Aspect::Value { metric.to_string() } else { format!("{} {metric}", aspect.name()) };
    let worse = match metric.entry().better {
        Better::Lower => Some(Direction::Up),
        Better::Higher => Some(Direction::Down),
        Better::Neither => None,
    };
    if worse.is_some_and(|worse| worse != direction) {
        let sign = if direction == Direction::Up { '-' } else { '+' };
        return Err((BoundRefusal::OtherWay(metric), format!("{subject} {sign}{amount}")));
    }
    let allowance = allowance(amount, metric).map_err(|expected| {
        let sign = &typed[..1];
        let refusal = BoundRefusal::Allowance { text: typed.clone(), expected };
        (refusal, format!("{subject} {sign}{}", meant(amount, metric)))
    })?;
    Ok(Bound { metric, aspect, direction, allowance })
}

/// A bound that was meant by a text without a sign: the first number in it says how far, the sign is that in which the figure gets worse.
fn with_sign(text: &str) -> String {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let far = words.iter().position(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let amount = far.map_or_else(|| "5%".to_owned(), |at| words.split_off(at).concat());
    // Each refusal mends one thing: the sign, the statistic, the unit.
    let mut typed = format!("{} +{amount}", words.join(" "));
    while let Err((_, hint)) = parse(&typed) {
        if hint == typed {
            return EXAMPLE.to_owned();
        }
        typed = hint;
    }
    typed
}

/// The words before the sign, in either order.
fn statistic_and_metric<'a>(words: &'a str, typed: &str) -> Result<(Option<&'a str>, Metric), Refused> {
    let words: Vec<&str> = words.split_whitespace().collect();
    match *words.as_slice() {
        [name] => metric_of(name, None, typed).map(|metric| (None, metric)),
        [first, second] => match (Metric::from_name(first), Metric::from_name(second)) {
            (Ok(metric), Err(_)) => Ok((Some(second), metric)),
            (_, Ok(metric)) => Ok((Some(first), metric)),
            (Err(_), Err(_)) if statistic(second).is_some() => metric_of(first, Some(second), typed).map(|m| (None, m)),
            (Err(_), Err(_)) => metric_of(second, Some(first), typed).map(|m| (None, m)),
        },
        _ => Err((BoundRefusal::Words, EXAMPLE.to_owned())),
    }
}

fn metric_of(name: &str, statistic: Option<&str>, typed: &str) -> Result<Metric, Refused> {
    Metric::from_name(name).map_err(|unknown| {
        let before = statistic.map_or_else(String::new, |statistic| format!("{statistic} "));
        let hint = unknown.nearest.map_or_else(|| EXAMPLE.to_owned(), |near| format!("{before}{near} {typed}"));
        (unknown.into(), hint)
    })
}

fn aspect(word: Option<&str>, metric: Metric, typed: &str) -> Result<Aspect, Refused> {
    match (metric.kind(), word) {
        (Kind::Value, None) => Ok(Aspect::Value),
        (Kind::Value, Some(_)) => Err((BoundRefusal::OneValue(metric), format!("{metric} {typed}"))),
        (Kind::PerRequest | Kind::PooledGaps, None) => {
            let usual = if metric.entry().better == Better::Lower { "p99" } else { "mean" };
            Err((BoundRefusal::NoStatistic(metric), format!("{usual} {metric} {typed}")))
        }
        (Kind::PerRequest | Kind::PooledGaps, Some(word)) => statistic(word).ok_or_else(|| {
            let meant = match word {
                "median" => "p50",
                "average" | "avg" => "mean",
                _ => "p99",
            };
            (BoundRefusal::UnknownStatistic(word.to_owned()), format!("{meant} {metric} {typed}"))
        }),
    }
}

/// `mean`, or a percentile above p0 and below p100: an extreme has no interval, so nothing could be ruled on it.
fn statistic(word: &str) -> Option<Aspect> {
    if word == "mean" {
        return Some(Aspect::Mean);
    }
    let percent = word.strip_prefix(['p', 'P'])?;
    let digits = percent.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let p = Fraction::parse(&format!("{percent}%")).ok().filter(|p| digits && p.get() > 0.0 && p.get() < 1.0)?;
    Some(Aspect::Percentile(p))
}

/// Reads how far; what it should be if it is nothing of the kind.
fn allowance(amount: &str, metric: Metric) -> Result<Allowance, &'static str> {
    let unit = metric.unit();
    let expected = match unit {
        Unit::Seconds => "percentage of the baseline (`+5%`) and no duration (`+200ms`)",
        Unit::Share => "percentage of the baseline (`5%`) and no percentage points (`1pp`)",
        Unit::Tokens => "percentage of the baseline (`5%`) and no count of tokens (`16`)",
        Unit::TokensPerSecond => "percentage of the baseline (`5%`) and no rate (`3 tokens/s`)",
        Unit::RequestsPerSecond => "percentage of the baseline (`5%`) and no rate (`0.5 requests/s`)",
    };
    if let Some(percent) = amount.strip_suffix('%') {
        return number(percent).map(|percent| Allowance::Relative(percent / 100.0)).ok_or(expected);
    }
    let absolute = match unit {
        Unit::Seconds => amount.parse::<Nanos>().ok().map(Nanos::as_secs_f64),
        Unit::Share => amount.strip_suffix("pp").and_then(number).map(|points| points / 100.0),
        Unit::Tokens => number(amount.strip_suffix("tokens").unwrap_or(amount)),
        Unit::TokensPerSecond => number(amount.strip_suffix("tokens/s").unwrap_or(amount)),
        Unit::RequestsPerSecond => number(amount.strip_suffix("requests/s").unwrap_or(amount)),
    };
    absolute.map(Allowance::Absolute).ok_or(expected)
}

/// A plain decimal.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    text.parse::<f64>().ok().filter(|number| plain && number.is_finite())
}

/// An allowance that can be typed instead.
fn meant(amount: &str, metric: Metric) -> String {
    match (number(amount), metric.unit()) {
        (Some(_), Unit::Seconds) => format!("{amount}ms"),
        (Some(_), _) => format!("{amount}%"),
        (None, _) => "5%".to_owned(),
    }
}

#[cfg(test)]
mod tests;
