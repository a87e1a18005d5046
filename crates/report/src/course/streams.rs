//! Plots of single requests: each token against its own deadline, and the slack that was in hand when it came.

use metron_metrics::RequestRecord;
use metron_metrics::deadlines::{Due, timeline};
use metron_units::Nanos;

use super::Named;
use crate::figure::TimeUnit;
use crate::plot::{Axis, Plot, Reference, Series};

/// A stream of more tokens is drawn by its first and its most belated token in each of half as many stretches: no screen shows more,
/// and an answer of a million tokens would make a page of a hundred megabytes.
const DRAWN: usize = 8_192;

/// The plots of the least fluid requests, the least fluid one first: `stream-1`, `slack-1`, `stream-2`, ...
#[must_use]
pub fn plots_of_streams(streams: &[RequestRecord]) -> Vec<Named> {
    streams.iter().enumerate().filter_map(|(k, request)| stream(k + 1, request)).flatten().collect()
}

/// The places of the tokens that are drawn, rising.
fn drawn(tokens: &[Due]) -> Vec<usize> {
    if tokens.len() <= DRAWN {
        return (0..tokens.len()).collect();
    }
    let stretch = tokens.len().div_ceil(DRAWN / 2);
    let mut places: Vec<usize> = Vec::with_capacity(DRAWN + 1);
    for first in (0..tokens.len()).step_by(stretch) {
        let end = (first + stretch).min(tokens.len());
        let worst = (first..end).min_by_key(|&k| tokens[k].slack_ns());
        places.extend([first].into_iter().chain(worst.filter(|&worst| worst > first)));
    }
    places.extend(places.last().filter(|&&last| last + 1 < tokens.len()).map(|_| tokens.len() - 1));
    places
}

fn stream(number: usize, request: &RequestRecord) -> Option<[Named; 2]> {
    let tokens = timeline(request.gaps(), request.deadlines);
    let last = tokens.iter().map(|token| token.came.max(token.due)).max()?.as_secs_f64();
    let unit = TimeUnit::fitting(last);
    let at = |instant: Nanos| unit.of(instant.as_secs_f64());
    let places = drawn(&tokens);
    let shown = || places.iter().map(|&k| (k, &tokens[k]));
    let counted = |of: fn(&Due) -> Nanos| -> Vec<(f64, f64)> {
        shown().map(|(k, token)| (at(of(token)), (k + 1) as f64)).collect()
    };
    let late = shown().filter(|(_, token)| token.missed > 0);
    let late: Vec<(f64, f64)> = late.map(|(k, token)| (at(token.came), (k + 1) as f64)).collect();
    let missed: u64 = tokens.iter().map(|token| token.missed).sum();
    let slack = shown().map(|(_, token)| (at(token.came), token.slack_ns() as f64 / 1e6)).collect();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_a_million_tokens_is_drawn_by_some_thousands_with_the_latest_among_them() {
        let tokens = |count: u64, late: usize| -> Vec<Due> {
            let gaps = (0..count as usize).map(|k| Nanos::from_millis(if k == late { 900 } else { 1 }));
            let deadlines = metron_metrics::Deadlines { ttft: Nanos::from_millis(300), tbt: Nanos::from_millis(1) };
            timeline(gaps, deadlines)
        };
        assert_eq!(drawn(&tokens(100, 3)), (0..100).collect::<Vec<_>>());
        let places = drawn(&tokens(1_000_000, 777_777));
        assert!(places.len() <= DRAWN + 1 && places.is_sorted(), "{}", places.len());
        assert_eq!((places.first(), places.last()), (Some(&0), Some(&999_999)));
        assert!(places.contains(&777_777));
    }
}
