//! Conversations as they were recorded: each turn's request says the turns before it again, with the answers that were given
//! then. Knows no file and no plan.

use std::collections::{HashMap, VecDeque};

use metron_workload::TraceRequest;
use metron_workload::trace::WINDOW;
use serde_json::{Value, json};

/// How many conversations are remembered. The turns of one stand together in their file, and none is moved further than the
/// window within which a trace is put in order.
const MOST: usize = 2 * WINDOW;

/// What was said so far.
#[derive(Debug, Default)]
pub(super) struct Talks {
    talks: HashMap<String, Talk>,
    /// Their names, the oldest first.
    names: VecDeque<String>,
}

#[derive(Debug, Default)]
struct Talk {
    messages: Vec<Value>,
    text: String,
}

impl Talks {
    /// All messages of a turn whose new ones are `messages`, and their text. The recorded answer, if there is one, is kept
    /// for the turns that follow.
    pub(super) fn turn(&mut self, told: &TraceRequest, messages: &str) -> (Value, String) {
        let name = told.session.as_deref().unwrap_or_default();
        if told.turn.is_none_or(|turn| turn == 0) {
            self.begin(name);
        }
        let mut forgotten = Talk::default();
        let talk = self.talks.get_mut(name).unwrap_or(&mut forgotten);
        if let Ok(Value::Array(new)) = serde_json::from_str(messages) {
            talk.messages.extend(new);
        }
        talk.text.push_str(&told.text().unwrap_or_default());
        let said = (Value::Array(talk.messages.clone()), talk.text.clone());
        if let Some(answer) = &told.answer {
            talk.messages.push(json!({ "role": "assistant", "content": answer }));
            talk.text.push_str(answer);
        }
        said
    }

    fn begin(&mut self, name: &str) {
        if self.talks.insert(name.to_owned(), Talk::default()).is_none() {
            self.names.push_back(name.to_owned());
        }
        if self.names.len() > MOST
            && let Some(oldest) = self.names.pop_front()
        {
            self.talks.remove(&oldest);
        }
    }
}
