//! The bytes of one answer: which of them each token brings. Knows no socket, no clock and no schedule.
//!
//! A stream has a role event (chat), one event a token, a finish event, the usage event if asked for (its choices empty),
//! and `[DONE]`. The role event leaves together with the first token, and all that follows the last token together with it.

use metron_units::Tokens;

use super::ask::{Ask, Delivery, Dialect, Usage};
use super::refusal::Refusal;
use super::response::{self, After, Framing, JSON};
use crate::spec::{Fault, Place};
use crate::words::{DEFAULT_MODEL, WORDS, word};

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Answer {
    dialect: Dialect,
    delivery: Delivery,
    after: After,
    framing: Framing,
    prompt: Tokens,
    /// How many tokens it is to have; an engine may end it earlier.
    output: Tokens,
    /// The most that its request allows.
    most: Option<Tokens>,
    /// What goes wrong with it.
    fault: Option<Fault>,
    /// `"id":..,"object":..,"created":..,"model":..,` of every event, or of the whole.
    opening: String,
    /// A token's event up to its word, and from behind it.
    before_word: Vec<u8>,
    after_word: Vec<u8>,
}

/// What an answer needs to know besides what was asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// The request's number.
    pub(super) request: u64,
    /// Seconds since 1970.
    pub(super) created: u64,
    /// How many tokens the answer will have.
    pub(super) output: Tokens,
    /// What goes wrong with it.
    pub(super) fault: Option<Fault>,
    pub(super) after: After,
    pub(super) framing: Framing,
}

/// What an answer that comes to its end tells of its tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// How many were given.
    pub(super) tokens: Tokens,
    /// How many of the prompt's the prefix cache had, where there is one.
    pub(super) cached: Option<Tokens>,
}

/// Why an answer that came to its end did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// It had nothing more to say.
    Stop,
    /// It might not be longer.
    Length,
}

impl Finish {
    /// Of an answer of `given` tokens that was to have `output`, where the request allows `most`.
    pub(super) fn of(given: Tokens, output: Tokens, most: Option<Tokens>) -> Self {
        // Fewer than it was to have: the model's length came first.
        let at_limit = given < output || most.is_some_and(|most| most <= given);
        if at_limit { Self::Length } else { Self::Stop }
    }
}

impl Answer {
    pub(super) fn new(ask: Ask, circumstances: Circumstances) -> Self {
        let Circumstances { request, created, output, fault, after, framing } = circumstances;
        let object = match (ask.dialect, ask.delivery) {
            (Dialect::Chat, Delivery::Streamed(_)) => "chat.completion.chunk",
            (Dialect::Chat, Delivery::Whole) => "chat.completion",
            (Dialect::Completions, _) => "text_completion",
        };
        let id = match ask.dialect {
            Dialect::Chat => "chatcmpl",
            Dialect::Completions => "cmpl",
        };
        let model = serde_json::Value::from(ask.model.as_deref().unwrap_or(DEFAULT_MODEL));
        let mut answer = Self {
            dialect: ask.dialect,
            delivery: ask.delivery,
            after,
            framing,
            prompt: ask.prompt,
            output,
            most: ask.most,
            fault,
            opening: format!(r#""id":"{id}-{request}","object":"{object}","created":{created},"model":{model},"#),
            before_word: Vec::new(),
            after_word: Vec::new(),
        };
        answer.render_token();
        answer
    }

    /// What becomes of the connection when it is through.
    pub(super) fn after(&self) -> After {
        self.after
    }

    /// What goes wrong in place of a token. An answer that comes whole has no other middle than its end.
    pub(super) fn mishap(&self, place: Place) -> Option<Fault> {
        let place = match self.delivery {
            Delivery::Whole if place.last => Place { index: 0, ..place },
            Delivery::Whole => return None,
            Delivery::Streamed(_) => place,
        };
        self.fault.filter(|fault| fault.strikes(place, self.output))
    }

    /// Adds the first half of an answer that comes whole; of a stream the half is sent already.
    pub(super) fn half(&self, given: Tokens, out: &mut Vec<u8>) {
        if let Delivery::Whole = self.delivery {
            let start = out.len();
            self.whole(Told { tokens: given, cached: None }, out);
            out.truncate(start.midpoint(out.len()));
        }
    }

    /// Adds a chunk without a valid size.
    pub(super) fn misframe(&self, out: &mut Vec<u8>) {
        if let Delivery::Whole = self.delivery {
            response::stream_head(Framing::Chunked, self.after, out);
        }
        response::misframed(out);
    }

    /// Adds what is sent at once, before any token: a stream's head.
    pub(super) fn open(&self, out: &mut Vec<u8>) {
        match self.delivery {
            Delivery::Whole => {}
            Delivery::Streamed(_) => response::stream_head(self.framing, self.after, out),
        }
    }

    /// Adds what token `index` brings. An answer that is not streamed comes as a whole, with its end.
    pub(super) fn token(&self, index: u64, out: &mut Vec<u8>) {
        match self.delivery {
            Delivery::Whole => {}
            Delivery::Streamed(_) => {
                if index == 0 && self.dialect == Dialect::Chat {
                    self.event(&choice(r#""delta":{"role":"assistant","content":""}"#, "null"), out);
                }
                out.extend_from_slice(&self.before_word);
                out.extend_from_slice(word(index).as_bytes());
                out.extend_from_slice(&self.after_word);
            }
        }
    }

    /// Adds the end of an answer that was given to its end.
    pub(super) fn end(&self, given: Told, out: &mut Vec<u8>) {
        match self.delivery {
            Delivery::Whole => self.whole(given, out),
            Delivery::Streamed(usage) => self.end_stream(usage, given, out),
        }
    }

    /// Adds the end of an answer that the engine gives up.
    pub(super) fn fail(&self, refusal: &Refusal, out: &mut Vec<u8>) {
        match self.delivery {
            Delivery::Whole => refusal.write(self.after, out),
            Delivery::Streamed(_) => {
                response::event(self.framing, &refusal.body(), out);
                self.done(out);
            }
        }
    }

    fn end_stream(&self, usage: Usage, given: Told, out: &mut Vec<u8>) {
        let nothing = match self.dialect {
            Dialect::Chat => r#""delta":{}"#,
            Dialect::Completions => r#""text":"""#,
        };
        self.event(&choice(nothing, self.finish_reason(given.tokens)), out);
        match usage {
            Usage::LeftOut => {}
            Usage::Told => self.event(&format!(r#""choices":[],{}"#, self.usage(given)), out),
        }
        self.done(out);
    }

    fn done(&self, out: &mut Vec<u8>) {
        response::event(self.framing, "[DONE]", out);
        response::stream_end(self.framing, out);
    }

    fn whole(&self, given: Told, out: &mut Vec<u8>) {
        let text: String = (0..given.tokens.get()).map(word).collect();
        let content = match self.dialect {
            Dialect::Chat => format!(r#""message":{{"role":"assistant","content":"{text}"}}"#),
            Dialect::Completions => format!(r#""text":"{text}""#),
        };
        let choice = choice(&content, self.finish_reason(given.tokens));
        let body = format!("{{{}{choice},{}}}", self.opening, self.usage(given));
        response::whole("200 OK", JSON, "", self.after, body.as_bytes(), out);
    }

    fn finish_reason(&self, given: Tokens) -> &'static str {
        match Finish::of(given, self.output, self.most) {
            Finish::Length => r#""length""#,
            Finish::Stop => r#""stop""#,
        }
    }

    fn usage(&self, Told { tokens, cached }: Told) -> String {
        let output = if self.fault == Some(Fault::Usage) { Fault::told(tokens.get()) } else { tokens.get() };
        let prompt = self.prompt.get();
        let total = prompt + output;
        let cached = cached.map(|cached| format!(r#","prompt_tokens_details":{{"cached_tokens":{cached}}}"#));
        let cached = cached.unwrap_or_default();
        format!(r#""usage":{{"prompt_tokens":{prompt},"completion_tokens":{output},"total_tokens":{total}{cached}}}"#)
    }

    fn event(&self, rest: &str, out: &mut Vec<u8>) {
        response::event(self.framing, &format!("{{{}{rest}}}", self.opening), out);
    }

    /// Renders a token's event once: only the word differs from one to the next.
    fn render_token(&mut self) {
        let content = match self.dialect {
            Dialect::Chat => format!(r#""delta":{{"content":"{}"}}"#, WORDS[0]),
            Dialect::Completions => format!(r#""text":"{}""#, WORDS[0]),
        };
        // What stands behind the word holds nothing of the client's, so the word's last place is the right one.
        let mut event = Vec::new();
        self.event(&choice(&content, "null"), &mut event);
        let word = WORDS[0].as_bytes();
        let at = event.windows(word.len()).rposition(|bytes| bytes == word).expect("the event holds its word");
        self.after_word = event.split_off(at + word.len());
        event.truncate(at);
        self.before_word = event;
    }
}

fn choice(content: &str, finish_reason: &str) -> String {
    format!(r#""choices":[{{"index":0,{content},"logprobs":null,"finish_reason":{finish_reason}}}]"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_are_equally_long_and_need_no_escape_in_json() {
        assert!(WORDS.iter().all(|word| word.len() == 5 && word[1..].bytes().all(|b| b.is_ascii_lowercase())));
    }

    #[test]
    fn a_text_of_words_has_as_many_tokens_as_words() {
        let text: String = (0..100).map(word).collect();
        for name in ["o200k_base", "cl100k_base"] {
            let tokenizer = metron_workload::Tokenizer::named(name).unwrap();
            assert_eq!(tokenizer.count(&text).unwrap(), 100, "{name}");
        }
    }

    #[test]
    fn a_model_named_like_a_word_does_not_mislead_the_rendering() {
        let ask = Ask {
            dialect: Dialect::Completions,
            model: Some(r#" time"time"#.to_owned()),
            prompt: Tokens::new(1),
            blocks: Vec::new(),
            most: None,
            delivery: Delivery::Streamed(Usage::LeftOut),
        };
        let (after, framing, output) = (After::Close, Framing::UntilClose, Tokens::new(9));
        let answer = Answer::new(ask, Circumstances { request: 3, created: 5, output, fault: None, after, framing });
        let mut out = Vec::new();
        answer.token(1, &mut out);
        let opening = r#"data: {"id":"cmpl-3","object":"text_completion","created":5,"model":" time\"time","#;
        let choices = r#""choices":[{"index":0,"text":" part","logprobs":null,"finish_reason":null}]}"#;
        assert_eq!(String::from_utf8(out).unwrap(), format!("{opening}{choices}\n\n"));
    }
}
