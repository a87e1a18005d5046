//! Latencies: one row a metric, one unit a row, and under each percentile its interval where it has one.

use metron_results::summary::Distribution;

use super::columns::Columns;
use super::interval;
use crate::figure::Scale;
use crate::reading::{self, Metrics, Percentile};
use crate::style::Style;

/// A figure that the sample cannot carry; the note under the table says how many requests it takes.
const NOT_CARRIED: &str = "-";

pub(super) fn lines(metrics: &Metrics, style: Style) -> Vec<String> {
    let mut rows = Columns::default();
    rows.push(["", "", "p50", "p90", "p99", "max"].map(str::to_owned));
    let mut count = 0;
    for (name, label) in shown(metrics) {
        if let Some(distribution) = reading::distribution(metrics, name) {
            let scale = scale(distribution);
            rows.push(row(label, distribution, scale));
            if let Some(intervals) = intervals(distribution, scale) {
                rows.push(intervals);
            }
            count += 1;
        }
    }
    if count == 0 {
        return Vec::new();
    }
    let mut lines = rows.lines();
    let head = lines.remove(0);
    // The heading shares its line with the columns' names.
    let columns = head.get("Latency".len() - 2..).unwrap_or_default().to_owned();
    let set_in = lines.into_iter().map(|line| format!("  {line}"));
    std::iter::once(format!("{}{}", style.strong("Latency"), style.faint(&columns))).chain(set_in).collect()
}

/// The metrics of the table, in its order; those that only repeat another one are left to the report.
fn shown(metrics: &Metrics) -> Vec<(&'static str, &'static str)> {
    let median = |name| reading::distribution(metrics, name).and_then(|distribution| distribution.quantiles.p50);
    let count = |name| reading::distribution(metrics, name).map(|distribution| distribution.quantiles.count);
    let mut shown = vec![("ttft", "TTFT")];
    if median("ttft_from_schedule").is_some() {
        shown.push(("ttft_from_schedule", "TTFT from schedule"));
    }
    if median("time_to_first_answer_token") != median("ttft") {
        shown.push(("time_to_first_answer_token", "TTFT of the answer"));
    }
    shown.push(("tbt", "TBT"));
    if count("inter_chunk_latency") != count("tbt") {
        shown.push(("inter_chunk_latency", "between chunks"));
    }
    shown.extend([("tpot", "TPOT"), ("e2e_latency", "E2E")]);
    shown
}

/// The unit of a metric's figures and of their intervals.
fn scale(distribution: &Distribution) -> Scale {
    let quantiles = &distribution.quantiles;
    // A median of 0 (several tokens a chunk) says nothing of the unit.
    let typical = [quantiles.p50, quantiles.p90, quantiles.max].into_iter().flatten().find(|value| *value > 0.0);
    Scale::of_time(typical.unwrap_or(0.0))
}

fn row(label: &str, distribution: &Distribution, scale: Scale) -> Vec<String> {
    let show = |value: Option<f64>| value.map_or_else(|| NOT_CARRIED.to_owned(), |value| scale.show(value));
    let mut cells = vec![label.to_owned(), scale.unit().to_owned()];
    cells.extend(Percentile::ALL.map(|which| show(which.carried(distribution))));
    cells.push(show(distribution.quantiles.max));
    cells
}

/// The row under a metric's, or nothing where none of its percentiles has an interval.
fn intervals(distribution: &Distribution, scale: Scale) -> Option<Vec<String>> {
    let ends = Percentile::ALL.map(|which| which.interval(distribution));
    ends.iter().any(Option::is_some).then(|| {
        let shown = ends.map(|ends| ends.map_or_else(String::new, |ends| interval(ends, |s| scale.show(s))));
        ["95 % CI".to_owned(), String::new()].into_iter().chain(shown).collect()
    })
}

#[cfg(test)]
mod tests {
    use metron_results::summary::{Figure, Intervals};

    use super::*;
    use crate::samples;

    fn ttft(count: u64, ci95: Intervals) -> Distribution {
        let Some(Figure::Distribution(mut of)) = samples::ordinary().metrics.remove("ttft") else {
            panic!("an ordinary run has a TTFT")
        };
        of.quantiles.count = count;
        Distribution { ci95, ..of }
    }

    fn figures(of: &Distribution) -> Vec<String> {
        row("TTFT", of, scale(of))[2..5].to_vec()
    }

    #[test]
    fn a_figure_of_enough_samples_is_shown_though_it_has_no_interval() {
        let mean = Intervals { mean: Some((0.11, 0.13)), ..Intervals::default() };
        assert_eq!(figures(&ttft(250_000, mean)), ["120.0", "152.0", "159.2"]);
        assert_eq!(figures(&ttft(200, mean)), ["120.0", "152.0", "-"], "200 samples have no p99");
        // Many gaps of a few requests.
        assert_eq!(figures(&ttft(250_000, Intervals::default())), ["-", "-", "-"]);
    }

    #[test]
    fn each_interval_stands_under_its_figure_and_none_where_there_is_none() {
        let of = ttft(200, Intervals { p90: Some((0.15, 0.154)), ..Intervals::default() });
        let shown = intervals(&of, scale(&of)).expect("the p90 has an interval");
        assert_eq!(shown, ["95 % CI", "", "", "[150.0, 154.0]", ""]);
        let of = ttft(200, Intervals { mean: Some((0.11, 0.13)), ..Intervals::default() });
        assert_eq!(intervals(&of, scale(&of)), None);
    }
}
