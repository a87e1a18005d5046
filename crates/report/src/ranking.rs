//! Which engine of a sweep is best, in sentences: by the highest load that it bears, and by the latency at each load. Only what
//! the intervals can tell is said; computes no figure.

use metron_results::capacity::{Capacity, four_digits};
use metron_results::summary::Interval;
use metron_results::sweep::{CellKind, CellStatus, SweepReport, SweptCell};

use crate::figure;
use crate::reading::{self, Percentile};

/// What the cells tell of engines that were measured alike; empty where there is nothing to put beside each other. Names may
/// hold text from outside.
pub(crate) fn ranking(report: &SweepReport) -> Vec<String> {
    let workloads = reading::workloads(report);
    let capacities = workloads.iter().flat_map(|workload| {
        loads(report, workload, CellKind::Capacity).into_iter().filter_map(|cells| by_capacity(&cells))
    });
    capacities.chain(workloads.iter().filter_map(|workload| by_latency(report, workload))).collect()
}

/// The measured cells of a workload, load by load, where several targets were measured under one.
fn loads<'a>(report: &'a SweepReport, workload: &str, kind: CellKind) -> Vec<Vec<&'a SweptCell>> {
    let mut loads: Vec<Vec<&SweptCell>> = Vec::new();
    let is_one = |cell: &&SweptCell| {
        cell.workload == workload && cell.kind == kind && cell.status == CellStatus::Done && !is_by_client(cell)
    };
    for cell in report.cells.iter().filter(is_one) {
        match loads.iter_mut().find(|cells| cells[0].load == cell.load) {
            Some(cells) => cells.push(cell),
            None => loads.push(vec![cell]),
        }
    }
    loads.retain(|cells| cells.len() > 1);
    loads
}

/// Whether a cell's figures are this client's and not the server's.
fn is_by_client(cell: &SweptCell) -> bool {
    cell.verdict == Some(metron_results::summary::Verdict::Bottleneck)
}

/// Who bears the highest load.
fn by_capacity(cells: &[&SweptCell]) -> Option<String> {
    let capacity = |cell: &&SweptCell| cell.capacity.as_ref().and_then(|found| found.capacity.clone());
    let mut found: Vec<(&str, Capacity)> =
        cells.iter().filter_map(|cell| Some((cell.target.as_str(), capacity(cell)?))).collect();
    found.sort_by(|(_, a), (_, b)| b.value.total_cmp(&a.value));
    let numberless: Vec<&str> =
        cells.iter().filter(|cell| capacity(cell).is_none()).map(|cell| cell.target.as_str()).collect();
    let ((best, of_best), others) = found.split_first()?;
    let place = format!("{}, {}", cells[0].workload, cells[0].load);
    let load = |capacity: &Capacity| format!("{} {}", four_digits(capacity.value), capacity.unit);
    if others.iter().any(|(_, other)| other.unit != of_best.unit) {
        return None;
    }
    let as_high = |(_, other): &&(&str, Capacity)| other.high.is_none_or(|high| high >= of_best.low);
    let close: Vec<&str> = others.iter().filter(as_high).map(|(target, _)| *target).collect();
    let names = listed(std::iter::once(*best).chain(close.iter().copied()));
    let told = match (of_best.high, others.first()) {
        (None, _) => format!("{names} may bear more than {}, where the searched range ends", load(of_best)),
        (Some(_), _) if !close.is_empty() => {
            format!("{names} cannot be told apart, the highest {}: their intervals overlap", load(of_best))
        }
        (Some(_), Some((target, other))) => {
            let times = four_digits(of_best.value / other.value);
            format!("{best} bears most, {}, {times} times the {} of {target}", load(of_best), four_digits(other.value))
        }
        // Of one alone nothing can be said: what the others bear may not be known yet.
        (Some(_), None) => return None,
    };
    Some(format!("{place}: {told}{}", without(&numberless)))
}

/// Whose capacity has no number, and so no place among the others.
fn without(numberless: &[&str]) -> String {
    match numberless {
        [] => String::new(),
        names => format!("; no number of {}", listed(names.iter().copied())),
    }
}

/// Who answers soonest, load by load: nine tenths of the answers are whole by then.
fn by_latency(report: &SweepReport, workload: &str) -> Option<String> {
    let mut sure: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for cells in loads(report, workload, CellKind::Run) {
        let load = cells[0].load.as_str();
        match soonest(&cells) {
            None => open.push(load),
            Some(target) => match sure.iter_mut().find(|(known, _)| *known == target) {
                Some((_, loads)) => loads.push(load),
                None => sure.push((target, vec![load])),
            },
        }
    }
    let told = |(target, loads): (&str, Vec<&str>)| format!("{target} at {}", listed(loads));
    let mut parts: Vec<String> = sure.into_iter().map(told).collect();
    if !open.is_empty() {
        parts.push(format!("not to be told at {}", listed(open)));
    }
    (!parts.is_empty()).then(|| format!("{workload}, lowest p90 of E2E: {}", parts.join("; ")))
}

/// Whose p90 is surely the lowest of all: its interval ends before any other begins.
fn soonest<'a>(cells: &[&'a SweptCell]) -> Option<&'a str> {
    let interval = |cell: &SweptCell| -> Option<Interval> {
        Percentile::P90.interval(reading::distribution(&cell.metrics, "e2e_latency")?)
    };
    let all: Vec<(&str, Interval)> =
        cells.iter().map(|cell| Some((cell.target.as_str(), interval(cell)?))).collect::<Option<_>>()?;
    let (best, (_, high)) = all.iter().min_by(|(_, a), (_, b)| a.1.total_cmp(&b.1))?;
    all.iter().all(|(target, (low, _))| target == best || low > high).then_some(*best)
}

/// Names as a sentence lists them.
fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        names => names.concat(),
    }
}

/// Cells that failed of one reason, one behind the other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failed<'a> {
    /// The first of them, and how many more there are. May hold text from outside.
    pub(crate) cells: String,
    /// Why. May hold text from outside.
    pub(crate) reason: &'a str,
    /// The last lines of the engine's log. From outside.
    pub(crate) log_tail: &'a [String],
}

/// What failed, and why: an engine that would not start once, not once for each of its cells.
pub(crate) fn failures(report: &SweepReport) -> Vec<Failed<'_>> {
    let failed: Vec<&SweptCell> = report.cells.iter().filter(|cell| cell.status == CellStatus::Failed).collect();
    let alike =
        |a: &&SweptCell, b: &&SweptCell| (&a.target, &a.reason, &a.log_tail) == (&b.target, &b.reason, &b.log_tail);
    let told = |cells: &[&'_ SweptCell]| {
        let first = cells[0];
        let more = match cells.len() - 1 {
            0 => String::new(),
            more => format!(", and {}", figure::count(more as u64, "more cell")),
        };
        format!("{}, {}, {}{more}", first.target, first.workload, first.load)
    };
    failed
        .chunk_by(alike)
        .map(|cells| Failed {
            cells: told(cells),
            reason: cells[0].reason.as_deref().unwrap_or_default(),
            log_tail: &cells[0].log_tail,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use metron_results::summary::{Distribution, Figure, Intervals, Quantiles};
    use metron_results::sweep::SweptCapacity;

    use super::*;

    fn of(cells: Vec<SweptCell>) -> SweepReport {
        let (schema, name, metron_version) = ("metron.sweep/1".to_owned(), "s".to_owned(), "0".to_owned());
        SweepReport { schema, name, metron_version, targets: Vec::new(), cells }
    }

    fn bears(target: &str, capacity: Option<(f64, f64, Option<f64>)>) -> SweptCell {
        let capacity = capacity.map(|(value, low, high)| {
            let unit = "requests/s".to_owned();
            Capacity { value, unit, low, high, confidence: 0.95 }
        });
        let found = SweptCapacity {
            objectives: Vec::new(),
            capacity,
            bounded_by: None,
            answer: String::new(),
            probes: 1,
            requests: 1,
            wall_s: 1.0,
        };
        let pending = SweptCell::pending(target, "chat", "capacity");
        SweptCell { kind: CellKind::Capacity, status: CellStatus::Done, capacity: Some(found), ..pending }
    }

    fn takes(target: &str, load: &str, p90: Option<Interval>) -> SweptCell {
        let ci95 = Intervals { p90, ..Intervals::default() };
        let (unit, quantiles) = ("s".to_owned(), Quantiles { count: 500, ..Quantiles::default() });
        let latency = Figure::Distribution(Distribution { unit, better: None, quantiles, ci95 });
        SweptCell {
            status: CellStatus::Done,
            metrics: BTreeMap::from([("e2e_latency".to_owned(), latency)]),
            ..SweptCell::pending(target, "chat", load)
        }
    }

    #[test]
    fn the_highest_capacity_wins_where_its_interval_lies_above_the_others() {
        let (a, b) = (bears("a", Some((10.0, 9.0, Some(11.0)))), bears("b", Some((20.0, 19.0, Some(21.0)))));
        let wins = "chat, capacity: b bears most, 20.00 requests/s, 2.000 times the 10.00 of a";
        assert_eq!(ranking(&of(vec![a.clone(), b.clone()])), [wins]);
        let as_good = bears("c", Some((19.5, 18.5, Some(20.5))));
        let close =
            "chat, capacity: b and c cannot be told apart, the highest 20.00 requests/s: their intervals overlap";
        assert_eq!(ranking(&of(vec![a.clone(), b.clone(), as_good])), [close]);
        let most = bears("e", Some((30.0, 30.0, None)));
        let range = "chat, capacity: e may bear more than 30.00 requests/s, where the searched range ends";
        assert_eq!(ranking(&of(vec![b.clone(), most])), [range]);
        let beyond = bears("d", Some((15.0, 15.0, None)));
        assert!(ranking(&of(vec![b.clone(), beyond]))[0].contains("b and d"), "the range ended before d did");
        assert_eq!(ranking(&of(vec![bears("none", None), b.clone()])), [""; 0], "it may not be known yet");
        let told = &ranking(&of(vec![bears("none", None), a.clone(), b.clone()]))[0];
        assert!(told.ends_with("of a; no number of none"), "{told}");
        assert_eq!(ranking(&of(vec![b.clone()])), [""; 0], "there is nothing beside it");
        let by_client = SweptCell { verdict: Some(metron_results::summary::Verdict::Bottleneck), ..b };
        assert_eq!(ranking(&of(vec![a, by_client])), [""; 0], "this client's limit is no server's");
    }

    #[test]
    fn the_soonest_is_told_load_by_load_and_only_where_the_intervals_tell() {
        let cells = vec![
            takes("a", "1", Some((1.0, 2.0))),
            takes("a", "2", Some((1.0, 2.0))),
            takes("a", "4", Some((1.0, 2.0))),
            takes("a", "8", None),
            takes("b", "1", Some((2.5, 3.0))),
            takes("b", "2", Some((1.5, 2.5))),
            takes("b", "4", Some((0.5, 0.9))),
            takes("b", "8", Some((0.5, 0.9))),
        ];
        let told = "chat, lowest p90 of E2E: a at 1; b at 4; not to be told at 2 and 8";
        assert_eq!(ranking(&of(cells)), [told]);
    }

    #[test]
    fn what_fails_of_one_reason_is_told_once() {
        let failed = |target: &str, load: &str, reason: &str| SweptCell {
            status: CellStatus::Failed,
            reason: Some(reason.to_owned()),
            ..SweptCell::pending(target, "chat", load)
        };
        let report =
            of(vec![failed("a", "1", "x"), failed("a", "2", "x"), failed("a", "4", "y"), failed("b", "1", "y")]);
        let told: Vec<String> =
            failures(&report).into_iter().map(|it| format!("{}: {}", it.cells, it.reason)).collect();
        assert_eq!(told, ["a, chat, 1, and 1 more cell: x", "a, chat, 4: y", "b, chat, 1: y"]);
    }
}
