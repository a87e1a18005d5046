//! Markdown for `$GITHUB_STEP_SUMMARY`: verdicts first, then the figures that a reviewer asks for.

use std::fmt::Write as _;

use metron_results::Summary;
use metron_results::summary::{Quantiles, Verdict};

use crate::{figure, reading};

/// The summary of a job that ran this.
#[must_use]
pub fn github(summary: &Summary) -> String {
    let mut text = format!("### metron: {}\n\n", safe(&summary.run.name));
    let target = &summary.run.target;
    let model = target.model.as_deref().map_or_else(String::new, |model| format!(", model {}", safe(model)));
    let requests = &summary.requests;
    line(
        &mut text,
        format_args!(
            "{}{model}: {} of {} requests answered, {} failed\n",
            safe(&target.url),
            requests.completed,
            requests.planned,
            requests.failed
        ),
    );
    if !summary.objectives.is_empty() {
        line(&mut text, format_args!("| objective | verdict | figure |\n|---|---|---|"));
        for objective in &summary.objectives {
            let verdict = match objective.held {
                Some(true) => "✅ held",
                Some(false) => "❌ missed",
                None => "❔ undecided",
            };
            let value = objective.value.map_or_else(|| "–".to_owned(), |value| figure::in_unit(value, &objective.unit));
            line(&mut text, format_args!("| {} | {verdict} | {value} |", safe(&objective.expression)));
        }
        text.push('\n');
    }
    latencies(&mut text, summary);
    if let Some((share, _)) = reading::value(&summary.metrics, "fluid_request_share") {
        line(&mut text, format_args!("Fluid requests: **{}**\n", figure::share(share)));
    }
    for (class, error) in &requests.errors {
        line(&mut text, format_args!("- {} × {class}: {}", error.count, safe(&error.example)));
    }
    if let Some(instrument) = summary.instrument.as_ref().filter(|instrument| instrument.verdict != Verdict::Ok) {
        line(&mut text, format_args!("\n⚠️ The client: {}", safe(&instrument.reasons.join("; "))));
    }
    text
}

fn latencies(text: &mut String, summary: &Summary) {
    let percentiles: [fn(&Quantiles) -> Option<f64>; 3] = [|of| of.p50, |of| of.p90, |of| of.p99];
    line(text, format_args!("| | p50 | p90 | p99 |\n|---|---|---|---|"));
    for (name, label) in [("ttft", "TTFT"), ("tbt", "TBT"), ("tpot", "TPOT"), ("e2e_latency", "E2E")] {
        let Some(distribution) = reading::distribution(&summary.metrics, name) else { continue };
        let cells = percentiles.map(|of| of(&distribution.quantiles).map_or_else(|| "–".to_owned(), figure::time));
        line(text, format_args!("| {label} | {} |", cells.join(" | ")));
    }
    text.push('\n');
}

fn line(text: &mut String, said: std::fmt::Arguments<'_>) {
    writeln!(text, "{said}").expect("a String takes everything");
}

/// Text from outside that is neither markup nor a cell's end, on one line.
fn safe(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '#' | '!' | '~' | '@' => {
                safe.push('\\');
                safe.push(c);
            }
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}
