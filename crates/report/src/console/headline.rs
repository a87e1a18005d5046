//! The first lines: what was asked of whom, and what became of it.

use metron_results::Summary;
use metron_results::summary::{Load, TokenCounts};

use super::WIDTH;
use crate::style::Style;
use crate::{escape, figure, reading};

pub(super) fn lines(summary: &Summary, style: Style) -> Vec<String> {
    let target = &summary.run.target;
    let model =
        target.model.as_deref().map_or_else(String::new, |model| format!(", model {}", escape::terminal(model)));
    let whole = if target.unstreamed { ", whole answers" } else { "" };
    let endpoint = format!(" ({}{model}{whole})", escape::terminal(&target.endpoint));
    let url = reading::short_url(&escape::terminal(&target.url), WIDTH.saturating_sub(endpoint.chars().count()));
    let mut lines = vec![format!("{}{endpoint}", style.strong(&url))];
    lines.extend([load(summary), outcome(summary, style)]);
    if summary.requests.completed > 0 {
        lines.push(tokens(&summary.tokens));
    }
    lines
}

fn load(summary: &Summary) -> String {
    let load = match &summary.run.load {
        Load::Closed { concurrency, .. } => figure::count(u64::from(*concurrency), "user"),
        Load::Open { rate, arrivals, max_in_flight, .. } => {
            let rate = rate.map_or_else(|| "arrivals".to_owned(), |rate| format!("{rate} requests/s"));
            let bound = max_in_flight.map_or_else(String::new, |most| format!(", at most {most} in flight"));
            format!("{rate} ({}{bound})", escape::terminal(arrivals))
        }
    };
    let time = summary.run.duration_s.map_or_else(String::new, |s| format!(" in {}", figure::setting(s)));
    let requests = figure::count(summary.requests.dispatched, "request");
    let warmup = match summary.requests.warmup {
        0 => String::new(),
        n => format!(", after {n} of warm-up"),
    };
    format!("{load}: {requests}{time}{warmup}")
}

/// How many tokens went each way, and who counted them.
fn tokens(tokens: &TokenCounts) -> String {
    let unseen = if tokens.unseen > 0 { format!(" ({} of them never shown)", tokens.unseen) } else { String::new() };
    let counted = reading::counted_by(tokens)
        .map_or_else(String::new, |rules| format!(", counted by {}", escape::terminal(&rules)));
    match tokens.counted_by.values().any(|share| *share > 0.0) || tokens.output > 0 {
        true => format!("{} tokens in, {} out{unseen}{counted}", tokens.input, tokens.output),
        // Embeddings and rankings: no text came, so there is no count of it.
        false => format!("{} tokens in", tokens.input),
    }
}

fn outcome(summary: &Summary, style: Style) -> String {
    let requests = &summary.requests;
    let mut parts = vec![style.good(&format!("{} completed", requests.completed))];
    let failed = format!("{} failed", requests.failed);
    parts.push(if requests.failed > 0 { style.bad(&failed) } else { failed });
    let rarer = [
        (requests.cancelled, "cancelled"),
        (requests.not_sent, "not sent"),
        (requests.lost, "lost"),
        (requests.resent, "sent twice after a closed connection"),
    ];
    parts.extend(rarer.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
    parts.join(", ")
}
