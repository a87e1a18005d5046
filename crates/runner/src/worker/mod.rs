//! One worker: a thread with a runtime of its own, its own connections, and its own share of the load. On a token's way
//! nothing is shared with another worker; once a request, a queue is asked for the next one.
//!
//! Failures of requests are rows. A worker knows no file, no figure and no other worker.

mod closed;
mod converse;
mod flight;
mod gather;
mod open;
mod ready;

use std::cell::Cell;
use std::io;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use metron_metrics::Phase;
use metron_units::Nanos;
use metron_wire::{Client, Clock, ConnectionCounts, Prepared, StampCounts, Target};
use metron_workload::{Leave, PlannedRequest};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::{JoinError, JoinSet, LocalSet};

use crate::brake::Brake;
use crate::gate::Gate;
use crate::instrument::Busy;
use crate::kind::Kind;
use crate::processor::{thread_time, waited_time};
use crate::queue::Queue;
use crate::sessions::Sessions;
use crate::stop::Asked;
use crate::talk::Talk;
pub(crate) use converse::planned;
pub(crate) use flight::Ended;
use flight::Flight;
use gather::{Due, gathering};
pub(crate) use ready::Ready;
use ready::Stand;

/// One request, ready to be sent.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) request: PlannedRequest,
    pub(crate) kind: Kind,
    pub(crate) prepared: Prepared,
    /// If texts are kept.
    pub(crate) prompt: Option<String>,
    /// When its user gives it up.
    pub(crate) leave: Option<Leave>,
    /// How long its user waits after its answer, in a closed loop or a session.
    pub(crate) think: Nanos,
    /// What follows, if it begins a session.
    pub(crate) talk: Option<Box<Talk>>,
    /// What it takes in memory, about.
    pub(crate) bytes: usize,
}

/// What a worker is given.
pub(crate) struct Work {
    pub(crate) target: Arc<Target>,
    pub(crate) clock: Clock,
    /// When the plan's time begins, on the run's clock.
    pub(crate) origin: Nanos,
    pub(crate) gate: Arc<Gate>,
    pub(crate) queue: Arc<Queue<Job>>,
    pub(crate) brake: Brake,
    pub(crate) pace: Pace,
    /// Requests of the run whose turn has come.
    pub(crate) dispatched: Arc<AtomicU64>,
    /// What becomes of sessions, over all workers.
    pub(crate) sessions: Arc<Sessions>,
    /// To the recorder: requests that are over.
    pub(crate) ended: Sender<Box<Ended>>,
    /// To the run: how this worker stands.
    pub(crate) tell: UnboundedSender<Told>,
}

/// What makes this worker send.
#[derive(Debug, Clone)]
pub(crate) enum Pace {
    /// The plan's instants; at most so many requests in flight, if bounded.
    Open {
        /// This worker's part of `--max-in-flight`.
        slots: Option<u32>,
    },
    /// Users, each of whom asks again once answered; when each of them begins, in the plan's time.
    Closed {
        /// In order.
        begin: Vec<Nanos>,
    },
}

/// What a worker tells the run.
#[derive(Debug)]
pub(crate) enum Told {
    /// It is done.
    Done(Report),
    /// It cannot go on.
    Failed(WorkerError),
}

/// What a worker observed of itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    pub(crate) busy: Busy,
    pub(crate) stamps: StampCounts,
    pub(crate) connections: ConnectionCounts,
}

/// Why a worker cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkerError {
    /// The system refuses a timer or a poll set.
    #[error("the system refuses what a worker needs")]
    System(#[from] io::Error),
    /// A fault of ours. What the panic says is not kept: it could hold anything.
    #[error("a worker stopped on a fault of metron's own")]
    Panicked,
}

impl Work {
    /// Works until nothing is left to send and everything is answered, or the brake says so. Tells how it went, whatever
    /// happens.
    fn run(self, stand: Stand) {
        let tell = self.tell.clone();
        guarded(|| self.work(stand), &tell);
    }

    fn work(self, Stand { runtime, client }: Stand) -> io::Result<Report> {
        let local = LocalSet::new();
        let worker = Rc::new(Worker::new(self, client));
        let (clock, due, driven) = (worker.work.clock, worker.due.clone(), Rc::clone(&worker));
        let work = local.run_until(async move {
            let mut flights = JoinSet::new();
            let braked = worker.work.brake.clone();
            let worked = tokio::select! {
                worked = worker.send_all(&mut flights) => worked,
                () = braked.reaches(Asked::Now) => Ok(()),
            };
            // Each flight that is dropped here hands over what it knows.
            flights.shutdown().await;
            worked.map(|()| worker.report())
        });
        runtime.block_on(gathering(work, clock, due, &driven.client))
    }
}

/// Does the work of a worker, and tells how it went even if it panics.
fn guarded(work: impl FnOnce() -> io::Result<Report>, tell: &UnboundedSender<Told>) {
    let told = match std::panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(report)) => Told::Done(report),
        Ok(Err(error)) => Told::Failed(error.into()),
        Err(_) => Told::Failed(WorkerError::Panicked),
    };
    // Nobody listens only if the run itself has fallen.
    let _ = tell.send(told);
}

/// A worker at work.
struct Worker {
    work: Work,
    client: Client,
    /// When it next sends by the plan's time.
    due: Due,
    began: Moment,
    /// When it stopped sending.
    sent_all: Cell<Option<Moment>>,
}

/// Time, and the thread's part of it.
#[derive(Debug, Clone, Copy)]
struct Moment {
    at: Nanos,
    processor: Nanos,
    waited: Nanos,
}

impl Moment {
    fn now(clock: Clock) -> Self {
        Self { at: clock.now(), processor: thread_time(), waited: waited_time() }
    }

    fn busy_until(self, end: Self) -> Busy {
        Busy::of(
            end.processor.saturating_sub(self.processor),
            end.waited.saturating_sub(self.waited),
            end.at.saturating_sub(self.at),
        )
    }
}

impl Worker {
    fn new(work: Work, client: Client) -> Self {
        Self { began: Moment::now(work.clock), sent_all: Cell::new(None), due: Due::none(), work, client }
    }

    async fn send_all(self: &Rc<Self>, flights: &mut JoinSet<()>) -> io::Result<()> {
        match &self.work.pace {
            Pace::Open { slots } => self.keep_the_plan(*slots, flights).await?,
            Pace::Closed { begin } => self.serve_users(begin, flights).await?,
        }
        while let Some(landed) = flights.join_next().await {
            landed_well(landed);
        }
        Ok(())
    }

    /// The request's turn has come.
    fn take_off(&self, job: Job, phase: Phase, held_back: HeldBack) -> (Flight, Prepared) {
        self.work.dispatched.fetch_add(1, Ordering::Relaxed);
        let turn = self.work.clock.now();
        let intended = job.request.intended.map(|at| self.work.origin.saturating_add(at));
        let ended = Ended::new(&job.request, (phase, job.kind), intended, job.prompt, turn, held_back);
        (Flight::new(ended, self.work.ended.clone()), job.prepared)
    }

    fn sends_no_more(&self) {
        if self.sent_all.get().is_none() {
            self.sent_all.set(Some(Moment::now(self.work.clock)));
        }
    }

    /// Busy while it sent, or over all its time, whichever is more: a long drain must not hide a full worker.
    fn report(&self) -> Report {
        let end = Moment::now(self.work.clock);
        let sending = self.sent_all.get().map(|sent_all| self.began.busy_until(sent_all));
        let whole = self.began.busy_until(end);
        let busy = sending.filter(|sending| sending.share.get() > whole.share.get()).unwrap_or(whole);
        Report { busy, stamps: self.client.stamps(), connections: self.client.connections() }
    }
}

/// Whether a bound of requests in flight made a request late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeldBack {
    Yes,
    /// The answer to the turn before it did.
    ByAnswer,
    No,
}

/// Passes on a panic of a request's task: the worker falls with it.
fn landed_well(landed: Result<(), JoinError>) {
    if let Err(error) = landed
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_panics_is_told_of_without_its_words() {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        guarded(|| panic!("sk-canary"), &tell);
        match told.try_recv() {
            Ok(Told::Failed(error @ WorkerError::Panicked)) => assert!(!error.to_string().contains("sk-canary")),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_that_panics_takes_its_worker_with_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let work = || {
            runtime.block_on(LocalSet::new().run_until(async {
                let mut flights = JoinSet::new();
                flights.spawn_local(async { panic!("in flight") });
                while let Some(landed) = flights.join_next().await {
                    landed_well(landed);
                }
                Err(io::Error::other("it went on"))
            }))
        };
        guarded(work, &tell);
        assert!(matches!(told.try_recv(), Ok(Told::Failed(WorkerError::Panicked))));
    }
}
