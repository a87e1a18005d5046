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
    let truths = [quantile(mean, 0.5), quantile(mean, 0.9), quantile(mean, 0.99), mean];
    for seed in 0..runs {
        let of = e2e(&config(seed, lambda, Length::Requests(requests), &[])?)?;
        count(counting, (place, runs_of), &of, truths);
    }
    Ok(())
}

/// Makes `runs` runs of a day each, whose load swings about `load` by `swing` of it, and counts. What is true of such a day is what all
/// of them come to on average; nobody knows it on paper.
///
/// # Errors
/// What the runner says.
pub fn cover_day(
    counting: &mut Counting,
    place: usize,
    runs: u64,
    (load, swing): (f64, f64),
    runs_of: &'static str,
) -> Result<(), Box<dyn std::error::Error>> {
    let day = Length::Day { swing };
    let days = (0..runs).map(|seed| e2e(&config(seed, load * MU, day, &[])?)).collect::<Result<Vec<_>, _>>()?;
    let average = |figure: fn(&Distribution) -> Option<f64>| {
        let of_days: Vec<f64> = days.iter().filter_map(figure).collect();
        of_days.iter().sum::<f64>() / of_days.len() as f64
    };
    let truths = [
        average(|day| day.quantiles.p50),
        average(|day| day.quantiles.p90),
        average(|day| day.quantiles.p99),
        average(|day| day.quantiles.mean),
    ];
    days.iter().for_each(|of| count(counting, (place, runs_of), of, truths));
    Ok(())
}

/// Counts what one run says of its p50, p90, p99 and mean.
fn count(counting: &mut Counting, (place, runs_of): (usize, &'static str), of: &Distribution, truths: [f64; 4]) {
    let figures = [
        ("p50 e2e_latency", "order statistics", of.ci95.p50),
        ("p90 e2e_latency", "order statistics", of.ci95.p90),
        ("p99 e2e_latency", "order statistics", of.ci95.p99),
        ("mean e2e_latency", "batch means", of.ci95.mean),
    ];
    for (offset, ((figure, method, ends), truth)) in figures.into_iter().zip(truths).enumerate() {
        let figure = format!("{figure}, {runs_of}");
        let kind = Kind { place: place + offset, method, figure, runs_of, scale: truth };
        counting.count(kind, truth, ends.map(|(low, high)| Interval { low, high }));
    }
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
            let of = e2e(&config(seed, lambda, Length::Requests(MOST), &[&rule])?)?;
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

/// How long a run is, and whether its load stays the same.
#[derive(Debug, Clone, Copy)]
enum Length {
    /// So many requests of a steady load.
    Requests(u64),
    /// One day of a load that swings by this share of it.
    Day { swing: f64 },
}

/// A day is far longer than the queue remembers: seconds, where it is four fifths busy.
const DAY_S: u64 = 1_000;

fn config(seed: u64, lambda: f64, length: Length, until: &[&str]) -> Result<RunConfig, serde_json::Error> {
    let (requests, duration, arrivals) = match length {
        Length::Requests(requests) => (Some(requests), None, "poisson".to_owned()),
        Length::Day { swing } => (None, Some(format!("{DAY_S}s")), format!("diurnal:{DAY_S}s,{swing}")),
    };
    serde_json::from_value(json!({
        "url": format!("sim:queue?servers=1&service=exponential:50ms&first=end&seed={seed}"),
        "virtual_time": true,
        "endpoint": "auto",
        "rate": format!("{lambda}/s"),
        "arrivals": arrivals,
        "requests": requests,
        "duration": duration,
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
