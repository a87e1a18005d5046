//! Makes a plan's rows of a trace's requests: what they are long, of which class, what they are held to. Knows no order.

use std::collections::HashMap;
use std::sync::Arc;

use metron_units::Tokens;

use super::own::Own;
use super::replay::{Answers, Reading, ReplayError};
use super::row::Row;
use super::together::{Turned, key_of};
use crate::trace::{Content, Trace, TraceFormat, TraceRequest};

/// More classes than this are no classes.
pub(super) const MOST_CLASSES: usize = 1_000;

/// Makes rows, in the order of their file or of a plan.
pub(super) struct Maker {
    format: TraceFormat,
    reading: Reading,
    pub(super) classes: Classes,
    /// How long each conversation has become, where turns stand alone with the answers that were recorded.
    talks: HashMap<u64, u64>,
    /// Whether some request belongs to a conversation that goes on from the server's own answers.
    pub(super) has_turns: bool,
}

/// The classes that a trace names.
#[derive(Debug, Default)]
pub(super) struct Classes {
    pub(super) names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Classes {
    /// Those of a trace that was read before.
    pub(super) fn of(names: &[Arc<str>]) -> Self {
        Self { names: names.to_vec(), numbers: names.iter().cloned().zip(0..).collect() }
    }

    /// The number of a class; `None` if there are too many.
    fn number(&mut self, name: &str) -> Option<u32> {
        if let Some(&number) = self.numbers.get(name) {
            return Some(number);
        }
        let number = u32::try_from(self.names.len()).ok().filter(|_| self.names.len() < MOST_CLASSES)?;
        let name: Arc<str> = name.into();
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        Some(number)
    }
}

impl Maker {
    pub(super) fn new(trace: &Trace, reading: Reading) -> Self {
        let format = trace.format();
        Self { format, reading, classes: Classes::default(), talks: HashMap::new(), has_turns: false }
    }

    /// The row of a request.
    pub(super) fn row(&mut self, request: &TraceRequest) -> Result<Row, ReplayError> {
        let line = request.line;
        let tokenizer = self.reading.tokenizer.as_ref();
        let [input, output] = request.lengths(tokenizer).map_err(|source| ReplayError::Tokenizer { line, source })?;
        // A file of arrivals alone says no length, and then both are drawn.
        if input.is_none() && request.content != Content::Lengths {
            return Err(ReplayError::NoLength { line });
        }
        let is_live = self.reading.answers == Answers::Live;
        let input = if is_live { input } else { input.map(|input| self.with_turns_before(request, input, output)) };
        let class = request.class.as_deref().filter(|class| !class.trim().is_empty());
        let class = class.map(|class| self.classes.number(class).ok_or(ReplayError::Classes { line })).transpose()?;
        let key = request.key().filter(|_| is_live);
        self.has_turns |= key.is_some();
        Ok(Row {
            id: 0,
            at: request.at,
            since: request.at.or(request.in_session),
            input,
            output,
            adds: key.is_some() && (request.input_tokens.is_none() || self.format.counts_what_turns_add()),
            place: None,
            own: Own {
                class,
                ttft_deadline: request.ttft_deadline,
                tbt_deadline: request.tbt_deadline,
                delay: request.delay.filter(|_| is_live),
                leave: request.leave,
                abandons: request.abandoned,
            },
            key,
            turns: request.turns.filter(|_| is_live),
        })
    }

    /// The length of a turn's prompt, where `input` is that of its own messages; what the file itself says is of all of them.
    fn with_turns_before(&mut self, request: &TraceRequest, input: Tokens, output: Option<Tokens>) -> Tokens {
        let (Content::NewMessages { .. }, None, Some(session)) =
            (&request.content, request.input_tokens, request.session.as_deref())
        else {
            return input;
        };
        let answer = request.answer.as_ref().and(output).unwrap_or_default().get();
        let key = key_of(session);
        if request.turn == Some(0) {
            self.talks.remove(&key);
        }
        let before = self.talks.entry(key).or_default();
        let whole = before.saturating_add(input.get());
        *before = whole.saturating_add(answer);
        Tokens::new(whole)
    }
}
