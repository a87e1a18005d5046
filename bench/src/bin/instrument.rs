//! The instrument beside the floor and the truth: what a stream costs metron, and how far its figures lie from what was sent.
//!
//! `cargo run --release -p metron-bench --bin instrument [STREAMS...]` (1024, 4096 and 8192 unless named). The server is
//! `metron sim` on core 0 (TTFT 100 ms, gaps of 20 ms, 128 tokens), the client alone on core 1, closed loop. Prints a table,
//! then one JSON object. Floor and metron take turns in one run, so that ratios hold on a machine whose speed drifts.

#![forbid(unsafe_code)]

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use metron_bench::child::{self, on_core};
use metron_runner::calibration::{ANSWER_S, ENGINE, Engine, TOKENS, truth};
use serde_json::{Value, json};

/// The simulated engine as a process on core 0.
fn engine(metron: &Path, log: Option<&Path>) -> io::Result<Engine> {
    Engine::start(on_core(0, metron), ENGINE, log)
}

/// The requests of a closed loop of so many streams: enough for some seconds of steady state.
fn requests(streams: u64) -> u64 {
    streams * 4
}

fn floor(metron: &Path, streams: u64) -> io::Result<Value> {
    let engine = engine(metron, None)?;
    let program = metron.with_file_name("floor");
    let mut command = on_core(1, program);
    command.args([engine.address().to_owned(), streams.to_string(), requests(streams).to_string(), TOKENS.to_string()]);
    let finished = child::run(&mut command);
    engine.stop()?;
    serde_json::from_str(&finished?.stdout).map_err(io::Error::other)
}

fn client(metron: &Path, folder: &Path, streams: u64) -> io::Result<Value> {
    let log = folder.join("truth");
    let engine = engine(metron, Some(&log))?;
    let mut command = on_core(1, metron);
    let url = format!("http://{}", engine.address());
    let (streams_text, requests_text, output) =
        (streams.to_string(), requests(streams).to_string(), folder.join("run"));
    command.args([
        "run",
        "--url",
        &url,
        "--endpoint",
        "chat",
        "--model",
        "bench",
        "--workers",
        "1",
        "--quiet",
        "--json",
    ]);
    command.args(["--concurrency", &streams_text, "--requests", &requests_text, "--input-tokens", "16"]);
    command
        .args(["--output-tokens", &TOKENS.to_string(), "--timeout-first-token", "60s", "--force"])
        .arg("--output")
        .arg(&output);
    let finished = child::run(&mut command);
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

fn measure(metron: &Path, streams: u64) -> io::Result<Value> {
    let folder = std::env::temp_dir().join(format!("metron-bench-{}-{streams}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let floor = floor(metron, streams)?;
    let client = client(metron, &folder, streams);
    std::fs::remove_dir_all(&folder)?;
    let ideal = streams as f64 * TOKENS as f64 / ANSWER_S;
    Ok(json!({"streams": streams, "ideal_tokens_per_s": ideal, "floor": floor, "metron": client?}))
}

fn row(point: &Value) -> String {
    let number = |path: &str| point.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let milliseconds =
        |ours: &str, truth: &str| (number(&format!("/metron/{ours}")) - number(&format!("/metron/{truth}"))) * 1e3;
    let ideal = number("/ideal_tokens_per_s");
    format!(
        "{:>7}  {:>5.3}  {:>9.2}  {:>9.2}  {:>6.3}  {:>6.3}  {:>8.3}  {:>8.3}  {:>7.1}  {}",
        number("/streams"),
        number("/metron/cpu_s_per_million_tokens") / number("/floor/cpu_s_per_million_tokens"),
        number("/metron/cpu_s_per_million_tokens"),
        number("/floor/cpu_s_per_million_tokens"),
        number("/metron/tokens_per_s") / ideal,
        number("/floor/tokens_per_s") / ideal,
        milliseconds("ttft_p99_s", "true_ttft_p99_s"),
        milliseconds("gap_p99_s", "true_gap_p99_s"),
        number("/metron/peak_memory_bytes") / 1024.0 / 1024.0,
        point.pointer("/metron/instrument/verdict").and_then(Value::as_str).unwrap_or("-"),
    )
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program's own output")]
fn main() -> ExitCode {
    let named: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let streams = if named.is_empty() { vec![1024, 4096, 8192] } else { named };
    let metron: PathBuf = match std::env::current_exe() {
        Ok(path) => path.with_file_name("metron"),
        Err(error) => {
            eprintln!("error: where this program lies is not known: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!(
        "CPU in s per million tokens, throughput as a share of the ideal, errors of p99 in ms (reported less true), memory in MiB"
    );
    println!("streams  ratio  metron     floor      share   floor   TTFT      gap       memory   verdict");
    let mut points = Vec::new();
    for streams in streams {
        match measure(&metron, streams) {
            Ok(point) => {
                println!("{}", row(&point));
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
