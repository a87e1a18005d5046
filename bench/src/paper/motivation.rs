//! The load of the paper's motivating figures: Yi-34B on two H100, arXiv-summarisation, 1.5 requests a second, on an engine that
//! puts prompts first and on one that cuts them into chunks. Knows no finding.

use metron_metrics::RequestRecord;
use metron_runner::RunError;
use metron_runner::search::prefill::Profile;

use super::Setting;
use super::simulated::{Load, profile};

/// Requests a second.
pub(super) const RATE: f64 = 1.5;
/// The host side that fits the paper's prefill curve, and a longer context than the trace needs: the paper's figures reach 32,768.
const HARDWARE: &str = "model=yi-34b&gpu=h100&tp=2&overhead=graph&max-model-len=32768";
/// The paper does not say how long its chunks were: its gaps of 120 to 200 ms while a prompt is computed are those of 2,048 tokens.
const ENGINES: [(&str, &str); 2] = [("vllm", ""), ("sarathi", "&chunk-size=2048")];

/// One engine's run.
pub(super) struct Motivation {
    pub(super) scheduler: &'static str,
    pub(super) records: Vec<RequestRecord>,
    /// What a prompt alone takes on it.
    pub(super) profile: Profile,
}

/// Both engines: prompts first, then chunked.
pub(super) fn both(setting: &Setting) -> Result<[Motivation; 2], RunError> {
    let [prompts_first, chunked] = ENGINES;
    Ok([one(prompts_first, setting)?, one(chunked, setting)?])
}

fn one((scheduler, more): (&'static str, &str), setting: &Setting) -> Result<Motivation, RunError> {
    let engine = format!("{scheduler}?{HARDWARE}{more}");
    let load =
        Load { engine: &engine, rate: RATE, requests: setting.requests, seed: setting.seed, lengths: &setting.arxiv };
    Ok(Motivation { scheduler, records: load.run()?, profile: profile(&engine, setting.arxiv.longest)? })
}
