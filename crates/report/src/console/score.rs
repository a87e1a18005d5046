//! The table that `metron score` ends with: one row a request, as many as a person reads, then the figures over all.

use metron_results::score::{AverageScores, ScoreReport, ScoredRequest};
use metron_results::summary::{Objective, Quantiles};
use metron_units::{Nanos, Share};

use super::columns::Columns;
use super::{fluidity, latency, section, verdicts, wrap};
use crate::figure::Scale;
use crate::reading::Metrics;
use crate::style::Style;
use crate::{escape, figure};

/// Rows of requests that are shown; the figures below are over all of them.
const SHOWN: usize = 20;

/// The scores of one file as a person reads them; `target_miss_rate` is what they were scored with. Ends with a line end;
/// safe for a terminal.
#[must_use]
pub fn score_table(report: &ScoreReport, target_miss_rate: Share, style: Style) -> String {
    let mut sections = vec![vec![headline(report)]];
    if report.reading.is_some() {
        sections.extend(reading(&report.requests, &report.metrics, &report.objectives, target_miss_rate, style));
    }
    for other in &report.other_readings {
        sections.push(vec![format!("The same, read as {}", escape::terminal(&other.reading))]);
        sections.extend(reading(&other.requests, &other.metrics, &other.objectives, target_miss_rate, style));
    }
    sections.extend(report.averages.as_ref().map(|averages| of_averages(averages, style)));
    sections.push(report.notes.iter().flat_map(|note| wrap(&format!("note: {}", escape::terminal(note)), 0)).collect());
    let sections = sections.iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n"));
    format!("{}\n", sections.collect::<Vec<_>>().join("\n\n"))
}

fn headline(report: &ScoreReport) -> String {
    let requests = report.averages.as_ref().map_or(report.requests.len(), |averages| averages.requests.len());
    let reading =
        report.reading.as_deref().map_or_else(String::new, |way| format!(", read as {}", escape::terminal(way)));
    format!("{} of {}{reading}", figure::count(requests as u64, "request"), escape::terminal(&report.format))
}

fn reading(
    scored: &[ScoredRequest],
    metrics: &Metrics,
    objectives: &[Objective],
    target_miss_rate: Share,
    style: Style,
) -> [Vec<String>; 4] {
    let fluidity = fluidity::rows(metrics, target_miss_rate.get());
    let fluidity = if fluidity.is_empty() { fluidity } else { section("Fluidity", fluidity, style) };
    [requests(scored, style), fluidity, latency::lines(metrics, style), verdicts::objectives(objectives, style)]
}

fn requests(scored: &[ScoredRequest], style: Style) -> Vec<String> {
    let mut rows = Columns::default();
    rows.push(["Request", "tokens", "missed", "of", "fluidity-index", "min TBT deadline"].map(str::to_owned));
    for (place, request) in scored.iter().take(SHOWN).enumerate() {
        rows.push(row(place, request));
    }
    let mut lines = rows.lines();
    lines[0] = style.strong(&lines[0]);
    if scored.len() > SHOWN {
        lines.push(style.faint(&format!("... and {} more; --json has them all", scored.len() - SHOWN)));
    }
    lines
}

fn row(place: usize, request: &ScoredRequest) -> [String; 6] {
    let name = request.name.as_deref().map_or_else(|| place.to_string(), escape::terminal);
    let count = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    [
        name,
        request.tokens.to_string(),
        count(request.missed),
        count(request.total),
        request.fluidity_index.map_or_else(|| "-".to_owned(), |index| format!("{index:.3}")),
        request.min_tbt_deadline_ns.map_or_else(|| "-".to_owned(), |ns| Nanos::new(ns).to_string()),
    ]
}

/// What a file of averages has: never scores.
fn of_averages(averages: &AverageScores, style: Style) -> Vec<String> {
    let mut lines = wrap(&format!("No deadline metrics: {}", escape::terminal(&averages.refusal)), 0);
    let figures = [
        ("TTFT", averages.requests.iter().filter_map(|request| request.ttft_s).collect::<Vec<_>>()),
        ("TPOT", averages.requests.iter().filter_map(|request| request.tpot_s).collect()),
        ("E2E", averages.requests.iter().filter_map(|request| request.e2e_latency_s).collect()),
    ];
    let mut rows = Columns::default();
    for (label, values) in figures {
        if let Some(range) = range(&values) {
            let scale = Scale::of_time(range.max.unwrap_or(0.0));
            let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| scale.with_unit(value));
            rows.push([label.to_owned(), show(range.min), show(range.mean), show(range.max)]);
        }
    }
    let rows = rows.lines();
    if !rows.is_empty() {
        lines.extend(section("What the file has (least, mean, greatest of the requests' averages)", rows, style));
    }
    lines
}

/// The ends and the middle of what the requests say; `None` if none says anything.
fn range(values: &[f64]) -> Option<Quantiles> {
    let min = values.iter().copied().reduce(f64::min)?;
    let max = values.iter().copied().reduce(f64::max);
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Some(Quantiles { count: values.len() as u64, min: Some(min), mean: Some(mean), max, ..Quantiles::default() })
}
