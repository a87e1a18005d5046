//! The page that `metron probe` ends with: what is spoken, who answers, how the answer came, what to do about it.

use metron_results::probe::{AnswerFound, ClockOffset, Pattern, ProbeReport, ToldBy, UsageFound};

use super::columns::Columns;
use super::{section, wrap};
use crate::style::Style;
use crate::{escape, figure};

/// Models that are named; the others are counted.
const NAMED: usize = 5;

/// What was seen, as a person reads it. Ends with a line end; safe for a terminal.
#[must_use]
pub fn probe_page(report: &ProbeReport, style: Style) -> String {
    let mut sections = vec![
        vec![style.strong(&escape::terminal(&report.url))],
        section("Endpoint", rows(endpoint(report)), style),
        section("HTTP", rows(http(report)), style),
        section("Answer", rows(answer(&report.answer)), style),
    ];
    if !report.advice.is_empty() {
        let advice = report.advice.iter().flat_map(|line| {
            let mut lines = wrap(&escape::terminal(line), 4);
            if let Some(first) = lines.first_mut() {
                first.replace_range(2..4, "- ");
            }
            lines
        });
        sections.push(std::iter::once(style.strong("Advice")).chain(advice).collect());
    }
    let sections: Vec<String> = sections.into_iter().map(|lines| lines.join("\n")).collect();
    format!("{}\n", sections.join("\n\n"))
}

/// A label and what is found.
type Row = (&'static str, String);

fn rows(rows: Vec<Row>) -> Vec<String> {
    let mut columns = Columns::default();
    for (label, text) in rows {
        columns.push_with_text([label.to_owned()], text);
    }
    columns.lines()
}

fn or_unknown(text: Option<&str>) -> String {
    text.map_or_else(|| "unknown".to_owned(), escape::terminal)
}

fn endpoint(report: &ProbeReport) -> Vec<Row> {
    let told = match report.endpoint.told_by {
        ToldBy::Flag => "asked for".to_owned(),
        ToldBy::Url | ToldBy::Server => escape::terminal(&report.endpoint.why),
        ToldBy::Nobody => format!("assumed: {}", escape::terminal(&report.endpoint.why)),
    };
    let software = &report.software;
    let version =
        software.version.as_deref().map_or_else(String::new, |version| format!(" {}", escape::terminal(version)));
    let by = software.told_by.as_deref().map_or_else(String::new, |by| format!(" (by {})", escape::terminal(by)));
    let mut rows = vec![
        ("API", format!("{} ({told})", escape::terminal(&report.endpoint.name))),
        ("software", format!("{}{version}{by}", or_unknown(software.name.as_deref()))),
        ("model", or_unknown(report.model.as_deref())),
    ];
    if let Some(models) = &report.models {
        let names: Vec<String> = models.iter().take(NAMED).map(|model| escape::terminal(&model.id)).collect();
        let more = models.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        rows.push(("models", format!("{}{more}", names.join(", "))));
    }
    rows.push((
        "max model len",
        report.max_model_len.map_or_else(|| "unknown".to_owned(), |length| format!("{length} tokens")),
    ));
    rows
}

fn http(report: &ProbeReport) -> Vec<Row> {
    let http = &report.http;
    let offered = match http.offers_http2 {
        Some(true) => ", HTTP/2 offered",
        Some(false) => ", no HTTP/2",
        None => "",
    };
    let keeps_alive = match http.keeps_alive {
        Some(true) => "yes",
        Some(false) => "no: a connection for each request",
        None => "unknown",
    };
    let mut rows = vec![
        ("version", format!("{}{offered}", or_unknown(http.version.as_deref()))),
        ("keep-alive", keeps_alive.to_owned()),
        (
            "compression",
            http.compression
                .as_deref()
                .map_or_else(|| "none".to_owned(), |encoding| format!("{} where offered", escape::terminal(encoding))),
        ),
        ("server header", report.software.server_header.as_deref().map_or_else(|| "none".to_owned(), escape::terminal)),
    ];
    if !report.software.proxies.is_empty() {
        rows.push(("in between", escape::terminal(&report.software.proxies.join(", "))));
    }
    rows.push(("clock", report.clock.map_or_else(|| "unknown: no Date".to_owned(), offset)));
    rows
}

fn offset(clock: ClockOffset) -> String {
    format!("{:+.2} to {:+.2} s against this one", clock.low_s, clock.high_s)
}

fn answer(answer: &AnswerFound) -> Vec<Row> {
    let mut rows = vec![("outcome", outcome(answer))];
    if answer.chunks == 0 {
        return rows;
    }
    rows.push(("streamed", if answer.streamed { "yes" } else { "no" }.to_owned()));
    if let Some((tokens, rule)) = answer.tokens.zip(answer.counted_by.as_deref()) {
        let each = answer.tokens_per_chunk.map_or_else(String::new, |each| format!(", {each:.2} an event"));
        rows.push((
            "tokens",
            format!("{tokens} in {} (by {}){each}", figure::count(answer.chunks, "event"), escape::terminal(rule)),
        ));
    }
    let usage = match answer.usage {
        UsageFound::AtEnd => "given, once",
        UsageFound::PerChunk => "given with each event",
        UsageFound::Missing => "not given",
    };
    rows.push(("usage", usage.to_owned()));
    if let Some(leading) = answer.events_before_first_token.filter(|_| answer.streamed) {
        let leading = if leading.any {
            format!("an event without a token, {} before", figure::time(leading.lead_s))
        } else {
            "none".to_owned()
        };
        rows.push(("before the first token", leading));
    }
    if answer.reasoned {
        rows.push(("reasoning", "shown".to_owned()));
    }
    rows.extend(answer.ttft_s.map(|seconds| ("first token", format!("after {}", figure::time(seconds)))));
    if answer.streamed {
        rows.push(("arrivals", arrivals(answer)));
    }
    rows
}

fn outcome(answer: &AnswerFound) -> String {
    let reason = answer
        .finish_reason
        .as_deref()
        .map_or_else(String::new, |reason| format!(", finish reason {}", escape::terminal(reason)));
    let said = answer.message.as_deref().map_or_else(String::new, |said| format!(": {}", escape::terminal(said)));
    format!("{}{reason}{said}", escape::terminal(&answer.outcome))
}

fn arrivals(answer: &AnswerFound) -> String {
    let arrivals = &answer.arrivals;
    let period = arrivals.period_s.map_or_else(String::new, |period| format!(" every {}", figure::time(period)));
    let each = answer.chunks as f64 / arrivals.groups.max(1) as f64;
    match arrivals.pattern {
        Pattern::Steady => format!("steady, one{period}"),
        Pattern::Bursts => format!("IN BURSTS: about {each:.0} events{period}"),
        Pattern::AtOnce => format!("ALL AT ONCE: {} together", figure::count(answer.chunks, "event")),
        Pattern::Unknown => "too few or too quick to tell a pattern".to_owned(),
    }
}
