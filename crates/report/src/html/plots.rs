//! Which plots the page has: how latencies are spread, how the miss rate falls with the deadline, and how the tokens of the
//! worst streams came.

use maud::{Markup, html};
use metron_metrics::RequestRecord;
use metron_results::Summary;
use metron_results::summary::Quantiles;

use crate::figure::TimeUnit;
use crate::plot::{Axis, Plot, Series};
use crate::reading;

/// Plots of the whole run.
pub(super) fn of_run(summary: &Summary) -> Markup {
    let plots: Vec<Plot> = [quantiles(summary), acceptance(summary)].into_iter().flatten().collect();
    html! {
        @if !plots.is_empty() {
            div.plots { @for plot in &plots { (plot.figure()) } }
        }
    }
}

/// Percentiles from left to right, the time of each upwards.
fn quantiles(summary: &Summary) -> Option<Plot> {
    let spread = |name: &str| {
        reading::distribution(&summary.metrics, name).map(|distribution| percentiles(&distribution.quantiles))
    };
    let shown: Vec<(&str, Vec<(f64, f64)>)> = [("TTFT", "ttft"), ("TBT", "tbt"), ("TPOT", "tpot")]
        .into_iter()
        .filter_map(|(label, name)| spread(name).map(|points| (label, points)))
        .collect();
    let highest = shown.iter().flat_map(|(_, points)| points).map(|(_, seconds)| *seconds).fold(0.0, f64::max);
    if highest <= 0.0 {
        return None;
    }
    let unit = TimeUnit::fitting(highest);
    let lines = shown.into_iter().map(|(name, points)| {
        let points = points.into_iter().map(|(percentile, seconds)| (percentile, unit.of(seconds))).collect();
        Series::line(name, points)
    });
    Some(Plot {
        caption: "How long users waited: each percentile of the latencies".to_owned(),
        x: Axis::linear("percentile").to(100.0),
        y: Axis::linear(unit.name()),
        series: lines.collect(),
        references: Vec::new(),
    })
}

fn percentiles(quantiles: &Quantiles) -> Vec<(f64, f64)> {
    let at = [
        (0.0, quantiles.min),
        (1.0, quantiles.p1),
        (5.0, quantiles.p5),
        (10.0, quantiles.p10),
        (25.0, quantiles.p25),
        (50.0, quantiles.p50),
        (75.0, quantiles.p75),
        (90.0, quantiles.p90),
        (95.0, quantiles.p95),
        (99.0, quantiles.p99),
        (99.9, quantiles.p99_9),
        (100.0, quantiles.max),
    ];
    at.into_iter().filter_map(|(percentile, value)| value.map(|value| (percentile, value))).collect()
}

/// The miss rate of nearly all requests under every deadline between tokens.
fn acceptance(summary: &Summary) -> Option<Plot> {
    let curve = summary.tbt_acceptance_curve.as_ref()?;
    let points: Vec<(f64, f64)> =
        curve.iter().filter_map(|(deadline, share)| share.map(|share| (deadline * 1e3, share * 100.0))).collect();
    let last = points.last()?.0;
    Some(Plot {
        caption: "What could be promised: the deadlines missed (p99 over requests) under each TBT deadline".to_owned(),
        x: Axis::linear("TBT deadline, ms").to(last),
        y: Axis::linear("missed, %").to(100.0),
        series: vec![Series::line("p99 of the miss rate", points)],
        references: Vec::new(),
    })
}

/// Plots of single requests: tokens as they came, beside the pace that was promised.
pub(super) fn of_streams(streams: &[RequestRecord]) -> Markup {
    let plots: Vec<Plot> = streams.iter().filter_map(stream).collect();
    html! {
        @if !plots.is_empty() {
            h2 { "The least fluid requests" }
            div.plots { @for plot in &plots { (plot.figure()) } }
        }
    }
}

fn stream(request: &RequestRecord) -> Option<Plot> {
    let dispatched = request.dispatched?;
    let last = request.chunks.last()?.arrived.checked_sub(dispatched)?.as_secs_f64();
    let mut came = vec![(0.0, 0.0)];
    let mut tokens = 0u64;
    for chunk in &request.chunks {
        tokens += u64::from(chunk.tokens);
        came.push((chunk.arrived.saturating_sub(dispatched).as_secs_f64(), tokens as f64));
    }
    let first = request.deadlines.ttft.as_secs_f64();
    let pace = request.deadlines.tbt.as_secs_f64();
    let promised_end = first + pace * (tokens.saturating_sub(1)) as f64;
    let promised = vec![(0.0, 0.0), (first, 0.0), (first, 1.0), (promised_end, tokens as f64)];
    let unit = TimeUnit::fitting(last.max(promised_end));
    let scaled = |points: Vec<(f64, f64)>| points.into_iter().map(|(at, tokens)| (unit.of(at), tokens)).collect();
    Some(Plot {
        caption: format!("Request {}: its tokens as they came, and the pace that was promised", request.id),
        x: Axis::linear(format!("{} since dispatch", unit.name())),
        y: Axis::linear("tokens"),
        series: vec![Series::steps("came", scaled(came)), Series::line("promised", scaled(promised)).faint()],
        references: Vec::new(),
    })
}
