//! A request on its way. However it ends, dropped or answered, what is known of it reaches the recorder.

use std::sync::mpsc::Sender;

use metron_metrics::Phase;
use metron_units::Nanos;
use metron_wire::Answer;
use metron_workload::PlannedRequest;

use super::HeldBack;
use crate::kind::Kind;
use crate::settle::Planned;

/// A request that is over.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) planned: Planned,
    pub(crate) answer: Answer,
    /// When its turn came.
    pub(crate) turn: Nanos,
    pub(crate) held_back: HeldBack,
}

impl Ended {
    pub(super) fn new(
        request: &PlannedRequest,
        (phase, kind): (Phase, Kind),
        intended: Option<Nanos>,
        prompt: Option<String>,
        turn: Nanos,
        held_back: HeldBack,
    ) -> Self {
        let planned = Planned { id: request.id, phase, kind, intended, input_tokens: request.input_tokens, prompt };
        Self { planned, answer: Answer::default(), turn, held_back }
    }

    /// How late it left through this client's fault; `None` in a closed loop, and where a bound held it back. Connecting is
    /// not in it, nor is what came before a resend.
    pub(crate) fn dispatch_lag(&self) -> Option<Nanos> {
        let intended = self.planned.intended.filter(|_| self.held_back == HeldBack::No)?;
        let left = match (self.answer.connect, self.answer.attempt) {
            (None, 0 | 1) => self.answer.dispatched.unwrap_or(self.turn),
            (Some(_), _) | (None, _) => self.turn,
        };
        Some(left.saturating_sub(intended))
    }
}

/// Hands over what it holds when it is dropped.
pub(super) struct Flight {
    ended: Option<Box<Ended>>,
    to: Sender<Box<Ended>>,
}

impl Flight {
    pub(super) fn new(ended: Ended, to: Sender<Box<Ended>>) -> Self {
        Self { ended: Some(Box::new(ended)), to }
    }

    pub(super) fn answer(&mut self) -> &mut Answer {
        &mut self.ended.as_mut().expect("it is there until the drop").answer
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        if let Some(ended) = self.ended.take() {
            // The recorder is gone only if the run itself has fallen.
            let _ = self.to.send(ended);
        }
    }
}

#[cfg(test)]
mod tests {
    use metron_units::Tokens;
    use metron_wire::End;
    use metron_workload::PlannedPhase;

    use super::*;

    fn ended(intended: Option<u64>, turn: u64, held_back: HeldBack) -> Ended {
        let kind = Kind::plain(metron_metrics::Deadlines { ttft: Nanos::ZERO, tbt: Nanos::new(1) });
        let request = PlannedRequest {
            id: 7,
            phase: PlannedPhase::Measured,
            intended: None,
            input_tokens: Tokens::new(1),
            output_tokens: Tokens::new(1),
            turn: None,
            own: metron_workload::Own::default(),
        };
        Ended::new(&request, (Phase::Measured, kind), intended.map(Nanos::new), None, Nanos::new(turn), held_back)
    }

    #[test]
    fn a_flight_that_is_dropped_is_recorded_as_cancelled() {
        let (to, recorder) = std::sync::mpsc::channel();
        drop(Flight::new(ended(None, 0, HeldBack::No), to));
        let landed = recorder.recv().expect("it was handed over");
        assert_eq!((landed.planned.id, landed.answer.end.clone()), (7, End::Cancelled));
    }

    #[test]
    fn lateness_is_this_clients_own() {
        let at = |dispatched, connect, attempt, held_back| {
            let mut ended = ended(Some(100), 110, held_back);
            ended.answer = Answer { dispatched: Some(Nanos::new(dispatched)), connect, attempt, ..Answer::default() };
            ended.dispatch_lag().map(Nanos::get)
        };
        assert_eq!(at(130, None, 1, HeldBack::No), Some(30), "over an open connection");
        assert_eq!(at(900, Some(Nanos::new(700)), 1, HeldBack::No), Some(10), "connecting is the server's");
        assert_eq!(at(900, None, 2, HeldBack::No), Some(10), "a resend is the server's");
        assert_eq!(at(130, None, 1, HeldBack::Yes), None, "a bound was asked for");
        assert_eq!(ended(None, 5, HeldBack::No).dispatch_lag(), None, "a closed loop has no instants");
    }
}
