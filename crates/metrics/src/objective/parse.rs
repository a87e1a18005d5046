//! Reading an objective: `[pN|mean] METRIC SIGN THRESHOLD [for N%]`. Every refusal says which part is meant and what to type.

use std::ops::Range;
use std::str::FromStr;

use metron_units::{Nanos, ParseError};

use super::{Comparison, Objective, Statistic, Threshold};
use crate::catalogue::{Kind, Metric, Unit, UnknownMetric};
use crate::fraction::Fraction;

/// A text that is no objective: which part, why, and what could be typed instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("objective `{expression}`: {refusal}")]
pub struct ObjectiveError {
    /// The text as it was given.
    pub expression: String,
    /// Bytes of `expression` that are meant.
    pub span: Range<usize>,
    /// Why it was refused.
    #[source]
    pub refusal: Refusal,
    /// An objective that can be typed, as near to the text as can be guessed.
    pub hint: String,
}

/// Why a text is no objective.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing but spaces.
    #[error("is empty")]
    Empty,
    /// None of the four signs stands in it, or another one does.
    #[error("has no `<=`, `<`, `>=` or `>`")]
    NoComparison,
    /// The metric's name is unknown or missing.
    #[error(transparent)]
    UnknownMetric(#[from] UnknownMetric),
    /// More words before the sign than a statistic and a metric.
    #[error("`{0}` is neither a percentile (`p99`) nor `mean`")]
    UnknownStatistic(String),
    /// A percentile of 0, above 100, or not of digits.
    #[error("`{0}` is no percentile above p0 and up to p100")]
    Percentile(String),
    /// A distribution without a word on which of its values is meant.
    #[error("`{0}` has many values: say which, as a percentile, `mean` or `for N%`")]
    NoStatistic(Metric),
    /// A percentile, mean or share of one value.
    #[error("`{0}` is one value for the run and has no percentile, mean or share")]
    OneValue(Metric),
    /// A percentile or mean, and a share as well.
    #[error("says twice what must hold: keep `{0}` or `for`")]
    Twice(String),
    /// The share behind `for` is missing, 0 or no share.
    #[error("`for` needs a share of requests above 0%, not `{0}`")]
    For(String),
    /// The threshold is missing.
    #[error("has no threshold")]
    NoThreshold,
    /// The threshold is of another kind than the metric, or of none.
    #[error("`{metric}` is compared with a {expected}, not `{text}`")]
    WrongUnit {
        /// The metric.
        metric: Metric,
        /// What its threshold is.
        expected: &'static str,
        /// What stood there.
        text: String,
    },
    /// The threshold is of the right kind and still unreadable.
    #[error(transparent)]
    Threshold(ParseError),
}

/// A part of the expression and where it stands.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Part<'a> {
    fn trimmed(text: &'a str, start: usize) -> Self {
        let trimmed = text.trim_start();
        Self { text: trimmed.trim_end(), start: start + text.len() - trimmed.len() }
    }

    fn words(self) -> Vec<Self> {
        let place = |word: &str| self.start + (word.as_ptr() as usize - self.text.as_ptr() as usize);
        self.text.split_whitespace().map(|word| Self { text: word, start: place(word) }).collect()
    }

    fn span(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

/// A refusal before the expression is put beside it. The hint is empty where the sign's own default will do.
struct Refused {
    span: Range<usize>,
    // Boxed, so that what every function here returns stays small.
    refusal: Box<Refusal>,
    hint: String,
}

impl Refused {
    fn new(part: Part<'_>, refusal: impl Into<Refusal>, hint: impl Into<String>) -> Self {
        Self { span: part.span(), refusal: Box::new(refusal.into()), hint: hint.into() }
    }
}

impl FromStr for Objective {
    type Err = ObjectiveError;

    fn from_str(text: &str) -> Result<Self, ObjectiveError> {
        parse(text).map_err(|Refused { span, refusal, hint }| ObjectiveError {
            expression: text.to_owned(),
            span,
            refusal: *refusal,
            hint,
        })
    }
}

const EXAMPLE: &str = "p99 ttft <= 500ms";

fn parse(text: &str) -> Result<Objective, Refused> {
    let whole = Part::trimmed(text, 0);
    if whole.text.is_empty() {
        return Err(Refused::new(whole, Refusal::Empty, EXAMPLE));
    }
    let (sign, comparison) = find_sign(whole)?;
    let sign_at = sign.start - whole.start;
    let left = Part::trimmed(&whole.text[..sign_at], whole.start);
    let right = Part::trimmed(&whole.text[sign_at + sign.text.len()..], sign.start + sign.text.len());
    let (threshold, share) = split_for(right);
    let (prefix, metric) = statistic_and_metric(left, comparison, right)?;
    let statistic = statistic(prefix, metric, share, left, &format!("{} {}", comparison.sign(), threshold.text))?;
    let threshold = read_threshold(threshold, metric, prefix, comparison, share)?;
    Ok(Objective { statistic, metric, comparison, threshold })
}

/// The sign and where it stands. `=<`, `==` and the like are answered with the right one.
fn find_sign(whole: Part<'_>) -> Result<(Part<'_>, Comparison), Refused> {
    let is_sign = |c: char| matches!(c, '<' | '>' | '=' | '≤' | '≥' | '!' | '~');
    let Some(start) = whole.text.find(is_sign) else {
        let hint = match whole.text.split_whitespace().last().map(Metric::from_name) {
            Some(Ok(metric)) => example(metric),
            Some(Err(_)) | None => EXAMPLE.to_owned(),
        };
        return Err(Refused::new(whole, Refusal::NoComparison, hint));
    };
    let rest = &whole.text[start..];
    let text = &rest[..rest.find(|c| !is_sign(c)).unwrap_or(rest.len())];
    let sign = Part { text, start: whole.start + start };
    let comparison = match text {
        "<=" | "≤" => Comparison::AtMost,
        "<" => Comparison::Below,
        ">=" | "≥" => Comparison::AtLeast,
        ">" => Comparison::Above,
        _ => {
            let meant = if text.contains(['>', '≥']) { ">=" } else { "<=" };
            let hint = format!("{}{meant}{}", &whole.text[..start], &rest[text.len()..]);
            return Err(Refused::new(sign, Refusal::NoComparison, hint));
        }
    };
    Ok((sign, comparison))
}

/// `500ms for 99%` as `500ms` and `99%`.
fn split_for(right: Part<'_>) -> (Part<'_>, Option<Part<'_>>) {
    let words = right.words();
    let Some(place) = words.iter().position(|word| word.text == "for") else { return (right, None) };
    let at = words[place].start - right.start;
    (
        Part::trimmed(&right.text[..at], right.start),
        Some(Part::trimmed(&right.text[at + "for".len()..], words[place].start + "for".len())),
    )
}

fn statistic_and_metric<'a>(
    left: Part<'a>,
    comparison: Comparison,
    right: Part<'a>,
) -> Result<(Option<Part<'a>>, Metric), Refused> {
    let words = left.words();
    let (prefix, name) = match words.as_slice() {
        [] => (None, left),
        [name] => (None, *name),
        [prefix, name] => (Some(*prefix), *name),
        [.., name] => {
            let rest = left.text[..name.start - left.start].trim_end();
            let part = Part { text: rest, start: left.start };
            let hint = format!("p99 {} {} {}", name.text, comparison.sign(), right.text);
            return Err(Refused::new(part, Refusal::UnknownStatistic(rest.to_owned()), hint));
        }
    };
    let metric = Metric::from_name(name.text).map_err(|unknown| {
        let hint = unknown.nearest.map_or_else(
            || EXAMPLE.to_owned(),
            |nearest| {
                let before = prefix.map(|prefix| format!("{} ", prefix.text)).unwrap_or_default();
                format!("{before}{nearest} {} {}", comparison.sign(), right.text)
            },
        );
        Refused::new(name, unknown, hint)
    })?;
    Ok((prefix, metric))
}

/// Which of the metric's values is meant. `rest` is the sign and the threshold, for hints.
fn statistic(
    prefix: Option<Part<'_>>,
    metric: Metric,
    share: Option<Part<'_>>,
    left: Part<'_>,
    rest: &str,
) -> Result<Statistic, Refused> {
    match (metric.kind(), prefix, share) {
        (Kind::Value, None, None) => Ok(Statistic::Value),
        (Kind::Value, Some(part), _) | (Kind::Value, None, Some(part)) => {
            Err(Refused::new(part, Refusal::OneValue(metric), format!("{metric} {rest}")))
        }
        (Kind::PerRequest | Kind::PooledGaps, None, None) => {
            let hint =
                if rest.starts_with('>') { format!("{metric} {rest} for 99%") } else { format!("p99 {metric} {rest}") };
            Err(Refused::new(left, Refusal::NoStatistic(metric), hint))
        }
        (Kind::PerRequest | Kind::PooledGaps, Some(prefix), Some(_)) => {
            let refusal = Refusal::Twice(prefix.text.to_owned());
            Err(Refused::new(prefix, refusal, format!("{} {metric} {rest}", prefix.text)))
        }
        (Kind::PerRequest | Kind::PooledGaps, None, Some(share)) => match Fraction::parse(share.text) {
            Ok(share) if share.get() > 0.0 => Ok(Statistic::For(share)),
            Ok(_) | Err(_) => {
                let refusal = Refusal::For(share.text.to_owned());
                Err(Refused::new(share, refusal, format!("{metric} {rest} for 99%")))
            }
        },
        (Kind::PerRequest | Kind::PooledGaps, Some(prefix), None) => {
            prefix_statistic(prefix, &format!("{metric} {rest}"))
        }
    }
}

fn prefix_statistic(prefix: Part<'_>, rest: &str) -> Result<Statistic, Refused> {
    match prefix.text {
        "mean" => Ok(Statistic::Mean),
        "median" | "average" | "avg" | "max" | "min" => {
            let meant = match prefix.text {
                "median" => "p50",
                "max" => "p100",
                "min" => "p1",
                _ => "mean",
            };
            let refusal = Refusal::UnknownStatistic(prefix.text.to_owned());
            Err(Refused::new(prefix, refusal, format!("{meant} {rest}")))
        }
        text => {
            let Some(percent) = text.strip_prefix(['p', 'P']) else {
                let refusal = Refusal::UnknownStatistic(text.to_owned());
                return Err(Refused::new(prefix, refusal, format!("p99 {rest}")));
            };
            match Fraction::parse(&format!("{percent}%")) {
                Ok(p) if p.get() > 0.0 && !percent.ends_with('%') => Ok(Statistic::Percentile(p)),
                Ok(_) | Err(_) => {
                    Err(Refused::new(prefix, Refusal::Percentile(text.to_owned()), format!("p99 {rest}")))
                }
            }
        }
    }
}

/// Reads the threshold in the metric's unit.
fn read_threshold(
    part: Part<'_>,
    metric: Metric,
    prefix: Option<Part<'_>>,
    comparison: Comparison,
    share: Option<Part<'_>>,
) -> Result<Threshold, Refused> {
    let hint = |threshold: &str| {
        let before = prefix.map(|prefix| format!("{} ", prefix.text)).unwrap_or_default();
        let after = share.map(|share| format!(" for {}", share.text)).unwrap_or_default();
        format!("{before}{metric} {} {threshold}{after}", comparison.sign())
    };
    if part.text.is_empty() {
        return Err(Refused::new(part, Refusal::NoThreshold, hint(typical(metric))));
    }
    let (expected, read) = match metric.unit() {
        Unit::Seconds => ("duration", part.text.parse::<Nanos>().map(Threshold::Time)),
        Unit::Share => ("share", Fraction::parse(part.text).map(Threshold::Share)),
        Unit::Tokens => ("count of tokens", number(part.text, &["", "tokens"])),
        Unit::TokensPerSecond => ("rate in tokens/s", number(part.text, &["", "/s", "tokens/s", "tok/s"])),
        Unit::RequestsPerSecond => ("rate in requests/s", number(part.text, &["", "/s", "requests/s", "req/s"])),
    };
    read.map_err(|error| {
        // What another quantity's parser accepts was meant as that quantity: say which one is wanted here.
        let foreign = part.text.parse::<Nanos>().is_ok() || part.text.ends_with('%') || part.text.contains("/s");
        if foreign && !(metric.unit() == Unit::Share && part.text.ends_with('%')) {
            let refusal = Refusal::WrongUnit { metric, expected, text: part.text.to_owned() };
            return Refused::new(part, refusal, hint(typical(metric)));
        }
        let hint = hint(if error.hint.is_empty() { typical(metric) } else { &error.hint });
        Refused::new(part, Refusal::Threshold(error), hint)
    })
}

/// A plain number with one of the `units` behind it.
fn number(text: &str, units: &[&str]) -> Result<Threshold, ParseError> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (digits, unit) = (&text[..split], text[split..].trim_start());
    let number = digits.parse::<f64>().ok().filter(|number| number.is_finite() && units.contains(&unit));
    number.map(Threshold::Number).ok_or_else(|| ParseError {
        quantity: "number",
        text: text.to_owned(),
        reason: format!("is no number of {}", units.last().copied().unwrap_or_default()),
        hint: if digits.is_empty() { String::new() } else { digits.to_owned() },
    })
}

/// A threshold of the metric's unit, for hints.
const fn typical_of(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "500ms",
        Unit::Share => "1%",
        Unit::Tokens => "128",
        Unit::TokensPerSecond => "20 tokens/s",
        Unit::RequestsPerSecond => "5 requests/s",
    }
}

fn typical(metric: Metric) -> &'static str {
    match metric {
        Metric::FluidityIndex => "0.9",
        Metric::FluidRequestShare => "99%",
        _ => typical_of(metric.unit()),
    }
}

/// An objective of that metric, for hints.
fn example(metric: Metric) -> String {
    let entry = metric.entry();
    let higher = matches!(entry.better, crate::catalogue::Better::Higher);
    let sign = if higher { ">=" } else { "<=" };
    match (entry.kind, higher) {
        (Kind::Value, _) => format!("{metric} {sign} {}", typical(metric)),
        (Kind::PerRequest | Kind::PooledGaps, true) => format!("{metric} {sign} {} for 99%", typical(metric)),
        (Kind::PerRequest | Kind::PooledGaps, false) => format!("p99 {metric} {sign} {}", typical(metric)),
    }
}
