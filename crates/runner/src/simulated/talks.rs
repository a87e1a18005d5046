//! Sessions at work in virtual time: whose next turn comes when, and how long its prompt has become. Knows no engine.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use metron_units::{Nanos, Tokens};
use metron_workload::{Plan, PlannedRequest, Turn};

use crate::sessions::{Intent, NotSent, Session, Sessions, Why};
use crate::talk::How;
use crate::worker::planned;

/// The sessions that have begun and not ended.
pub(super) struct Talks {
    counts: Arc<Sessions>,
    open: HashMap<u64, Talk>,
    /// When the next turn of each session that waits for nothing comes.
    due: BinaryHeap<Reverse<(Nanos, u64)>>,
}

struct Talk {
    session: Session,
    later: VecDeque<PlannedRequest>,
    /// Tokens that were said so far, answers as long as they were given.
    said: u64,
}

/// What becomes of a session when one of its turns has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    GoesOn,
    /// Its user is free.
    Over,
}

impl Talks {
    pub(super) fn new(counts: Arc<Sessions>) -> Self {
        Self { counts, open: HashMap::new(), due: BinaryHeap::new() }
    }

    /// A session begins with `first`.
    pub(super) fn begin(&mut self, plan: &Plan, first: &PlannedRequest, later: VecDeque<PlannedRequest>) {
        let Some(Turn { session: name, .. }) = first.turn else { return };
        let mut turns = NotSent::default();
        std::iter::once(first).chain(&later).for_each(|request| turns.add(planned(request.phase)));
        let in_all = later.len() as u64 + 1;
        let abandoned = plan.session(name).is_some_and(|length| length.abandoned && u64::from(length.turns) == in_all);
        let mut session = self.counts.begin(turns, if abandoned { Intent::Abandon } else { Intent::Complete });
        session.sends(planned(first.phase));
        self.open.insert(name, Talk { session, later, said: 0 });
    }

    /// When the next turn comes.
    pub(super) fn next(&self) -> Option<Nanos> {
        self.due.peek().map(|&Reverse((at, _))| at)
    }

    /// The turn that comes next, if there is one.
    pub(super) fn take(&mut self) -> Option<PlannedRequest> {
        let Reverse((_, name)) = self.due.pop()?;
        self.open.get_mut(&name)?.later.pop_front()
    }

    /// The turn that was taken is sent; how long its prompt is.
    pub(super) fn sends(&mut self, request: &PlannedRequest) -> Tokens {
        let said = request.turn.and_then(|turn| self.open.get_mut(&turn.session)).map_or(0, |talk| {
            talk.session.sends(planned(request.phase));
            talk.said
        });
        Tokens::new(said) + request.own_tokens()
    }

    /// The turn that was taken is not sent, nor is any after it.
    pub(super) fn refuse(&mut self, request: &PlannedRequest) {
        if let Some(talk) = request.turn.and_then(|turn| self.open.remove(&turn.session)) {
            talk.session.cut(Why::Ended);
        }
    }

    /// A turn whose prompt had `prompt` tokens ended with `given` tokens; its user thinks until `then`.
    pub(super) fn ended(&mut self, name: u64, how: How, prompt: Tokens, given: u64, then: Nanos) -> Then {
        let Some(talk) = self.open.get_mut(&name) else { return Then::Over };
        talk.said = prompt.get() + given;
        let why = match how {
            How::Well | How::CutShort if !talk.later.is_empty() => {
                self.due.push(Reverse((then, name)));
                return Then::GoesOn;
            }
            How::Well | How::CutShort => Why::Ended,
            How::Failed => Why::Failed,
            How::Unheard => Why::Left,
        };
        if let Some(talk) = self.open.remove(&name) {
            talk.session.cut(why);
        }
        Then::Over
    }

    /// Nothing more is sent.
    pub(super) fn end(&mut self) {
        self.due.clear();
        self.open.clear();
    }
}
