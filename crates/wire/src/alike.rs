//! Recognises an event that is like an earlier one but for one string: the shape of nearly every token of a stream. It knows no
//! dialect and no SSE.
//!
//! Two JSON texts that are the same bytes but for what stands between the quotes of one string, both times a string, have the
//! same structure and the same other values. So what an event says need not be read again when only its text has changed; it is
//! not a guess.

use crate::answer::Channel;
use crate::json::is_plain;

/// Longer events are not kept: they carry lists that change with each token.
const LONGEST: usize = 2 * 1024;

/// The one text of an event that says nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) choice: u32,
    pub(crate) channel: Channel,
    /// Where its first byte stands in memory, and how many there are.
    pub(crate) address: usize,
    pub(crate) length: usize,
}

/// An earlier event, and where its text stands in it.
#[derive(Debug)]
pub(crate) struct Alike {
    event: Vec<u8>,
    text: std::ops::Range<usize>,
    choice: u32,
    channel: Channel,
}

impl Default for Alike {
    fn default() -> Self {
        Self { event: Vec::new(), text: 0..0, choice: 0, channel: Channel::Answer }
    }
}

impl Alike {
    /// The text of an event that differs from the one learned in nothing else, with its choice and channel.
    pub(crate) fn text_of<'a>(&self, event: &'a [u8]) -> Option<(u32, Channel, &'a str)> {
        if self.event.is_empty() {
            return None;
        }
        let text = event.strip_prefix(&self.event[..self.text.start])?.strip_suffix(&self.event[self.text.end..])?;
        let text = std::str::from_utf8(text).ok().filter(|text| !text.is_empty() && is_plain(text))?;
        Some((self.choice, self.channel, text))
    }

    /// Reads a byte of each line of memory that the next event is compared with.
    pub(crate) fn touch(&self) -> usize {
        self.event.iter().step_by(64).map(|&byte| usize::from(byte)).sum()
    }

    /// Learns an event that was read and says nothing but `told`, which stands in it.
    pub(crate) fn learn(&mut self, event: &str, told: Told) {
        let Some(start) = told.address.checked_sub(event.as_ptr().addr()) else { return };
        let (bytes, text) = (event.as_bytes(), start..start + told.length);
        // A tool call's arguments may be an object in place of a string.
        let is_string = start > 0 && bytes.get(start - 1) == Some(&b'"') && bytes.get(text.end) == Some(&b'"');
        if !is_string || bytes.len() > LONGEST {
            return;
        }
        self.event.clear();
        self.event.extend_from_slice(bytes);
        (self.text, self.choice, self.channel) = (text, told.choice, told.channel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"id":"a","choices":[{"index":2,"delta":{"content":"one"},"finish_reason":null}]}"#;

    /// What is recognised in `event` after [`EVENT`] was learned.
    fn check(event: &str, expected: Option<&str>) {
        let text = EVENT.find("one").unwrap();
        let told =
            Told { choice: 2, channel: Channel::Reasoning, address: EVENT.as_ptr().addr() + text, length: "one".len() };
        let mut alike = Alike::default();
        assert_eq!(alike.text_of(event.as_bytes()), None, "nothing was learned");
        alike.learn(EVENT, told);
        let expected = expected.map(|text| (2, Channel::Reasoning, text));
        assert_eq!(alike.text_of(event.as_bytes()), expected, "{event}");
    }

    fn with(text: &str) -> String {
        EVENT.replace("one", text)
    }

    #[test]
    fn only_the_text_may_differ() {
        check(&with("two more"), Some("two more"));
        check(&with("één"), Some("één"));
        check(&with("two").replace("\"a\"", "\"b\""), None);
        check(&with("two").replace("null", "\"stop\""), None);
        check(&with("two").replace("{\"content", "{ \"content"), None);
        check("{}", None);
    }

    #[test]
    fn a_text_that_could_be_more_than_a_text_is_read() {
        check(&with(""), None);
        check(&with("a\\nb"), None);
        check(&with("a\"b"), None);
        check(&with("two\"},\"delta\":{\"content\":\"three"), None);
        check(&with("a\u{1}b"), None);
    }

    #[test]
    fn broken_text_is_read() {
        let mut alike = Alike::default();
        let at = EVENT.find("one").unwrap();
        let address = EVENT.as_ptr().addr() + at;
        alike.learn(EVENT, Told { choice: 0, channel: Channel::Answer, address, length: 3 });
        let mut broken = EVENT.as_bytes().to_vec();
        broken[at] = 0xff;
        assert_eq!(alike.text_of(&broken), None);
    }

    #[test]
    fn an_object_is_no_text() {
        let event = r#"{"arguments":{"a":1}}"#;
        let at = event.find("{\"a").unwrap();
        let told = Told { choice: 0, channel: Channel::Tool, address: event.as_ptr().addr() + at, length: 7 };
        let mut alike = Alike::default();
        alike.learn(event, told);
        assert_eq!(alike.text_of(event.as_bytes()), None);
    }
}
