//! Classes and turns as rows that console and page share: the few figures by which parts of a run are compared. Computes nothing.

use metron_results::Summary;
use metron_results::summary::Quantiles;

use crate::figure;
use crate::reading::{self, Metrics};

/// What the columns are called.
pub(crate) const COLUMNS: [&str; 7] = ["requests", "failed", "TTFT p50", "TTFT p99", "TBT p99", "E2E p50", "fluid"];

/// One part of a run.
pub(crate) struct Part {
    pub(crate) name: String,
    /// One for each of [`COLUMNS`].
    pub(crate) cells: [String; 7],
}

/// The classes of a mix; empty without.
pub(crate) fn classes(summary: &Summary) -> Vec<Part> {
    let part = |(name, class): (&String, &metron_results::summary::Class)| Part {
        name: name.clone(),
        cells: cells(class.requests.dispatched, class.requests.failed, &class.metrics),
    };
    summary.classes.iter().map(part).collect()
}

/// The turns of sessions, counted from 1; empty without.
pub(crate) fn turns(summary: &Summary) -> Vec<Part> {
    let part = |turn: &metron_results::summary::Turn| Part {
        name: format!("turn {}{}", turn.turn + 1, if turn.and_later { " on" } else { "" }),
        cells: cells(turn.requests.dispatched, turn.requests.failed, &turn.metrics),
    };
    summary.turns.iter().map(part).collect()
}

/// What became of the sessions, and why some were cut; `None` without.
pub(crate) fn sessions(summary: &Summary) -> Option<String> {
    let sessions = summary.sessions?;
    let mut words = format!(
        "{}: {} complete, {} abandoned, {} cut",
        figure::count(sessions.begun, "session"),
        sessions.completed,
        sessions.abandoned,
        sessions.cut
    );
    let reasons = summary.requests.not_sent_because.iter().map(|(reason, count)| format!("{count} {}", told(reason)));
    let reasons: Vec<String> = reasons.collect();
    if !reasons.is_empty() {
        words.push_str(&format!("; turns not sent: {}", reasons.join(", ")));
    }
    Some(words)
}

/// A reason as a person reads it.
fn told(reason: &str) -> &str {
    match reason {
        "session_failed" => "after a failed turn",
        "session_left" => "after one given up unheard",
        "run_ended" => "at the run's end",
        reason => reason,
    }
}

fn cells(dispatched: u64, failed: u64, metrics: &Metrics) -> [String; 7] {
    let none = || "–".to_owned();
    let time = |name: &str, which: fn(&Quantiles) -> Option<f64>| {
        let distribution = reading::distribution(metrics, name);
        distribution.and_then(|distribution| which(&distribution.quantiles)).map_or_else(none, figure::time)
    };
    let fluid = reading::value(metrics, "fluid_request_share");
    [
        dispatched.to_string(),
        failed.to_string(),
        time("ttft", |quantiles| quantiles.p50),
        time("ttft", |quantiles| quantiles.p99),
        time("tbt", |quantiles| quantiles.p99),
        time("e2e_latency", |quantiles| quantiles.p50),
        fluid.map_or_else(none, |(share, _)| figure::share(share)),
    ]
}
