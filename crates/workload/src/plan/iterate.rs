//! A plan's requests one after another: those that stand alone, the turns of sessions, a trace's rows.

use metron_units::{Nanos, Tokens};

use super::Plan;
use super::lengths::Lengths;
use super::own::Own;
use super::request::{PlannedPhase, PlannedRequest};
use super::row::Row;
use super::session::{Rest, Turn};
use super::walk::Step;

/// A recorded session as far as it has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spoken {
    /// Tokens, answers of the length that was asked for.
    said: Tokens,
    /// By which the gap to the next turn is told.
    since: Option<Nanos>,
    phase: PlannedPhase,
}

impl Iterator for Plan {
    type Item = PlannedRequest;

    fn next(&mut self) -> Option<PlannedRequest> {
        if self.cursor.is_some() {
            return self.next_recorded();
        }
        loop {
            if let Some(rest) = self.rest.take().filter(|rest| rest.left > 0) {
                let step = self.walk.later(&self.config, rest.phase, None)?;
                if let Some(request) = self.turn(&step, rest) {
                    return Some(request);
                }
                continue;
            }
            let step = self.walk.step(&self.config, None)?;
            let class = self.class_of_arrival(step.arrival);
            let Some(length) = self.session(step.arrival) else {
                if self.shard.holds(step.id) {
                    return Some(self.lone(&step, class));
                }
                continue;
            };
            let turn = Turn { session: step.arrival, turn: 0, history: Tokens::new(0) };
            let rest = Rest { turn, left: length.turns, phase: step.phase, class };
            if let Some(request) = self.turn(&step, rest) {
                return Some(request);
            }
        }
    }
}

impl Plan {
    /// A request that stands alone.
    fn lone(&mut self, step: &Step, class: Option<usize>) -> PlannedRequest {
        let lengths = self.lengths_in(class, step.id, [None; 2]);
        self.of_lengths(step, lengths)
    }

    fn of_lengths(&mut self, step: &Step, lengths: Lengths) -> PlannedRequest {
        let Lengths { input_tokens, output_tokens, clamped } = lengths;
        self.clamped += u64::from(clamped);
        let (id, phase, intended) = (step.id, step.phase, step.intended);
        PlannedRequest { id, phase, intended, input_tokens, output_tokens, turn: None, own: Own::default() }
    }

    /// The trace's next request that is this shard's.
    fn next_recorded(&mut self) -> Option<PlannedRequest> {
        loop {
            let row = self.cursor.as_mut()?.next()?;
            let request = self.recorded(&row)?;
            if self.shard.holds(request.arrival()) {
                return Some(request);
            }
        }
    }

    fn recorded(&mut self, row: &Row) -> Option<PlannedRequest> {
        let spoken = self.talk.take().filter(|_| row.place.is_some_and(|place| place.turn > 0));
        let step = match spoken {
            Some(spoken) => self.walk.later(&self.config, spoken.phase, Some(row))?,
            None => self.walk.step(&self.config, Some(row))?,
        };
        // A trace's class may be one of the mix; the others stand behind those.
        let class = row.own.class.and_then(|class| self.pattern.class_number(class));
        let own = Own { class, ..row.own };
        let arrival = row.place.map_or(row.id, |place| place.session);
        let index = class.map_or_else(|| self.class_of_arrival(arrival), |class| usize::try_from(class).ok());
        let lengths = self.lengths_in(index, step.id, [row.input, row.output]);
        let request = PlannedRequest { own, ..self.of_lengths(&step, lengths) };
        let Some(place) = row.place else { return Some(request) };
        let said = spoken.map_or(Tokens::new(0), |spoken| spoken.said);
        let input = request.input_tokens;
        let (input_tokens, history) = match row.adds {
            true => (said + input, said),
            false if input > said => (input, said),
            // Shorter than what was said before: the conversation was cut down, and begins anew.
            false => (input, Tokens::new(0)),
        };
        let since = spoken.and_then(|spoken| spoken.since);
        let gap = row.since.zip(since).map(|(now, before)| now.saturating_sub(before));
        let delay = if spoken.is_some() { own.delay.or(gap.filter(|_| step.intended.is_none())) } else { None };
        self.talk = Some(Spoken { said: input_tokens + request.output_tokens, since: row.since, phase: step.phase });
        let turn = Turn { session: place.session, turn: place.turn, history };
        let own = Own { delay, ..own };
        Some(PlannedRequest { input_tokens, turn: Some(turn), own, ..request })
    }

    /// The turn that `rest` begins with, if its session is this shard's; the turns after it stay.
    fn turn(&mut self, step: &Step, rest: Rest) -> Option<PlannedRequest> {
        let Rest { turn, left, phase, class } = rest;
        let next = Turn { turn: turn.turn + 1, ..turn };
        if !self.shard.holds(turn.session) {
            self.rest = Some(Rest { turn: next, left: left - 1, phase, class });
            return None;
        }
        let own = self.lone(step, class);
        let input_tokens = turn.history + own.input_tokens;
        let next = Turn { history: input_tokens + own.output_tokens, ..next };
        self.rest = Some(Rest { turn: next, left: left - 1, phase, class });
        Some(PlannedRequest { input_tokens, turn: Some(turn), ..own })
    }
}
