//! What is drawn of a sweep: throughput against latency, fluidity by load, the capacity of each engine, what a prompt costs on each.

use metron_results::summary::{Interval, Load};
use metron_results::sweep::{CellKind, CellStatus, SweepReport, SweptCell};

use super::super::prefill;
use super::runs_of;
use crate::course::Named;
use crate::figure::TimeUnit;
use crate::plot::{Axis, Mark, Plot, Series};
use crate::reading;

/// The plots of a sweep, by names for `metron plot`: `trade-WORKLOAD`, `fluidity-by-rate-WORKLOAD` and `fluidity-by-users-WORKLOAD` of
/// every workload, `capacity-rate` and `capacity-users` over all engines, `prefill`; a sweep without what it takes lacks one.
#[must_use]
pub fn sweep_plots(report: &SweepReport) -> Vec<Named> {
    let of = |workload: &str| of_workload(workload, &runs_of(report, workload));
    let workloads = reading::workloads(report).into_iter().flat_map(of);
    workloads.chain(of_capacities(report)).chain(of_profiles(report)).collect()
}

pub(super) fn of_workload(workload: &str, cells: &[&SweptCell]) -> Vec<Named> {
    let plots = [
        ("trade", trade(cells)),
        ("fluidity-by-rate", fluidity(cells, Released::Rate)),
        ("fluidity-by-users", fluidity(cells, Released::Users)),
    ];
    plots.into_iter().filter_map(|(name, plot)| Some(Named::file(format!("{name}-{workload}"), plot?))).collect()
}

/// Targets in the order of their first cell.
fn targets_of<'a>(cells: &[&'a SweptCell]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for cell in cells {
        if !names.contains(&cell.target.as_str()) {
            names.push(&cell.target);
        }
    }
    names
}

/// Throughput to the right, latency upwards: the best cells lie to the lower right, joined by the front.
fn trade(cells: &[&SweptCell]) -> Option<Plot> {
    let done: Vec<&SweptCell> = cells.iter().copied().filter(|cell| cell.status == CellStatus::Done).collect();
    let highest = done.iter().filter_map(|cell| cell.trade()).map(|(_, latency)| latency).fold(0.0, f64::max);
    if highest <= 0.0 {
        return None;
    }
    let unit = TimeUnit::fitting(highest);
    let point = |cell: &&SweptCell| cell.trade().map(|(throughput, latency)| (throughput, unit.of(latency)));
    let mut series: Vec<Series> = targets_of(&done)
        .into_iter()
        .map(|target| {
            let cells = || done.iter().filter(|cell| cell.target == target && cell.trade().is_some());
            let loads = cells().map(|cell| cell.load.clone()).collect();
            Series::dots(target, cells().filter_map(point).collect()).labelled(loads)
        })
        .collect();
    let mut front: Vec<(f64, f64)> = done.iter().filter(|cell| cell.on_front == Some(true)).filter_map(point).collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0));
    series.push(Series::line("no cell beats these", front).faint());
    Some(Plot {
        caption: "Throughput against latency: what each target gives up for more tokens a second".to_owned(),
        x: Axis::linear("output tokens a second"),
        y: Axis::linear(format!("E2E p90, {}", unit.name())),
        series,
        references: Vec::new(),
    })
}

/// How requests were released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Released {
    Rate,
    Users,
}

impl Released {
    fn of(self, cell: &SweptCell) -> Option<f64> {
        match (self, cell.released.as_ref()?) {
            (Self::Rate, Load::Open { rate, .. }) => *rate,
            (Self::Users, Load::Closed { concurrency, .. }) => Some(f64::from(*concurrency)),
            (Self::Rate, Load::Closed { .. }) | (Self::Users, Load::Open { .. }) => None,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Rate => "requests a second",
            Self::Users => "concurrent users",
        }
    }
}

/// The share of fluid requests under each load, a line a target; `None` where there are not two loads to join.
fn fluidity(cells: &[&SweptCell], released: Released) -> Option<Plot> {
    let of_target = |target: &str| {
        let mut points: Vec<(f64, f64, Option<Interval>)> = cells
            .iter()
            .filter(|cell| cell.target == target && cell.status == CellStatus::Done)
            .filter_map(|cell| {
                let (share, ends) = reading::value(&cell.metrics, "fluid_request_share")?;
                let per_cent = |(low, high)| (low * 100.0, high * 100.0);
                Some((released.of(cell)?, share * 100.0, ends.map(per_cent)))
            })
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    };
    let lines = targets_of(cells).into_iter().map(|target| (target, of_target(target)));
    let mut series = Vec::new();
    for (place, (target, points)) in lines.filter(|(_, points)| points.len() > 1).enumerate() {
        let shares = points.iter().map(|&(load, share, _)| (load, share)).collect();
        let ends = points.iter().filter_map(|&(load, _, ends)| ends.map(|(low, high)| (load, low, high))).collect();
        series.push(Series::line(target, shares).of_metric("fluid_request_share"));
        series.push(Series::new("", Mark::Spans(ends)).like(place));
    }
    (!series.is_empty()).then(|| Plot {
        caption: "Fluidity by load: the share of requests that kept their deadlines, with 95 % intervals".to_owned(),
        x: Axis::linear(released.title()),
        y: Axis::linear("fluid requests, %").to(100.0),
        series,
        references: Vec::new(),
    })
}

/// The highest load of each engine that holds its objectives, in rates and in users.
pub(super) fn of_capacities(report: &SweepReport) -> Vec<Named> {
    let plots = [("capacity-rate", "requests/s"), ("capacity-users", "concurrent requests")];
    plots.into_iter().filter_map(|(name, unit)| Some(Named::file(name, capacities(report, unit)?))).collect()
}

/// Of the room between two engines, what the searches on one of them take.
const TOGETHER: f64 = 0.6;

/// A dot with its interval for each search that found a load: an engine a line, what it was searched with by colour.
fn capacities(report: &SweepReport, unit: &str) -> Option<Plot> {
    let is_search = |cell: &&SweptCell| cell.kind == CellKind::Capacity && cell.status == CellStatus::Done;
    let done = report.cells.iter().filter(is_search);
    let found: Vec<_> = done.filter_map(|cell| Some((cell, cell.capacity.as_ref()?.capacity.as_ref()?))).collect();
    let found: Vec<_> = found.into_iter().filter(|(_, capacity)| capacity.unit == unit).collect();
    let cells: Vec<&SweptCell> = found.iter().map(|(cell, _)| *cell).collect();
    let mut engines = targets_of(&cells);
    engines.reverse();
    let mut searches: Vec<(&str, &str)> = Vec::new();
    for cell in &cells {
        let search = (cell.workload.as_str(), cell.load.as_str());
        if !searches.contains(&search) {
            searches.push(search);
        }
    }
    let mut series = Vec::new();
    for (place, &(workload, load)) in searches.iter().enumerate() {
        let below = (f64::midpoint(searches.len() as f64, -1.0) - place as f64) * TOGETHER / searches.len() as f64;
        let own = found.iter().filter(|(cell, _)| (cell.workload.as_str(), cell.load.as_str()) == (workload, load));
        let own: Vec<_> = own
            .filter_map(|(cell, capacity)| {
                let at = engines.iter().position(|engine| *engine == cell.target)?;
                Some((at as f64 + below, *capacity))
            })
            .collect();
        let dots = own.iter().map(|(y, capacity)| (capacity.value, *y)).collect();
        let spans = own.iter().map(|(y, capacity)| (*y, capacity.low, capacity.high.unwrap_or(capacity.value)));
        series.push(Series::dots(format!("{workload}, {load}"), dots));
        series.push(Series::new("", Mark::Across(spans.collect())).like(place));
    }
    (!engines.is_empty()).then(|| Plot {
        caption: "The highest load that holds its objectives, engine by engine, with 95 % intervals".to_owned(),
        x: Axis::linear(format!("capacity, {unit}")),
        y: Axis::categories("", engines),
        series,
        references: Vec::new(),
    })
}

/// The curve of each engine, and the medians that it goes through.
pub(super) fn of_profiles(report: &SweepReport) -> Vec<Named> {
    let cells = report.cells.iter().filter_map(|cell| Some((cell, cell.prefill.as_ref()?)));
    let mut series = Vec::new();
    for (place, (cell, of)) in cells.enumerate() {
        let medians: Vec<(f64, f64)> = of.medians.iter().map(|&(tokens, ttft)| (tokens as f64, ttft)).collect();
        let curve = of.fit.as_ref().map_or_else(|| medians.clone(), |fit| prefill::curve(&fit.curve, of.valid));
        series.push(Series::line(format!("{}, {}", cell.target, cell.workload), curve).of_metric("ttft"));
        series.push(Series::dots("", medians).like(place));
    }
    let plot = Plot {
        caption: "The first token's wait over the prompt's length on each engine: medians of cold prompts, one at a time, and the curve \
                  through them"
            .to_owned(),
        x: Axis::log("prompt, tokens"),
        y: Axis::log("TTFT, s"),
        series,
        references: Vec::new(),
    };
    if plot.series.is_empty() { Vec::new() } else { vec![Named::file("prefill", plot)] }
}
