//! One load of a calibration: the engine started, the run made, its rows laid beside the engine's log.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;

use metron_results::Summary;
use metron_results::calibration::{Errors, Point};
use metron_results::folder::Overwrite;
use metron_results::summary::{Verdict, distribution, value};
use rustix::time::{ClockId, clock_gettime};

use super::cores::Cores;
use super::truth::{self, quantile};
use super::{ANSWER_S, CalibrationError, ENGINE, Engine, Settings, TOKENS, ended_early};
use crate::run::{Options, Output, run};
use crate::stop::Stop;
use crate::{Finished, RunConfig, RunError};

/// What every load shares.
pub(super) struct Bench<'a> {
    settings: &'a Settings,
    cores: &'a Cores,
    stop: &'a Stop,
    folder: Folder,
}

/// A temporary folder that goes when it is dropped.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

impl<'a> Bench<'a> {
    pub(super) fn new(settings: &'a Settings, cores: &'a Cores, stop: &'a Stop) -> io::Result<Self> {
        let folder = Folder(std::env::temp_dir().join(format!("metron-calibrate-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0)?;
        Ok(Self { settings, cores, stop, folder })
    }

    /// Measures at so many streams.
    pub(super) fn at(&self, streams: u32) -> Result<Point, CalibrationError> {
        let system = |source| CalibrationError::System { streams, source };
        let (log, rows) = (self.folder.0.join("truth"), self.folder.0.join("run"));
        let start = || Engine::start(Command::new(&self.settings.program), ENGINE, Some(&log));
        let engine = self.cores.on_the_engines(start).map_err(system)?;
        let before = processor_time();
        let ran = self.run(&engine, streams, &rows);
        let spent = processor_time().saturating_sub(before);
        engine.stop().map_err(system)?;
        let finished = ran.map_err(|error| CalibrationError::Run { streams, source: Box::new(error) })?;
        if ended_early(self.stop) {
            return Err(CalibrationError::Interrupted);
        }
        let rows = finished.rows_path().ok_or_else(|| system(io::Error::other("the run left no rows")))?;
        let truth = truth::of(&log, &rows).map_err(system)?;
        Ok(point(streams, &finished.summary, spent, truth))
    }

    fn run(&self, engine: &Engine, streams: u32, folder: &Path) -> Result<Finished, RunError> {
        let config = RunConfig {
            url: format!("http://{}", engine.address()),
            endpoint: "chat".to_owned(),
            model: Some("calibration".to_owned()),
            rate: None,
            concurrency: Some(streams),
            requests: Some(u64::from(streams) * u64::from(self.settings.rounds)),
            duration: None,
            input_tokens: "16".to_owned(),
            output_tokens: TOKENS.to_string(),
            ..self.settings.client.clone()
        };
        let output = Output::Folder { path: folder.to_owned(), overwrite: Overwrite::Replace };
        let options = Options { name: "calibration".to_owned(), command: Vec::new(), output };
        let (events, _nobody_listens) = channel();
        run(&config, options, &events, self.stop)
    }
}

/// User and kernel mode of this process together.
fn processor_time() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let part = |part: i64| u64::try_from(part).unwrap_or(0);
    Duration::from_secs(part(spent.tv_sec)) + Duration::from_nanos(part(spent.tv_nsec))
}

fn point(streams: u32, summary: &Summary, spent: Duration, truth: truth::True) -> Point {
    let tokens = summary.tokens.output;
    let tokens_per_s = value(&summary.metrics, "output_token_throughput").map(|(rate, _)| rate);
    let ideal = f64::from(streams) * TOKENS as f64 / ANSWER_S;
    let instrument = summary.instrument.as_ref();
    let truth::True { ttft, gaps, ttft_errors, gap_errors, .. } = truth;
    Point {
        streams,
        requests: summary.requests.completed,
        tokens,
        tokens_per_s,
        share_of_ideal: tokens_per_s.map(|rate| rate / ideal),
        cpu_s_per_million_tokens: (tokens > 0).then(|| spent.as_secs_f64() * 1e6 / tokens as f64),
        ttft: errors(reported_p99(summary, "ttft"), ttft, ttft_errors),
        gaps: errors(reported_p99(summary, "tbt"), gaps, gap_errors),
        shared_read_share: instrument.and_then(|instrument| instrument.shared_read_share),
        // Without an instrument's report nobody vouches for the figures.
        verdict: instrument.map_or(Verdict::Suspect, |instrument| instrument.verdict),
        reasons: instrument.map(|instrument| instrument.reasons.clone()).unwrap_or_default(),
    }
}

fn reported_p99(summary: &Summary, metric: &str) -> Option<f64> {
    distribution(&summary.metrics, metric)?.quantiles.p99
}

fn errors(reported_p99: Option<f64>, mut truth: Vec<u64>, mut errors: Vec<u64>) -> Errors {
    let seconds = |ns: u64| ns as f64 / 1e9;
    Errors {
        count: errors.len() as u64,
        reported_p99,
        true_p99: quantile(&mut truth, 0.99).map(seconds),
        p50: quantile(&mut errors, 0.5).map(seconds),
        p99: quantile(&mut errors, 0.99).map(seconds),
        max: quantile(&mut errors, 1.0).map(seconds),
    }
}
