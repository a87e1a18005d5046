//! What the live view costs the measurement: the same load with it and without, in turn, each laid beside what was sent.
//!
//! `cargo run --release -p metron-bench --bin live [STREAMS [PAIRS]]` (1024 and 3 unless named). The server is `metron sim` on
//! core 0, the client alone on core 1, in a terminal of 120x40 that `script` makes. Prints a table, then one JSON object.

#![forbid(unsafe_code)]

use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

use metron_bench::bed::{CLIENT_CORE, client, engine, metron_beside_us};
use metron_bench::child::{self, on_core};
use metron_runner::calibration::{TOKENS, truth};
use serde_json::{Value, json};

/// Requests of each stream: about fifteen seconds, in which the view is drawn some sixty times.
const ROUNDS: u64 = 6;

/// One run's errors, and what it cost.
#[derive(Debug, Clone, Copy)]
struct Measured {
    /// Reported arrival less the instant at which the engine handed it to the kernel, in microseconds.
    arrival_p50: f64,
    arrival_p99: f64,
    /// The reported p99 of gaps less the true one, in microseconds.
    gap_p99: f64,
    /// Seconds per million tokens.
    cpu: f64,
}

fn measure(metron: &Path, folder: &Path, streams: u64, progress: &str) -> io::Result<Measured> {
    let (log, output) = (folder.join("truth"), folder.join("run"));
    let engine = engine(metron, Some(&log))?;
    let requests = streams * ROUNDS;
    let mut command = client(on_core(CLIENT_CORE, metron), engine.address(), streams, requests, &output);
    let in_terminal = format!("stty rows 40 cols 120; exec {}", typed(command.args(["--progress", progress])));
    let finished = child::run(Command::new("script").args(["-qec", &in_terminal, "/dev/null"]));
    engine.stop()?;
    let finished = finished?;
    let summary = std::fs::read_to_string(output.join("summary.json"))
        .map_err(|error| io::Error::other(format!("the run left no summary ({error}):\n{}", finished.stdout)))?;
    let summary: Value = serde_json::from_str(&summary).map_err(io::Error::other)?;
    let mut truth = truth::of(&log, &output.join("requests.parquet"))?;
    let micros = |values: &mut [u64], share| {
        truth::quantile(values, share).map(|ns| ns as f64 / 1e3).ok_or_else(|| io::Error::other("no token was sent"))
    };
    let reported = summary["metrics"]["tbt"]["p99"].as_f64().ok_or_else(|| io::Error::other("no gap was seen"))?;
    Ok(Measured {
        arrival_p50: micros(&mut truth.arrival_errors, 0.5)?,
        arrival_p99: micros(&mut truth.arrival_errors, 0.99)?,
        gap_p99: reported * 1e6 - micros(&mut truth.gaps, 0.99)?,
        cpu: finished.cost.cpu.as_secs_f64() * 1e6 / (requests * TOKENS) as f64,
    })
}

/// A command as a shell takes it.
fn typed(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted = words.map(|word| format!("'{}'", word.to_string_lossy().replace('\'', r"'\''")));
    quoted.collect::<Vec<_>>().join(" ")
}

/// With the view and without it, so many times in turn.
fn pairs(metron: &Path, streams: u64, pairs: u64) -> io::Result<Vec<[Measured; 2]>> {
    let folder = std::env::temp_dir().join(format!("metron-bench-live-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    // Who goes first changes, so that a machine that slows down favours nobody.
    let pair = |k: u64| -> io::Result<[Measured; 2]> {
        let one = |progress| measure(metron, &folder, streams, progress);
        if k.is_multiple_of(2) {
            let on = one("live")?;
            Ok([on, one("none")?])
        } else {
            let off = one("none")?;
            Ok([one("live")?, off])
        }
    };
    let measured = (0..pairs).map(pair).collect();
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a program's own output")]
fn main() -> ExitCode {
    let named: Vec<u64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let (streams, times) = (named.first().copied().unwrap_or(1024), named.get(1).copied().unwrap_or(3).max(1));
    let measured = match metron_beside_us().and_then(|metron| pairs(&metron, streams, times)) {
        Ok(measured) => measured,
        Err(error) => {
            eprintln!("error: {error} (build first: cargo build --release; `script` and `taskset` are util-linux's)");
            return ExitCode::FAILURE;
        }
    };
    println!("{streams} streams, the median of {times} runs each, in turn");
    println!("                            live view  without  difference");
    type Figure = (&'static str, fn(&Measured) -> f64);
    let figures: [Figure; 4] = [
        ("arrival error p50, us", |one| one.arrival_p50),
        ("arrival error p99, us", |one| one.arrival_p99),
        ("gap p99 error, us", |one| one.gap_p99),
        ("CPU, s/million tokens", |one| one.cpu),
    ];
    let mut object = json!({ "streams": streams, "pairs": times });
    for (name, figure) in figures {
        let [on, off] = [0, 1].map(|side| median(measured.iter().map(|pair| figure(&pair[side])).collect()));
        println!("{name:<26}  {on:>9.3}  {off:>7.3}  {:>+10.3}", on - off);
        object[name] = json!({ "live": on, "without": off });
    }
    println!("{object}");
    ExitCode::SUCCESS
}
