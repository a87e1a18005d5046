//! What `metron capacity` says: a line for each probe as it ends, and the table at the end.

use metron_results::capacity::{Capacity, CapacityFile, Probe, four_digits};

use super::columns::Columns;
use super::{section, wrap};
use crate::reading::ProbeVerdict;
use crate::style::Style;
use crate::{escape, figure};

/// One probe that ended, as a line.
#[must_use]
pub fn probe_line(number: usize, probe: &Probe, unit: &str) -> String {
    format!(
        "probe {number}: {} {unit} {} after {} in {}",
        four_digits(probe.load),
        played(probe),
        figure::count(probe.requests, "request"),
        seconds(probe.duration_s)
    )
}

/// The search as a person reads it. Ends with a line end; safe for a terminal.
#[must_use]
pub fn capacity_table(file: &CapacityFile, style: Style) -> String {
    let mut head = vec![style.strong(&headline(file))];
    head.extend(file.answer.lines().flat_map(|line| wrap(&escape::terminal(line), 0)));
    let spent: u64 = file.probes.iter().map(|probe| probe.requests).sum();
    let probes = figure::count(file.probes.len() as u64, "probe");
    head.push(style.faint(&format!("{probes}, {}, {}", figure::count(spent, "request"), seconds(file.wall_s))));
    let mut rows = Columns::default();
    rows.push(
        ["Load", "verdict", "requests", "time"]
            .into_iter()
            .map(str::to_owned)
            .chain(file.objectives.iter().map(|it| escape::terminal(it))),
    );
    for probe in file.by_load() {
        let value =
            |name: &String| probe.values.get(name).copied().flatten().map_or_else(|| "-".to_owned(), four_digits);
        let cells = [four_digits(probe.load), played(probe), probe.requests.to_string(), seconds(probe.duration_s)];
        rows.push(cells.into_iter().chain(file.objectives.iter().map(value)));
    }
    let probes =
        section(&format!("Probes ({}; values in s where they are times)", file.search.unit), rows.lines(), style);
    format!("{}\n\n{}\n", head.join("\n"), probes.join("\n"))
}

fn headline(file: &CapacityFile) -> String {
    let Some(capacity) = &file.capacity else { return "Capacity: none".to_owned() };
    let confidence = capacity.high.map_or_else(String::new, |_| format!("{:.0} %: ", capacity.confidence * 100.0));
    let interval = format!("{confidence}{}", ends(capacity));
    format!("Capacity {} {} ({interval})", four_digits(capacity.value), escape::terminal(&capacity.unit))
}

/// The ends of its interval.
pub(super) fn ends(capacity: &Capacity) -> String {
    capacity.high.map_or_else(
        || format!("at least {}", four_digits(capacity.low)),
        |high| format!("{} .. {}", four_digits(capacity.low), four_digits(high)),
    )
}

/// The verdict, and whether it is one on an earlier load that was played again.
fn played(probe: &Probe) -> String {
    format!("{}{}", ProbeVerdict::of(probe).words(), if probe.replay { ", played again" } else { "" })
}

fn seconds(seconds: f64) -> String {
    match seconds {
        s if s >= 120.0 => format!("{:.1} min", s / 60.0),
        s => format!("{s:.1} s"),
    }
}
