//! Conversations of ShareGPT (`from`, `value`), Hugging Face's benchmarker (`role`, `content`), and SGLang's custom sets, whose
//! speakers take turns where none is named. Knows no container.

use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::talk::{Role, Talk};

pub(super) fn read(record: &Record<'_>, rows: &mut Vec<Row>) -> Result<(), Fault> {
    let name = if record.has("conversations") { "conversations" } else { "conversation" };
    let messages = record.require(name, "a JSON array of messages", Cell::elements)?;
    let session = match record.id("id")? {
        Some(id) => id,
        // Turns that belong together must say so.
        None => format!("line {}", record.line()),
    };
    let mut talk = Talk::new(record.line(), Some(session), record.array("tools")?);
    let mut told = Vec::new();
    for (index, message) in messages.into_iter().enumerate() {
        let message = message.fields(&[])?;
        let named = match message.read("from", Role::read)? {
            None => message.read("role", Role::read)?,
            named => named,
        };
        let by_turns = if index % 2 == 0 { Role::User } else { Role::Assistant };
        let content = match message.get("value") {
            Some(value) => value,
            None => message.need("content", "a text, as content or value")?,
        };
        if !content.begins('"') && !content.begins('[') {
            return Err(message.refuse("content", "a text or a list of parts"));
        }
        talk.say(named.unwrap_or(by_turns), content, &mut told);
    }
    talk.end(&mut told);
    rows.append(&mut told);
    Ok(())
}
