//! The page of a comparison: what makes the runs unlike, bounds, differences with their intervals, and the distributions of all
//! runs over each other.

use maud::{Markup, html};
use metron_metrics::catalogue::CATALOGUE;
use metron_results::compare::{BoundVerdict, Compared, ComparedRun, Comparing, Comparison};

use super::charts::charts;
use super::figures::name_cell;
use super::page;
use crate::comparison::{self, Row};
use crate::course::Named;
use crate::figure::{self, TimeUnit};
use crate::plot::{Axis, Plot, Series};
use crate::reading;

/// The page.
#[must_use]
pub fn compare_report(comparing: &Comparing) -> String {
    let report = &comparing.report;
    let body = html! {
        header {
            h1 { "Comparison with " (report.baseline.path) }
            p { (described(&report.baseline)) }
        }
        @for comparison in &report.comparisons { (one(comparison)) }
        (distributions(comparing))
        @for comparison in &report.comparisons { (every_figure(comparison)) }
    };
    page(&format!("metron: comparison with {}", report.baseline.path), &body)
}

fn described(run: &ComparedRun) -> String {
    let url = run.url.as_deref().map(|url| reading::short_url(url, 60));
    let of = [url.as_deref(), run.model.as_deref(), run.started_at.as_deref(), Some(run.format.as_str())];
    let of: Vec<&str> = of.into_iter().flatten().collect();
    let failed = if run.failed > 0 { format!(", {} failed", run.failed) } else { String::new() };
    format!("{}: {} completed{failed}", of.join(", "), figure::count(run.completed, "request"))
}

fn one(comparison: &Comparison) -> Markup {
    let pairing = if comparison.paired { "Paired: " } else { "Not paired: " };
    html! {
        h2 { (comparison.run.path) }
        p { (described(&comparison.run)) }
        p.faint { (pairing) (comparison.pairing) "." }
        @for warning in &comparison.warnings { p.warning { (warning) } }
        @for unlike in &comparison.unlike { p.warning { (comparison::unlike(unlike)) } }
        (bounds(&comparison.bounds))
        div.scroll {
            table {
                tr { @for head in ["", "", "baseline", "this run", "change", "95 % interval", ""] { th { (head) } } }
                @for row in comparison::rows(comparison) { (difference(&row)) }
            }
        }
    }
}

fn bounds(bounds: &[BoundVerdict]) -> Markup {
    html! {
        @if !bounds.is_empty() {
            div.scroll {
                table {
                    tr { @for head in ["bound", "verdict", "baseline", "this run", "95 % interval"] { th { (head) } } }
                    @for bound in bounds {
                        @let row = Row { label: "", unit: "", figure_unit: &bound.unit, compared: &bound.figure };
                        tr {
                            td { code { (bound.expression) } }
                            td class=(if bound.fails() { "bad" } else if bound.verdict == "held" { "good" } else { "doubtful" }) { (bound.verdict) }
                            td { (in_unit(bound.figure.baseline, &bound.unit)) }
                            td { (in_unit(bound.figure.value, &bound.unit)) }
                            td { (row.interval().unwrap_or_else(|| "–".to_owned())) }
                        }
                    }
                }
            }
        }
    }
}

fn in_unit(value: Option<f64>, unit: &str) -> String {
    value.map_or_else(|| "–".to_owned(), |value| figure::in_unit(value, unit))
}

fn difference(row: &Row<'_>) -> Markup {
    let (class, verdict) = match row.compared.change.as_deref() {
        Some("better") => ("good", "better"),
        Some("worse") => ("bad", "worse"),
        Some("none") => ("faint", "not told from noise"),
        Some(_) => ("", "different"),
        None => ("faint", "too few requests"),
    };
    let cell = |text: Option<String>| text.unwrap_or_else(|| "–".to_owned());
    html! {
        tr {
            td { (row.label) }
            td { (row.unit) }
            td { (cell(row.baseline())) }
            td { (cell(row.value())) }
            td { (cell(row.change())) }
            td { (cell(row.interval())) }
            td class=(class) { (verdict) }
        }
    }
}

/// The distributions that are drawn, with what a person calls them.
const DRAWN: [(&str, &str); 4] = [
    ("ttft", "time to first token"),
    ("tbt", "time between tokens"),
    ("tpot", "time per output token"),
    ("e2e_latency", "end-to-end latency"),
];

fn distributions(comparing: &Comparing) -> Markup {
    let named = |(metric, label): &(&'static str, &str)| Some(Named::of_page(*metric, cdf(comparing, metric, label)?));
    let plots: Vec<Named> = DRAWN.iter().filter_map(named).collect();
    html! {
        @if !plots.is_empty() {
            h2 { "Distributions" }
            (charts(&plots))
        }
    }
}

/// The share of samples at or below each value, a step curve a run.
fn cdf(comparing: &Comparing, metric: &'static str, label: &str) -> Option<Plot> {
    let report = &comparing.report;
    let runs = std::iter::once(&report.baseline).chain(report.comparisons.iter().map(|comparison| &comparison.run));
    let curves: Vec<(&str, &Vec<(f64, f64)>)> = runs
        .zip(&comparing.curves)
        .filter_map(|(run, curves)| curves.get(metric).map(|curve| (run.path.as_str(), curve)))
        .filter(|(_, curve)| !curve.is_empty())
        .collect();
    let highest = curves.iter().filter_map(|(_, curve)| curve.last()).map(|(_, value)| *value).fold(0.0, f64::max);
    if highest <= 0.0 {
        return None;
    }
    let unit = TimeUnit::fitting(highest);
    let series = curves.into_iter().map(|(name, curve)| {
        Series::line(name, curve.iter().map(|(share, value)| (unit.of(*value), share * 100.0)).collect())
            .of_metric(metric)
    });
    Some(Plot {
        caption: format!("Share of samples at or below each {label}"),
        x: Axis::log(format!("{label}, {}", unit.name())),
        y: Axis::linear("samples, %").to(100.0),
        series: series.collect(),
        references: Vec::new(),
    })
}

/// All that was compared, each metric with the catalogue's sentence.
fn every_figure(comparison: &Comparison) -> Markup {
    html! {
        details {
            summary { "Every figure of " (comparison.run.path) }
            div.scroll {
                table {
                    tr { @for head in ["", "", "unit", "baseline", "this run", "difference", "95 % interval", "method"] { th { (head) } } }
                    @for entry in CATALOGUE {
                        @if let Some(metric) = comparison.metrics.get(entry.name) {
                            @for (statistic, compared) in &metric.statistics { (figure_row(entry.name, statistic, &metric.unit, compared)) }
                        }
                    }
                }
            }
        }
    }
}

fn figure_row(metric: &str, statistic: &str, unit: &str, compared: &Compared) -> Markup {
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.6}"));
    let ends = compared.ci95.map_or_else(|| "–".to_owned(), |(low, high)| format!("{low:.6} to {high:.6}"));
    html! {
        tr {
            (name_cell(metric))
            td { (statistic) }
            td { (unit) }
            td { (number(compared.baseline)) }
            td { (number(compared.value)) }
            td { (number(compared.difference)) }
            td { (ends) }
            td { (compared.method.as_deref().unwrap_or("–")) }
        }
    }
}
