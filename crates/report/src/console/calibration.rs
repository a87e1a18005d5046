//! The table of `metron calibrate`: at each load, how far what was reported lay from what was sent.

use metron_results::calibration::{Calibration, Errors, Load, Point};
use metron_results::summary::Verdict;

use super::columns::Columns;
use super::{section, wrap};
use crate::figure;
use crate::style::Style;

/// A calibration as a person reads it: at most 80 columns. Ends with a line end.
#[must_use]
pub fn calibration_table(calibration: &Calibration, style: Style) -> String {
    let engine = if calibration.own_core { "on a core of its own" } else { "on the one core there is" };
    let mut lines = wrap(&format!("{}, {engine}", calibration.engine), 0);
    lines.push(String::new());
    lines.extend(section(
        "Reported less sent, without sign; processor seconds per million tokens",
        rows(calibration),
        style,
    ));
    lines.push(String::new());
    lines.extend(wrap(&turn(calibration), 0));
    for point in &calibration.points {
        for reason in &point.reasons {
            lines.extend(wrap(&format!("{} streams: {reason}", point.streams), 2));
        }
    }
    format!("{}\n", lines.join("\n"))
}

fn rows(calibration: &Calibration) -> Vec<String> {
    let mut columns = Columns::default();
    let heads = ["streams", "TTFT p50", "p99", "max", "gap p50", "p99", "max", "s/Mtok"].map(str::to_owned);
    columns.push_with_text(heads, "verdict".to_owned());
    for point in &calibration.points {
        columns.push_with_text(cells(point), verdict(point.verdict).to_owned());
    }
    columns.lines()
}

fn cells(point: &Point) -> Vec<String> {
    let shown = |value: Option<f64>, show: fn(f64) -> String| value.map_or_else(|| "-".to_owned(), show);
    let of = |errors: &Errors| [errors.p50, errors.p99, errors.max].map(|error| shown(error, short));
    let mut cells = vec![point.streams.to_string()];
    cells.extend(of(&point.ttft));
    cells.extend(of(&point.gaps));
    cells.push(shown(point.cpu_s_per_million_tokens, |seconds| format!("{seconds:.2}")));
    cells
}

/// A time without the blank before its unit: nine of them share a line.
fn short(seconds: f64) -> String {
    figure::time(seconds).replace(' ', "")
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Suspect => "suspect",
        Verdict::Bottleneck => "bottleneck",
    }
}

fn turn(calibration: &Calibration) -> String {
    let load = |load: Load| {
        let rate = load.tokens_per_s.map_or_else(String::new, |rate| format!(" ({rate:.0} tokens/s)"));
        format!("{}{rate}", figure::count(u64::from(load.streams), "stream"))
    };
    match (calibration.turns.holds, calibration.turns.fails) {
        (Some(holds), Some(fails)) => {
            format!("The verdict is ok up to {} and turns by {}.", load(holds), load(fails))
        }
        (Some(holds), None) => format!("The verdict is ok up to {}, the most that was measured.", load(holds)),
        (None, Some(fails)) => format!("The verdict is not ok at any load; the least was {}.", load(fails)),
        (None, None) => "Nothing was measured.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use metron_results::calibration::{CALIBRATION_SCHEMA, Turns};
    use metron_results::summary::Host;

    use super::*;

    fn point(streams: u32, verdict: Verdict) -> Point {
        let errors = Errors { count: 512, p50: Some(12e-6), p99: Some(0.0021), max: Some(0.0193), ..Errors::default() };
        Point {
            streams,
            requests: u64::from(streams) * 4,
            tokens: u64::from(streams) * 512,
            tokens_per_s: Some(f64::from(streams) * 48.0),
            share_of_ideal: Some(0.994),
            cpu_s_per_million_tokens: Some(6.644),
            ttft: errors,
            gaps: errors,
            shared_read_share: Some(0.0),
            verdict,
            reasons: Vec::new(),
        }
    }

    #[test]
    fn the_table_fits_and_says_where_it_turns() {
        let points = vec![point(1_024, Verdict::Ok), point(8_192, Verdict::Bottleneck)];
        let load = |point: &Point| Load { streams: point.streams, tokens_per_s: point.tokens_per_s };
        let turns = Turns { holds: Some(load(&points[0])), fails: Some(load(&points[1])) };
        let calibration = Calibration {
            schema: CALIBRATION_SCHEMA.to_owned(),
            measured_at: String::new(),
            metron_version: String::new(),
            host: Host::default(),
            engine: "sim:fixed?ttft=100ms&tbt=20ms&tokens=128".to_owned(),
            own_core: true,
            points,
            turns,
        };
        let table = calibration_table(&calibration, Style::Plain);
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        insta::assert_snapshot!(table);
    }
}
