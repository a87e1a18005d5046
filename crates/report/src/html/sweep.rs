//! The page of a sweep: throughput against latency, fluidity by load, every cell as a row, and what failed.

mod plots;

use maud::{Markup, html};
use metron_results::capacity::Capacity;
use metron_results::summary::Interval;
use metron_results::sweep::{CellKind, CellStatus, SweepReport, SweptCapacity, SweptCell};

use super::charts::charts;
use super::{lines, page};
use crate::figure;
use crate::ranking;
use crate::reading::{self, Percentile};
pub use plots::sweep_plots;

/// The page.
#[must_use]
pub fn sweep_report(report: &SweepReport) -> String {
    let done = report.cells.iter().filter(|cell| cell.status == CellStatus::Done).count();
    let body = html! {
        header {
            h1 { "Sweep " (report.name) }
            p { (done) " of " (report.cells.len()) " cells measured, by metron " (report.metron_version) }
        }
        (best(report))
        @for workload in reading::workloads(report) { (of_workload(report, workload)) }
        (capacities(report))
        (profiles(report))
        (failures(report))
        (targets(report))
    };
    page(&format!("metron: sweep {}", report.name), &body)
}

/// Which engine is best, as far as the intervals tell.
fn best(report: &SweepReport) -> Markup {
    let lines = ranking::ranking(report);
    html! {
        @if !lines.is_empty() {
            h2 { "Which is best" }
            ul { @for line in lines { li { (line) } } }
        }
    }
}

/// Cells that are runs; a search or a profile has no place among them.
fn runs_of<'a>(report: &'a SweepReport, workload: &str) -> Vec<&'a SweptCell> {
    let is_run = |cell: &&SweptCell| cell.workload == workload && cell.kind == CellKind::Run;
    report.cells.iter().filter(is_run).collect()
}

fn of_workload(report: &SweepReport, workload: &str) -> Markup {
    let cells = runs_of(report, workload);
    if cells.is_empty() {
        return html! {};
    }
    let plots = plots::of_workload(workload, &cells);
    html! {
        h2 { "Workload " (workload) }
        @if !plots.is_empty() { (charts(&plots)) }
        div.scroll {
            table {
                tr {
                    @for head in ["target", "load", "tokens/s", "TTFT p50", "TTFT p99", "TBT p99", "E2E p90", "fluid requests", "fluid tokens/s", "on the front"] { th { (head) } }
                }
                @for cell in &cells { (row(cell)) }
            }
        }
        p.faint { "Below a figure: its 95 % interval, where so many requests carry one." }
    }
}

fn row(cell: &SweptCell) -> Markup {
    let percentile = |name: &str, which: Percentile| {
        let distribution = reading::distribution(&cell.metrics, name)?;
        Some((figure::time(which.carried(distribution)?), ends(which.interval(distribution), figure::time)))
    };
    let value = |name: &str, show: fn(f64) -> String| {
        reading::value(&cell.metrics, name).map(|(value, interval)| (show(value), ends(interval, show)))
    };
    let front = cell.on_front.map(|front| (if front { "yes" } else { "no" }.to_owned(), None));
    let cells: [Option<(String, Option<String>)>; 8] = [
        value("output_token_throughput", figure::number),
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
            td { (load(cell)) }
            @match reading::without_figures(cell) {
                None => @for figure in cells {
                    td {
                        @match figure {
                            None => "–",
                            Some((text, ends)) => { (text) @if let Some(ends) = ends { br; small.faint { (ends) } } }
                        }
                    }
                },
                Some(words) => (instead(cell, 8, &words)),
            }
        }
    }
}

/// The ends of an interval, as they stand below their figure.
fn ends(interval: Option<Interval>, show: fn(f64) -> String) -> Option<String> {
    interval.map(|(low, high)| format!("{} to {}", show(low), show(high)))
}

/// A cell's load, and that it was cut short where figures stand beside it that look whole.
fn load(cell: &SweptCell) -> String {
    let cut = if cell.status == CellStatus::Interrupted { " (cut short)" } else { "" };
    format!("{}{cut}", cell.load)
}

/// What stands in a row in place of its figures.
fn instead(cell: &SweptCell, columns: u32, words: &str) -> Markup {
    let class = match cell.status {
        CellStatus::Failed => "text bad",
        CellStatus::Interrupted => "text doubtful",
        CellStatus::Pending | CellStatus::Done => "text faint",
    };
    html! { td class=(class) colspan=(columns) { div { (words) } } }
}

/// The highest load of each engine that holds, with its interval.
fn capacities(report: &SweepReport) -> Markup {
    let cells: Vec<&SweptCell> = report.cells.iter().filter(|cell| cell.kind == CellKind::Capacity).collect();
    html! {
        @if !cells.is_empty() {
            h2 { "Capacity by engine" }
            (charts(&plots::of_capacities(report)))
            div.scroll {
                table {
                    tr {
                        @for head in ["target", "workload", "load", "capacity", "95 % interval", "bounded by", "objectives", "probes", "requests"] { th { (head) } }
                    }
                    @for cell in &cells {
                        tr {
                            td { (cell.target) } td { (cell.workload) } td { (load(cell)) }
                            @match (reading::without_figures(cell), &cell.capacity) {
                                (None, Some(found)) => (capacity(found)),
                                (words, _) => (instead(cell, 6, &words.unwrap_or_default())),
                            }
                        }
                    }
                }
            }
            @for (cell, found) in cells.iter().filter_map(|cell| Some((cell, cell.capacity.as_ref()?))) {
                @if reading::without_figures(cell).is_none() {
                    p { (cell.target) ", " (cell.workload) ", " (cell.load) ": " (lines(&found.answer)) }
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
        td { (of(&|capacity| format!("{} {}", figure::number(capacity.value), capacity.unit))) }
        td { (of(&ends)) }
        td { (found.bounded_by.as_deref().map_or_else(none, |bound| reading::bound(bound).to_owned())) }
        td { (found.objectives.join(", ")) }
        td { (found.probes) }
        td { (found.requests) }
    }
}

/// What a prompt's length costs on each engine.
fn profiles(report: &SweepReport) -> Markup {
    let cells = report.cells.iter().filter_map(|cell| Some((cell, cell.prefill.as_ref()?)));
    html! {
        @if report.cells.iter().any(|cell| cell.prefill.is_some()) {
            h2 { "TTFT by prompt length" }
            (charts(&plots::of_profiles(report)))
            @for (cell, of) in cells {
                p { (cell.target) ", " (cell.workload) ", " (cell.load) ": " (of.asked) "; the curve strays by at most " (figure::share(of.max_relative_error)) "." }
            }
        }
    }
}

fn failures(report: &SweepReport) -> Markup {
    let failed = ranking::failures(report);
    html! {
        @if !failed.is_empty() {
            h2 { "What failed" }
            @for failed in failed {
                p.bad { (failed.cells) ": " (failed.reason) }
                @if !failed.log_tail.is_empty() { pre { (failed.log_tail.join("\n")) } }
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

    use metron_results::prefill_profile::{Curve, Fit};
    use metron_results::summary::{Better, Distribution, Figure, Intervals, Load, Value};
    use metron_results::sweep::SweptPrefill;

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

    fn searched(target: &str, workload: &str, value: f64, high: Option<f64>) -> SweptCell {
        let capacity = Capacity { value, unit: "requests/s".to_owned(), low: value - 1.0, high, confidence: 0.95 };
        let found = SweptCapacity {
            objectives: vec!["p99 ttft <= 1s".to_owned()],
            capacity: Some(capacity),
            bounded_by: None,
            answer: "not known yet: no load could be judged".to_owned(),
            probes: 5,
            requests: 500,
            wall_s: 9.0,
        };
        let pending = SweptCell::pending(target, workload, "capacity");
        SweptCell { kind: CellKind::Capacity, status: CellStatus::Done, capacity: Some(found), ..pending }
    }

    fn of(cells: Vec<SweptCell>) -> SweepReport {
        let (schema, name, metron_version) = ("metron.sweep/1".to_owned(), "s".to_owned(), "0".to_owned());
        SweepReport { schema, name, metron_version, targets: Vec::new(), cells }
    }

    #[test]
    fn each_engine_has_its_capacity_with_its_interval_on_a_line_of_its_own() {
        let (a, b) = (searched("one", "chat", 4.0, Some(6.0)), searched("two", "chat", 8.0, None));
        let plots = sweep_plots(&of(vec![a, b, searched("two", "code", 2.0, Some(2.5))]));
        let names: Vec<&str> = plots.iter().map(|named| named.name.as_str()).collect();
        assert_eq!(names, ["capacity-rate"]);
        let rows = plots[0].plot.csv();
        let wanted = [
            "series,\"capacity, requests/s\",,low,high",
            "\"chat, capacity\",4,one,,",
            "\"chat, capacity\",8,two,,",
            ",,one,3,6",
            ",,two,7,8",
            "\"code, capacity\",2,two,,",
            ",,two,1,2.5",
        ];
        assert_eq!(rows.lines().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_search_that_failed_says_so_and_why_and_not_what_it_knew() {
        let reason = Some("all 20 requests failed".to_owned());
        let failed = SweptCell { status: CellStatus::Failed, reason, ..searched("one", "chat", 4.0, None) };
        let report = of(vec![failed]);
        let page = sweep_report(&report);
        let table = crate::console::sweep_table(&report, crate::Style::Plain);
        for shown in [&page, &table] {
            assert!(shown.contains("failed: all 20 requests failed") && !shown.contains("not known yet"), "{shown}");
        }
        assert!(sweep_plots(&report).is_empty());
    }

    #[test]
    fn every_engines_curve_is_in_one_plot() {
        let cell = |target: &str, second: f64| {
            let of = SweptPrefill {
                asked: String::new(),
                valid: [100, 400],
                medians: vec![(100, 0.1), (400, second)],
                max_relative_error: 0.1,
                fit: (target == "b").then_some(Fit { curve: Curve::Linear([0.0, 0.001]), max_relative_error: 0.1 }),
            };
            let pending = SweptCell::pending(target, "chat", "prompts");
            SweptCell { kind: CellKind::Prefill, status: CellStatus::Done, prefill: Some(of), ..pending }
        };
        let plots = sweep_plots(&of(vec![cell("a", 0.2), cell("b", 0.4)]));
        assert_eq!(plots[0].name, "prefill");
        let rows = plots[0].plot.csv();
        assert!(rows.contains("\"a, chat\",400,0.2") && rows.contains(",400,0.4"), "{rows}");
        assert!(rows.matches("\"b, chat\"").count() > 100, "a fitted curve is drawn whole: {rows}");
    }
}
