//! One request and, where it begins a session, the turns after it: each leaves when the answer before it is over and its user
//! has thought, never earlier.

use std::sync::Arc;

use metron_metrics::Phase;
use metron_units::Nanos;
use metron_workload::{Leave, PlannedPhase};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{HeldBack, Job, Worker};
use crate::gate::Turn;
use crate::sessions::Why;
use crate::stop::Asked;
use crate::talk::{Heard, How};
use crate::timer::Timer;

/// A worker's part of the bound of requests in flight, and the place within it that a request has.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) of: Option<Arc<Semaphore>>,
    pub(super) taken: Option<OwnedSemaphorePermit>,
}

impl Slot {
    /// Whether a place must be waited for.
    fn is_to_wait(&self) -> bool {
        self.of.as_ref().is_some_and(|of| of.available_permits() == 0)
    }

    async fn take(&mut self) {
        if let Some(of) = &self.of {
            self.taken = Some(Arc::clone(of).acquire_owned().await.expect("the semaphore is never closed"));
        }
    }
}

impl Worker {
    // The job is boxed: by value each future that it is handed to would hold the room of it as long as the answer takes.
    /// Sends the request and what follows from it. Returns how long the user thinks after the last answer.
    pub(super) async fn converse(
        &self,
        mut job: Box<Job>,
        mut phase: Phase,
        held_back: HeldBack,
        mut slot: Slot,
    ) -> Nanos {
        let Some(mut talk) = job.talk.take() else {
            let think = job.think;
            self.ask(job, phase, held_back).await;
            return think;
        };
        let mut session = self.work.sessions.begin(talk.turns, talk.intent);
        let mut held_back = held_back;
        loop {
            session.sends(planned(job.request.phase));
            let think = job.think;
            let heard = self.ask(job, phase, held_back).await;
            slot.taken = None;
            held_back = HeldBack::No;
            if talk.later.is_empty() {
                return think;
            }
            match heard.how {
                How::Well | How::CutShort => {}
                How::Failed => {
                    session.cut(Why::Failed);
                    return think;
                }
                How::Unheard => {
                    session.cut(Why::Left);
                    return think;
                }
            }
            if !self.waits(think).await {
                return Nanos::ZERO;
            }
            let at = talk.next_instant().map(|at| self.work.origin.saturating_add(at));
            if let Some(at) = at {
                if self.work.clock.now() > at {
                    held_back = HeldBack::ByAnswer;
                } else if !self.waits_until(at).await {
                    return Nanos::ZERO;
                }
            }
            if slot.is_to_wait() && at.is_some() && held_back == HeldBack::No {
                held_back = HeldBack::Yes;
            }
            tokio::select! {
                biased;
                () = self.work.brake.reaches(Asked::Drain) => return Nanos::ZERO,
                () = slot.take() => {}
            }
            let Some(next) = talk.next(&heard, &self.work.target) else { return think };
            phase = match self.work.gate.later_turn(next.request.phase, self.work.clock.now()) {
                Turn::Go(phase) => phase,
                Turn::Over => return Nanos::ZERO,
            };
            job = Box::new(next);
        }
    }

    /// Sends one request until it is answered, or its user gives it up.
    async fn ask(&self, job: Box<Job>, phase: Phase, held_back: HeldBack) -> Heard {
        let leave = job.leave;
        let (mut flight, prepared) = self.take_off(*job, phase, held_back);
        match leave {
            None => self.client.send(&prepared, flight.answer()).await,
            Some(Leave::Heard(tokens)) => {
                self.client.send_until(&prepared, Some(tokens.get()), flight.answer()).await;
            }
            Some(Leave::After(time)) => {
                let until = self.work.clock.instant(self.work.clock.now().saturating_add(time));
                // The connection closes with the request that is dropped; what had come stays in the answer.
                tokio::select! {
                    biased;
                    () = self.client.send(&prepared, flight.answer()) => {}
                    () = tokio::time::sleep_until(until.into()) => {}
                }
            }
        }
        Heard::of(flight.answer())
    }

    /// Waits so long; `false` if nothing more is to be sent.
    pub(super) async fn waits(&self, time: Nanos) -> bool {
        // The runtime's timer: its millisecond is nothing to a user who thinks.
        let until = self.work.clock.instant(self.work.clock.now().saturating_add(time));
        tokio::select! {
            biased;
            () = self.work.brake.reaches(Asked::Drain) => false,
            () = std::future::ready(()), if time == Nanos::ZERO => true,
            () = tokio::time::sleep_until(until.into()), if time > Nanos::ZERO => true,
        }
    }
}

/// How long before an instant the kernel's timer takes over from the runtime's.
const CLOSE: Nanos = Nanos::from_millis(3);

impl Worker {
    /// Waits until an instant, as exactly as an open loop does; `false` if nothing more is to be sent.
    async fn waits_until(&self, at: Nanos) -> bool {
        let left = |until: Nanos| until.saturating_sub(self.work.clock.now());
        if !self.waits(left(at).saturating_sub(CLOSE)).await {
            return false;
        }
        let Ok(mut timer) = Timer::new(self.work.clock) else { return self.waits(left(at)).await };
        tokio::select! {
            biased;
            () = self.work.brake.reaches(Asked::Drain) => false,
            waited = timer.until(at) => waited.is_ok(),
        }
    }
}

/// The phase by which a turn is counted before its time has come.
pub(crate) fn planned(phase: PlannedPhase) -> Phase {
    match phase {
        PlannedPhase::Warmup => Phase::Warmup,
        PlannedPhase::Measured | PlannedPhase::ByClock => Phase::Measured,
    }
}
