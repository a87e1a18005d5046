//! Whole runs in virtual time of M/M/1, the queue whose every figure is known on paper: a request's time in it is exponential
//! with mean 1 / (mu - lambda), and its neighbours' times are like its own.

use std::sync::mpsc::channel;

use metron_metrics::interval::Interval;
use metron_results::summary::{Distribution, Figure};
use metron_runner::{Options, Output, RunConfig, Stop, run};
use serde_json::json;

use super::{Counting, Kind};

/// Services a second.
const MU: f64 = 20.0;

/// Makes `runs` runs of `requests` requests at a utilisation of `load`, and counts.
///
/// # Errors
/// What the runner says.
pub fn cover(
    counting: &mut Counting,
    place: usize,
    (runs, requests): (u64, u64),
    load: f64,
    runs_of: &'static str,
) -> Result<(), Box<dyn std::error::Error>> {
    let lambda = load * MU;
    let mean = 1.0 / (MU - lambda);
    let quantile = |p: f64| quantile(mean, p);
    for seed in 0..runs {
        let of = e2e(&config(seed, requests, lambda, &[])?)?;
        let ends = |ends: Option<(f64, f64)>| ends.map(|(low, high)| Interval { low, high });
        let figures = [
            ("p50 e2e_latency", "order statistics", quantile(0.5), of.ci95.p50),
            ("p90 e2e_latency", "order statistics", quantile(0.9), of.ci95.p90),
            ("p99 e2e_latency", "order statistics", quantile(0.99), of.ci95.p99),
            ("mean e2e_latency", "batch means", mean, of.ci95.mean),
        ];
        for (offset, (figure, method, truth, interval)) in figures.into_iter().enumerate() {
            let figure = format!("{figure}, {runs_of}");
            let kind = Kind { place: place + offset, method, figure, runs_of, scale: truth };
            counting.count(kind, truth, ends(interval));
        }
    }
    Ok(())
}

/// Makes `runs` runs that end by themselves, once a figure is known within a tenth, and counts that figure: to stop when the
/// interval happens to be narrow makes it too sure of itself.
///
/// # Errors
/// What the runner says.
pub fn cover_until(
    counting: &mut Counting,
    place: usize,
    runs: u64,
    load: f64,
    runs_of: &'static str,
) -> Result<(), Box<dyn std::error::Error>> {
    let lambda = load * MU;
    let mean = 1.0 / (MU - lambda);
    let rules = [("mean", "batch means", mean), ("p90", "order statistics", quantile(mean, 0.9))];
    for (offset, (figure, method, truth)) in rules.into_iter().enumerate() {
        let rule = format!("{figure} e2e_latency within 10%");
        for seed in 0..runs {
            let of = e2e(&config(seed, MOST, lambda, &[&rule])?)?;
            let ends = if figure == "mean" { of.ci95.mean } else { of.ci95.p90 };
            let interval = ends.map(|(low, high)| Interval { low, high });
            let figure = format!("{figure} e2e_latency, {runs_of}, --until within 10%");
            counting.count(Kind { place: place + offset, method, figure, runs_of, scale: truth }, truth, interval);
        }
    }
    Ok(())
}

/// Requests at most of a run that ends by itself.
const MOST: u64 = 100_000;

/// The `p`-quantile of an exponential time.
fn quantile(mean: f64, p: f64) -> f64 {
    -mean * (1.0 - p).ln()
}

fn config(seed: u64, requests: u64, lambda: f64, until: &[&str]) -> Result<RunConfig, serde_json::Error> {
    serde_json::from_value(json!({
        "url": format!("sim:queue?servers=1&service=exponential:50ms&first=end&seed={seed}"),
        "virtual_time": true,
        "endpoint": "auto",
        "rate": format!("{lambda}/s"),
        "arrivals": "poisson",
        "requests": requests,
        "until": until,
        // The queue begins empty, and the truth is that of one that does not.
        "warmup_requests": 200,
        "input_tokens": "1",
        "output_tokens": "1",
        "tokenizer": "auto",
        "seed": seed,
        "ttft_deadline": "300ms",
        "tbt_deadline": "30ms",
        "target_miss_rate": "10%",
        "timeout_connect": "1h",
        "timeout_first_token": "1h",
        "timeout_idle": "1h",
        "timeout": "1h",
    }))
}

fn e2e(config: &RunConfig) -> Result<Distribution, Box<dyn std::error::Error>> {
    let options = Options { name: "coverage".to_owned(), command: Vec::new(), output: Output::None };
    let (events, _unheard) = channel();
    let mut finished = run(config, options, &events, &Stop::new())?;
    match finished.summary.metrics.remove("e2e_latency") {
        Some(Figure::Distribution(distribution)) => Ok(distribution),
        Some(Figure::Value(_)) | None => Err("a summary has a distribution of e2e_latency".into()),
    }
}
