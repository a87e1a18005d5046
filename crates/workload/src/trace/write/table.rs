//! Formats of CSV: Azure's, BurstGPT's, and named columns. Knows no JSON.

use std::io::{self, Write};

use metron_units::{Nanos, Tokens};

use super::{Format, Instants, Needed, decimal};
use crate::trace::request::{Content, Outcome, TraceRequest};

/// Azure's files have seven decimals of a second.
const TICK_NS: u64 = 100;

const BURSTGPT: [&str; 8] = [
    "Timestamp",
    "Session ID",
    "Elapsed time",
    "Model",
    "Request tokens",
    "Response tokens",
    "Total tokens",
    "Log Type",
];
const NAMED: [&str; 10] =
    ["at_ns", "input_tokens", "output_tokens", "session", "turn", "class", "model", "delay_ns", "failed", "prompt"];

/// The names of a format's columns, if it is a table; of named columns, with that of the instant only if there are any.
pub(super) fn header(format: Format, instants: Instants) -> Option<&'static [&'static str]> {
    match format {
        Format::Metron | Format::Mooncake => None,
        Format::Azure => Some(&["TIMESTAMP", "ContextTokens", "GeneratedTokens"]),
        Format::AzureMultimodal => Some(&["TIMESTAMP", "NumImages", "ContextTokens", "GeneratedTokens"]),
        Format::BurstGpt => Some(&BURSTGPT),
        Format::Csv => Some(match instants {
            Instants::Written => &NAMED,
            Instants::Left => &NAMED[1..],
        }),
    }
}

/// The cells of a request in a table that must have instant and lengths.
pub(super) fn cells(format: Format, needed: Needed, request: &TraceRequest) -> Vec<String> {
    let Needed { at, input, output } = needed;
    if format == Format::BurstGpt {
        // An answer of no tokens is how this format says that a request failed.
        let output = if request.outcome == Outcome::Failed { Tokens::new(0) } else { output };
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        return vec![
            decimal(at, 9),
            text(&request.session),
            String::new(),
            text(&request.model),
            input.to_string(),
            output.to_string(),
            (input + output).to_string(),
            text(&request.class),
        ];
    }
    let images = (format == Format::AzureMultimodal).then(|| request.images.to_string());
    [date(at)].into_iter().chain(images).chain([input.to_string(), output.to_string()]).collect()
}

/// Whether a request's instant is whole in Azure's files.
pub(super) fn is_whole(request: &TraceRequest) -> bool {
    request.at.is_none_or(|at| at.get().is_multiple_of(TICK_NS))
}

/// An instant as a date, counted from 1970 and rounded down to seven decimals.
fn date(at: Nanos) -> String {
    let seconds = i64::try_from(at.get() / 1_000_000_000).expect("584 years of seconds");
    let ticks = at.get() % 1_000_000_000 / TICK_NS;
    let date = jiff::Timestamp::from_second(seconds).expect("1970 and 584 years are known to the calendar");
    format!("{}.{ticks:07}", date.strftime("%Y-%m-%d %H:%M:%S"))
}

/// The cells of a request in a table of named columns.
pub(super) fn named(request: &TraceRequest, instants: Instants) -> Vec<String> {
    let number = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let prompt = match &request.content {
        Content::Prompt(prompt) => prompt.clone(),
        Content::Lengths | Content::Messages { .. } | Content::NewMessages { .. } | Content::Body(_) => String::new(),
    };
    let instant = (instants == Instants::Written).then(|| number(request.at.map(Nanos::get)));
    let others = [
        number(request.input_tokens.map(Tokens::get)),
        number(request.output_tokens.map(Tokens::get)),
        text(&request.session),
        number(request.turn.map(u64::from)),
        text(&request.class),
        text(&request.model),
        number(request.delay.map(Nanos::get)),
        if request.outcome == Outcome::Failed { "true".to_owned() } else { String::new() },
        prompt,
    ];
    instant.into_iter().chain(others).collect()
}

/// Writes one row, with quotes where they are needed.
pub(super) fn row<S: AsRef<str>>(out: &mut impl Write, cells: &[S]) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        let (comma, cell) = (if index == 0 { "" } else { "," }, cell.as_ref());
        if cell.contains([',', '"', '\n', '\r', ';', '\t']) || cell.trim() != cell {
            write!(out, "{comma}\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            write!(out, "{comma}{cell}")?;
        }
    }
    writeln!(out)
}
