//! The closed loop: users, each of whom sends the plan's next request once the last one was answered.

use std::io;
use std::pin::pin;
use std::rc::Rc;

use metron_units::Nanos;
use tokio::task::JoinSet;

use super::converse::Slot;
use super::{HeldBack, Job, Worker};
use crate::gate::Turn;
use crate::stop::Asked;
use crate::timer::Timer;

impl Worker {
    /// Lets each user begin at its time. Returns once all have begun; their requests go on in `flights`.
    pub(super) async fn serve_users(self: &Rc<Self>, begin: &[Nanos], flights: &mut JoinSet<()>) -> io::Result<()> {
        let mut timer = Timer::new(self.work.clock)?;
        let mut braked = pin!(self.work.brake.reaches(Asked::Drain));
        for &begin in begin {
            let at = self.work.origin.saturating_add(begin);
            self.due.set(Some(at));
            tokio::select! {
                biased;
                () = &mut braked => break,
                waited = timer.until(at) => waited?,
            }
            flights.spawn_local(Rc::clone(self).serve_user());
        }
        self.due.set(None);
        Ok(())
    }

    async fn serve_user(self: Rc<Self>) {
        let turn = |job: &Job| match self.work.gate.turn(job.request.phase, self.work.clock.now()) {
            Turn::Go(phase) => Some(phase),
            Turn::Over => None,
        };
        while let Some((job, phase)) = self.work.queue.pop(turn).await {
            if self.work.queue.is_over() && job.talk.is_none() {
                self.sends_no_more();
            }
            let think = self.converse(Box::new(job), phase, HeldBack::No, Slot::default()).await;
            if !self.thinks(think).await {
                break;
            }
        }
        self.sends_no_more();
    }

    /// Waits before the next request; `false` if there will be none.
    async fn thinks(&self, time: Nanos) -> bool {
        if time == Nanos::ZERO {
            return true;
        }
        if self.work.queue.is_over() {
            return false;
        }
        self.waits(time).await
    }
}
