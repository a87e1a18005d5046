//! The open loop: each request leaves at its instant, whatever became of those before it.

use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::converse::Slot;
use super::{HeldBack, Worker, landed_well};
use crate::gate::Turn;
use crate::stop::Asked;
use crate::timer::Timer;

impl Worker {
    /// Sends each request of this worker's share at its instant. With `slots`, one that finds none waits for it, and those
    /// after it wait behind; their instants stay.
    pub(super) async fn keep_the_plan(
        self: &Rc<Self>,
        slots: Option<u32>,
        flights: &mut JoinSet<()>,
    ) -> io::Result<()> {
        let (clock, gate) = (self.work.clock, &self.work.gate);
        let mut timer = Timer::new(clock)?;
        let mut braked = pin!(self.work.brake.reaches(Asked::Drain));
        let slots = slots.map(|slots| Arc::new(Semaphore::new(slots as usize)));
        let mut behind = false;
        loop {
            let (taken, waited) = match &slots {
                Some(slots) => {
                    let waited = slots.available_permits() == 0;
                    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
                    (Some(slot), waited)
                }
                None => (None, false),
            };
            let turn = |job: &super::Job| {
                let now = clock.now();
                match gate.open_turn(&job.request, now) {
                    Turn::Go(phase) => Some((phase, now)),
                    Turn::Over => None,
                }
            };
            let Some((job, (phase, now))) = self.work.queue.pop(turn).await else { break };
            let at = self.work.origin.saturating_add(job.request.intended.unwrap_or_default());
            behind = now > at && (waited || behind);
            self.due.set(Some(at));
            tokio::select! {
                biased;
                waited = timer.until(at) => waited?,
                () = &mut braked => break,
            }
            self.due.set(None);
            let held_back = if behind { HeldBack::Yes } else { HeldBack::No };
            let slot = Slot { of: slots.clone(), taken };
            let worker = Rc::clone(self);
            flights.spawn_local(async move {
                worker.converse(Box::new(job), phase, held_back, slot).await;
            });
            while let Some(landed) = flights.try_join_next() {
                landed_well(landed);
            }
        }
        self.due.set(None);
        self.sends_no_more();
        Ok(())
    }
}
