//! Conversations made into requests: one for each answer, and one for a last question that has none. Knows no format.

use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::Cell;
use super::super::request::{Content, TraceRequest};

/// A conversation as it is told, message by message.
pub(super) struct Talk {
    line: u64,
    session: Option<String>,
    tools: Option<String>,
    /// Messages since the last answer, as JSON.
    pending: Vec<String>,
    /// Whether one of them wants an answer.
    asked: bool,
    turn: u32,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    System,
    User,
    Assistant,
    Tool,
}

impl Role {
    /// By the names that OpenAI and ShareGPT use.
    pub(super) fn read(cell: Cell<'_>) -> Result<Self, Fault> {
        let name = cell.text()?;
        Ok(match &*name {
            "system" | "developer" => Self::System,
            "user" | "human" => Self::User,
            "assistant" | "gpt" | "chatgpt" | "bing" | "bard" | "model" => Self::Assistant,
            "tool" | "function" | "observation" => Self::Tool,
            _ => return Err(cell.fault("a speaker: human or user, gpt or assistant, system, tool")),
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// A message in OpenAI's form; `content` is JSON.
pub(super) fn message(role: Role, content: &str) -> String {
    format!(r#"{{"role":"{}","content":{content}}}"#, role.name())
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

impl Talk {
    pub(super) fn new(line: u64, session: Option<String>, tools: Option<String>) -> Self {
        Self { line, session, tools, pending: Vec::new(), asked: false, turn: 0 }
    }

    /// A message whose text, or list of parts, is `content`. An answer ends a turn; one that nobody asked for is what the
    /// next request begins with.
    pub(super) fn say(&mut self, role: Role, content: Cell<'_>, rows: &mut Vec<Row>) {
        if role == Role::Assistant && self.asked {
            let answer = content.text().ok().map(std::borrow::Cow::into_owned);
            self.end_turn(answer, rows);
            return;
        }
        if self.pending.is_empty() {
            self.line = content.line();
        }
        let json = if content.is_json() { content.raw().to_owned() } else { quoted(content.raw()) };
        self.pending.push(message(role, &json));
        self.asked |= matches!(role, Role::User | Role::Tool);
    }

    /// What was asked last and has no answer is a request too.
    pub(super) fn end(mut self, rows: &mut Vec<Row>) {
        if self.asked {
            self.end_turn(None, rows);
        }
    }

    fn end_turn(&mut self, answer: Option<String>, rows: &mut Vec<Row>) {
        let messages = format!("[{}]", self.pending.join(","));
        self.pending.clear();
        self.asked = false;
        rows.push(Row::untimed(TraceRequest {
            line: self.line,
            session: self.session.clone(),
            turn: Some(self.turn),
            content: Content::NewMessages { messages, tools: self.tools.clone() },
            answer,
            ..TraceRequest::default()
        }));
        self.turn += 1;
    }
}
