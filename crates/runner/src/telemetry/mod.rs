//! The run as OpenTelemetry sees it (`--otlp`): a span for each request and the histograms of the GenAI conventions, sent to a
//! collector by a thread of its own. Nothing here can slow a request down or fail a run: what the collector does not take is
//! counted, and said once.

mod collector;
mod export;
mod histogram;
mod ids;
mod instruments;
mod json;
mod span;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, SyncSender, sync_channel};
use std::thread::JoinHandle;

use metron_metrics::RequestRecord;
use metron_results::event::RunEvent;
use metron_results::summary::TelemetryFigures;
use metron_units::Nanos;

pub(crate) use collector::{Collector, collector};
use export::Export;
pub(crate) use ids::TraceKey;
pub(crate) use span::Scope;
use span::Seen;

use crate::conduct::thread;

/// Requests that may wait for the thread; beyond them spans are lost rather than memory.
const WAITING: usize = 8_192;

/// Where records are shown to the exporting thread.
#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    to: SyncSender<Seen>,
    /// Requests that found no room.
    lost: Arc<AtomicU64>,
}

impl Outlet {
    /// Shows a request that is over, at `now`. Never waits.
    pub(crate) fn show(&self, record: &RequestRecord, now: Nanos) {
        if self.to.try_send(Seen::of(record, now)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The exporting thread of a run.
pub(crate) struct Telemetry {
    thread: JoinHandle<TelemetryFigures>,
    lost: Arc<AtomicU64>,
    ending: Arc<AtomicBool>,
}

impl Telemetry {
    /// Starts to send to `collector` what is shown to the outlet.
    pub(crate) fn start(
        collector: Collector,
        scope: Scope,
        events: &Sender<RunEvent>,
    ) -> std::io::Result<(Self, Outlet)> {
        let (to, shown) = sync_channel(WAITING);
        let (lost, ending) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (told, ends) = (events.clone(), Arc::clone(&ending));
        let export = move || Export::new(collector, scope, told, ends, runtime).run(&shown);
        let thread = thread("metron-otlp".to_owned(), export)?;
        Ok((Self { thread, lost: Arc::clone(&lost), ending }, Outlet { to, lost }))
    }

    /// Waits until what was shown is sent or given up. Every outlet must be gone.
    pub(crate) fn end(self) -> TelemetryFigures {
        self.ending.store(true, Ordering::Relaxed);
        // A fault of its own costs its spans and not the run.
        let figures = self.thread.join().unwrap_or_default();
        TelemetryFigures { lost: figures.lost + self.lost.load(Ordering::Relaxed), ..figures }
    }
}
