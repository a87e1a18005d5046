//! Formats of JSON lines: metron's own and Mooncake's. Knows no table.

use std::io::{self, Write};

use metron_units::{Nanos, Tokens};
use serde_json::value::RawValue;

use super::{Needed, decimal};
use crate::plan::Leave;
use crate::trace::request::{Content, Shared, TraceRequest};

/// The size of Mooncake's blocks, without which its names say something else.
const MOONCAKE_BLOCK: Tokens = Tokens::new(512);

/// A JSON object that is written field by field, in their order.
struct Object<'w, W: Write> {
    out: &'w mut W,
    open: &'static str,
}

impl<'w, W: Write> Object<'w, W> {
    fn new(out: &'w mut W) -> Self {
        Self { out, open: "{" }
    }

    /// A field whose value is JSON.
    fn raw(&mut self, name: &str, json: Option<impl std::fmt::Display>) -> io::Result<()> {
        let Some(json) = json else { return Ok(()) };
        write!(self.out, "{}\"{name}\": {json}", self.open)?;
        self.open = ", ";
        Ok(())
    }

    /// A field whose value is JSON that may be broken into lines, and is written in one.
    fn json(&mut self, name: &str, json: Option<&String>) -> io::Result<()> {
        let in_one_line = json.map(|json| match serde_json::from_str::<&RawValue>(json) {
            Ok(value) if !value.get().contains('\n') => value.get().to_owned(),
            // A line end in JSON stands between its parts, never in a text.
            Ok(_) | Err(_) => json.replace(['\n', '\r'], " "),
        });
        self.raw(name, in_one_line)
    }

    fn text(&mut self, name: &str, text: Option<&String>) -> io::Result<()> {
        self.raw(name, text.map(|text| serde_json::to_string(text).expect("a text is JSON")))
    }

    fn end(self) -> io::Result<()> {
        let open = if self.open == "{" { "{" } else { "" };
        writeln!(self.out, "{open}}}")
    }
}

pub(super) fn metron(out: &mut impl Write, request: &TraceRequest) -> io::Result<()> {
    let mut object = Object::new(out);
    // Always there, since it tells the format.
    object.raw("at_ns", Some(request.at.map_or("null".to_owned(), |at| at.get().to_string())))?;
    object.raw("input_tokens", request.input_tokens)?;
    object.raw("output_tokens", request.output_tokens)?;
    object.text("session", request.session.as_ref())?;
    object.raw("turn", request.turn)?;
    object.raw("turns", request.turns.filter(|_| request.turn == Some(0)))?;
    object.raw("abandoned", request.abandoned.then_some(true))?;
    object.raw("delay_ns", request.delay.map(Nanos::get))?;
    match request.leave {
        Some(Leave::After(time)) => object.raw("leave_after_ns", Some(time.get()))?,
        Some(Leave::Heard(tokens)) => object.raw("leave_after_tokens", Some(tokens))?,
        None => {}
    }
    object.text("class", request.class.as_ref())?;
    object.text("model", request.model.as_ref())?;
    if let Shared::Group { group, tokens } = request.shared {
        object.raw("prefix", Some(format!("[{group}, {tokens}]")))?;
    }
    match &request.content {
        Content::Lengths => {}
        Content::Prompt(prompt) => object.text("prompt", Some(prompt))?,
        Content::Messages { messages, tools } | Content::NewMessages { messages, tools } => {
            object.json("messages", Some(messages))?;
            object.json("tools", tools.as_ref())?;
        }
        Content::Body(body) => object.json("body", Some(body))?,
    }
    object.raw("images", (request.images > 0).then_some(request.images))?;
    object.raw("ttft_deadline_ns", request.ttft_deadline.map(Nanos::get))?;
    object.raw("tbt_deadline_ns", request.tbt_deadline.map(Nanos::get))?;
    object.end()
}

/// Whether Mooncake's blocks can say what a prompt shares.
pub(super) fn holds_blocks(shared: &Shared) -> bool {
    match shared {
        Shared::Nothing | Shared::Group { .. } => true,
        Shared::Blocks { size, .. } => *size == MOONCAKE_BLOCK,
    }
}

pub(super) fn mooncake(out: &mut impl Write, needed: &Needed, request: &TraceRequest) -> io::Result<()> {
    let mut object = Object::new(out);
    object.raw("timestamp", Some(decimal(needed.at, 6)))?;
    object.raw("input_length", Some(needed.input))?;
    object.raw("output_length", Some(needed.output))?;
    if let Shared::Blocks { ids, .. } = &request.shared
        && holds_blocks(&request.shared)
    {
        object.raw("hash_ids", Some(format!("{ids:?}")))?;
    }
    object.text("session_id", request.session.as_ref())?;
    object.raw("delay", request.delay.map(|delay| decimal(delay, 6)))?;
    object.text("model", request.model.as_ref())?;
    match &request.content {
        Content::Lengths => {}
        Content::Prompt(prompt) => object.text("text_input", Some(prompt))?,
        Content::Messages { messages, tools } | Content::NewMessages { messages, tools } => {
            object.json("messages", Some(messages))?;
            object.json("tools", tools.as_ref())?;
        }
        Content::Body(body) => object.json("payload", Some(body))?,
    }
    object.json("extra", request.extra.as_ref())?;
    object.end()
}
