//! A case: its steps as they stand in its file, the bytes each makes, and what is expected of a client.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::play::{Manner, Time, play};

/// One awkward answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The name in the URL: `/case/NAME`.
    pub name: String,
    /// The API that the answer speaks, by metron's name of it: `chat`, `completions`, `anthropic`, `ollama`, ...
    pub dialect: String,
    /// Where the dialect is `custom`: its description, as metron reads it from a file.
    #[serde(default)]
    pub custom: Option<Value>,
    /// What is awkward about it.
    pub about: String,
    /// Public reports of it.
    #[serde(default)]
    pub seen_in: Vec<String>,
    /// Settings that a client needs to meet it: `timeout_idle`, `requests`, `rate`, `arrivals`, `concurrency`.
    #[serde(default)]
    pub run: Map<String, Value>,
    /// The head: status line first, then headers.
    pub head: Vec<String>,
    /// How many further headers of no meaning stand in the head.
    #[serde(default)]
    pub extra_headers: usize,
    /// What stands before an event's payload; `data: ` unless said.
    #[serde(default = "data_field")]
    pub field: String,
    /// What an event is: an SSE block, or a line of its own.
    #[serde(default)]
    pub framing: Framing,
    /// How lines end; a line feed unless said.
    #[serde(default = "line_feed")]
    pub newline: String,
    /// The answer after the head.
    pub steps: Vec<Step>,
    /// What a right client makes of it.
    pub expect: Expect,
}

fn data_field() -> String {
    "data: ".to_owned()
}

fn line_feed() -> String {
    "\n".to_owned()
}

/// What an event is in the bytes of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// A block of `data` lines and a blank one.
    #[default]
    Sse,
    /// A line: NDJSON, or with the brackets and commas as raw steps an array.
    Lines,
}

/// One step of an answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// An event with this text of choice 0.
    Say(String),
    /// An event with the role and an empty content.
    Role,
    /// An event with no text and this finish reason.
    Finish(String),
    /// An event with no choices and these prompt and completion tokens.
    Usage(u64, u64),
    /// An event in full: a choice's fields, and fields beside `choices`.
    Event(Event),
    /// An event with this JSON as its payload.
    Json(Value),
    /// The same behind an `event` line that repeats the payload's `type`.
    Typed(Value),
    /// An event with this payload as it stands, one `data` line per line of it.
    Data(String),
    /// The event `[DONE]`.
    Done,
    /// A message of AWS's event stream.
    Message(Message),
    /// Text that is no event, inside the body's framing.
    Raw(String),
    /// These steps' bytes cut apart, each part a write and an HTTP chunk of its own.
    Split {
        /// After every so many bytes.
        #[serde(default)]
        every: Option<usize>,
        /// After each occurrence of this byte (given as a text of one).
        #[serde(default)]
        after: Option<String>,
        /// How long to wait between the parts.
        wait_ms: u64,
        /// What is cut.
        steps: Vec<Step>,
    },
    /// The body's end: the last HTTP chunk.
    End,
    /// Nothing is sent for so long, counted from when the step before was due.
    WaitMs(u64),
    /// The connection is closed (FIN).
    Close,
    /// The connection is reset (RST).
    Reset,
    /// As the first step: the connection is reset, before the head, if it has served this case before.
    ResetIfReused,
}

/// An event of a chat or completions stream.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// The fields of each choice in it; none for an empty list.
    #[serde(default)]
    pub choices: Vec<Map<String, Value>>,
    /// Fields beside `choices`.
    #[serde(default)]
    pub beside: Map<String, Value>,
    /// So many token ids are sent back in `prompt_token_ids`.
    #[serde(default)]
    pub prompt_token_ids: usize,
}

/// A message of AWS's event stream; the headers say what it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// The event's type.
    #[serde(default)]
    pub event: Option<String>,
    /// The exception's type, where it is one.
    #[serde(default)]
    pub exception: Option<String>,
    /// Its payload.
    #[serde(default)]
    pub json: Option<Value>,
    /// A payload that is no JSON, or only a part of it.
    #[serde(default)]
    pub text: Option<String>,
    /// A wrong checksum at its end.
    #[serde(default)]
    pub broken: bool,
}

/// What a right client reports.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// `completed` or an error class.
    pub outcome: String,
    /// Output tokens by the server's usage; not checked where there is none.
    #[serde(default)]
    pub output_tokens: Option<u64>,
    /// Prompt tokens by the server's usage.
    #[serde(default)]
    pub input_tokens: Option<u64>,
    /// Chunks that bear tokens.
    pub chunks: usize,
    /// Index of the event that brings the first token; events are blocks with a data field, from 0.
    #[serde(default)]
    pub first_token_event: Option<usize>,
    /// Index of the event that brings the first token that is not reasoning.
    #[serde(default)]
    pub first_answer_event: Option<usize>,
    /// The answer of choice 0.
    #[serde(default)]
    pub text: String,
    /// The reasoning of choice 0.
    #[serde(default)]
    pub reasoning: String,
    /// The finish reason as the server wrote it; not checked for a failed request.
    #[serde(default)]
    pub finish_reason: Option<String>,
    /// Tokens of each chunk, where the stream tells them.
    #[serde(default)]
    pub chunk_tokens: Option<Vec<u32>>,
    /// The run must show that usage and its own count differ.
    #[serde(default)]
    pub count_mismatch: bool,
    /// Tokens that were charged and not shown.
    #[serde(default)]
    pub unseen_tokens: Option<u64>,
    /// `false`: one whole answer came where a stream was asked.
    #[serde(default = "yes")]
    pub streamed: bool,
    /// The HTTP status.
    #[serde(default = "ok")]
    pub status: u16,
    /// Requests that are sent a second time because of a keep-alive race.
    #[serde(default)]
    pub resent: u64,
}

const fn yes() -> bool {
    true
}

const fn ok() -> u16 {
    200
}

/// All cases of the set, by name.
///
/// # Panics
/// If a file of the set is not readable as a case: the set is part of the program.
#[must_use]
pub fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut cases: Vec<Case> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder of cases is readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

impl Case {
    /// The bytes of the whole answer, head and all, as they would come on a connection.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let manner = Manner { time: Time::Skipped, reused: false };
        let played = play(self, &mut bytes, &manner, &|| {});
        played.expect("writing to memory does not fail");
        bytes
    }

    /// The bytes of the event that this step makes, if it makes one.
    pub(crate) fn event(&self, step: &Step) -> Option<Vec<u8>> {
        if let Step::Message(message) = step {
            return Some(message.bytes());
        }
        let payload = self.payload(step)?;
        let name = match step {
            Step::Typed(payload) => payload["type"].as_str(),
            _ => None,
        };
        Some(match self.framing {
            Framing::Sse => self.block(name, &payload),
            Framing::Lines => (payload + &self.newline).into_bytes(),
        })
    }

    /// The payload of the event that this step makes, if it makes one.
    fn payload(&self, step: &Step) -> Option<String> {
        let payload = match step {
            Step::Say(text) => self.envelope(&Event { choices: vec![self.spoken(text)], ..Event::default() }),
            Step::Role => self.envelope(&one_choice(json!({"delta": {"role": "assistant", "content": ""}}))),
            Step::Finish(reason) => {
                let still = if self.dialect == "completions" { json!({"text": ""}) } else { json!({"delta": {}}) };
                let mut event = one_choice(still);
                event.choices[0].insert("finish_reason".to_owned(), json!(reason));
                self.envelope(&event)
            }
            Step::Usage(input, output) => self.envelope(&Event {
                beside: object(json!({"usage": {
                    "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output
                }})),
                ..Event::default()
            }),
            Step::Event(event) => self.envelope(event),
            Step::Json(payload) | Step::Typed(payload) => payload.to_string(),
            Step::Data(payload) => payload.clone(),
            Step::Done => "[DONE]".to_owned(),
            Step::Message(_)
            | Step::Raw(_)
            | Step::Split { .. }
            | Step::End
            | Step::WaitMs(_)
            | Step::Close
            | Step::Reset
            | Step::ResetIfReused => return None,
        };
        Some(payload)
    }

    /// An SSE block with this payload: its name if it has one, one data line per line of it, and a blank line.
    fn block(&self, name: Option<&str>, payload: &str) -> Vec<u8> {
        let mut bytes = name.map_or_else(String::new, |name| format!("event: {name}{}", self.newline));
        for line in payload.split('\n') {
            bytes.push_str(&self.field);
            bytes.push_str(line);
            bytes.push_str(&self.newline);
        }
        bytes.push_str(&self.newline);
        bytes.into_bytes()
    }

    fn spoken(&self, text: &str) -> Map<String, Value> {
        if self.dialect == "completions" {
            object(json!({"text": text}))
        } else {
            object(json!({"delta": {"content": text}}))
        }
    }

    /// The event as engines write it: identity first, then the choices, each with an index and a finish reason.
    fn envelope(&self, event: &Event) -> String {
        let kind = if self.dialect == "completions" { "text_completion" } else { "chat.completion.chunk" };
        let choices: Vec<Value> = event
            .choices
            .iter()
            .map(|fields| {
                let mut choice = object(json!({"index": 0, "finish_reason": null}));
                choice.extend(fields.clone());
                Value::Object(choice)
            })
            .collect();
        let mut whole = object(json!({
            "id": "cmpl-7d1e", "object": kind, "created": 1_790_000_000, "model": "sparrow-2b", "choices": choices
        }));
        whole.extend(event.beside.clone());
        if event.prompt_token_ids > 0 {
            whole.insert("prompt_token_ids".to_owned(), json!(vec![90_001; event.prompt_token_ids]));
        }
        Value::Object(whole).to_string()
    }
}

fn one_choice(fields: Value) -> Event {
    Event { choices: vec![object(fields)], ..Event::default() }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
