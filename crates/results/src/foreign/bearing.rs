//! Whether an event of a recorded stream bears tokens, for files that keep the events themselves: the rule of METRICS.md on
//! the shapes of the OpenAI dialects. Counts no tokens.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::number::Count;

/// What an event of a chat or completions stream may hold.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    text: Option<String>,
    delta: Option<Delta>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Delta {
    content: Option<String>,
    reasoning_content: Option<String>,
    reasoning: Option<String>,
    tool_calls: Option<Vec<IgnoredAny>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Usage {
    completion_tokens: Option<Count>,
}

/// What an event brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Brought {
    /// Generated text of any channel.
    pub(super) text: bool,
    /// The server's count of output tokens.
    pub(super) output_tokens: Option<u64>,
}

/// What the data of a server-sent event brought; nothing if it is no JSON of a known shape (`[DONE]`, a comment).
pub(super) fn event(data: &str) -> Brought {
    let Ok(event) = serde_json::from_str::<Event>(data) else { return Brought::default() };
    let text = event.choices.iter().any(|choice| {
        let delta = choice.delta.as_ref();
        let texts = [
            choice.text.as_deref(),
            delta.and_then(|delta| delta.content.as_deref()),
            delta.and_then(|delta| delta.reasoning_content.as_deref()),
            delta.and_then(|delta| delta.reasoning.as_deref()),
        ];
        texts.into_iter().flatten().any(|text| !text.is_empty())
            || delta.and_then(|delta| delta.tool_calls.as_ref()).is_some_and(|calls| !calls.is_empty())
    });
    Brought { text, output_tokens: event.usage.and_then(|usage| usage.completion_tokens).map(|count| count.0) }
}

/// What raw bytes of a stream brought: all their `data:` lines, or the bytes themselves where there is no such line.
pub(super) fn raw(chunk: &str) -> Brought {
    let mut lines = chunk.lines().filter_map(|line| line.trim_start().strip_prefix("data:")).peekable();
    if lines.peek().is_none() {
        return event(chunk.trim());
    }
    lines.map(|data| event(data.trim())).fold(Brought::default(), |all, one| Brought {
        text: all.text || one.text,
        output_tokens: one.output_tokens.or(all.output_tokens),
    })
}
