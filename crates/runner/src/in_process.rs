//! The simulated engine as a server within this process, and the timeline of its iterations. Knows no request.

use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use metron_results::folder::RunFolder;
use metron_results::storage::StorageError;
use metron_results::summary::Quantiles;
use metron_results::timeline::TimelineWriter;
use metron_sim::Spec;
use metron_sim::engine::Iteration;
use metron_sim::server::{Lag, Options, Server};
use metron_units::Nanos;
use metron_wire::Clock;

use crate::conduct::thread;
use crate::error::{NotKept, RunError};
use crate::run::simulator;
use crate::timeline;

/// An engine that serves this run.
pub(crate) struct InProcess {
    server: Server,
    /// `None` once they are kept, and where there are none.
    iterations: Option<Receiver<Vec<Iteration>>>,
    keeping: Option<JoinHandle<Result<(), StorageError>>>,
}

impl InProcess {
    pub(crate) fn start(spec: &Spec) -> Result<Self, RunError> {
        let (told, iterations) = channel();
        let (told, iterations) = if spec.has_iterations() { (Some(told), Some(iterations)) } else { (None, None) };
        let options = Options { iterations: told, ..Options::default() };
        let server = simulator(spec, options).map_err(RunError::Simulator)?;
        Ok(Self { server, iterations, keeping: None })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.addr())
    }

    /// From now on its iterations are kept in the run's folder; without one they are forgotten.
    pub(crate) fn keep_iterations(&mut self, folder: Option<&RunFolder>, clock: Clock) -> Result<(), RunError> {
        let (Some(iterations), Some(folder)) = (self.iterations.take(), folder) else { return Ok(()) };
        let epoch_unix_ns = clock.started_at_unix_ns();
        let writer = TimelineWriter::of_run(folder, epoch_unix_ns).map_err(not_kept)?;
        let epoch = Nanos::new(epoch_unix_ns.saturating_sub(self.server.unix_offset()));
        let keep = move || timeline::keep(writer, &iterations, epoch);
        self.keeping = Some(thread("metron-timeline".to_owned(), keep)?);
        Ok(())
    }

    /// Stops it, once nobody asks it any more, and ends the timeline. How late it was; `None` without a token.
    pub(crate) fn end(self) -> Result<Option<Quantiles>, RunError> {
        let Self { server, keeping, .. } = self;
        // Its last words, also to the timeline. Where its loop failed, requests have told.
        let lag = server.stop().ok().and_then(|report| report.lag.map(|lag| quantiles(report.tokens, lag)));
        let Some(keeping) = keeping else { return Ok(lag) };
        let kept = keeping.join().map_err(|_| RunError::Panicked { folder: None })?;
        kept.map_err(not_kept)?;
        Ok(lag)
    }
}

/// The server's lateness over so many tokens, in seconds.
fn quantiles(count: u64, lag: Lag) -> Quantiles {
    let seconds = |time: Nanos| Some(time.as_secs_f64());
    Quantiles { count, p50: seconds(lag.p50), p99: seconds(lag.p99), max: seconds(lag.max), ..Quantiles::default() }
}

pub(crate) fn not_kept(source: StorageError) -> RunError {
    RunError::NotKept { rescued: None, source: NotKept::Storage(source) }
}
