//! Takes in requests that are over, on a thread of its own: settles them, keeps them, and tells how the run stands. Sends
//! nothing, and knows no connection.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use metron_metrics::{ErrorClass, Outcome, Phase, RequestRecord};
use metron_results::event::{InFlight, RunEvent, SoFar, Warning};
use metron_results::recorder::Recorder as Journal;
use metron_results::server_metrics::ServerMetricsWriter;
use metron_results::storage::StorageError;
use metron_results::summary::ClockSource;
use metron_units::Nanos;
use metron_wire::Clock;

use crate::asked::Instants;
use crate::brake::Brake;
use crate::instrument::{Busy, Lags, Measured, Readings, judge};
use crate::live::Live;
use crate::settle::Settler;
use crate::telemetry::Outlet;
use crate::witness::Witness;
use crate::worker::{Ended, HeldBack};

/// How often it is told how the run stands, and what was recorded is handed to the system.
pub(crate) const TICK: Nanos = Nanos::from_millis(500);

/// Where records are kept.
#[derive(Debug)]
pub(crate) enum Keep {
    /// In a run's folder; memory does not grow with the run.
    Folder(Box<Journal>),
    /// In memory: a run that leaves no files.
    Memory(Vec<RequestRecord>),
}

/// Records a run.
pub(crate) struct Recorder<'w> {
    pub(crate) clock: Clock,
    pub(crate) settler: Settler,
    pub(crate) intake: Intake<'w>,
    /// Requests of the run whose turn has come.
    pub(crate) dispatched: Arc<AtomicU64>,
    pub(crate) brake: Brake,
}

/// Takes in records, whoever made them.
pub(crate) struct Intake<'w> {
    keep: Keep,
    live: Live,
    max_in_flight: Option<u32>,
    events: Sender<RunEvent>,
    observed: Observed,
    warned: Warned,
    refused: Option<StorageError>,
    /// `None` if there is none, and once it has ended the run.
    witness: Option<&'w mut dyn Witness>,
    /// Who else is shown each request.
    outlet: Option<Outlet>,
}

/// What was recorded.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) keep: Keep,
    /// The disk's refusal that ended the run.
    pub(crate) refused: Option<StorageError>,
    pub(crate) observed: Observed,
}

/// What the records say of the client itself, beside the figures. Of the measured phase, but for the counts of rows.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    pub(crate) warmup: u64,
    pub(crate) measured: u64,
    pub(crate) dispatch_lag: Lags,
    pub(crate) read_lag: Lags,
    pub(crate) ttft: Lags,
    pub(crate) gaps: Lags,
    pub(crate) chunks: u64,
    pub(crate) shared_reads: u64,
    pub(crate) client_resource: u64,
    /// When requests left.
    pub(crate) dispatched: Instants,
}

impl Recorder<'_> {
    /// Where it records to, if that is a folder.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        self.intake.keep.path()
    }

    /// Records until every worker is gone.
    pub(crate) fn record(mut self, ended: &Receiver<Box<Ended>>) -> Recorded {
        let mut next = self.clock.now() + TICK;
        loop {
            match ended.recv_timeout(Duration::from(next.saturating_sub(self.clock.now()))) {
                Ok(ended) => self.settle(*ended),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = self.clock.now();
            if now >= next {
                self.intake.tick(self.dispatched.load(Ordering::Relaxed), now);
                next = now + TICK;
            }
            // What cannot be kept must not be measured: the first refusal of the disk ends the run.
            if self.intake.is_refused() {
                self.brake.now();
            }
        }
        self.intake.finish()
    }

    fn settle(&mut self, ended: Ended) {
        if ended.planned.phase == Phase::Measured {
            self.intake.observed.own_lags(&ended);
        }
        if ended.held_back == HeldBack::Yes {
            self.intake.held_back();
        }
        let record = self.settler.settle(ended.planned, ended.answer);
        match self.intake.add(record, self.clock.now()) {
            ControlFlow::Continue(()) => {}
            ControlFlow::Break(InFlight::Awaited) => self.brake.drain(),
            ControlFlow::Break(InFlight::Dropped) => self.brake.now(),
        }
    }
}

impl<'w> Intake<'w> {
    pub(crate) fn new(
        keep: Keep,
        live: Live,
        max_in_flight: Option<u32>,
        events: Sender<RunEvent>,
        witness: Option<&'w mut dyn Witness>,
    ) -> Self {
        let (observed, warned, refused) = Default::default();
        Self { keep, live, max_in_flight, events, observed, warned, refused, witness, outlet: None }
    }

    /// Shows each request to `outlet` too.
    pub(crate) fn showing(self, outlet: Option<Outlet>) -> Self {
        Self { outlet, ..self }
    }

    /// A bound of requests in flight made a request late.
    pub(crate) fn held_back(&mut self) {
        if !std::mem::replace(&mut self.warned.held_back, true)
            && let Some(max_in_flight) = self.max_in_flight
        {
            self.tell(RunEvent::Warning(Warning::HeldBack { max_in_flight }));
        }
    }

    /// A request is over, at `now`. Breaks where the witness ends the run.
    pub(crate) fn add(&mut self, record: RequestRecord, now: Nanos) -> ControlFlow<InFlight> {
        self.observed.record(&record);
        if let Outcome::Failed(failure) = &record.outcome
            && self.warned.failing.insert(failure.class)
        {
            let example = failure.message.clone();
            self.tell(RunEvent::Warning(Warning::Failing { class: failure.class, example }));
        }
        self.live.add(&record, now);
        self.outlet.iter().for_each(|outlet| outlet.show(&record, now));
        let said = self.witness.as_deref_mut().map_or(ControlFlow::Continue(()), |witness| witness.see(&record));
        if said.is_break() {
            self.witness = None;
        }
        self.keep_or_refuse(|keep| keep.add(record));
        said
    }

    /// Hands what was recorded to the system, and tells how the run stands.
    pub(crate) fn tick(&mut self, dispatched: u64, now: Nanos) {
        self.keep_or_refuse(|keep| keep.flush(dispatched));
        let mut snapshot = self.live.snapshot(dispatched, now);
        snapshot.instrument = self.observed.so_far();
        self.tell(RunEvent::Progress(Box::new(snapshot)));
    }

    /// Whether the disk took something not.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.is_some()
    }

    pub(crate) fn finish(self) -> Recorded {
        Recorded { keep: self.keep, refused: self.refused, observed: self.observed }
    }

    /// What comes in after a refusal is still offered, for the journal keeps it in memory to be brought elsewhere.
    fn keep_or_refuse(&mut self, keep: impl FnOnce(&mut Keep) -> Result<(), StorageError>) {
        if let Err(error) = keep(&mut self.keep) {
            self.refused.get_or_insert(error);
        }
    }

    fn tell(&self, event: RunEvent) {
        // Nobody has to listen.
        let _ = self.events.send(event);
    }
}

/// What was warned of already: once each.
#[derive(Debug, Default)]
struct Warned {
    held_back: bool,
    failing: BTreeSet<ErrorClass>,
}

impl Keep {
    /// The folder, if there is one.
    fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Folder(journal) => Some(journal.path().to_owned()),
            Self::Memory(_) => None,
        }
    }

    /// The file of the servers' metrics; `None` where nothing is kept.
    pub(crate) fn server_metrics(&self) -> Result<Option<ServerMetricsWriter>, StorageError> {
        match self {
            Self::Folder(journal) => journal.server_metrics().map(Some),
            Self::Memory(_) => Ok(None),
        }
    }

    fn add(&mut self, record: RequestRecord) -> Result<(), StorageError> {
        match self {
            Self::Folder(journal) => journal.record(&record),
            Self::Memory(records) => {
                records.push(record);
                Ok(())
            }
        }
    }

    fn flush(&mut self, dispatched: u64) -> Result<(), StorageError> {
        match self {
            Self::Folder(journal) => journal.flush(dispatched),
            Self::Memory(_) => Ok(()),
        }
    }
}

impl Observed {
    /// With what the workers tell once they are done.
    pub(crate) fn readings(&self, clock: ClockSource, workers: Vec<Busy>, stall: Option<Nanos>) -> Readings {
        let median = |lags: &Lags| lags.quantiles().and_then(|quantiles| quantiles.p50);
        Readings {
            clock,
            dispatch_lag: self.dispatch_lag.quantiles(),
            read_lag: self.read_lag.quantiles().filter(|_| clock == ClockSource::Kernel),
            chunks: self.chunks,
            shared_reads: self.shared_reads,
            workers,
            client_resource: self.client_resource,
            sim_lag: None,
            stall,
            measured: Measured { ttft: median(&self.ttft), gap: median(&self.gaps) },
        }
    }

    /// The verdict before the workers have told anything; `None` where nothing was observed, as in virtual time.
    fn so_far(&self) -> Option<SoFar> {
        if self.chunks == 0 && self.client_resource == 0 {
            return None;
        }
        // Without kernel stamps every read lag is zero, and then speaks against nobody.
        let (verdict, reasons) = judge(&self.readings(ClockSource::Kernel, Vec::new(), None));
        Some(SoFar { verdict, reasons })
    }

    fn own_lags(&mut self, ended: &Ended) {
        if let Some(lag) = ended.dispatch_lag() {
            self.dispatch_lag.add(lag);
        }
        for chunk in &ended.answer.chunks {
            self.read_lag.add(chunk.read_lag);
            self.shared_reads += u64::from(chunk.shared_read);
        }
        self.chunks += ended.answer.chunks.len() as u64;
    }

    fn record(&mut self, record: &RequestRecord) {
        if record.phase == Phase::Warmup {
            self.warmup += 1;
            return;
        }
        self.measured += 1;
        record.dispatched.into_iter().for_each(|at| self.dispatched.add(at));
        match &record.outcome {
            Outcome::Completed => {
                let first = record.chunks.first().map(|chunk| chunk.arrived);
                if let (Some(first), Some(dispatched)) = (first, record.dispatched) {
                    self.ttft.add(first.saturating_sub(dispatched));
                }
                record.chunk_gaps().for_each(|gap| self.gaps.add(gap));
            }
            Outcome::Failed(failure) => self.client_resource += u64::from(failure.class == ErrorClass::ClientResource),
            Outcome::Cancelled => {}
        }
    }
}
