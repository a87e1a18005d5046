//! A run from its first request to its last: starts feeder, workers and recorder, watches over them, and gathers what they
//! found. Each failure ends the run in good order. Knows no configuration.

use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use metron_results::event::{InFlight, RunEvent, RunPhase};
use metron_units::Nanos;
use metron_wire::{Clock, ConnectionCounts, StampCounts};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;

use crate::brake::Brake;
use crate::feeder::{Fed, Feeder};
use crate::gate::Gate;
use crate::instrument::Busy;
use crate::pulse::{BEAT, Pulse, wall_ns};
use crate::script::ScriptError;
use crate::stop::{Asked, Stop};
use crate::worker::{Report, Told, WorkerError};

/// A feeder at work.
pub(crate) struct Feeding {
    thread: JoinHandle<Result<Fed, FeedError>>,
}

/// Why no more could be fed.
#[derive(Debug)]
pub(crate) enum FeedError {
    Script(ScriptError),
    Panicked,
}

impl Feeding {
    /// Starts to feed. Whatever stops it also stops the run.
    pub(crate) fn start(feeder: Feeder, brake: Brake) -> io::Result<Self> {
        let feed = move || {
            let fed = std::panic::catch_unwind(AssertUnwindSafe(|| feeder.feed()));
            let fed = fed.map_err(|_| FeedError::Panicked).and_then(|fed| fed.map_err(FeedError::Script));
            if fed.is_err() {
                brake.drain();
            }
            fed
        };
        Ok(Self { thread: std::thread::Builder::new().name("metron-feeder".to_owned()).spawn(feed)? })
    }

    pub(crate) fn end(self) -> Result<Fed, FeedError> {
        self.thread.join().unwrap_or(Err(FeedError::Panicked))
    }
}

/// What the workers found, all told.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    pub(crate) busy: Vec<Busy>,
    pub(crate) stamps: StampCounts,
    pub(crate) connections: ConnectionCounts,
    pub(crate) failed: Option<WorkerError>,
    /// What was asked from without.
    pub(crate) asked: Asked,
    pub(crate) longest_stall: Option<Nanos>,
}

/// Watches a run.
pub(crate) struct Watch<'a> {
    pub(crate) clock: Clock,
    pub(crate) origin: Nanos,
    pub(crate) gate: &'a Gate,
    pub(crate) brake: &'a Brake,
    pub(crate) stop: &'a Stop,
    pub(crate) workers: usize,
    pub(crate) has_warmup: bool,
    pub(crate) events: &'a Sender<RunEvent>,
}

impl Watch<'_> {
    /// Watches until every worker is done or has failed.
    pub(crate) fn until_done(&self, told: UnboundedReceiver<Told>) -> io::Result<Crew> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        Ok(runtime.block_on(self.watch(told)))
    }

    async fn watch(&self, mut told: UnboundedReceiver<Told>) -> Crew {
        let mut crew = Crew::default();
        let mut pulse = Pulse::new(self.clock.now(), wall_ns());
        let mut beat = tokio::time::interval(Duration::from(BEAT));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut at_work, mut draining) = (self.workers, false);
        let mut warming_up = self.has_warmup;
        self.phase_began(if warming_up { RunPhase::Warmup } else { RunPhase::Measured }, self.origin);
        while at_work > 0 {
            let next = next_more(crew.asked);
            tokio::select! {
                said = told.recv() => match said {
                    Some(Told::Done(report)) => {
                        at_work -= 1;
                        crew.add(report);
                    }
                    Some(Told::Failed(error)) => {
                        at_work -= 1;
                        crew.failed.get_or_insert(error);
                        // What the others have in flight is still good.
                        self.brake.drain();
                    }
                    None => break,
                },
                asked = self.stop.reaches(next), if crew.asked < Asked::Now => {
                    crew.asked = asked;
                    self.brake.apply(asked);
                    self.interrupted(asked);
                }
                _ = beat.tick() => {
                    let now = self.clock.now();
                    for warning in pulse.beat(now, wall_ns()) {
                        self.tell(RunEvent::Warning(warning));
                    }
                    if let Some(from) = self.gate.measured_from().filter(|&from| warming_up && from <= now) {
                        warming_up = false;
                        self.phase_began(RunPhase::Measured, from);
                    }
                    if !draining && self.brake.nothing_left() {
                        draining = true;
                        self.phase_began(RunPhase::Draining, now);
                    }
                }
            }
        }
        crew.longest_stall = pulse.longest_stall();
        crew
    }

    fn interrupted(&self, asked: Asked) {
        let in_flight = if asked == Asked::Now { InFlight::Dropped } else { InFlight::Awaited };
        self.tell(RunEvent::Interrupted { at: self.clock.now(), in_flight });
    }

    fn phase_began(&self, phase: RunPhase, at: Nanos) {
        self.tell(RunEvent::PhaseBegan { phase, at });
    }

    fn tell(&self, event: RunEvent) {
        // Nobody has to listen.
        let _ = self.events.send(event);
    }
}

/// What more could be asked.
fn next_more(asked: Asked) -> Asked {
    match asked {
        Asked::Nothing => Asked::Drain,
        Asked::Drain | Asked::Now => Asked::Now,
    }
}

impl Crew {
    fn add(&mut self, report: Report) {
        self.busy.push(report.busy);
        self.stamps.kernel += report.stamps.kernel;
        self.stamps.user += report.stamps.user;
        self.stamps.refused += report.stamps.refused;
        self.connections += report.connections;
    }
}

/// Starts a thread of the run.
pub(crate) fn thread<T: Send + 'static>(
    name: String,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    std::thread::Builder::new().name(name).spawn(work)
}

/// One queue for all workers where the next free one takes the next request, else one for each.
pub(crate) fn shares<T>(queues: &Arc<[Arc<T>]>, worker: usize) -> Arc<T> {
    Arc::clone(&queues[worker % queues.len()])
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use metron_units::Share;
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::queue::{Bound, Queue};
    use crate::worker::Job;

    fn brake() -> Brake {
        let queue: Arc<Queue<Job>> = Arc::new(Queue::new(Bound { jobs: 8, bytes: 8 }));
        Brake::new([queue].into_iter().collect())
    }

    fn report() -> Report {
        let busy = Busy { share: Share::NONE, kept_waiting: Share::NONE, observed: Nanos::from_secs(1) };
        let connections = ConnectionCounts { opened: 2, http2: 1, ahead: 2, warm: 1 };
        Report { busy, stamps: StampCounts { kernel: 3, user: 1, refused: 0 }, connections }
    }

    /// Watches two workers that say this, and gives what was heard.
    fn watch(stop: &Stop, brake: &Brake, told: Vec<Told>) -> (Crew, Vec<RunEvent>) {
        let (events, heard) = channel();
        let (tell, said) = unbounded_channel();
        let clock = Clock::start();
        let gate = Gate::closed(Nanos::ZERO, None);
        for told in told {
            tell.send(told).expect("it is watched");
        }
        let (origin, workers, has_warmup) = (Nanos::ZERO, 2, false);
        let watch = Watch { clock, origin, gate: &gate, brake, stop, workers, has_warmup, events: &events };
        // A worker that says nothing more before it is stopped.
        let silent = tell.clone();
        let stopped = brake.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(stopped.reaches(Asked::Drain));
            let _ = silent.send(Told::Done(report()));
        });
        drop(tell);
        let crew = watch.until_done(said).expect("a runtime");
        drop(events);
        (crew, heard.into_iter().collect())
    }

    #[test]
    fn what_the_workers_found_is_added_up() {
        let (crew, heard) = watch(&Stop::new(), &brake(), vec![Told::Done(report()), Told::Done(report())]);
        assert_eq!((crew.busy.len(), crew.stamps.kernel, crew.stamps.user), (2, 6, 2));
        assert_eq!(crew.connections, ConnectionCounts { opened: 4, http2: 2, ahead: 4, warm: 2 });
        assert_eq!((crew.asked, crew.failed.is_none()), (Asked::Nothing, true));
        assert_eq!(heard.first(), Some(&RunEvent::PhaseBegan { phase: RunPhase::Measured, at: Nanos::ZERO }));
    }

    #[test]
    fn a_worker_that_falls_stops_the_others() {
        let brake = brake();
        let (crew, _) = watch(&Stop::new(), &brake, vec![Told::Failed(WorkerError::Panicked)]);
        assert!(matches!(crew.failed, Some(WorkerError::Panicked)));
        assert!(brake.nothing_left());
        assert_eq!((crew.busy.len(), crew.asked), (1, Asked::Nothing), "that is nobody's interruption");
    }

    #[test]
    fn what_is_asked_from_without_is_done_and_told() {
        let (stop, brake) = (Stop::new(), brake());
        stop.now();
        let (crew, heard) = watch(&stop, &brake, vec![Told::Done(report())]);
        assert_eq!((crew.asked, brake.nothing_left()), (Asked::Now, true));
        assert!(heard.iter().any(|event| matches!(event, RunEvent::Interrupted { in_flight: InFlight::Dropped, .. })));
    }
}
