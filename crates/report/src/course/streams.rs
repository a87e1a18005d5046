//! Plots of single requests: each token against its own deadline, and the slack that was in hand when it came.

use metron_metrics::RequestRecord;
use metron_metrics::deadlines::{Due, timeline};
use metron_units::Nanos;

use super::Named;
use crate::figure::TimeUnit;
use crate::plot::{Axis, Plot, Reference, Series};

/// The plots of the least fluid requests, the least fluid one first: `stream-1`, `slack-1`, `stream-2`, ...
#[must_use]
pub fn plots_of_streams(streams: &[RequestRecord]) -> Vec<Named> {
    streams.iter().enumerate().filter_map(|(k, request)| stream(k + 1, request)).flatten().collect()
}

fn stream(number: usize, request: &RequestRecord) -> Option<[Named; 2]> {
    let tokens = timeline(request.gaps(), request.deadlines);
    let last = tokens.iter().map(|token| token.came.max(token.due)).max()?.as_secs_f64();
    let unit = TimeUnit::fitting(last);
    let at = |instant: Nanos| unit.of(instant.as_secs_f64());
    let counted = |of: fn(&Due) -> Nanos| -> Vec<(f64, f64)> {
        tokens.iter().enumerate().map(|(k, token)| (at(of(token)), (k + 1) as f64)).collect()
    };
    let late = tokens.iter().enumerate().filter(|(_, token)| token.missed > 0);
    let late: Vec<(f64, f64)> = late.map(|(k, token)| (at(token.came), (k + 1) as f64)).collect();
    let missed: u64 = tokens.iter().map(|token| token.missed).sum();
    let slack = tokens.iter().map(|token| (at(token.came), token.slack_ns() as f64 / 1e6)).collect();
    let x = || Axis::linear(format!("{} since dispatch", unit.name()));
    let mut series = vec![
        Series::steps("came", counted(|token| token.came)),
        Series::steps("due", counted(|token| token.due)).faint(),
    ];
    if !late.is_empty() {
        series.push(Series::dots("late", late));
    }
    Some([
        Named::file(
            format!("stream-{number}"),
            Plot {
                caption: format!("Request {}: its tokens against their deadlines, {missed} missed", request.id),
                x: x(),
                y: Axis::linear("tokens"),
                series,
                references: Vec::new(),
            },
        ),
        Named::file(
            format!("slack-{number}"),
            Plot {
                caption: format!(
                    "Request {}: the slack in hand as each token came; below zero it was late",
                    request.id
                ),
                x: x(),
                y: Axis::linear("slack, ms"),
                series: vec![Series::line("slack", slack)],
                references: vec![Reference::y("late below", 0.0)],
            },
        ),
    ])
}
