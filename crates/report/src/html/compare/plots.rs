//! What is drawn of a comparison: differences with their intervals, and the distributions of all runs over each other.

use metron_results::compare::{CompareReport, Comparing};
use metron_results::summary::Interval;

use crate::comparison::{self, Row};
use crate::course::Named;
use crate::figure::TimeUnit;
use crate::plot::{Axis, Mark, Plot, Reference, Series};

/// The plots of a comparison, by names for `metron plot`: those of [`difference_plots`], and `ttft-cdf`, `tbt-cdf`, `tpot-cdf`,
/// `e2e-cdf` with a curve for each run.
#[must_use]
pub fn compare_plots(comparing: &Comparing) -> Vec<Named> {
    difference_plots(&comparing.report).into_iter().chain(distributions(comparing)).collect()
}

/// What runs differ by, with intervals: `differences` of times and rates, `differences-of-shares`.
#[must_use]
pub fn difference_plots(report: &CompareReport) -> Vec<Named> {
    let rows: Vec<(&str, Vec<Row<'_>>)> = report
        .comparisons
        .iter()
        .map(|comparison| (comparison.run.path.as_str(), comparison::rows(comparison)))
        .collect();
    let of = |kind: fn(&Row<'_>) -> bool| -> Vec<(&str, Vec<Change>)> {
        rows.iter().map(|(run, rows)| (*run, changes(rows, kind))).collect()
    };
    let named = [
        ("differences", differences("Times and rates", &of(|row| !row.is_share()), Along::of_parts)),
        ("differences-of-shares", differences("Shares", &of(|row| row.is_share()), |_| Along::Points)),
    ];
    named.into_iter().filter_map(|(name, plot)| Some(Named::of_runs(name, plot?))).collect()
}

/// What a person calls a figure, its change, and the ends of the change's interval: in hundredths.
type Change = (&'static str, f64, Option<Interval>);

fn changes(rows: &[Row<'_>], kind: fn(&Row<'_>) -> bool) -> Vec<Change> {
    let of_kind = rows.iter().filter(|row| kind(row));
    let changed = of_kind.map(|row| (row.label, row.hundredths()));
    changed.filter_map(|(label, (change, ends))| Some((label, change?, ends))).collect()
}

/// In what changes are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Along {
    /// Percentage points.
    Points,
    /// Parts of the baseline.
    Parts,
    /// Equal ratios to the baseline: a figure that is several times what it was would leave no room for the others.
    Times,
}

impl Along {
    fn of_parts(changes: &[Change]) -> Self {
        let lowest = |(_, change, ends): &Change| ends.map_or(*change, |(low, _)| low.min(*change));
        let is_far = changes.iter().any(|(_, change, _)| *change > 100.0);
        if is_far && changes.iter().all(|change| lowest(change) > -100.0) { Self::Times } else { Self::Parts }
    }

    fn axis(self) -> Axis {
        match self {
            Self::Points => Axis::linear("change, percentage points"),
            Self::Parts => Axis::linear("change, % of the baseline's"),
            Self::Times => Axis::log("times the baseline's"),
        }
    }

    fn at(self, hundredths: f64) -> f64 {
        match self {
            Self::Points | Self::Parts => hundredths,
            Self::Times => 1.0 + hundredths / 100.0,
        }
    }
}

/// Of the room between two names, what the runs on one of them take.
const TOGETHER: f64 = 0.7;

/// One line a figure, from above in the order of the tables; of several runs one below the other on each.
fn differences(what: &str, runs: &[(&str, Vec<Change>)], along: fn(&[Change]) -> Along) -> Option<Plot> {
    let all: Vec<Change> = runs.iter().flat_map(|(_, changes)| changes.iter().copied()).collect();
    let along = along(&all);
    let mut labels: Vec<&str> = comparison::labels().filter(|label| all.iter().any(|(of, _, _)| of == label)).collect();
    labels.reverse();
    if labels.is_empty() {
        return None;
    }
    let mut series = Vec::new();
    for (place, (run, changes)) in runs.iter().enumerate() {
        let below = (f64::midpoint(runs.len() as f64, -1.0) - place as f64) * TOGETHER / runs.len() as f64;
        let y = |label: &str| labels.iter().position(|other| *other == label).map(|at| at as f64 + below);
        let dots = changes.iter().filter_map(|(label, change, _)| Some((along.at(*change), y(label)?)));
        let spans = changes.iter().filter_map(|(label, _, ends)| {
            let (low, high) = (*ends)?;
            Some((y(label)?, along.at(low), along.at(high)))
        });
        series.push(Series::dots(*run, dots.collect()));
        let spans: Vec<(f64, f64, f64)> = spans.collect();
        // Without a single interval there is nothing to draw, and the page would draw that along the whole plot.
        if !spans.is_empty() {
            series.push(Series::new("", Mark::Across(spans)).like(place));
        }
    }
    Some(Plot {
        caption: format!(
            "{what} beside the baseline's, with 95 % intervals; a dot without one rests on too few requests"
        ),
        x: along.axis(),
        y: Axis::categories("", labels),
        series,
        references: vec![Reference::x("no change", along.at(0.0))],
    })
}

/// The distributions that are drawn: the plot's name, the metric, and what a person calls it.
const DRAWN: [(&str, &str, &str); 4] = [
    ("ttft-cdf", "ttft", "time to first token"),
    ("tbt-cdf", "tbt", "time between tokens"),
    ("tpot-cdf", "tpot", "time per output token"),
    ("e2e-cdf", "e2e_latency", "end-to-end latency"),
];

pub(super) fn distributions(comparing: &Comparing) -> Vec<Named> {
    let named = |(name, metric, label): &(&str, &'static str, &str)| {
        Some(Named::of_runs(*name, cdf(comparing, metric, label)?))
    };
    DRAWN.iter().filter_map(named).collect()
}

/// The share of samples at or below each value, a step curve a run.
fn cdf(comparing: &Comparing, metric: &'static str, label: &str) -> Option<Plot> {
    let report = &comparing.report;
    let runs = std::iter::once(&report.baseline).chain(report.comparisons.iter().map(|comparison| &comparison.run));
    let curves: Vec<(&str, &Vec<(f64, f64)>)> = runs
        .zip(&comparing.curves)
        .filter_map(|(run, curves)| curves.get(metric).map(|curve| (run.path.as_str(), curve)))
        .filter(|(_, curve)| !curve.is_empty())
        .collect();
    let highest = curves.iter().filter_map(|(_, curve)| curve.last()).map(|(_, value)| *value).fold(0.0, f64::max);
    if highest <= 0.0 {
        return None;
    }
    let unit = TimeUnit::fitting(highest);
    let series = curves.into_iter().map(|(name, curve)| {
        Series::line(name, curve.iter().map(|(share, value)| (unit.of(*value), share * 100.0)).collect())
            .of_metric(metric)
    });
    Some(Plot {
        caption: format!("The share of samples at or below each {label}"),
        x: Axis::log(format!("{label}, {}", unit.name())),
        y: Axis::linear("samples, %").to(100.0),
        series: series.collect(),
        references: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use metron_results::compare::{Compared, ComparedRun, Comparison, MetricComparison, SCHEMA};

    use super::*;

    fn metric(unit: &str, statistic: &str, of: Compared) -> MetricComparison {
        let compared = Compared { baseline: Some(1.0), value: Some(1.1), ..of };
        let statistics = BTreeMap::from([(statistic.to_owned(), compared)]);
        MetricComparison { unit: unit.to_owned(), better: None, statistics }
    }

    fn against(path: &str, relative: f64) -> Comparison {
        let ttft = Compared {
            relative: Some(relative),
            relative_ci95: Some((relative - 0.25, relative + 0.25)),
            ..Compared::default()
        };
        let errors = Compared { difference: Some(0.5), relative: Some(9.0), ..Compared::default() };
        Comparison {
            run: ComparedRun { path: path.to_owned(), ..ComparedRun::default() },
            paired: true,
            pairing: String::new(),
            unlike: Vec::new(),
            warnings: Vec::new(),
            metrics: BTreeMap::from([
                ("ttft".to_owned(), metric("s", "p50", ttft)),
                ("error_rate".to_owned(), metric("share", "value", errors)),
            ]),
            bounds: Vec::new(),
        }
    }

    fn comparing() -> Comparing {
        let baseline = ComparedRun { path: "base".to_owned(), ..ComparedRun::default() };
        let comparisons = vec![against("a", 0.5), against("b", -0.25)];
        let curve = |from: f64| BTreeMap::from([("ttft".to_owned(), vec![(0.0, from), (1.0, 2.0 * from)])]);
        let report = CompareReport { schema: SCHEMA.to_owned(), baseline, comparisons };
        Comparing { report, curves: vec![curve(1.0), curve(2.0), curve(3.0)] }
    }

    #[test]
    fn differences_stand_with_their_intervals_and_shares_by_themselves() {
        let plots = compare_plots(&comparing());
        let names: Vec<&str> = plots.iter().map(|named| named.name.as_str()).collect();
        assert_eq!(names, ["differences", "differences-of-shares", "ttft-cdf"]);
        let rows = plots[0].plot.csv();
        for row in ["a,50,TTFT p50,,", ",,TTFT p50,25,75", "b,-25,TTFT p50,,", ",,TTFT p50,-50,0"] {
            assert!(rows.lines().any(|line| line == row), "{row} in {rows}");
        }
        assert!(!rows.contains("errors"), "{rows}");
        let shares = plots[1].plot.csv();
        assert!(shares.contains("a,50,errors") && !shares.contains("TTFT"), "percentage points: {shares}");
        assert_eq!((plots[0].plot.series.len(), plots[1].plot.series.len()), (4, 2), "no intervals, nothing across");
    }

    #[test]
    fn a_figure_that_is_several_times_what_it_was_leaves_room_for_the_others() {
        let mut comparing = comparing();
        comparing.report.comparisons[1] = against("b", 3.0);
        let rows = difference_plots(&comparing.report)[0].plot.csv();
        for row in ["a,1.5,TTFT p50,,", "b,4,TTFT p50,,", ",,TTFT p50,3.75,4.25", "no change,1,,,"] {
            assert!(rows.lines().any(|line| line == row), "{row} in {rows}");
        }
    }

    #[test]
    fn the_page_draws_what_the_files_hold() {
        let page = super::super::compare_report(&comparing());
        for named in compare_plots(&comparing()) {
            assert!(page.contains(&named.command()) && page.contains(&named.plot.caption), "{}", named.name);
        }
        assert_eq!(page.matches("<figure").count(), 3);
    }
}
