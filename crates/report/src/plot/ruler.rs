//! An axis laid out: from values to places on paper, and the round numbers to write along it. Knows no drawing.

use super::axis::{Axis, Scale};

/// An axis whose ends and marks are settled.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ruler {
    low: f64,
    high: f64,
    is_log: bool,
    ticks: Vec<(f64, String)>,
    coarser: Vec<Vec<(f64, String)>>,
}

/// The digits before a power of ten at which an axis of equal ratios may end and be marked.
pub(super) const ONE_TWO_FIVE: [f64; 3] = [1.0, 2.0, 5.0];
/// The same where that is too coarse.
const EVERY: [f64; 9] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
/// An axis whose values differ by less than this factor may end at every digit.
const SHORT: f64 = 5.0;

/// About as many steps as an axis is divided into.
const STEPS: f64 = 5.0;
/// Relative slack: a round number's float may lie beside it.
const NEARLY: f64 = 1e-9;
/// More labelled decades than these are too many.
const MOST_DECADES: i32 = 8;

impl Ruler {
    /// The axis laid out so that it holds every one of `values`.
    pub(super) fn of(axis: &Axis, values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite() && (axis.scale != Scale::Log || *value > 0.0))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        let mut ruler = match &axis.scale {
            Scale::Linear => Self::linear(axis, low, high),
            Scale::Log => Self::log(axis, low, high),
            Scale::Categories(names) => Self::categories(names),
        };
        if let Some(ticks) = &axis.ticks {
            let inside = |value: &f64| (ruler.low..=ruler.high).contains(value);
            ruler.coarser.clear();
            ruler.ticks = ticks.iter().copied().filter(inside).map(|value| (value, shortest(value))).collect();
        }
        ruler
    }

    fn linear(axis: &Axis, least: f64, most: f64) -> Self {
        let low = axis.low.unwrap_or(if least.is_finite() { least.min(0.0) } else { 0.0 });
        let high = axis.high.unwrap_or(most);
        let high = if high > low { high } else { low + 1.0 };
        let step = round_step((high - low) / STEPS);
        let low = axis.low.unwrap_or_else(|| (low / step + NEARLY).floor() * step);
        let high = axis.high.unwrap_or_else(|| low + ((high - low) / step - NEARLY).ceil() * step);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let first = (low / step - NEARLY).ceil() as i64;
        let last = (high / step + NEARLY).floor() as i64;
        let ticks = (first..=last).map(|k| k as f64 * step).map(|value| (value, grouped(value, decimals))).collect();
        Self { low, high, is_log: false, ticks, coarser: Vec::new() }
    }

    fn log(axis: &Axis, least: f64, most: f64) -> Self {
        let (least, most) = if least <= most { (least, most) } else { (1.0, 10.0) };
        let digits = if most < SHORT * least { &EVERY[..] } else { &ONE_TWO_FIVE[..] };
        let low = axis.low.filter(|low| *low > 0.0).unwrap_or_else(|| round_below(least, digits));
        let high = axis.high.filter(|high| *high > low).unwrap_or_else(|| round_above(most, digits));
        // All values are one round number: the next one ends the axis.
        let high = if high > low { high } else { round_above(low * 1.1, digits) };
        let written = |ticks: Vec<f64>| ticks.into_iter().map(|value| (value, shortest(value))).collect();
        let mut sets = log_ticks(low, high).into_iter().map(written);
        let ticks = sets.next().unwrap_or_default();
        Self { low, high, is_log: true, ticks, coarser: sets.collect() }
    }

    fn categories(names: &[String]) -> Self {
        let ticks = names.iter().enumerate().map(|(k, name)| (k as f64, name.clone())).collect();
        Self { low: -0.5, high: names.len().max(1) as f64 - 0.5, is_log: false, ticks, coarser: Vec::new() }
    }

    /// Where `value` lies: 0 at the axis's beginning, 1 at its end; below or above these outside. `None` where it has no place.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        let along = |value: f64| if self.is_log { value.ln() } else { value };
        let (low, high) = (along(self.low), along(self.high));
        Some((along(value) - low) / (high - low)).filter(|place| place.is_finite())
    }

    /// The values at its beginning and at its end.
    pub(super) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Where bars begin: at zero, or at the axis's end that is nearest to it.
    pub(super) fn base(&self) -> f64 {
        if self.is_log { self.low } else { 0.0_f64.clamp(self.low, self.high) }
    }

    /// The values to mark, with the text to write there.
    pub(super) fn ticks(&self) -> &[(f64, String)] {
        &self.ticks
    }

    /// The same, and then ever fewer of them for where these have no room.
    pub(super) fn ticks_by_room(&self) -> impl Iterator<Item = &[(f64, String)]> {
        std::iter::once(&self.ticks).chain(&self.coarser).map(Vec::as_slice)
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `raw`.
fn round_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().find(|round| round * power >= raw * (1.0 - NEARLY));
    round.unwrap_or(10.0) * power
}

fn power_of(exponent: i32) -> f64 {
    if exponent < 0 { 1.0 / 10f64.powi(-exponent) } else { 10f64.powi(exponent) }
}

fn exponent_of(value: f64) -> i32 {
    (value.log10() + NEARLY).floor() as i32
}

/// The greatest of `digits` times a power of ten that is at most `value`, which is above zero.
pub(super) fn round_below(value: f64, digits: &[f64]) -> f64 {
    let power = power_of(exponent_of(value));
    let round = digits.iter().rev().find(|round| *round * power <= value * (1.0 + NEARLY));
    round.unwrap_or(&1.0) * power
}

/// The smallest of `digits` times a power of ten that is at least `value`, which is above zero.
fn round_above(value: f64, digits: &[f64]) -> f64 {
    let power = power_of(exponent_of(value));
    let round = digits.iter().find(|round| *round * power >= value * (1.0 - NEARLY));
    round.unwrap_or(&10.0) * power
}

/// Powers of ten alone over more than three decades; 1, 2, 5 between them over fewer; every digit where these are too few. What
/// follows is for an axis that is too short for the ticks before it.
fn log_ticks(low: f64, high: f64) -> Vec<Vec<f64>> {
    let (first, last) = (exponent_of(low), exponent_of(high));
    let stride = ((last - first) / MOST_DECADES + 1).max(1);
    let with = |digits: &[f64]| -> Vec<f64> {
        let all = (first..=last).step_by(stride as usize).map(power_of);
        let all = all.flat_map(|power| digits.iter().map(move |digit| digit * power));
        all.filter(|value| *value >= low * (1.0 - NEARLY) && *value <= high * (1.0 + NEARLY)).collect()
    };
    let (powers, few) = (with(&[1.0]), with(&ONE_TWO_FIVE));
    match (high / low).log10() {
        decades if decades > 3.0 + NEARLY => vec![powers],
        _ if few.len() > 2 && powers.len() > 1 => vec![few, powers],
        _ if few.len() > 2 => vec![few],
        _ => vec![with(&EVERY), few],
    }
}

/// A number with the decimals that it needs, three digits at most behind its first.
fn shortest(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let decimals = (3 - exponent_of(value.abs())).max(0) as usize;
    let text = grouped(value, decimals);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A number with a comma between thousands from five digits on.
fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let whole = text.find('.').unwrap_or(text.len());
    let digits = text[..whole].trim_start_matches('-').len();
    if digits < 5 {
        return text;
    }
    let mut grouped = String::with_capacity(text.len() + digits / 3);
    for (k, character) in text.char_indices() {
        let left = whole.saturating_sub(k);
        if k < whole && left < digits && left.is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(character);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(axis: Axis, values: &[f64], ticks: &[&str]) -> Ruler {
        let ruler = Ruler::of(&axis, values.iter().copied());
        let texts: Vec<&str> = ruler.ticks().iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ticks);
        ruler
    }

    fn linear() -> Axis {
        Axis::linear("")
    }

    #[test]
    fn ticks_are_round_and_reach_the_highest_value() {
        check(linear(), &[100.0], &["0", "20", "40", "60", "80", "100"]);
        check(linear(), &[101.0], &["0", "50", "100", "150"]);
        check(linear(), &[0.9], &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check(linear(), &[7.0], &["0", "2", "4", "6", "8"]);
        check(linear(), &[0.0], &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check(linear(), &[], &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check(linear(), &[-3.0, 12.0], &["-5", "0", "5", "10", "15"]);
        check(linear(), &[41_000.0], &["0", "10,000", "20,000", "30,000", "40,000", "50,000"]);
    }

    #[test]
    fn an_end_that_was_asked_for_is_kept() {
        let ruler = check(linear().to(95.0), &[300.0], &["0", "20", "40", "60", "80"]);
        assert_eq!(ruler.place(95.0), Some(1.0));
        assert!(ruler.place(300.0).unwrap() > 1.0, "what lies outside is not moved inside");
        check(linear().from(17.0).to(31.0), &[], &["20", "25", "30"]);
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten_or_one_two_five() {
        check(Axis::log(""), &[0.003, 12.0], &["0.01", "0.1", "1", "10"]);
        check(Axis::log(""), &[30.0, 900.0], &["20", "50", "100", "200", "500", "1000"]);
        check(Axis::log(""), &[2.5, 4.0], &["2", "3", "4"]);
        check(Axis::log(""), &[20.1, 20.4], &["20", "30"]);
        check(Axis::log(""), &[0.3], &["0.3", "0.4"]);
        check(
            Axis::log(""),
            &[1.0, 1e12],
            &["1", "100", "10,000", "1,000,000", "100,000,000", "10,000,000,000", "1,000,000,000,000"],
        );
        let ruler = check(Axis::log(""), &[0.0, -1.0], &["1", "2", "5", "10"]);
        assert_eq!((ruler.place(0.0), ruler.place(-1.0)), (None, None));
    }

    #[test]
    fn an_axis_of_equal_ratios_begins_at_a_round_number() {
        let ruler = check(
            Axis::log("").from_below(0.002_49),
            &[0.0001, 0.4],
            &["0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5"],
        );
        assert_eq!((ruler.place(0.002), ruler.place(0.5)), (Some(0.0), Some(1.0)));
        let fewer: Vec<Vec<f64>> =
            ruler.ticks_by_room().map(|ticks| ticks.iter().map(|tick| tick.0).collect()).collect();
        assert_eq!(fewer[1..], [[0.01, 0.1]], "where there is no room powers of ten are left");
    }

    #[test]
    fn ticks_that_were_asked_for_stand_where_they_lie_inside() {
        let lengths = [256.0, 512.0, 1024.0, 16_384.0, 32_768.0];
        check(Axis::log("").ticks(lengths).to(16_384.0), &[512.0, 16_384.0], &["512", "1024", "16,384"]);
    }

    #[test]
    fn categories_stand_in_the_middle_of_their_share() {
        let ruler = check(Axis::categories("", ["a", "b"]), &[1.0, 5.0], &["a", "b"]);
        assert_eq!([0.0, 1.0].map(|k| ruler.place(k)), [Some(0.25), Some(0.75)]);
    }
}
