//! The page of a comparison: what makes the runs unlike, bounds, differences with their intervals, and the distributions of all
//! runs over each other.

mod plots;

use maud::{Markup, html};
use metron_metrics::catalogue::CATALOGUE;
use metron_results::compare::{BoundVerdict, Compared, ComparedRun, Comparing, Comparison};

use super::charts::charts;
use super::figures::name_cell;
use super::page;
use crate::comparison::{self, Row};
use crate::course::Named;
use crate::{figure, reading};
pub use plots::{compare_plots, difference_plots};

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
        (drawn("Differences", &difference_plots(report)))
        (drawn("Distributions", &plots::distributions(comparing)))
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
        None if row.compared.difference.is_some() => ("faint", "too few requests"),
        None => ("faint", "in one run alone"),
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

fn drawn(title: &str, plots: &[Named]) -> Markup {
    html! {
        @if !plots.is_empty() {
            h2 { (title) }
            (charts(plots))
        }
    }
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
