//! The table that `metron run` ends with: at most 80 columns, what matters first, every figure with the
//! interval that the summary has for it.
//!
//! Order: what was run, fluidity, latency, throughput, classes and sessions, objectives, errors, instrument, and what to do about it.

mod calibration;
mod capacity;
mod columns;
mod compare;
mod fluidity;
mod headline;
mod instrument;
mod latency;
mod parts;
mod prefill;
mod probe;
mod score;
mod server;
mod sweep;
mod throughput;
mod verdicts;

use metron_results::Summary;

use crate::escape;
use crate::reading;
use crate::style::Style;

pub use calibration::calibration_table;
pub use capacity::{capacity_table, probe_line};
pub use compare::compare_table;
pub use prefill::{length_line, prefill_table};
pub use probe::probe_page;
pub use score::score_table;
pub use sweep::{sweep_table, swept_cell};

/// The columns of a terminal that nobody has widened.
const WIDTH: usize = 80;

/// The summary as a person reads it. Ends with a line end; safe for a terminal.
#[must_use]
pub fn table(summary: &Summary, style: Style) -> String {
    let sections = [
        headline::lines(summary, style),
        fluidity::lines(summary, style),
        latency::lines(&summary.metrics, style),
        throughput::lines(summary, style),
        parts::classes(summary, style),
        parts::sessions(summary, style),
        verdicts::objectives(&summary.objectives, style),
        verdicts::errors(summary, style),
        server::lines(summary, style),
        instrument::lines(summary, style),
        notes(summary, style),
    ];
    let sections: Vec<String> =
        sections.into_iter().filter(|lines| !lines.is_empty()).map(|lines| lines.join("\n")).collect();
    format!("{}\n", sections.join("\n\n"))
}

fn notes(summary: &Summary, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    for note in reading::notes(summary) {
        let text = wrap(&format!("warning: {}", escape::terminal(&note.to_string())), 2).join("\n");
        lines.push(text.trim_start().replacen("warning:", &style.doubtful("warning:"), 1));
    }
    lines
}

/// A section: its heading, then its lines set in.
fn section(heading: &str, lines: Vec<String>, style: Style) -> Vec<String> {
    let set_in = lines.into_iter().map(|line| format!("  {line}"));
    std::iter::once(style.strong(heading)).chain(set_in).collect()
}

/// `text` in lines of at most [`WIDTH`] columns, each set in by `indent`. A word that is longer keeps a line of its own.
fn wrap(text: &str, indent: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) | None => lines.push(format!("{}{word}", " ".repeat(indent))),
        }
    }
    lines
}

/// An interval as a person reads it.
fn interval((low, high): (f64, f64), show: impl Fn(f64) -> String) -> String {
    format!("[{}, {}]", show(low), show(high))
}

#[cfg(test)]
mod tests;
