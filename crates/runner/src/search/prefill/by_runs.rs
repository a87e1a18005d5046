//! Runs as what a profile is measured by: one user, one request at a time, cold prompts of one length, a single token asked for.
//! Knows no curve.

use std::ops::ControlFlow;
use std::sync::mpsc::Sender;

use metron_metrics::{Outcome, Phase, RequestRecord};
use metron_results::event::{InFlight, RunEvent};
use metron_results::summary::Target;

use super::measure::{Ask, Asked};
use crate::{Options, Output, RunConfig, RunError, Stop, Witness, run_watched};

/// Requests of each length that come first and count nowhere.
const WARM_UP: u64 = 2;

/// Asks by runs that leave no file.
#[derive(Debug)]
pub struct ByRuns<'a> {
    config: RunConfig,
    events: &'a Sender<RunEvent>,
    stop: &'a Stop,
    /// Lengths so far: each has prompts of its own.
    asked: u64,
    target: Option<Target>,
}

impl<'a> ByRuns<'a> {
    /// Asks the target of `config`; its load and its lengths are not looked at.
    #[must_use]
    pub fn new(config: RunConfig, events: &'a Sender<RunEvent>, stop: &'a Stop) -> Self {
        Self { config: with_new_prompts(config), events, stop, asked: 0, target: None }
    }

    /// Whom it asked; `None` before the first length.
    #[must_use]
    pub fn target(&self) -> Option<&Target> {
        self.target.as_ref()
    }
}

impl Ask for ByRuns<'_> {
    type Error = RunError;

    fn ask(
        &mut self,
        tokens: u64,
        most: u64,
        enough: &mut (dyn FnMut(&[f64]) -> bool + Send),
    ) -> Result<Asked, RunError> {
        let config = RunConfig {
            concurrency: Some(1),
            rate: None,
            arrivals: None,
            burstiness: None,
            max_in_flight: None,
            requests: Some(most),
            duration: None,
            until: Vec::new(),
            warmup: None,
            warmup_requests: Some(WARM_UP),
            input_tokens: tokens.to_string(),
            output_tokens: "1".to_owned(),
            seed: self.config.seed.wrapping_add(self.asked.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            slo: Vec::new(),
            save_text: false,
            ..self.config.clone()
        };
        self.asked += 1;
        let options = Options { name: format!("prefill-{tokens}"), command: Vec::new(), output: Output::None };
        let mut eye = Eye { asked: Asked::default(), enough };
        match run_watched(&config, options, self.events, self.stop, &mut eye) {
            Ok(finished) => self.target = Some(finished.summary.run.target),
            Err(RunError::Interrupted) => {}
            Err(error) => return Err(error),
        }
        let interrupted = self.stop.asked() > crate::stop::Asked::Nothing;
        Ok(Asked { interrupted, ..eye.asked })
    }
}

/// The configuration with prompts that its server has not seen: one that was measured before, in another hour or another cell, may keep
/// what it computed for the prompts of then. A simulated engine of ours begins anew each time, and is asked what the seed says.
#[must_use]
pub fn with_new_prompts(config: RunConfig) -> RunConfig {
    if config.url.starts_with("sim:") {
        return config;
    }
    let now = jiff::Timestamp::now().as_nanosecond() as u64;
    RunConfig { seed: config.seed.wrapping_add(now), ..config }
}

struct Eye<'e> {
    asked: Asked,
    enough: &'e mut (dyn FnMut(&[f64]) -> bool + Send),
}

impl Witness for Eye<'_> {
    fn see(&mut self, record: &RequestRecord) -> ControlFlow<InFlight> {
        if record.phase == Phase::Warmup {
            return ControlFlow::Continue(());
        }
        let first = record.chunks.first().map(|chunk| chunk.arrived).zip(record.dispatched);
        match (&record.outcome, first) {
            (Outcome::Completed, Some((arrived, dispatched))) => {
                self.asked.seconds.push(arrived.saturating_sub(dispatched).as_secs_f64());
            }
            (Outcome::Completed | Outcome::Failed(_), _) => self.asked.failed += 1,
            (Outcome::Cancelled, _) => {}
        }
        let seconds = &self.asked.seconds;
        // A length that is refused time after time will not be taken the next time.
        let hopeless = seconds.is_empty() && self.asked.failed >= 3;
        if hopeless || (self.enough)(seconds) {
            ControlFlow::Break(InFlight::Awaited)
        } else {
            ControlFlow::Continue(())
        }
    }
}
