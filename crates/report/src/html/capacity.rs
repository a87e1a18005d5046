//! The page of a search for a capacity: the answer with its interval and what bounds it, what each probe found under its load,
//! and every probe as a row.

use maud::{Markup, html};
use metron_metrics::interval;
use metron_metrics::objective::{Objective, Statistic};
use metron_results::capacity::{CapacityFile, Probe};

use super::charts::charts;
use super::{lines, page};
use crate::course::Named;
use crate::plot::{Axis, Mark, Plot, Reference, Series};
use crate::reading::ProbeVerdict;
use crate::{figure, reading};

/// The page.
#[must_use]
pub fn capacity_report(file: &CapacityFile) -> String {
    let url = file.target.as_ref().map(|target| reading::short_url(&target.url, 60));
    let requests: u64 = file.probes.iter().map(|probe| probe.requests).sum();
    let body = html! {
        header {
            h1 { "Capacity" @if let Some(url) = &url { " of " (url) } }
            p { (lines(&file.answer)) @if !file.finished { " (the search is not over)" } }
            p.faint {
                (figure::count(file.probes.len() as u64, "probe")) ", " (figure::count(requests, "request")) ", "
                (figure::setting(file.wall_s)) " under load"
            }
        }
        (answer(file))
        (charts(&capacity_plots(file)))
        h2 { "Probes" }
        (table(file))
    };
    page("metron: capacity", &body)
}

fn answer(file: &CapacityFile) -> Markup {
    let Some(capacity) = &file.capacity else { return html! { p.bad { "No load was found that holds." } } };
    let interval = match capacity.high {
        Some(high) => format!("{} to {}", figure::number(capacity.low), figure::number(high)),
        None => format!("at least {}", figure::number(capacity.low)),
    };
    html! {
        div.tiles {
            div.tile { span.faint { "capacity, " (capacity.unit) } b { (figure::number(capacity.value)) } }
            div.tile { span.faint { (format!("{:.0} % interval", capacity.confidence * 100.0)) } b { (interval) } }
            @if let Some(bound) = &file.bounded_by { div.tile { span.faint { "bounded by" } p { code { (bound) } } } }
        }
    }
}

fn table(file: &CapacityFile) -> Markup {
    html! {
        div.scroll {
            table {
                tr {
                    th { (file.search.unit) } th { "verdict" } th { "requests" } th { "time" }
                    @for objective in &file.objectives { th { code { (objective) } } }
                }
                @for probe in file.by_load() {
                    tr {
                        td { (figure::number(probe.load)) }
                        @let verdict = ProbeVerdict::of(probe);
                        td class=(class(verdict)) { (verdict.words()) @if probe.replay { ", played again" } }
                        td { (probe.requests) }
                        td { (figure::setting(probe.duration_s)) }
                        @for objective in &file.objectives {
                            td { (value(probe, objective).map_or_else(|| "–".to_owned(), |value| shown(objective, value))) }
                        }
                    }
                }
            }
        }
    }
}

fn value(probe: &Probe, objective: &str) -> Option<f64> {
    probe.values.get(objective).copied().flatten()
}

fn shown(objective: &str, value: f64) -> String {
    match objective.parse::<Objective>() {
        Ok(of) => figure::in_unit(value, of.metric.unit().name()),
        Err(_) => figure::number(value),
    }
}

const fn class(verdict: ProbeVerdict) -> &'static str {
    match verdict {
        ProbeVerdict::Holds => "good",
        ProbeVerdict::Fails | ProbeVerdict::Grows => "bad",
        ProbeVerdict::Close | ProbeVerdict::Client => "doubtful",
    }
}

/// The plots of a search, by names for `metron plot`: for the k-th objective `probes-k`, the figure that it speaks of under each
/// load, and `ratio-k`, what decides it, with each probe's own 95 % interval.
#[must_use]
pub fn capacity_plots(file: &CapacityFile) -> Vec<Named> {
    let plots = file.objectives.iter().enumerate().flat_map(|(k, objective)| {
        let figures = figures(file, objective).map(|plot| Named::file(format!("probes-{}", k + 1), plot));
        let ratios = ratios(file, k, objective).map(|plot| Named::file(format!("ratio-{}", k + 1), plot));
        figures.into_iter().chain(ratios)
    });
    plots.collect()
}

/// The capacity and its interval, across a plot over loads.
fn found(file: &CapacityFile) -> Vec<Reference> {
    let Some(capacity) = &file.capacity else { return Vec::new() };
    let ends = [("low end", Some(capacity.low)), ("high end", capacity.high)];
    std::iter::once(Reference::x("capacity", capacity.value))
        .chain(ends.into_iter().filter_map(|(name, end)| Some(Reference::x(name, end?))))
        .collect()
}

/// Dots for each verdict, of those probes of which `y` has a value.
fn by_verdict(file: &CapacityFile, y: impl Fn(&Probe) -> Option<f64>) -> Vec<Series> {
    let dots = |verdict: ProbeVerdict| {
        let of = file.by_load().into_iter().filter(|probe| ProbeVerdict::of(probe) == verdict);
        let points: Vec<(f64, f64)> = of.filter_map(|probe| Some((probe.load, y(probe)?))).collect();
        // A verdict has its colour whichever others there are.
        (!points.is_empty()).then(|| Series::dots(verdict.words(), points).like(verdict as usize))
    };
    ProbeVerdict::ALL.into_iter().filter_map(dots).collect()
}

fn figures(file: &CapacityFile, objective: &str) -> Option<Plot> {
    let of: Objective = objective.parse().ok()?;
    let series = by_verdict(file, |probe| value(probe, objective));
    let unit = match of.metric.unit().name() {
        "" => String::new(),
        unit => format!(", {unit}"),
    };
    let limit = Reference::y("allowed", of.threshold.get());
    (!series.is_empty()).then(|| Plot {
        caption: format!("What `{objective}` speaks of, under each load that was tried"),
        x: Axis::linear(file.search.unit.clone()),
        y: Axis::linear(format!("{}{unit}", of.metric.name())),
        series,
        references: std::iter::once(limit).chain(found(file)).collect(),
    })
}

fn ratios(file: &CapacityFile, k: usize, objective: &str) -> Option<Plot> {
    let of: Objective = objective.parse().ok()?;
    let estimate = |probe: &Probe| -> Option<(f64, f64)> {
        let [ratio, _, variance] = probe.state.estimates.get(k)?.as_ref()?;
        Some((ratio.parse().ok()?, variance.parse().ok()?))
    };
    let mut series = by_verdict(file, |probe| estimate(probe).map(|(ratio, _)| ratio * 100.0));
    if series.is_empty() {
        return None;
    }
    let end = |probe: &&Probe| {
        let (ratio, variance) = estimate(probe)?;
        let half = interval::Z * variance.sqrt();
        Some((probe.load, (ratio - half).max(0.0) * 100.0, (ratio + half) * 100.0))
    };
    series.push(Series::new("95 % interval", Mark::Spans(file.by_load().iter().filter_map(end).collect())).faint());
    let title = match of.statistic {
        Statistic::Percentile(_) | Statistic::For(_) => "missed, %",
        Statistic::Value => "failed, %",
        Statistic::Mean => "of what is allowed, %",
    };
    let allowed = of.allowed_ratio().map(|allowed| Reference::y("allowed", allowed * 100.0));
    Some(Plot {
        caption: format!("What decides `{objective}`, with each probe's own 95 % interval"),
        x: Axis::linear(file.search.unit.clone()),
        y: Axis::linear(title),
        series,
        references: allowed.into_iter().chain(found(file)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use metron_results::capacity::{Capacity, SCHEMA, Search, State, Steadiness, Verdict};

    use super::*;
    use crate::samples::HOSTILE;

    const SLO: &str = "p99 ttft <= 500ms";

    fn probe(load: f64, verdict: Verdict, ratio: &str) -> Probe {
        Probe {
            load,
            verdict,
            replay: false,
            requests: 1_000,
            duration_s: 30.0,
            run: None,
            values: BTreeMap::from([(SLO.to_owned(), Some(load / 10.0))]),
            state: State {
                load: load.to_string(),
                took_ns: 30_000_000_000,
                growing: false,
                rising: false,
                whole: true,
                client_bound: false,
                estimates: vec![Some([ratio.to_owned(), "1000".to_owned(), "0.000001".to_owned()])],
            },
        }
    }

    fn found() -> CapacityFile {
        CapacityFile {
            schema: SCHEMA.to_owned(),
            objectives: vec![SLO.to_owned()],
            capacity: Some(Capacity {
                value: 4.5,
                unit: "requests/s".to_owned(),
                low: 4.2,
                high: Some(4.8),
                confidence: 0.95,
            }),
            bounded_by: Some(format!("objective {SLO}")),
            answer: HOSTILE.to_owned(),
            steadiness: Some(Steadiness::Unchecked),
            finished: true,
            target: None,
            search: Search {
                unit: "requests/s".to_owned(),
                loads: ["1", "0.1", "10"].map(str::to_owned),
                precision: 0.05,
                seed: 0,
            },
            probes: vec![
                probe(6.0, Verdict::Fails, "0.03"),
                Probe { replay: true, ..probe(4.0, Verdict::Holds, "0.004") },
            ],
            wall_s: 60.0,
        }
    }

    #[test]
    fn a_search_shows_its_answer_its_probes_and_no_markup_from_outside() {
        let page = capacity_report(&found());
        for words in ["4.20 to 4.80", "holds, played again", "fails", "bounded by"] {
            assert!(page.contains(words), "{words}");
        }
        assert!(!page.contains("<img"), "markup from outside");
    }

    #[test]
    fn each_objective_has_its_figure_and_what_decides_it_with_intervals() {
        let plots = capacity_plots(&found());
        let names: Vec<&str> = plots.iter().map(|named| named.name.as_str()).collect();
        assert_eq!(names, ["probes-1", "ratio-1"]);
        let rows = plots[1].plot.csv();
        let cells = |start: &str| -> Vec<f64> {
            let row = rows.lines().find(|row| row.starts_with(start)).unwrap_or_else(|| panic!("{start} in {rows}"));
            row[start.len()..].split(',').filter_map(|cell| cell.parse().ok()).collect()
        };
        let close = |cells: &[f64], wanted: &[f64]| {
            cells.len() == wanted.len() && cells.iter().zip(wanted).all(|(cell, wanted)| (cell - wanted).abs() < 1e-9)
        };
        assert!(close(&cells("holds,"), &[4.0, 0.4]) && close(&cells("allowed,"), &[1.0]), "{rows}");
        let half = 0.1 * interval::Z;
        assert!(close(&cells("95 % interval,6,"), &[3.0 - half, 3.0 + half]), "thousandths to each side: {rows}");
    }

    #[test]
    fn of_an_error_rate_its_own_threshold_is_what_is_allowed() {
        let slo = "error_rate <= 1%";
        let by_errors = CapacityFile { objectives: vec![slo.to_owned()], ..found() };
        let ratio = capacity_plots(&by_errors).into_iter().find(|named| named.name == "ratio-1").expect("estimates");
        let rows = ratio.plot.csv();
        let allowed = rows.lines().find(|row| row.starts_with("allowed,")).expect("a reference");
        let shares: Vec<f64> = allowed.split(',').filter_map(|cell| cell.parse().ok()).collect();
        assert!(shares.len() == 1 && (shares[0] - 1.0).abs() < 1e-9, "{rows}");
    }

    #[test]
    fn a_search_without_an_answer_says_so() {
        let none = CapacityFile { capacity: None, bounded_by: None, probes: Vec::new(), ..found() };
        assert!(capacity_report(&none).contains("No load was found"));
        assert!(capacity_plots(&none).is_empty());
    }
}
