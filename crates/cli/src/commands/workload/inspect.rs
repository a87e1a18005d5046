//! `metron workload inspect FILE`: what is in a trace, as tables and plots, or as JSON.

use std::collections::BTreeMap;

use metron_report::{Style, escape};
use metron_units::{Nanos, Tokens};
use metron_workload::inspect::{Counts, Times};
use metron_workload::trace::and_more;
use metron_workload::{Inspection, inspect};
use serde::Serialize;

use super::pictures::{bar, line};
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::InspectFlags;
use crate::speak;

/// What `--json` prints.
#[derive(Serialize)]
struct Inspected<'a> {
    schema: &'static str,
    format: &'static str,
    requests: u64,
    faults: u64,
    first_fault: Option<String>,
    without_requests: u64,
    moved: u64,
    failed: u64,
    with_text: u64,
    images: u64,
    started_at_unix_ns: Option<i64>,
    times: Option<InspectedTimes>,
    input_tokens: Option<InspectedLengths>,
    output_tokens: Option<InspectedLengths>,
    correlation: Option<f64>,
    sessions: Option<InspectedSessions>,
    prefix_reuse: Option<InspectedReuse>,
    classes: &'a BTreeMap<String, u64>,
    models: &'a BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct InspectedTimes {
    requests: u64,
    span_s: f64,
    rate: Option<f64>,
    peak_rate: Option<f64>,
    gap_variation: Option<f64>,
    stretch_s: f64,
    counts: Vec<u64>,
}

#[derive(Serialize)]
struct InspectedLengths {
    count: u64,
    sum: u128,
    mean: Option<f64>,
    std: Option<f64>,
    min: Option<Tokens>,
    p1: Option<Tokens>,
    p10: Option<Tokens>,
    p50: Option<Tokens>,
    p90: Option<Tokens>,
    p99: Option<Tokens>,
    max: Option<Tokens>,
    /// How many from each power of two on.
    histogram: Vec<(Tokens, u64)>,
}

#[derive(Serialize)]
struct InspectedSessions {
    requests: u64,
    count: u64,
    complete: bool,
    most_turns: Option<u32>,
}

#[derive(Serialize)]
struct InspectedReuse {
    requests: u64,
    share: Option<f64>,
    complete: bool,
}

/// Reads the file to its end and says what is in it. A fault is told after what could be read.
///
/// # Errors
/// If the file cannot be read, or a line of it is at fault.
pub(super) fn run(flags: &InspectFlags) -> Result<Exit, Failure> {
    let (tokenizer, _) = metron_runner::resolve::tokenizer(&flags.tokenizer)
        .map_err(|error| Failure::usage(&error, error.hint.clone()))?;
    let inspection = inspect(super::open(&flags.file, &flags.reading)?, Some(&tokenizer));
    if flags.json {
        speak::json(&as_json(&inspection))?;
    } else {
        let title = speak::style_of_stdout().strong(&speak::shown(&flags.file));
        speak::result(&format!("{title}\n{}", as_text(&inspection, speak::style_of_stdout())))?;
    }
    match &inspection.faults.first {
        None => Ok(Exit::Done),
        Some(first) => {
            let more = and_more(inspection.faults.count - 1);
            let message = format!("`{}`: {}{more}", flags.file.display(), chain(first));
            Err(Failure::usage(message, first.hint()))
        }
    }
}

fn as_json(inspection: &Inspection) -> Inspected<'_> {
    let Inspection { sessions, prefixes, .. } = inspection;
    Inspected {
        schema: "metron.trace/1",
        format: inspection.format.name(),
        requests: inspection.requests,
        faults: inspection.faults.count,
        first_fault: inspection.faults.first.as_ref().map(|fault| chain(fault)),
        without_requests: inspection.without_requests,
        moved: inspection.moved,
        failed: inspection.failed,
        with_text: inspection.with_content,
        images: inspection.images,
        started_at_unix_ns: inspection.started_at_unix_ns,
        times: inspection.times.as_ref().map(times),
        input_tokens: lengths(&inspection.input_tokens),
        output_tokens: lengths(&inspection.output_tokens),
        correlation: inspection.correlation.coefficient(),
        sessions: (sessions.requests > 0).then(|| InspectedSessions {
            requests: sessions.requests,
            count: sessions.count,
            complete: sessions.is_complete,
            most_turns: sessions.last_turn.map(|last| last.saturating_add(1)),
        }),
        prefix_reuse: (prefixes.requests > 0).then(|| InspectedReuse {
            requests: prefixes.requests,
            share: prefixes.reuse.share().map(metron_units::Share::get),
            complete: prefixes.reuse.is_complete(),
        }),
        classes: &inspection.classes,
        models: &inspection.models,
    }
}

fn times(times: &Times) -> InspectedTimes {
    InspectedTimes {
        requests: times.requests,
        span_s: times.span.as_secs_f64(),
        rate: times.rate,
        peak_rate: times.timeline.peak_rate(),
        gap_variation: times.gap_variation,
        stretch_s: times.timeline.width().as_secs_f64(),
        counts: times.timeline.counts().to_vec(),
    }
}

fn lengths(counts: &Counts) -> Option<InspectedLengths> {
    (counts.count() > 0).then(|| InspectedLengths {
        count: counts.count(),
        sum: counts.sum(),
        mean: counts.mean(),
        std: counts.deviation(),
        min: counts.least(),
        p1: counts.quantile(0.01),
        p10: counts.quantile(0.10),
        p50: counts.quantile(0.50),
        p90: counts.quantile(0.90),
        p99: counts.quantile(0.99),
        max: counts.most(),
        histogram: counts.by_powers(),
    })
}

fn as_text(inspection: &Inspection, style: Style) -> String {
    let mut text = format!("{}: {} requests{}\n", inspection.format, inspection.requests, asides(inspection));
    if let Some(times) = &inspection.times {
        text.push_str(&rates(times, style));
    }
    for (name, counts) in [("Prompts", &inspection.input_tokens), ("Answers", &inspection.output_tokens)] {
        if counts.count() > 0 {
            text.push_str(&histogram(name, counts, style));
        }
    }
    if let Some(correlation) = inspection.correlation.coefficient() {
        text.push_str(&format!("\nLong prompts and long answers: correlation {correlation:.2}\n"));
    }
    text.push_str(&sessions(inspection));
    text.push_str(&reuse(inspection));
    for (name, counts) in [("classes", &inspection.classes), ("models", &inspection.models)] {
        if !counts.is_empty() {
            let listed: Vec<String> =
                counts.iter().map(|(name, count)| format!("{} {count}", escape::terminal(name))).collect();
            text.push_str(&format!("\n{name}: {}\n", listed.join(", ")));
        }
    }
    text
}

/// What else there is of requests, in one line.
fn asides(inspection: &Inspection) -> String {
    let counts = [
        (inspection.with_content, "with a text"),
        (inspection.failed, "failed when they were recorded"),
        (inspection.moved, "out of order"),
        (inspection.without_requests, "records without a request"),
        (inspection.images, "images"),
        (inspection.faults.count, "lines at fault"),
    ];
    counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}")).collect()
}

fn rates(times: &Times, style: Style) -> String {
    let per_second = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.4}"));
    let stretch = times.timeline.width();
    let variation = times.gap_variation.map_or_else(String::new, |cv| format!(", gaps vary by {cv:.2} (1 is Poisson)"));
    format!(
        "\n{}  {} requests over {}: {} /s in the mean, {} /s in the busiest {stretch}{variation}\n  {}\n",
        style.strong("Rate"),
        times.requests,
        Nanos::new(times.span.get()),
        per_second(times.rate),
        per_second(times.timeline.peak_rate()),
        line(times.timeline.counts())
    )
}

fn histogram(name: &str, counts: &Counts, style: Style) -> String {
    let number = |of: Option<f64>| of.map_or_else(|| "-".to_owned(), |of| format!("{of:.1}"));
    let quantile = |p: f64| counts.quantile(p).unwrap_or_default();
    let mut text = format!(
        "\n{}  {} tokens in all, mean {}, std {}\n  min {}  p1 {}  p10 {}  p50 {}  p90 {}  p99 {}  max {}\n",
        style.strong(name),
        counts.sum(),
        number(counts.mean()),
        number(counts.deviation()),
        counts.least().unwrap_or_default(),
        quantile(0.01),
        quantile(0.10),
        quantile(0.50),
        quantile(0.90),
        quantile(0.99),
        counts.most().unwrap_or_default(),
    );
    let bars = counts.by_powers();
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0);
    for (from, count) in bars {
        text.push_str(&format!("  {:>9}..  {count:>9}  {}\n", from.get(), bar(count, most)));
    }
    text
}

fn sessions(inspection: &Inspection) -> String {
    let sessions = &inspection.sessions;
    if sessions.requests == 0 {
        return String::new();
    }
    let least = if sessions.is_complete { "" } else { "at least " };
    let turns = sessions.last_turn.map_or_else(String::new, |last| format!(", up to {} turns", u64::from(last) + 1));
    format!("\n{} requests of {least}{} sessions{turns}\n", sessions.requests, sessions.count)
}

fn reuse(inspection: &Inspection) -> String {
    let prefixes = &inspection.prefixes;
    let Some(share) = prefixes.reuse.share().filter(|_| prefixes.requests > 0) else { return String::new() };
    let least = if prefixes.reuse.is_complete() { "up to" } else { "at least" };
    format!(
        "\n{} requests name what their prompts share; a prefix cache that never forgets could answer {least} {share} of all \
         prompt tokens\n",
        prefixes.requests
    )
}
