//! Sessions at work in virtual time: whose next turn comes when, and how long its prompt has become. Knows no engine.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use metron_units::{Nanos, Tokens};
use metron_workload::trace::Shared;
use metron_workload::{Plan, PlannedRequest, Turn};

use super::named::Beginning;
use super::teller::Told;
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
    beginning: Arc<Beginning>,
    later: VecDeque<Told>,
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
    pub(super) fn begin(
        &mut self,
        plan: &Plan,
        first: &PlannedRequest,
        beginning: &Arc<Beginning>,
        later: VecDeque<Told>,
    ) {
        let Some(Turn { session: name, .. }) = first.turn else { return };
        let mut turns = NotSent::default();
        let later_phases = later.iter().map(|told| told.request.phase);
        std::iter::once(first.phase).chain(later_phases).for_each(|phase| turns.add(planned(phase)));
        let in_all = u32::try_from(later.len()).unwrap_or(u32::MAX).saturating_add(1);
        let abandoned = plan.abandons(first, in_all);
        let mut session = self.counts.begin(turns, if abandoned { Intent::Abandon } else { Intent::Complete });
        session.sends(planned(first.phase));
        self.open.insert(name, Talk { session, beginning: Arc::clone(beginning), later, said: 0 });
    }

    /// When the next turn comes.
    pub(super) fn next(&self) -> Option<Nanos> {
        self.due.peek().map(|&Reverse((at, _))| at)
    }

    /// The turn that comes next, if there is one.
    pub(super) fn take(&mut self) -> Option<Told> {
        let Reverse((_, name)) = self.due.pop()?;
        self.open.get_mut(&name)?.later.pop_front()
    }

    /// The turn that was taken is sent; how long its prompt is, and how it begins. `shared` is what its own words share.
    pub(super) fn sends(&mut self, request: &PlannedRequest, shared: Shared) -> Option<(Tokens, Arc<Beginning>)> {
        let turn = request.turn?;
        let talk = self.open.get_mut(&turn.session)?;
        talk.session.sends(planned(request.phase));
        // A conversation that was cut down begins anew.
        if turn.history == Tokens::new(0) {
            talk.said = 0;
            talk.beginning = Arc::new(Beginning::of(request, shared));
        }
        Some((Tokens::new(talk.said) + request.own_tokens(), Arc::clone(&talk.beginning)))
    }

    /// The turn that was taken is not sent, nor is any after it.
    pub(super) fn refuse(&mut self, request: &PlannedRequest) {
        if let Some(talk) = request.turn.and_then(|turn| self.open.remove(&turn.session)) {
            talk.session.cut(Why::Ended);
        }
    }

    /// A turn whose prompt had `prompt` tokens ended at `at` with `given` tokens; its user thinks, and goes on no earlier than the
    /// plan says.
    pub(super) fn ended(
        &mut self,
        plan: &Plan,
        request: &PlannedRequest,
        how: How,
        (prompt, given): (Tokens, u64),
        at: Nanos,
    ) -> Then {
        let Some(Turn { session: name, .. }) = request.turn else { return Then::Over };
        let Some(talk) = self.open.get_mut(&name) else { return Then::Over };
        talk.said = prompt.get() + given;
        let next = talk.later.front().map(|next| {
            let then = at.saturating_add(plan.pause(request, &next.request));
            next.request.intended.map_or(then, |intended| intended.max(then))
        });
        let why = match (how, next) {
            (How::Well | How::CutShort, Some(then)) => {
                self.due.push(Reverse((then, name)));
                return Then::GoesOn;
            }
            (how, _) => how,
        };
        let why = match why {
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
