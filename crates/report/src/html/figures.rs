//! The tables of figures: all that summary.json has, each name with the catalogue's sentence to explain it.

use maud::{Markup, html};
use metron_metrics::catalogue::CATALOGUE;
use metron_results::Summary;
use metron_results::summary::{Distribution, Figure, Interval, Value};

use crate::figure::{self, Scale};

/// What the catalogue says of a metric; empty for one that it does not know (a newer file's).
pub(super) fn sentence(name: &str) -> &'static str {
    CATALOGUE.iter().find(|entry| entry.name == name).map_or("", |entry| entry.sentence)
}

/// The catalogue's order, then whatever it does not know.
fn in_order(summary: &Summary) -> Vec<(&str, &Figure)> {
    let rank = |name: &str| CATALOGUE.iter().position(|entry| entry.name == name).unwrap_or(usize::MAX);
    let mut figures: Vec<(&str, &Figure)> =
        summary.metrics.iter().map(|(name, figure)| (name.as_str(), figure)).collect();
    figures.sort_by_key(|(name, _)| rank(name));
    figures
}

pub(super) fn name_cell(name: &str) -> Markup {
    html! {
        td { @match sentence(name) { "" => (name), sentence => span title=(sentence) { (name) } } }
    }
}

/// Every distribution.
pub(super) fn latencies(summary: &Summary) -> Markup {
    html! {
        h2 { "Distributions" }
        p.faint { "Latencies are those of successful requests. A 95 % interval is missing where the sample cannot carry one." }
        div.scroll {
            table {
                tr {
                    @for head in ["", "unit", "count", "mean", "p50", "p90", "p95", "p99", "95 % interval of p99", "p99.9", "max"] { th { (head) } }
                }
                @for (name, figure) in in_order(summary) {
                    @if let Figure::Distribution(distribution) = figure { (row(name, distribution)) }
                }
            }
        }
    }
}

fn row(name: &str, distribution: &Distribution) -> Markup {
    let quantiles = &distribution.quantiles;
    let typical = [quantiles.p50, quantiles.p90, quantiles.max].into_iter().flatten().find(|value| *value > 0.0);
    let (scale, unit) = match distribution.unit.as_str() {
        "s" => {
            let scale = Scale::of_time(typical.unwrap_or(0.0));
            (scale, scale.unit())
        }
        unit => (Scale::of_number(typical.unwrap_or(0.0)), unit),
    };
    let cell = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| scale.show(value));
    html! {
        tr {
            (name_cell(name))
            td { (unit) }
            td { (quantiles.count) }
            td { (cell(quantiles.mean)) }
            td { (cell(quantiles.p50)) }
            td { (cell(quantiles.p90)) }
            td { (cell(quantiles.p95)) }
            td { (cell(quantiles.p99)) }
            td { (ends(distribution.ci95.p99, |value| scale.show(value))) }
            td { (cell(quantiles.p99_9)) }
            td { (cell(quantiles.max)) }
        }
    }
}

/// Every single value.
pub(super) fn values(summary: &Summary) -> Markup {
    html! {
        h2 { "Figures of the run" }
        div.scroll {
            table {
                tr { th { "" } th { "value" } th { "95 % interval" } }
                @for (name, figure) in in_order(summary) {
                    @if let Figure::Value(Value { unit, value, ci95, .. }) = figure {
                        tr {
                            (name_cell(name))
                            td { (value.map_or_else(|| "–".to_owned(), |value| figure::in_unit(value, unit))) }
                            td { (ends(*ci95, |value| figure::in_unit(value, unit))) }
                        }
                    }
                }
            }
        }
    }
}

fn ends(interval: Option<Interval>, show: impl Fn(f64) -> String) -> String {
    interval.map_or_else(|| "–".to_owned(), |(low, high)| format!("{} to {}", show(low), show(high)))
}
