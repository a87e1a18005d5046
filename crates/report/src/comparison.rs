//! A comparison as a reader asks it: which figures are shown, in which order, and how a change is written. Shared by console
//! and page; computes no figure.

use metron_results::compare::{Compared, Comparison, Unlike};
use metron_results::summary::Interval;

use crate::figure::{self, Scale};

/// The figures that are shown, by metric, statistic and what a person calls them.
const SHOWN: [(&str, &str, &str); 17] = [
    ("fluidity_index", "mean", "fluidity-index"),
    ("fluid_request_share", "value", "fluid requests"),
    ("deadline_miss_rate", "value", "deadlines missed"),
    ("fluid_token_generation_rate", "value", "fluid token rate"),
    ("ttft", "p50", "TTFT p50"),
    ("ttft", "p99", "TTFT p99"),
    ("tbt", "p50", "TBT p50"),
    ("tbt", "p99", "TBT p99"),
    ("tpot", "mean", "TPOT mean"),
    ("tpot", "p99", "TPOT p99"),
    ("e2e_latency", "p50", "E2E p50"),
    ("e2e_latency", "p99", "E2E p99"),
    ("request_throughput", "value", "requests"),
    ("output_token_throughput", "value", "output tokens"),
    ("goodput", "value", "good requests"),
    ("output_tokens", "mean", "answer length"),
    ("error_rate", "value", "errors"),
];

/// One line of a comparison.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    /// What a person calls the figure.
    pub(crate) label: &'static str,
    /// The unit beside its numbers; empty where they carry it themselves.
    pub(crate) unit: &'a str,
    /// The unit in files.
    pub(crate) figure_unit: &'a str,
    /// The figures.
    pub(crate) compared: &'a Compared,
}

/// What a person calls the figures, in their order.
pub(crate) fn labels() -> impl Iterator<Item = &'static str> {
    SHOWN.iter().map(|(_, _, label)| *label)
}

/// The lines that are shown: those of which a run has a figure. What the other lacks is a difference, too.
pub(crate) fn rows(comparison: &Comparison) -> Vec<Row<'_>> {
    let row = |(metric, statistic, label): &(&'static str, &str, &'static str)| {
        let of = comparison.metrics.get(*metric)?;
        let compared = of.statistics.get(*statistic)?;
        let typical = [compared.baseline, compared.value].into_iter().flatten().reduce(f64::max)?;
        let unit = match of.unit.as_str() {
            "s" => Scale::of_time(typical).unit(),
            "tokens/s" | "requests/s" => "/s",
            _ => "",
        };
        Some(Row { label, unit, figure_unit: &of.unit, compared })
    };
    SHOWN.iter().filter_map(row).collect()
}

impl Row<'_> {
    fn scale(&self) -> Scale {
        let typical = self.compared.baseline.unwrap_or(0.0).max(self.compared.value.unwrap_or(0.0));
        if self.figure_unit == "s" { Scale::of_time(typical) } else { Scale::of_number(typical) }
    }

    fn show(&self, value: f64) -> String {
        if self.is_share() { figure::share(value) } else { self.scale().show(value) }
    }

    /// Whether it is a share of something, which changes by percentage points.
    pub(crate) fn is_share(&self) -> bool {
        self.figure_unit == "share"
    }

    pub(crate) fn baseline(&self) -> Option<String> {
        self.compared.baseline.map(|value| self.show(value))
    }

    pub(crate) fn value(&self) -> Option<String> {
        self.compared.value.map(|value| self.show(value))
    }

    /// The change: of a share in percentage points, of anything else as a part of the baseline.
    pub(crate) fn change(&self) -> Option<String> {
        match self.hundredths().0 {
            Some(points) if self.is_share() => Some(format!("{} pp", signed(points))),
            Some(parts) => Some(format!("{} %", signed(parts))),
            None => self.compared.difference.map(|difference| signed_by(self.scale(), difference)),
        }
    }

    /// The change and its interval in hundredths: of a share percentage points, of anything else parts of the baseline.
    pub(crate) fn hundredths(&self) -> (Option<f64>, Option<Interval>) {
        let of = self.compared;
        let (change, ends) = if self.is_share() { (of.difference, of.ci95) } else { (of.relative, of.relative_ci95) };
        (change.map(|change| change * 100.0), ends.map(|(low, high)| (low * 100.0, high * 100.0)))
    }

    /// The interval of the change, in the same unit.
    pub(crate) fn interval(&self) -> Option<String> {
        let between = |(low, high): Interval, show: &dyn Fn(f64) -> String| format!("[{}, {}]", show(low), show(high));
        match (self.hundredths().1, self.compared.ci95) {
            (Some(ends), _) => Some(between(ends, &signed_end)),
            (None, Some(ends)) => Some(between(ends, &|end| signed_by(self.scale(), end))),
            (None, None) => None,
        }
    }
}

/// A number with its sign, with the digits that mean something.
fn signed(number: f64) -> String {
    let decimals = match number.abs() {
        n if n < 0.95 => 2,
        n if n < 99.5 => 1,
        _ => 0,
    };
    // What rounds to nothing has no direction.
    let text = format!("{number:+.decimals$}");
    if text.trim_start_matches(['+', '-']).bytes().all(|b| b == b'0' || b == b'.') { "0".to_owned() } else { text }
}

/// An end of an interval: one that rounds to nothing keeps its sign, since the interval ends before no change or beyond it.
fn signed_end(number: f64) -> String {
    match signed(number) {
        nothing if nothing == "0" && number != 0.0 => format!("{number:+.2}"),
        text => text,
    }
}

fn signed_by(scale: Scale, number: f64) -> String {
    let text = scale.show(number);
    if number > 0.0 { format!("+{text}") } else { text }
}

/// A setting in which the runs are unlike, as a sentence.
pub(crate) fn unlike(of: &Unlike) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
    format!("{} differs: {} in the baseline, {} in this run", of.setting, text(&of.baseline), text(&of.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_its_sign_and_nothing_has_none() {
        for (number, text) in [(5.04, "+5.0"), (-0.123, "-0.12"), (0.001, "0"), (-0.001, "0"), (250.4, "+250")] {
            assert_eq!(signed(number), text);
        }
    }

    #[test]
    fn an_end_beside_no_change_tells_on_which_side_it_lies() {
        for (end, text) in [(-0.001, "-0.00"), (0.001, "+0.00"), (0.0, "0"), (-5.04, "-5.0")] {
            assert_eq!(signed_end(end), text);
        }
    }

    #[test]
    fn shares_change_by_points_and_times_by_parts() {
        let compared = Compared {
            baseline: Some(0.1),
            value: Some(0.12),
            difference: Some(0.02),
            ci95: Some((0.01, 0.03)),
            relative: Some(0.2),
            relative_ci95: Some((0.1, 0.3)),
            ..Compared::default()
        };
        let row = |figure_unit| Row { label: "", unit: "", figure_unit, compared: &compared };
        assert_eq!(row("share").change().as_deref(), Some("+2.0 pp"));
        assert_eq!(row("share").interval().as_deref(), Some("[+1.0, +3.0]"));
        assert_eq!(row("s").change().as_deref(), Some("+20.0 %"));
        assert_eq!(row("s").interval().as_deref(), Some("[+10.0, +30.0]"));
    }
}
