//! The table that `metron sweep` ends with: one row a run, workload by workload; what searches found; which engine is best; what
//! failed, and why.

use metron_results::capacity::four_digits;
use metron_results::summary::Verdict;
use metron_results::sweep::{CellKind, CellStatus, ObjectivesOfCell, SweepReport, SweptCell};

use super::capacity::ends;
use super::columns::Columns;
use super::wrap;
use crate::escape;
use crate::figure::{self, Scale};
use crate::ranking::{self, Failed};
use crate::reading::{self, Percentile};
use crate::style::Style;

/// A figure that a cell does not have, or that its sample cannot carry.
const NONE: &str = "-";
/// Columns for what a row says in place of figures, behind the widest name; the whole of it stands below the tables.
const INSTEAD: usize = 41;

/// The sweep as a person reads it. Ends with a line end; safe for a terminal.
#[must_use]
pub fn sweep_table(report: &SweepReport, style: Style) -> String {
    let done = report.cells.iter().filter(|cell| cell.status == CellStatus::Done).count();
    let head =
        format!("{}  {done} of {} cells measured", style.strong(&escape::terminal(&report.name)), report.cells.len());
    let mut sections = vec![vec![head]];
    sections.extend(reading::workloads(report).into_iter().map(|workload| of_workload(report, workload, style)));
    sections.push(capacities(report, style));
    sections.push(profiles(report, style));
    sections.push(legend(report, style));
    sections.push(best(report, style));
    sections.push(unknown(report));
    sections.push(ranking::failures(report).iter().flat_map(|failed| failure(failed, style)).collect());
    let sections = sections.iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n"));
    format!("{}\n", sections.collect::<Vec<_>>().join("\n\n"))
}

/// Which engine is best, as far as the intervals tell.
fn best(report: &SweepReport, style: Style) -> Vec<String> {
    let lines = ranking::ranking(report);
    let head = (!lines.is_empty()).then(|| style.strong("Which is best"));
    head.into_iter().chain(lines.iter().flat_map(|line| wrap(&escape::terminal(line), 2))).collect()
}

/// The end of a cell, in one line, for whoever watches a sweep.
#[must_use]
pub fn swept_cell(cell: &SweptCell, style: Style) -> String {
    if let Some(words) = reading::without_figures(cell) {
        let words = escape::terminal(&words);
        let (status, reason) = words.split_at(words.find(':').unwrap_or(words.len()));
        return format!("  {}{reason}", style.bad(status));
    }
    let figures = match cell.kind {
        CellKind::Capacity => {
            let Some(found) = cell.capacity.as_ref().filter(|found| found.capacity.is_some()) else {
                return format!("  {}", escape::terminal(answer(cell).unwrap_or(NONE)));
            };
            let [capacity, interval, _] = capacity(cell);
            let bound = found.bounded_by.as_deref().map_or_else(String::new, |it| format!(", {}", reading::bound(it)));
            format!("{capacity} ({interval}){}", escape::terminal(&bound))
        }
        CellKind::Prefill => profile(cell).join(", "),
        CellKind::Run => {
            let [tokens, ttft, tbt, e2e, fluid] = row(cell);
            format!("{tokens} tokens/s, TTFT p50 {ttft}, TBT p99 {tbt}, E2E p90 {e2e}, {fluid} fluid")
        }
    };
    let cut = if cell.status == CellStatus::Interrupted { style.doubtful("cut short: ") } else { String::new() };
    format!("  {cut}{figures}")
}

fn of_workload(report: &SweepReport, workload: &str, style: Style) -> Vec<String> {
    let is_run = |cell: &&SweptCell| cell.workload == workload && cell.kind == CellKind::Run;
    let cells: Vec<&SweptCell> = report.cells.iter().filter(is_run).collect();
    if cells.is_empty() {
        return Vec::new();
    }
    let target = |cell: &&SweptCell| short(&cell.target, 12);
    let width = cells.iter().map(|cell| target(cell).chars().count()).chain(["target".len()]).max().unwrap_or(0);
    let mut columns = Columns::default();
    let name = |target: &str, load: &str| format!("{target:<width$}  {load}");
    let heads = ["tokens/s", "TTFT p50", "TBT p99", "E2E p90", "fluid"].map(str::to_owned);
    columns.push(std::iter::once(name("target", "load")).chain(heads));
    for cell in &cells {
        let name = name(&target(cell), &short(&cell.load, 14));
        match reading::without_figures(cell) {
            None => columns.push(std::iter::once(name).chain(row(cell))),
            Some(words) => columns.push_with_text([name], short(&words, INSTEAD)),
        }
    }
    let lines = columns.lines();
    let mut shown = vec![style.strong(&escape::terminal(workload))];
    for (place, line) in lines.into_iter().enumerate() {
        match place.checked_sub(1) {
            None => shown.push(format!("  {}", style.faint(&line))),
            // Colour counts as width, so it comes last.
            Some(cell) => shown.push(format!("{} {line}", marked(cells[cell], style))),
        }
    }
    shown
}

/// Searches for the highest load, engine beside engine.
fn capacities(report: &SweepReport, style: Style) -> Vec<String> {
    let heads = ["capacity", "95 % interval", "bounded by"];
    searches(report, CellKind::Capacity, "Capacity by engine", heads, capacity, style)
}

/// Prefill profiles, engine beside engine.
fn profiles(report: &SweepReport, style: Style) -> Vec<String> {
    let heads = ["TTFT of the shortest", "and the longest prompt", "curve"];
    searches(report, CellKind::Prefill, "TTFT by prompt length", heads, profile, style)
}

fn searches(
    report: &SweepReport,
    kind: CellKind,
    title: &str,
    heads: [&str; 3],
    row: fn(&SweptCell) -> [String; 3],
    style: Style,
) -> Vec<String> {
    let cells: Vec<&SweptCell> = report.cells.iter().filter(|cell| cell.kind == kind).collect();
    if cells.is_empty() {
        return Vec::new();
    }
    let several = reading::workloads(report).len() > 1;
    let name = |cell: &SweptCell| {
        let workload = several.then(|| short(&cell.workload, 10));
        [Some(short(&cell.target, 12)), workload, Some(short(&cell.load, 10))].into_iter().flatten().collect::<Vec<_>>()
    };
    let names = aligned(cells.iter().map(|cell| name(cell)).collect());
    let mut columns = Columns::default();
    let [first, second, text] = heads.map(str::to_owned);
    columns.push_with_text([String::new(), first, second], text);
    for (cell, name) in cells.iter().zip(names) {
        match reading::without_figures(cell) {
            None => {
                let [first, second, text] = row(cell);
                columns.push_with_text([name, first, second], text);
            }
            Some(words) => columns.push_with_text([name], short(&words, INSTEAD)),
        }
    }
    let mut shown = vec![style.strong(title)];
    for (place, line) in columns.lines().into_iter().enumerate() {
        match place.checked_sub(1) {
            None => shown.push(format!("  {}", style.faint(&line))),
            // Colour counts as width, so it comes last.
            Some(cell) => shown.push(format!("{} {line}", marked(cells[cell], style))),
        }
    }
    shown
}

/// Names of several parts, each part in a column of its own.
fn aligned(names: Vec<Vec<String>>) -> Vec<String> {
    let width = |part: usize| names.iter().filter_map(|name| name.get(part)).map(|part| part.chars().count()).max();
    let widths: Vec<usize> = (0..).map_while(width).collect();
    let padded = |name: Vec<String>| {
        let parts = name.iter().zip(&widths).map(|(part, &width)| format!("{part:<width$}"));
        parts.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    names.iter().cloned().map(padded).collect()
}

/// What a search answered, whole; `None` for any other cell.
fn answer(cell: &SweptCell) -> Option<&str> {
    Some(&cell.capacity.as_ref()?.answer)
}

/// Searches without a number: a row has no room for what they say in its place.
fn unknown(report: &SweepReport) -> Vec<String> {
    let has_none = |cell: &&SweptCell| {
        reading::without_figures(cell).is_none() && cell.capacity.as_ref().is_some_and(|it| it.capacity.is_none())
    };
    let told = |cell: &SweptCell| {
        let (target, workload, load) = (&cell.target, &cell.workload, &cell.load);
        wrap(&escape::terminal(&format!("{target}, {workload}, {load}: {}", answer(cell)?.replace('\n', "; "))), 2)
            .into()
    };
    report.cells.iter().filter(has_none).filter_map(told).flatten().collect::<Vec<String>>()
}

fn capacity(cell: &SweptCell) -> [String; 3] {
    let none = || NONE.to_owned();
    let Some(found) = &cell.capacity else { return [none(), none(), none()] };
    let (value, interval) = found.capacity.as_ref().map_or((none(), none()), |capacity| {
        let unit = if capacity.unit == "requests/s" { "/s" } else { " users" };
        (format!("{}{unit}", four_digits(capacity.value)), ends(capacity))
    });
    // Without a number, what there is to say is the answer itself.
    let bound = found.bounded_by.clone().unwrap_or_else(|| found.answer.clone());
    [value, interval, short(reading::bound(&bound), 30)]
}

fn profile(cell: &SweptCell) -> [String; 3] {
    let none = || NONE.to_owned();
    let Some(found) = &cell.prefill else { return [none(), none(), none()] };
    let end = |point: Option<&(u64, f64)>| {
        point.map_or_else(none, |(tokens, ttft)| format!("{} at {tokens}", Scale::of_time(*ttft).with_unit(*ttft)))
    };
    let curve = format!("within {}", figure::share(found.max_relative_error));
    [end(found.medians.first()), end(found.medians.last()), curve]
}

fn row(cell: &SweptCell) -> [String; 5] {
    let percentile = |name: &str, which: Percentile| {
        let distribution = reading::distribution(&cell.metrics, name)?;
        let value = which.carried(distribution)?;
        Some(Scale::of_time(value).with_unit(value))
    };
    let value = |name: &str, show: fn(f64) -> String| reading::value(&cell.metrics, name).map(|(value, _)| show(value));
    let or_none = |text: Option<String>| text.unwrap_or_else(|| NONE.to_owned());
    [
        or_none(value("output_token_throughput", figure::number)),
        or_none(percentile("ttft", Percentile::P50)),
        or_none(percentile("tbt", Percentile::P99)),
        or_none(percentile("e2e_latency", Percentile::P90)),
        or_none(value("fluid_request_share", figure::share)),
    ]
}

/// A name in as many columns as it may have: the whole of it stands in the report.
fn short(name: &str, most: usize) -> String {
    let name = escape::terminal(name);
    if name.chars().count() <= most { name } else { format!("{}...", name.chars().take(most - 3).collect::<String>()) }
}

/// What stands before a row, and what it means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Front,
    Failed,
    Cut,
    Client,
    Missed,
    Undecided,
}

impl Mark {
    const ALL: [Self; 6] = [Self::Front, Self::Missed, Self::Undecided, Self::Client, Self::Cut, Self::Failed];

    fn painted(self, style: Style) -> String {
        match self {
            Self::Front => style.good("*"),
            Self::Missed => style.bad("-"),
            Self::Undecided => style.doubtful("?"),
            Self::Client => style.bad("!"),
            Self::Cut => style.doubtful("~"),
            Self::Failed => style.bad("x"),
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Front => "no cell of the workload has more tokens a second at a lower p90 of E2E",
            Self::Missed => "an objective was missed",
            Self::Undecided => "an objective could not be decided",
            Self::Client => "this client was the bottleneck: these figures are not the server's",
            Self::Cut => "cut short, or not begun",
            Self::Failed => "failed",
        }
    }
}

fn mark(cell: &SweptCell) -> Option<Mark> {
    match (cell.status, cell.verdict) {
        (CellStatus::Failed, _) => Some(Mark::Failed),
        (CellStatus::Interrupted | CellStatus::Pending, _) => Some(Mark::Cut),
        (CellStatus::Done, Some(Verdict::Bottleneck)) => Some(Mark::Client),
        (CellStatus::Done, _) if cell.objectives == Some(ObjectivesOfCell::Missed) => Some(Mark::Missed),
        (CellStatus::Done, _) if cell.objectives == Some(ObjectivesOfCell::Undecided) => Some(Mark::Undecided),
        (CellStatus::Done, _) if cell.on_front == Some(true) => Some(Mark::Front),
        (CellStatus::Done, _) => None,
    }
}

fn marked(cell: &SweptCell, style: Style) -> String {
    mark(cell).map_or_else(|| " ".to_owned(), |mark| mark.painted(style))
}

/// The marks that stand in the tables, with what they mean.
fn legend(report: &SweepReport, style: Style) -> Vec<String> {
    let used = |mark: &Mark| report.cells.iter().any(|cell| self::mark(cell) == Some(*mark));
    let line = |mark: Mark| format!("{} {}", mark.painted(style), style.faint(mark.meaning()));
    Mark::ALL.into_iter().filter(used).map(line).collect()
}

/// Why cells failed, and the last that their engine said.
fn failure(failed: &Failed<'_>, style: Style) -> Vec<String> {
    let said = format!("failed: {}: {}", escape::terminal(&failed.cells), escape::terminal(failed.reason));
    let mut lines = wrap(&said, 0);
    if let Some(first) = lines.first_mut() {
        *first = first.replacen("failed:", &style.bad("failed:"), 1);
    }
    lines.extend(failed.log_tail.iter().map(|line| style.faint(&format!("  | {}", escape::terminal(line)))));
    lines
}
