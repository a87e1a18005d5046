//! The table that `metron compare` ends with: what users feel first, each difference with its interval, then the bounds.

use metron_results::compare::{BoundVerdict, CompareReport, Compared, ComparedRun, Comparison};

use super::columns::Columns;
use super::{WIDTH, section, wrap};
use crate::comparison::{self, Row};
use crate::style::Style;
use crate::{escape, figure, reading};

/// The comparison as a person reads it. Ends with a line end; safe for a terminal.
#[must_use]
pub fn compare_table(report: &CompareReport, style: Style) -> String {
    let mut sections = vec![run("Baseline", &report.baseline, style)];
    for comparison in &report.comparisons {
        let mut head = run("Against ", &comparison.run, style);
        head.extend(wrap(&escape::terminal(&pairing(comparison)), 2).into_iter().map(|line| style.faint(&line)));
        sections.push(head);
        sections.push(doubts(comparison, style));
        sections.push(table(comparison, style));
        sections.push(bounds(comparison, style));
    }
    let sections = sections.iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n"));
    format!("{}\n", sections.collect::<Vec<_>>().join("\n\n"))
}

fn run(role: &str, run: &ComparedRun, style: Style) -> Vec<String> {
    let mut lines = vec![format!("{}  {}", style.strong(role), escape::terminal(&run.path))];
    match &run.url {
        Some(url) => lines.push(format!("  {}", reading::short_url(&escape::terminal(url), WIDTH - 2))),
        None => lines.extend(wrap(&escape::terminal(&run.format), 2)),
    }
    let of: Vec<String> =
        [&run.model, &run.started_at].into_iter().flatten().map(|text| escape::terminal(text)).collect();
    let of = if of.is_empty() { String::new() } else { format!(", {}", of.join(", ")) };
    let failed = if run.failed > 0 { format!(", {} failed", run.failed) } else { String::new() };
    lines.extend(wrap(&format!("{} completed{failed}{of}", figure::count(run.completed, "request")), 2));
    lines
}

fn pairing(comparison: &Comparison) -> String {
    let paired = if comparison.paired { "paired" } else { "not paired" };
    format!("{paired}: {}", comparison.pairing)
}

/// What makes the comparison doubtful: said before its figures.
fn doubts(comparison: &Comparison, style: Style) -> Vec<String> {
    let unlike = comparison.unlike.iter().map(comparison::unlike);
    let warnings = comparison.warnings.iter().cloned().chain(unlike);
    let shown = warnings.flat_map(|warning| {
        let text = wrap(&format!("warning: {}", escape::terminal(&warning)), 2).join("\n");
        [text.trim_start().replacen("warning:", &style.doubtful("warning:"), 1)]
    });
    shown.collect()
}

fn table(comparison: &Comparison, style: Style) -> Vec<String> {
    let mut columns = Columns::default();
    columns.push(["", "", "baseline", "this run", "change", "95 % interval"].map(str::to_owned));
    let rows = comparison::rows(comparison);
    for row in &rows {
        columns.push(cells(row));
    }
    let lines = columns.lines();
    let mut lines = lines.into_iter().enumerate().map(|(place, line)| match place.checked_sub(1) {
        None => format!("  {}", style.faint(&line)),
        // Colour counts as width, so it comes last.
        Some(row) => format!("  {line}  {}", verdict(&rows[row], style)).trim_end().to_owned(),
    });
    let mut shown = vec![style.strong("Differences")];
    shown.extend(lines.by_ref());
    shown
}

fn cells(row: &Row<'_>) -> [String; 6] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        row.label.to_owned(),
        row.unit.to_owned(),
        or_dash(row.baseline()),
        or_dash(row.value()),
        or_dash(row.change()),
        row.interval().unwrap_or_default(),
    ]
}

fn verdict(row: &Row<'_>, style: Style) -> String {
    match row.compared.change.as_deref() {
        Some("better") => style.good("better"),
        Some("worse") => style.bad("worse"),
        Some("none") => style.faint("~"),
        Some(other) => escape::terminal(other),
        None if row.compared.difference.is_some() => style.faint("too few"),
        None => String::new(),
    }
}

fn bounds(comparison: &Comparison, style: Style) -> Vec<String> {
    if comparison.bounds.is_empty() {
        return Vec::new();
    }
    section("Bounds", comparison.bounds.iter().map(|bound| one_bound(bound, style)).collect(), style)
}

fn one_bound(bound: &BoundVerdict, style: Style) -> String {
    let verdict = match bound.verdict.as_str() {
        "held" => style.good("held     "),
        "broken" => style.bad("BROKEN   "),
        "noise" => style.doubtful("noise    "),
        _ => style.doubtful("undecided"),
    };
    let of_nothing =
        bound.verdict == "undecided" && bound.figure.baseline == Some(0.0) && bound.expression.ends_with('%');
    let why = if of_nothing {
        "; no figure is a percentage of 0: state the bound in pp, or in the figure's unit"
    } else {
        ""
    };
    format!("{verdict}  {}: {}{why}", escape::terminal(&bound.expression), moved(&bound.figure, &bound.unit))
}

/// What a bounded figure did, in one line.
fn moved(figure: &Compared, unit: &str) -> String {
    let (a, b) = match (figure.baseline, figure.value) {
        (Some(a), Some(b)) => (a, b),
        (None, Some(_)) => return "the baseline has no such figure".to_owned(),
        (Some(_), None) => return "this run has no such figure".to_owned(),
        (None, None) => return "neither run has such a figure".to_owned(),
    };
    let row = Row { label: "", unit: "", figure_unit: unit, compared: figure };
    let change = row.change().map_or_else(String::new, |change| format!(", {change}"));
    let interval =
        row.interval().map_or_else(|| ", too few requests for an interval".to_owned(), |ends| format!(" {ends}"));
    format!("{} to {}{change}{interval}", figure::in_unit(a, unit), figure::in_unit(b, unit))
}
