//! An axis: from values to places on paper, and the round numbers to write along it. Knows no drawing.

/// A linear axis that begins at zero or at its first value, and ends at a round number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

/// About as many steps as an axis is divided into.
const STEPS: f64 = 5.0;

impl Axis {
    /// The axis that holds every one of `values` and zero. Without any value: 0 to 1.
    pub(super) fn from_zero(values: impl Iterator<Item = f64>) -> Self {
        let highest = values.filter(|value| value.is_finite()).fold(0.0, f64::max);
        Self::between(0.0, highest)
    }

    /// The axis from `low` to the first round number at or above `high`.
    pub(super) fn between(low: f64, high: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        let step = round_step((high - low) / STEPS);
        let steps = ((high - low) / step - 1e-9).ceil();
        Self { low, high: low + steps * step, step }
    }

    /// Where `value` lies, from 0 at the axis's beginning to 1 at its end; what lies outside is held at the edge.
    pub(super) fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// The round numbers along the axis, with the text to write there.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let decimals = (-self.step.log10().floor()).max(0.0) as usize;
        let count = ((self.high - self.low) / self.step).round() as usize;
        (0..=count)
            .map(|i| {
                let value = self.low + i as f64 * self.step;
                (value, format!("{value:.decimals$}"))
            })
            .collect()
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `raw`.
fn round_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].into_iter().find(|round| round * power >= raw * (1.0 - 1e-9));
    round.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(highest: f64, ticks: &[&str]) {
        let axis = Axis::from_zero([highest].into_iter());
        let texts: Vec<String> = axis.ticks().into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ticks);
        assert!(axis.high >= highest);
    }

    #[test]
    fn ticks_are_round_and_reach_the_highest_value() {
        check(100.0, &["0", "20", "40", "60", "80", "100"]);
        check(101.0, &["0", "50", "100", "150"]);
        check(0.9, &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check(7.0, &["0", "2", "4", "6", "8"]);
        check(0.0, &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    }

    #[test]
    fn what_lies_outside_is_held_at_the_edge() {
        let axis = Axis::between(0.0, 10.0);
        assert_eq!([-1.0, 0.0, 5.0, 10.0, 11.0].map(|v| axis.place(v)), [0.0, 0.0, 0.5, 1.0, 1.0]);
    }
}
