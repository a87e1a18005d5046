//! Runs on the simulated engine in virtual time, with their records. Knows no finding.

use std::ops::ControlFlow;
use std::sync::mpsc::channel;

use metron_metrics::{Figures, Metric, Objective, RequestFigures, RequestRecord, Summariser, SummaryOptions};
use metron_results::event::InFlight;
use metron_runner::search::prefill::{Point, Profile, fit};
use metron_runner::{Options, Output, RunConfig, RunError, Stop, Witness, run_watched};
use metron_units::{Nanos, Share};
use serde_json::json;

use super::Lengths;

/// A miss rate of a tenth: the fluidity-index of 0.9 of the paper.
pub(super) fn target() -> Share {
    Share::new(0.1).expect("a tenth is a share")
}

/// A load on an engine.
#[derive(Debug, Clone)]
pub(super) struct Load<'a> {
    /// What stands behind `sim:`.
    pub(super) engine: &'a str,
    /// Requests a second, Poisson.
    pub(super) rate: f64,
    pub(super) requests: u64,
    pub(super) seed: u64,
    pub(super) lengths: &'a Lengths,
}

impl Load<'_> {
    /// The run's configuration. Nobody gives up waiting: the paper's clients did not.
    pub(super) fn config(&self) -> RunConfig {
        let config = json!({
            "url": format!("sim:{}", self.engine), "virtual_time": true, "endpoint": "auto",
            "rate": self.rate, "arrivals": "poisson", "requests": self.requests, "seed": self.seed,
            "input_tokens": self.lengths.prompts, "output_tokens": self.lengths.outputs, "tokenizer": "auto",
            "ttft_deadline": "300ms", "tbt_deadline": "30ms", "target_miss_rate": target(),
            "timeout_connect": "10h", "timeout_first_token": "10h", "timeout_idle": "10h", "timeout": "10h",
        });
        serde_json::from_value(config).expect("every field that a run needs is here")
    }

    /// Runs it to its end.
    pub(super) fn run(&self) -> Result<Vec<RequestRecord>, RunError> {
        run(&self.config())
    }
}

/// The records of a run in virtual time, by id.
pub(super) fn run(config: &RunConfig) -> Result<Vec<RequestRecord>, RunError> {
    let mut records = Records(Vec::new());
    let options = Options { name: "paper".to_owned(), command: Vec::new(), output: Output::None };
    let (events, _nobody_listens) = channel();
    run_watched(config, options, &events, &Stop::new(), &mut records)?;
    records.0.sort_unstable_by_key(|record| record.id);
    Ok(records.0)
}

/// Keeps every record.
struct Records(Vec<RequestRecord>);

impl Witness for Records {
    fn see(&mut self, record: &RequestRecord) -> ControlFlow<InFlight> {
        self.0.push(record.clone());
        ControlFlow::Continue(())
    }
}

/// Prompt lengths at which an engine is asked what a prompt alone takes.
pub(super) const LENGTHS: [u64; 9] = [256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536];

/// What a prompt of up to `longest` tokens takes alone on `engine`.
pub(super) fn profile(engine: &str, longest: u64) -> Result<Profile, RunError> {
    let point = |&prompt_tokens: &u64| {
        let alone = Lengths { name: "alone", prompts: prompt_tokens.to_string(), outputs: "1".to_owned(), longest: 0 };
        let records = Load { engine, rate: 1.0, requests: 1, seed: 0, lengths: &alone }.run()?;
        let ttft = figures(&records[0]).ttft.expect("an idle engine answers");
        Ok(Point { prompt_tokens, ttft_s: vec![(0.5, ttft.as_secs_f64())], samples: 1 })
    };
    let points =
        LENGTHS.iter().filter(|length| **length <= longest).map(point).collect::<Result<Vec<_>, RunError>>()?;
    Ok(fit(points).expect("an engine takes time, and there are lengths enough"))
}

/// One request's figures.
pub(super) fn figures(record: &RequestRecord) -> RequestFigures {
    RequestFigures::of(record, target())
}

/// The run's figures under `objectives`.
pub(super) fn summary(records: &[RequestRecord], objectives: Vec<Objective>) -> Figures {
    let mut summariser = Summariser::new(SummaryOptions { target_miss_rate: target(), objectives });
    records.iter().for_each(|record| summariser.add(record));
    summariser.finish()
}

/// A value of a run's figures.
pub(super) fn value(figures: &Figures, metric: Metric) -> f64 {
    figures.values[&metric].value.expect("the run completed requests")
}

/// A sample, sorted.
pub(super) fn sorted(sample: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sample: Vec<f64> = sample.collect();
    sample.sort_by(f64::total_cmp);
    sample
}

/// The gaps between the tokens of all `records`, in seconds, sorted.
pub(super) fn gaps(records: &[RequestRecord]) -> Vec<f64> {
    sorted(records.iter().flat_map(|record| record.gaps().skip(1)).map(Nanos::as_secs_f64))
}

/// How long each request waited beyond what its prompt alone takes, in seconds, sorted.
pub(super) fn delays(records: &[RequestRecord], profile: &Profile) -> Vec<f64> {
    let delay = |record: &RequestRecord| {
        let alone = profile.extrapolate(record.planned_input_tokens).ttft;
        figures(record).ttft.map(|ttft| ttft.saturating_sub(alone).as_secs_f64())
    };
    sorted(records.iter().filter_map(delay))
}
