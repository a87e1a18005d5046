//! The page of a sweep: throughput against latency, fluidity by load, every cell as a row, and what failed.

use maud::{Markup, html};
use metron_results::capacity::Capacity;
use metron_results::summary::Load;
use metron_results::sweep::{CellKind, CellStatus, SweepReport, SweptCapacity, SweptCell, SweptPrefill};

use super::charts::charts;
use super::page;
use crate::course::Named;
use crate::figure::{self, TimeUnit};
use crate::plot::{Axis, Plot, Series};
use crate::reading::{self, Percentile};

/// The page.
#[must_use]
pub fn sweep_report(report: &SweepReport) -> String {
    let done = report.cells.iter().filter(|cell| cell.status == CellStatus::Done).count();
    let body = html! {
        header {
            h1 { "Sweep " (report.name) }
            p { (done) " of " (report.cells.len()) " cells measured, by metron " (report.metron_version) }
        }
        @for workload in workloads(report) { (of_workload(report, workload)) }
        (capacities(report))
        (profiles(report))
        (failures(report))
        (targets(report))
    };
    page(&format!("metron: sweep {}", report.name), &body)
}

fn workloads(report: &SweepReport) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for cell in &report.cells {
        if !names.contains(&cell.workload.as_str()) {
            names.push(&cell.workload);
        }
    }
    names
}

/// The plots of every workload, by names for `metron plot`: `trade-WORKLOAD`, `fluidity-by-rate-WORKLOAD`,
/// `fluidity-by-users-WORKLOAD`; a sweep without what it takes lacks one.
#[must_use]
pub fn sweep_plots(report: &SweepReport) -> Vec<Named> {
    let of = |workload: &str| plots_of_workload(workload, &runs_of(report, workload));
    workloads(report).into_iter().flat_map(of).collect()
}

/// Cells that are runs; a search or a profile has no place among them.
fn runs_of<'a>(report: &'a SweepReport, workload: &str) -> Vec<&'a SweptCell> {
    let is_run = |cell: &&SweptCell| cell.workload == workload && cell.kind == CellKind::Run;
    report.cells.iter().filter(is_run).collect()
}

fn plots_of_workload(workload: &str, cells: &[&SweptCell]) -> Vec<Named> {
    let plots = [
        ("trade", trade(cells)),
        ("fluidity-by-rate", fluidity(cells, Released::Rate)),
        ("fluidity-by-users", fluidity(cells, Released::Users)),
    ];
    plots.into_iter().filter_map(|(name, plot)| Some(Named::file(format!("{name}-{workload}"), plot?))).collect()
}

fn of_workload(report: &SweepReport, workload: &str) -> Markup {
    let cells = runs_of(report, workload);
    if cells.is_empty() {
        return html! {};
    }
    let plots = plots_of_workload(workload, &cells);
    html! {
        h2 { "Workload " (workload) }
        @if !plots.is_empty() { (charts(&plots)) }
        div.scroll {
            table {
                tr {
                    @for head in ["target", "load", "tokens/s", "95 % interval", "TTFT p50", "TTFT p99", "TBT p99", "E2E p90", "fluid requests", "fluid tokens/s", "on the front"] { th { (head) } }
                }
                @for cell in &cells { (row(cell)) }
            }
        }
    }
}

fn row(cell: &SweptCell) -> Markup {
    let percentile = |name: &str, which: Percentile| {
        reading::distribution(&cell.metrics, name).and_then(|of| which.carried(of)).map(figure::time)
    };
    let value = |name: &str, show: fn(f64) -> String| reading::value(&cell.metrics, name).map(|(value, _)| show(value));
    let throughput = reading::value(&cell.metrics, "output_token_throughput").and_then(|(_, ends)| ends);
    let ends = throughput.map(|(low, high)| format!("{} to {}", figure::number(low), figure::number(high)));
    let front = cell.on_front.map(|front| if front { "yes" } else { "no" }.to_owned());
    let cells = [
        value("output_token_throughput", figure::number),
        ends,
        percentile("ttft", Percentile::P50),
        percentile("ttft", Percentile::P99),
        percentile("tbt", Percentile::P99),
        percentile("e2e_latency", Percentile::P90),
        value("fluid_request_share", figure::share),
        value("fluid_token_generation_rate", figure::number),
        front,
    ];
    html! {
        tr {
            td { (cell.target) }
            td { (cell.load) }
            @match cell.status {
                CellStatus::Done => @for text in cells { td { (text.as_deref().unwrap_or("–")) } },
                CellStatus::Failed => td.bad colspan="9" { "failed" },
                CellStatus::Interrupted => td.doubtful colspan="9" { "interrupted" },
                CellStatus::Pending => td.faint colspan="9" { "not begun" },
            }
        }
    }
}

/// The highest load of each engine that holds, with its interval.
fn capacities(report: &SweepReport) -> Markup {
    let cells: Vec<&SweptCell> = report.cells.iter().filter(|cell| cell.kind == CellKind::Capacity).collect();
    html! {
        @if !cells.is_empty() {
            h2 { "Capacity by engine" }
            div.scroll {
                table {
                    tr {
                        @for head in ["target", "workload", "load", "capacity", "95 % interval", "unit", "bounded by", "objectives", "probes", "requests", "answer"] { th { (head) } }
                    }
                    @for cell in cells {
                        tr {
                            td { (cell.target) } td { (cell.workload) } td { (cell.load) }
                            @match &cell.capacity {
                                Some(found) => (capacity(found)),
                                None => td.faint colspan="8" { (format!("{:?}", cell.status).to_lowercase()) },
                            }
                        }
                    }
                }
            }
        }
    }
}

fn capacity(found: &SweptCapacity) -> Markup {
    let none = || "–".to_owned();
    let of = |show: &dyn Fn(&Capacity) -> String| found.capacity.as_ref().map_or_else(none, show);
    let ends = |capacity: &Capacity| {
        capacity.high.map_or_else(
            || format!("at least {}", figure::number(capacity.low)),
            |high| format!("{} to {}", figure::number(capacity.low), figure::number(high)),
        )
    };
    html! {
        td { (of(&|capacity| figure::number(capacity.value))) }
        td { (of(&ends)) }
        td { (of(&|capacity| capacity.unit.clone())) }
        td { (found.bounded_by.clone().unwrap_or_else(none)) }
        td { (found.objectives.join(", ")) }
        td { (found.probes) }
        td { (found.requests) }
        td { (found.answer) }
    }
}

/// What a prompt's length costs on each engine.
fn profiles(report: &SweepReport) -> Markup {
    let cells: Vec<(&SweptCell, &SweptPrefill)> =
        report.cells.iter().filter_map(|cell| Some((cell, cell.prefill.as_ref()?))).collect();
    let longest = cells.iter().flat_map(|(_, of)| &of.medians).map(|(_, ttft)| *ttft).fold(0.0, f64::max);
    let unit = TimeUnit::fitting(longest);
    let line = |(cell, of): &(&SweptCell, &SweptPrefill)| {
        let points = of.medians.iter().map(|&(tokens, ttft)| (tokens as f64, unit.of(ttft))).collect();
        Series::line(format!("{}, {}", cell.target, cell.workload), points)
    };
    let plot = Plot {
        caption: "TTFT by prompt length: medians of cold prompts, one at a time".to_owned(),
        x: Axis::linear("prompt tokens"),
        y: Axis::linear(format!("TTFT, {}", unit.name())),
        series: cells.iter().map(line).collect(),
        references: Vec::new(),
    };
    html! {
        @if !cells.is_empty() {
            h2 { "Prefill" }
            (charts([&Named::of_page("prefill", plot)]))
            @for (cell, of) in &cells {
                p { (cell.target) ", " (cell.workload) ", " (cell.load) ": " (of.asked) "; the curve strays by at most " (figure::share(of.max_relative_error)) "." }
            }
        }
    }
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
        let mut points: Vec<(f64, f64)> = cells
            .iter()
            .filter(|cell| cell.target == target && cell.status == CellStatus::Done)
            .filter_map(|cell| {
                let (share, _) = reading::value(&cell.metrics, "fluid_request_share")?;
                Some((released.of(cell)?, share * 100.0))
            })
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        points
    };
    let lines = targets_of(cells).into_iter().map(|target| (target, of_target(target)));
    let series: Vec<Series> = lines
        .filter(|(_, points)| points.len() > 1)
        .map(|(target, points)| Series::line(target, points).of_metric("fluid_request_share"))
        .collect();
    (!series.is_empty()).then(|| Plot {
        caption: "Fluidity by load: the share of requests that kept their deadlines".to_owned(),
        x: Axis::linear(released.title()),
        y: Axis::linear("fluid requests, %").to(100.0),
        series,
        references: Vec::new(),
    })
}

fn failures(report: &SweepReport) -> Markup {
    let failed: Vec<&SweptCell> = report.cells.iter().filter(|cell| cell.status == CellStatus::Failed).collect();
    html! {
        @if !failed.is_empty() {
            h2 { "What failed" }
            @for cell in failed {
                p.bad { (cell.target) ", " (cell.workload) ", " (cell.load) ": " (cell.reason.as_deref().unwrap_or_default()) }
                @if !cell.log_tail.is_empty() { pre { (cell.log_tail.join("\n")) } }
            }
        }
    }
}

fn targets(report: &SweepReport) -> Markup {
    html! {
        @if report.targets.iter().any(|target| target.command.is_some()) {
            h2 { "Engines" }
            @for target in &report.targets {
                @if let Some(command) = &target.command {
                    p { b { (target.name) } @if let Some(log) = &target.log { ", log in " code { (log) } } }
                    pre { (command.join(" ")) @for (name, value) in &target.env { "\n" (name) "=" (value) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use metron_results::summary::{Better, Distribution, Figure, Intervals, Value};

    use super::*;
    use crate::samples::{HOSTILE, spread};

    fn cell(load: &str, users: u32, throughput: f64) -> SweptCell {
        let quantiles = spread(500, 0.5, 2.0);
        let ci95 = Intervals { p90: Some((1.8, 1.9)), ..Intervals::default() };
        let latency = Distribution { unit: "s".to_owned(), better: Some(Better::Lower), quantiles, ci95 };
        let value = |unit: &str, value| {
            Figure::Value(Value { unit: unit.to_owned(), better: None, value: Some(value), ci95: None })
        };
        SweptCell {
            status: CellStatus::Done,
            released: Some(Load::Closed { concurrency: users, max_in_flight: None }),
            metrics: BTreeMap::from([
                ("e2e_latency".to_owned(), Figure::Distribution(latency)),
                ("output_token_throughput".to_owned(), value("tokens/s", throughput)),
                ("fluid_request_share".to_owned(), value("share", 0.97)),
            ]),
            ..SweptCell::pending("llama", "chat", load)
        }
    }

    #[test]
    fn a_sweep_has_its_plots_its_table_and_no_markup_from_outside() {
        let failed = SweptCell {
            status: CellStatus::Failed,
            reason: Some(HOSTILE.to_owned()),
            log_tail: vec![HOSTILE.to_owned()],
            ..SweptCell::pending("other", "chat", "c1")
        };
        let mut report = SweepReport {
            schema: "metron.sweep/1".to_owned(),
            name: HOSTILE.to_owned(),
            metron_version: "0".to_owned(),
            targets: Vec::new(),
            cells: vec![cell("c1", 1, 50.0), cell("c8", 8, 200.0), failed],
        };
        report.mark_front();
        let page = sweep_report(&report);
        assert_eq!(page.matches("<figure").count(), 2, "the trade and the fluidity by users");
        assert!(!page.contains("<img"), "markup from outside");
        assert!(page.contains("What failed") && page.contains("97 %"));
    }
}
