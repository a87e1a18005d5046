//! Distributions read from text, and refused with a hint. Knows no generator.

use std::str::FromStr;

use metron_units::ParseError;

use super::Dist;
use super::quantity::Quantity;
use super::shape::{Part, Percent, Shape};
use super::zipf::Zipf;

const NAMES: [&str; 6] = ["fixed", "uniform", "exponential", "normal", "lognormal", "zipf"];
/// Parentheses inside parentheses: no text may drive the parser to the end of the stack.
const DEEPEST: usize = 4;
const LONGEST: usize = 4096;
const LARGEST_SIGMA: f64 = 10.0;
const LARGEST_EXPONENT: f64 = 20.0;

impl<Q: Quantity> FromStr for Dist<Q> {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        with(text, &mut |file| Err(refused::<Q>(file, "is a trace, and none can be read here", Q::EXAMPLE)))
    }
}

/// Gives the values of a named trace.
type Read<'r, Q> = &'r mut dyn FnMut(&str) -> Result<Vec<Q>, ParseError>;

pub(super) fn with<Q: Quantity>(text: &str, read: Read<'_, Q>) -> Result<Dist<Q>, ParseError> {
    if text.len() > LONGEST {
        let shown: String = text.chars().take(40).collect();
        return Err(refused::<Q>(&format!("{shown}..."), format!("is longer than {LONGEST} bytes"), Q::EXAMPLE));
    }
    mix_or_single(text, 0, read)
}

fn refused<Q: Quantity>(text: &str, reason: impl Into<String>, hint: impl Into<String>) -> ParseError {
    ParseError { quantity: Q::DISTRIBUTION, text: text.to_owned(), reason: reason.into(), hint: hint.into() }
}

fn mix_or_single<Q: Quantity>(text: &str, depth: usize, read: Read<'_, Q>) -> Result<Dist<Q>, ParseError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(refused::<Q>(text, "is empty", Q::EXAMPLE));
    }
    let parts = split_at_plus::<Q>(text, depth)?;
    match parts.as_slice() {
        [single] if !outside_parentheses(single).contains('%') => single_or_nested(single, depth, read),
        _ => mix(text, &parts, depth, read),
    }
}

/// The text before its first parenthesis: a `%` within belongs to the mix inside.
fn outside_parentheses(text: &str) -> &str {
    text.split('(').next().unwrap_or(text)
}

fn split_at_plus<Q: Quantity>(text: &str, depth: usize) -> Result<Vec<&str>, ParseError> {
    let (mut parts, mut start, mut open) = (Vec::new(), 0, 0_usize);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => open += 1,
            b')' if open == 0 => return Err(refused::<Q>(text, "closes a parenthesis that was not opened", "")),
            b')' => open -= 1,
            b'+' if open == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        if depth + open > DEEPEST {
            return Err(refused::<Q>(
                &shortened(text),
                format!("nests mixes more than {DEEPEST} deep; multiply the shares out"),
                "",
            ));
        }
    }
    if open > 0 {
        return Err(refused::<Q>(text, "leaves a parenthesis open", format!("{text}{}", ")".repeat(open))));
    }
    parts.push(text[start..].trim());
    Ok(parts)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

fn mix<Q: Quantity>(text: &str, parts: &[&str], depth: usize, files: Read<'_, Q>) -> Result<Dist<Q>, ParseError> {
    let mut read = Vec::with_capacity(parts.len());
    for part in parts {
        let no_share = || {
            let even = Percent(Percent::ALL / parts.len() as u64);
            let of = if part.is_empty() { Q::EXAMPLE } else { part };
            refused::<Q>(part, "is a part of a mix and has no share of it", format!("{even} {of}"))
        };
        let (share, of) = part.split_once('%').ok_or_else(no_share)?;
        let share = percent(share.trim()).ok_or_else(|| {
            refused::<Q>(part, "has a share that is no percentage above 0 with at most six decimals", "")
        })?;
        read.push(Part { share, of: single_or_nested(of.trim(), depth, files)? });
    }
    let sum: u64 = read.iter().map(|part| part.share.0).sum();
    if sum == Percent::ALL {
        return Ok(Dist(Shape::Mix(read)));
    }
    let reason = format!("has shares that sum to {}, not to 100%", Percent(sum));
    Err(refused::<Q>(text, reason, evened_out(read, sum)))
}

/// The same mix with its last share changed so that the sum is right, if that is possible.
fn evened_out<Q: Quantity>(mut parts: Vec<Part<Q>>, sum: u64) -> String {
    let Some(last) = parts.last_mut() else { return String::new() };
    let share = (last.share.0 + Percent::ALL).saturating_sub(sum);
    last.share = Percent(share);
    if share == 0 { String::new() } else { Dist(Shape::Mix(parts)).to_string() }
}

fn percent(text: &str) -> Option<Percent> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || decimals.len() > 6 || !digits(whole) || !digits(decimals) {
        return None;
    }
    let millionths: u64 = format!("{decimals:0<6}").parse().ok()?;
    let share = whole.parse::<u64>().ok()? * Percent::ONE + millionths;
    (1..=Percent::ALL).contains(&share).then_some(Percent(share))
}

fn single_or_nested<Q: Quantity>(text: &str, depth: usize, files: Read<'_, Q>) -> Result<Dist<Q>, ParseError> {
    if let Some(inside) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return mix_or_single(inside, depth + 1, files);
    }
    let Some((name, arguments)) = text.split_once(':') else {
        return value::<Q>(text, text, Least::OfQuantity).map(|fixed| Dist(Shape::Fixed(fixed)));
    };
    let arguments = arguments.trim();
    let shape = match name.trim() {
        "fixed" => Shape::Fixed(value(text, arguments, Least::OfQuantity)?),
        "uniform" => {
            let (low, high) = range(text, arguments)?;
            Shape::Uniform { low, high }
        }
        "exponential" => Shape::Exponential { mean: value(text, arguments, Least::AboveZero)? },
        "normal" => {
            let (mean, std) = two::<Q>(text, arguments, "a mean and a standard deviation")?;
            Shape::Normal { mean: value(text, mean, Least::OfQuantity)?, std: value(text, std, Least::Zero)? }
        }
        "lognormal" => {
            let (median, sigma) = two::<Q>(text, arguments, "a median and a sigma")?;
            Shape::Lognormal {
                median: value(text, median, Least::AboveZero)?,
                sigma: number::<Q>(text, sigma, LARGEST_SIGMA)?,
            }
        }
        "zipf" => zipf(text, arguments)?,
        "trace" if !arguments.is_empty() => {
            let empty = || refused::<Q>(text, "holds no value", Q::EXAMPLE);
            return Dist::trace(arguments, files(arguments)?).ok_or_else(empty);
        }
        unknown => return Err(unknown_name::<Q>(text, unknown)),
    };
    Ok(Dist(shape))
}

fn zipf<Q: Quantity>(text: &str, arguments: &str) -> Result<Shape<Q>, ParseError> {
    if !Q::COUNTED {
        let hint = format!("exponential:{}", Q::EXAMPLE);
        return Err(refused::<Q>(text, "ranks counts, and a duration is none", hint));
    }
    let (values, exponent) = two::<Q>(text, arguments, "a range and an exponent")?;
    let (low, high) = range::<Q>(text, values)?;
    Ok(Shape::Zipf(Zipf::new(low.whole(), high.whole(), number::<Q>(text, exponent, LARGEST_EXPONENT)?)))
}

fn unknown_name<Q: Quantity>(text: &str, unknown: &str) -> ParseError {
    let nearest = NAMES
        .iter()
        .map(|name| (strsim::damerau_levenshtein(unknown, name), name))
        .min()
        .filter(|&(distance, _)| distance <= 3)
        .map(|(_, name)| replaced(text, unknown, name));
    let reason = format!("has the unknown name `{unknown}`; known are {}", NAMES.join(", "));
    refused::<Q>(text, reason, nearest.unwrap_or_default())
}

fn two<'a, Q: Quantity>(text: &str, arguments: &'a str, what: &str) -> Result<(&'a str, &'a str), ParseError> {
    match arguments.split_once(',') {
        Some((first, second)) if !second.contains(',') => Ok((first.trim(), second.trim())),
        _ => Err(refused::<Q>(text, format!("needs {what}, with one comma between"), "")),
    }
}

fn range<Q: Quantity>(text: &str, values: &str) -> Result<(Q, Q), ParseError> {
    let Some((low, high)) = values.split_once("..") else {
        return Err(refused::<Q>(text, "needs a range with two dots, both ends included", ""));
    };
    let (low, high) = (read::<Q>(text, low.trim())?, read::<Q>(text, high.trim())?);
    let mended = |low: u64, high: u64| {
        let ends = [low, high].map(|end| Q::from_whole(end.clamp(Q::LEAST, Q::MOST)).written());
        replaced(text, values, &ends.join(".."))
    };
    if low.whole() > high.whole() {
        let reason = "has a range that ends before it starts";
        return Err(refused::<Q>(text, reason, mended(high.whole(), low.whole())));
    }
    within_bounds(text, low).and_then(|()| within_bounds(text, high)).map(|()| (low, high)).map_err(|mut cause| {
        cause.hint = mended(low.whole(), high.whole());
        cause
    })
}

/// One value of the text, at least `least`. The hint is the whole text with the value put right.
fn value<Q: Quantity>(text: &str, written: &str, least: Least) -> Result<Q, ParseError> {
    let value: Q = read(text, written)?;
    let too_small = match least {
        Least::OfQuantity => value.whole() < Q::LEAST,
        Least::AboveZero => value.whole() == 0,
        Least::Zero => false,
    };
    if too_small {
        let one = Q::from_whole(Q::LEAST.max(1)).written();
        let hint = replaced(text, written, if Q::COUNTED { &one } else { Q::EXAMPLE });
        return Err(refused::<Q>(text, format!("holds `{written}`, and the least is {one}"), hint));
    }
    if value.whole() > Q::MOST {
        let most = Q::from_whole(Q::MOST).written();
        return Err(refused::<Q>(
            text,
            format!("holds `{written}`, and the most is {most}"),
            replaced(text, written, &most),
        ));
    }
    Ok(value)
}

/// The least that a parameter may be.
#[derive(Clone, Copy)]
enum Least {
    /// What the quantity itself allows.
    OfQuantity,
    /// Anything but zero: a mean of zero is no distribution.
    AboveZero,
    /// Zero: a spread may be none.
    Zero,
}

fn read<Q: Quantity>(text: &str, written: &str) -> Result<Q, ParseError> {
    Q::read(written).map_err(|cause| {
        let reason = if written == text { cause.reason.clone() } else { format!("is refused: {cause}") };
        let hint = if cause.hint.is_empty() { String::new() } else { replaced(text, written, &cause.hint) };
        refused::<Q>(text, reason, hint)
    })
}

fn within_bounds<Q: Quantity>(text: &str, value: Q) -> Result<(), ParseError> {
    if (Q::LEAST..=Q::MOST).contains(&value.whole()) {
        return Ok(());
    }
    let [least, most] = [Q::LEAST, Q::MOST].map(|bound| Q::from_whole(bound).written());
    Err(refused::<Q>(text, format!("holds `{}`, which lies outside {least} to {most}", value.written()), ""))
}

/// `text` with its part `part`, a slice of it, replaced.
fn replaced(text: &str, part: &str, by: &str) -> String {
    let start = part.as_ptr() as usize - text.as_ptr() as usize;
    format!("{}{by}{}", &text[..start], &text[start + part.len()..])
}

fn number<Q: Quantity>(text: &str, written: &str, most: f64) -> Result<f64, ParseError> {
    let plain = written.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match written.parse::<f64>() {
        Ok(number) if plain && number <= most => Ok(number),
        _ => Err(refused::<Q>(text, format!("holds `{written}`, which is no number from 0 to {most}"), "")),
    }
}
