//! The parts of a run: one row a class, one row a turn, and the objectives of classes.

use metron_results::Summary;

use super::columns::Columns;
use super::{section, verdicts, wrap};
use crate::escape;
use crate::parts::{self, COLUMNS, Part};
use crate::style::Style;

/// Turns that a screen shows; the file has them all.
const TURNS: usize = 8;

pub(super) fn classes(summary: &Summary, style: Style) -> Vec<String> {
    let parts = parts::classes(summary);
    if parts.is_empty() {
        return Vec::new();
    }
    let mut lines = table(&parts);
    for (name, class) in &summary.classes {
        lines.extend(class.objectives.iter().map(|objective| {
            let verdict = verdicts::one(objective, style);
            format!("{}  {verdict}", escape::terminal(name))
        }));
    }
    section("Classes", lines, style)
}

pub(super) fn sessions(summary: &Summary, style: Style) -> Vec<String> {
    let mut turns = parts::turns(summary);
    if turns.is_empty() {
        return Vec::new();
    }
    let more = turns.len().saturating_sub(TURNS);
    turns.truncate(TURNS);
    let counts = parts::sessions(summary).unwrap_or_default();
    // Wrapped with the indent that the section gives each line.
    let mut lines: Vec<String> = wrap(&counts, 2).iter().map(|line| line.trim_start().to_owned()).collect();
    lines.extend(table(&turns));
    if more > 0 {
        lines.push(format!("... {more} more turns in summary.json"));
    }
    section("Sessions", lines, style)
}

/// Columns that a name may take, so that its row fits.
const NAME: usize = 12;

/// A name in few columns, safe for a terminal.
fn name(name: &str) -> String {
    let shown = escape::terminal(name);
    if shown.chars().count() <= NAME {
        return shown.to_string();
    }
    let kept: String = shown.chars().take(NAME - 1).collect();
    format!("{kept}…")
}

fn table(parts: &[Part]) -> Vec<String> {
    let mut rows = Columns::default();
    rows.push(std::iter::once(String::new()).chain(COLUMNS.map(str::to_owned)));
    for part in parts {
        rows.push(std::iter::once(name(&part.name)).chain(part.cells.clone()));
    }
    rows.lines()
}
