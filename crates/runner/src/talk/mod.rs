//! A conversation that a worker leads: what was said, what is to be said next, and how an answer becomes part of it. Knows no
//! connection and no clock.

mod calls;

use std::collections::VecDeque;
use std::sync::Arc;

use metron_units::{Nanos, Tokens};
use metron_wire::{Answer, Call, Channel, End, Envelope, Header, History, Said, Target};
use metron_workload::{Leave, PlannedRequest};

use crate::kind::Kind;
use crate::sessions::{Intent, NotSent};
use crate::settle::text_of;
use crate::telemetry::TraceKey;
use crate::worker::Job;
use calls::calls;

/// A conversation after its first words.
#[derive(Debug)]
pub(crate) struct Talk {
    /// What was said, the first words included.
    pub(crate) history: History,
    /// The turns to come.
    pub(crate) later: VecDeque<Later>,
    /// The class of the run's configuration that it is of, whose headers its requests have.
    pub(crate) class: Option<usize>,
    pub(crate) headers: Vec<Header>,
    /// Whose trace each of them is of, where somebody traces them.
    pub(crate) tracing: Option<TraceKey>,
    pub(crate) manner: Manner,
    /// All turns, the first included.
    pub(crate) turns: NotSent,
    /// How its user means to end it.
    pub(crate) intent: Intent,
}

/// A turn to come, made ahead as far as it can be.
#[derive(Debug)]
pub(crate) struct Later {
    pub(crate) request: PlannedRequest,
    pub(crate) kind: Kind,
    pub(crate) envelope: Envelope,
    pub(crate) words: Words,
    /// If texts are kept.
    pub(crate) prompt: Option<String>,
    pub(crate) leave: Option<Leave>,
    pub(crate) think: Nanos,
}

/// What a turn adds.
#[derive(Debug)]
pub(crate) enum Words {
    /// A user's message, written out.
    Message(Vec<u8>),
    /// A tool's result.
    Result(String),
}

/// Who speaks between two answers.
#[derive(Debug, Clone)]
pub(crate) enum Manner {
    /// A user.
    Chat,
    /// Tools: those that the answer calls, or else the one of this call.
    Agent {
        /// What the tools are called.
        tools: Arc<[String]>,
        /// What stands for a call where the answer makes none; its id gets the turn's number.
        scripted: Call,
    },
}

/// What is known of an answer when it is over, as far as the next turn needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) how: How,
    text: String,
    tool: String,
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Well,
    /// It failed.
    Failed,
    /// Its user gave it up, having heard something.
    CutShort,
    /// Its user gave it up before anything was heard.
    Unheard,
}

impl Heard {
    pub(crate) fn of(answer: &Answer) -> Self {
        let how = match (&answer.end, answer.chunks.is_empty()) {
            (End::Complete, _) => How::Well,
            (End::Failed { .. }, _) => How::Failed,
            (End::Cancelled, false) => How::CutShort,
            (End::Cancelled, true) => How::Unheard,
        };
        Self { how, text: text_of(answer, Channel::Answer), tool: text_of(answer, Channel::Tool) }
    }
}

impl Talk {
    /// How many bytes of memory its words take, about.
    pub(crate) fn bytes(&self) -> usize {
        let word = |later: &Later| match &later.words {
            Words::Message(message) => message.len(),
            Words::Result(text) => text.len(),
        };
        // A turn's envelope is about as long as a short message.
        const TURN: usize = 512;
        self.history.len() + self.later.iter().map(|later| TURN + word(later)).sum::<usize>()
    }

    /// When the next turn leaves at the earliest, in the plan's time, if the plan says it.
    pub(crate) fn next_instant(&self) -> Option<Nanos> {
        self.later.front()?.request.intended
    }

    /// The next turn's request, after this answer; `None` if there is none.
    pub(crate) fn next(&mut self, heard: &Heard, target: &Target) -> Option<Job> {
        let Later { request, kind, envelope, words, prompt, leave, think } = self.later.pop_front()?;
        // A conversation that was cut down begins anew, with what this turn says.
        let is_anew = request.turn.is_some_and(|turn| turn.history == Tokens::new(0));
        if is_anew {
            self.history = self.history.anew();
        }
        match (words, &self.manner) {
            (Words::Message(message), _) if is_anew => self.history.add(&message),
            (Words::Result(text), _) if is_anew => self.history.say(&Said::User { text: &text, media: &[] }),
            (Words::Message(message), _) => {
                self.history.say(&Said::Assistant { text: &heard.text, calls: &[] });
                self.history.add(&message);
            }
            (Words::Result(text), Manner::Chat) => {
                self.history.say(&Said::Assistant { text: &heard.text, calls: &[] });
                self.history.say(&Said::User { text: &text, media: &[] });
            }
            (Words::Result(text), Manner::Agent { tools, scripted }) => {
                let turn = kind.turn.unwrap_or_default();
                let made = calls(&heard.tool, tools, turn);
                let made =
                    made.unwrap_or_else(|| vec![Call { id: format!("{}_{turn}", scripted.id), ..scripted.clone() }]);
                self.history.say(&Said::Assistant { text: &heard.text, calls: &made });
                for (place, call) in made.iter().enumerate() {
                    // The planned words are one result; of several calls the others find nothing.
                    let text = if place == 0 { text.as_str() } else { "{}" };
                    self.history.say(&Said::Tool { call: &call.id, text });
                }
            }
        }
        let traced = self.tracing.map(|key| key.header(request.id));
        let of_all = self.headers.len();
        self.headers.extend(traced);
        let prepared = target.prepare_with(self.class, &self.headers, envelope.around(&self.history));
        self.headers.truncate(of_all);
        Some(Job { request, kind, prepared, prompt, leave, think, talk: None, bytes: 0 })
    }
}
