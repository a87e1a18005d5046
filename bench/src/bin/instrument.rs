//! The instrument beside the floor, the truth and others: what a stream costs metron, and how far its figures lie from what was sent.
//!
//! `cargo run --release -p metron-bench --bin instrument -- [STREAMS...] [--competitor NAME=PATH]...` (1024, 4096 and 8192 streams
//! unless named; `bench/competitors FOLDER` fetches the competitors). The server is `metron sim` on core 0 (TTFT 100 ms, gaps of
//! 20 ms, 128 tokens), the client alone on core 1, closed loop. Prints a table, then one JSON object. All take turns in one run, so
//! that ratios hold on a machine whose speed drifts; the floor and metron do so three times (`--rounds`).

#![forbid(unsafe_code)]

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use metron_bench::bed::{CLIENT_CORE, SUMMARY_ALONE, client, engine, metron_beside_us};
use metron_bench::child::{self, on_core};
use metron_bench::competitor::{Competitor, Load};
use metron_runner::calibration::{ANSWER_S, TOKENS, truth};
use serde_json::{Value, json};

#[derive(Parser)]
struct Arguments {
    /// How many streams, one row each.
    #[arg(default_values_t = [1024, 4096, 8192])]
    streams: Vec<u64>,
    /// How often the floor and metron take turns; the row is of the turn with the median ratio of their costs.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Another load generator, and where it lies, as `bench/competitors` prints it.
    #[arg(long = "competitor", value_name = "NAME=PATH")]
    competitors: Vec<Competitor>,
}

/// The requests of a closed loop of so many streams: enough for some seconds of steady state.
fn requests(streams: u64) -> u64 {
    streams * 4
}

fn floor(metron: &Path, streams: u64) -> io::Result<Value> {
    let engine = engine(metron, None)?;
    let program = metron.with_file_name("floor");
    let mut command = on_core(CLIENT_CORE, program);
    command.args([engine.address().to_owned(), streams.to_string(), requests(streams).to_string(), TOKENS.to_string()]);
    let finished = child::run(&mut command);
    engine.stop()?;
    serde_json::from_str(&finished?.stdout).map_err(io::Error::other)
}

fn measure_metron(metron: &Path, folder: &Path, streams: u64) -> io::Result<Value> {
    let log = folder.join("truth");
    let engine = engine(metron, Some(&log))?;
    let output = folder.join("run");
    let mut command = client(on_core(CLIENT_CORE, metron), engine.address(), streams, requests(streams), &output);
    let finished = child::run(command.args(SUMMARY_ALONE));
    engine.stop()?;
    let finished = finished?;
    let summary: Value = serde_json::from_str(&finished.stdout).map_err(io::Error::other)?;
    let mut truth = truth::of(&log, &output.join("requests.parquet"))?;
    let tokens = requests(streams) * TOKENS;
    let true_p99 = |values: &mut [u64]| truth::quantile(values, 0.99).map(|ns| ns as f64 / 1e9);
    let mut error = |share| truth::quantile(&mut truth.arrival_errors, share).map(|ns| ns as f64 / 1e9);
    let reported = |metric: &str| summary["metrics"][metric]["p99"].as_f64();
    Ok(json!({
        "exit": finished.code,
        "tokens": tokens,
        "completed": summary["requests"]["completed"],
        "tokens_per_s": summary["metrics"]["output_token_throughput"]["value"],
        "cpu_s_per_million_tokens": finished.cost.cpu.as_secs_f64() * 1e6 / tokens as f64,
        "peak_memory_bytes": finished.cost.peak_memory,
        "ttft_p99_s": reported("ttft"), "true_ttft_p99_s": true_p99(&mut truth.ttft),
        "gap_p99_s": reported("tbt"), "true_gap_p99_s": true_p99(&mut truth.gaps),
        "arrival_error_s": {
            "p50": error(0.5), "p99": error(0.99), "max": error(1.0),
        },
        "instrument": summary["instrument"],
    }))
}

fn measure_competitor(metron: &Path, folder: &Path, streams: u64, competitor: &Competitor) -> io::Result<Value> {
    let log = folder.join("truth-beside");
    let engine = engine(metron, Some(&log))?;
    let load = Load { address: engine.address(), streams, requests: requests(streams), tokens: TOKENS };
    let finished = competitor.run(folder, load);
    engine.stop()?;
    let (figures, cost) = finished?;
    let mut truth = truth::of_engine_alone(&log)?;
    let true_p99 = |values: &mut [u64]| truth::quantile(values, 0.99).map(|ns| ns as f64 / 1e9);
    let tokens = requests(streams) * TOKENS;
    Ok(json!({
        "name": competitor.name(),
        "completed": figures.completed,
        "tokens_per_s": figures.tokens_per_s,
        "cpu_s_per_million_tokens": cost.cpu.as_secs_f64() * 1e6 / tokens as f64,
        "peak_memory_bytes": cost.peak_memory,
        "ttft_p99_s": figures.ttft_p99_s, "true_ttft_p99_s": true_p99(&mut truth.ttft),
        "gap_p99_s": figures.gap_p99_s, "true_gap_p99_s": true_p99(&mut truth.gaps),
    }))
}

/// A turn of the floor and one of metron.
fn turn(metron: &Path, folder: &Path, streams: u64) -> io::Result<Value> {
    let floor = floor(metron, streams)?;
    let client = measure_metron(metron, folder, streams)?;
    Ok(json!({ "cpu_ratio": cost(&client) / cost(&floor), "floor": floor, "metron": client }))
}

fn cost(of: &Value) -> f64 {
    of["cpu_s_per_million_tokens"].as_f64().unwrap_or(f64::NAN)
}

/// All turns at so many streams, in the order of their ratios, and the one in the middle as the point.
fn measure(metron: &Path, streams: u64, rounds: u64, competitors: &[Competitor]) -> io::Result<Value> {
    let folder = std::env::temp_dir().join(format!("metron-bench-{}-{streams}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let turns: io::Result<Vec<Value>> = (0..rounds).map(|_| turn(metron, &folder, streams)).collect();
    let beside: io::Result<Vec<Value>> =
        competitors.iter().map(|competitor| measure_competitor(metron, &folder, streams, competitor)).collect();
    std::fs::remove_dir_all(&folder)?;
    let mut turns = turns?;
    turns.sort_by(|one, other| {
        let ratio = |turn: &Value| turn["cpu_ratio"].as_f64().unwrap_or(f64::NAN);
        ratio(one).total_cmp(&ratio(other))
    });
    let ideal = streams as f64 * TOKENS as f64 / ANSWER_S;
    let median = &turns[turns.len() / 2];
    Ok(json!({
        "streams": streams, "ideal_tokens_per_s": ideal, "floor": median["floor"], "metron": median["metron"],
        "cpu_ratios": turns.iter().map(|turn| &turn["cpu_ratio"]).collect::<Vec<_>>(), "competitors": beside?,
    }))
}

/// One client's row: `of` is its part of the point.
fn row(point: &Value, name: &str, of: &Value) -> String {
    let number = |value: &Value, path: &str| value.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let milliseconds = |ours: &str, truth: &str| match (number(of, ours) - number(of, truth)) * 1e3 {
        unknown if unknown.is_nan() => "-".to_owned(),
        known => format!("{known:.3}"),
    };
    let (ideal, floor) = (number(point, "/ideal_tokens_per_s"), &point["floor"]);
    format!(
        "{:>7}  {:<11}  {:>6.3}  {:>9.2}  {:>9.2}  {:>6.3}  {:>6.3}  {:>8}  {:>8}  {:>7.1}  {}",
        number(point, "/streams"),
        name,
        cost(of) / cost(floor),
        cost(of),
        cost(floor),
        number(of, "/tokens_per_s") / ideal,
        number(floor, "/tokens_per_s") / ideal,
        milliseconds("/ttft_p99_s", "/true_ttft_p99_s"),
        milliseconds("/gap_p99_s", "/true_gap_p99_s"),
        number(of, "/peak_memory_bytes") / 1024.0 / 1024.0,
        of.pointer("/instrument/verdict").and_then(Value::as_str).unwrap_or("-"),
    )
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program's own output")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let metron: PathBuf = match metron_beside_us() {
        Ok(path) => path,
        Err(error) => {
            eprintln!("error: where this program lies is not known: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "CPU in s per million tokens, throughput as a share of the ideal, errors of p99 in ms (reported less true), memory in MiB"
    );
    println!(
        "streams  client        ratio  client     floor      share   floor   TTFT      gap       memory   verdict"
    );
    let mut points = Vec::new();
    for streams in arguments.streams {
        match measure(&metron, streams, arguments.rounds, &arguments.competitors) {
            Ok(point) => {
                println!("{}", row(&point, "metron", &point["metron"]));
                println!("         its cost over the floor's in every turn: {}", point["cpu_ratios"]);
                for beside in point["competitors"].as_array().into_iter().flatten() {
                    println!("{}", row(&point, beside["name"].as_str().unwrap_or_default(), beside));
                }
                points.push(point);
            }
            Err(error) => {
                eprintln!("error: {streams} streams: {error} (build first: cargo build --release)");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("{}", json!({ "points": points }));
    ExitCode::SUCCESS
}
