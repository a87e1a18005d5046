//! CSV whose columns say what they hold: `timestamp_s,input_tokens,output_tokens`. Knows no container.
//!
//! A time's column says its unit (`_ns`, `_us`, `_ms`, `_s`); without one it must hold dates, since 61 may be anything.

use metron_units::Nanos;

use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::super::request::{Content, Outcome, TraceRequest};
use super::super::stamp::{Stamp, TimeUnit};

const TIMES: [&str; 7] = ["at", "timestamp", "time", "arrival", "arrival_time", "arrived_at", "start_time"];
const UNITS: [(&str, TimeUnit); 4] = [
    ("_ns", TimeUnit::Nanoseconds),
    ("_us", TimeUnit::Microseconds),
    ("_ms", TimeUnit::Milliseconds),
    ("_s", TimeUnit::Seconds),
];
const INPUTS: [&str; 6] =
    ["input_tokens", "prompt_tokens", "input_length", "input_len", "context_tokens", "num_prompt_tokens"];
const OUTPUTS: [&str; 6] =
    ["output_tokens", "completion_tokens", "output_length", "output_len", "generated_tokens", "num_output_tokens"];
const SESSIONS: [&str; 2] = ["session", "session_id"];

/// Whether a header names a length or a prompt.
pub(super) fn claims(header: &Record<'_>) -> bool {
    INPUTS.iter().chain(&["prompt"]).any(|name| header.has(name))
}

pub(super) fn read(record: &Record<'_>) -> Result<Row, Fault> {
    let input = named(&INPUTS, record).map(|name| record.require(name, super::A_COUNT, Cell::tokens)).transpose()?;
    let prompt = record.text("prompt")?;
    if input.is_none() && prompt.is_none() {
        record.need("prompt", "a prompt, or a column input_tokens")?;
    }
    let output = named(&OUTPUTS, record).map(|name| record.tokens(name)).transpose()?.flatten();
    let failed = record.read("failed", |cell| match cell.raw() {
        "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        _ => Err(cell.fault("true or false")),
    })?;
    let request = TraceRequest {
        line: record.line(),
        delay: UNITS.iter().find_map(|(suffix, unit)| delay(record, suffix, *unit).transpose()).transpose()?,
        input_tokens: input,
        output_tokens: output,
        session: named(&SESSIONS, record).map(|name| record.id(name)).transpose()?.flatten(),
        turn: record.turn("turn")?,
        class: record.text("class")?,
        model: record.text("model")?,
        content: prompt.map_or(Content::Lengths, Content::Prompt),
        outcome: if failed == Some(true) { Outcome::Failed } else { Outcome::Unsaid },
        ..TraceRequest::default()
    };
    Ok(Row::timed(time(record)?, request))
}

fn named<'n>(names: &[&'n str], record: &Record<'_>) -> Option<&'n str> {
    names.iter().copied().find(|name| record.has(name))
}

fn delay(record: &Record<'_>, suffix: &str, unit: TimeUnit) -> Result<Option<Nanos>, Fault> {
    record.read(&format!("delay{suffix}"), |cell| cell.time(unit))
}

fn time(record: &Record<'_>) -> Result<Option<Stamp>, Fault> {
    for name in TIMES {
        for (suffix, unit) in UNITS {
            let name = format!("{name}{suffix}");
            if record.has(&name) {
                return record.require(&name, "a time", |cell| cell.stamp(unit)).map(Some);
            }
        }
        if record.has(name) {
            let date = "a date and time; a number needs its unit in the column's name, like timestamp_s";
            return record
                .require(name, date, |cell| Stamp::from_date(cell.raw()).ok_or_else(|| cell.fault(date)))
                .map(Some);
        }
    }
    Ok(None)
}
