//! Rows as GuideLLM names them, in JSON or CSV: prompts and counts, turns numbered from 0. Knows no container.

use super::super::TraceOptions;
use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::Record;
use super::super::request::{Content, TraceRequest};
use super::super::stamp::TimeUnit;
use super::talk::{Role, message, quoted};

const PROMPTS: [&str; 6] = ["prompt", "question", "instruction", "text", "content", "input"];
const PREFIXES: [&str; 3] = ["prefix", "system_prompt", "system"];
/// Names that no other format has.
const OWN: [&str; 6] = [
    "prompt_tokens_count",
    "output_tokens_count",
    "prompt_0",
    "prompt_tokens_count_0",
    "relative_timestamp",
    "question",
];

pub(super) fn claims(record: &Record<'_>) -> bool {
    OWN.iter().any(|name| record.has(name))
}

pub(super) fn read(record: &Record<'_>, options: &TraceOptions, rows: &mut Vec<Row>) -> Result<(), Fault> {
    let stamp = record.stamp("relative_timestamp", options.time_unit.unwrap_or(TimeUnit::Seconds))?;
    let prefix = first(record, &PREFIXES, "")?;
    let numbered = record.has("prompt_0") || record.has("prompt_tokens_count_0");
    let mut told = Vec::new();
    for turn in 0.. {
        let suffix = if numbered { format!("_{turn}") } else { String::new() };
        let Some(mut request) = request(record, &suffix, prefix.as_deref().filter(|_| turn == 0))? else { break };
        if numbered {
            request.session = Some(format!("line {}", record.line()));
            request.turn = Some(turn);
        }
        told.push(Row { stamp: stamp.filter(|_| turn == 0), request });
        if !numbered {
            break;
        }
    }
    if told.is_empty() {
        return Err(record.fault("a prompt, messages or prompt_tokens_count"));
    }
    rows.append(&mut told);
    Ok(())
}

/// The turn whose names end with `suffix`, if the row has it.
fn request(record: &Record<'_>, suffix: &str, prefix: Option<&str>) -> Result<Option<TraceRequest>, Fault> {
    let input = record.tokens(&format!("prompt_tokens_count{suffix}"))?;
    let content = match (record.array("messages")?, first(record, &PROMPTS, suffix)?) {
        (Some(messages), _) if suffix.is_empty() => Content::Messages { messages, tools: record.array("tools")? },
        (_, Some(prompt)) if suffix.is_empty() && prefix.is_none() => Content::Prompt(prompt),
        (_, Some(prompt)) => {
            let system = prefix.map(|prefix| message(Role::System, &quoted(prefix)));
            let all: Vec<String> = system.into_iter().chain([message(Role::User, &quoted(&prompt))]).collect();
            Content::NewMessages { messages: format!("[{}]", all.join(",")), tools: record.array("tools")? }
        }
        (_, None) if input.is_some() => Content::Lengths,
        (_, None) => return Ok(None),
    };
    Ok(Some(TraceRequest {
        line: record.line(),
        input_tokens: input,
        output_tokens: record.tokens(&format!("output_tokens_count{suffix}"))?,
        content,
        ..TraceRequest::default()
    }))
}

fn first(record: &Record<'_>, names: &[&str], suffix: &str) -> Result<Option<String>, Fault> {
    for name in names {
        if let Some(text) = record.text(&format!("{name}{suffix}"))? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}
