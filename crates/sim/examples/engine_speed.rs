//! How fast the engine runs in virtual time: tokens per second at a steady batch of 256, and a day of requests.
//!
//! `cargo run --release -p metron-sim --example engine_speed`

#![expect(clippy::print_stdout, reason = "a program that prints its figures")]

use std::time::{Duration, Instant};

use metron_sim::engine::{Engine, EngineConfig, Event, Request, RequestId, run_virtual};
use metron_units::{Nanos, Tokens};

fn main() {
    // The days first: what is largest so far is theirs, and the same after a tenth of a day.
    day("vllm-v1", 25_000);
    for scheduler in ["vllm-v1", "vllm", "sarathi", "orca", "disaggregated"] {
        day(scheduler, 250_000);
    }
    for scheduler in ["vllm-v1", "vllm", "sarathi", "orca", "static", "disaggregated"] {
        steady(scheduler);
    }
}

fn engine(scheduler: &str, parameters: &[(&str, &str)]) -> Engine {
    let no_files = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    Engine::new(EngineConfig::from_pairs(scheduler, parameters.iter().copied(), no_files).expect("a known engine"))
}

/// 256 seats that are always taken.
fn steady(scheduler: &str) {
    let room = [("max-num-seqs", "256"), ("blocks", "40000"), ("max-model-len", "2048")];
    let requests = (0..40_000).map(|id| Request {
        id: RequestId::new(id),
        arrival: Nanos::new(id),
        prompt: Tokens::new(128),
        output: Tokens::new(1024),
        shared: None,
    });
    measure(&format!("{scheduler}, 256 at once"), engine(scheduler, &room), requests);
}

/// 250,000 requests over a day, or fewer of them, four times as dense at noon as at midnight: 1,024 tokens in, 128 out.
fn day(scheduler: &str, requests_of_it: u64) {
    const REQUESTS: f64 = 250_000.0;
    let requests = (0..requests_of_it).map(|id| {
        let share = id as f64 / REQUESTS;
        // The inverse of a rate of 1 - 0.6 cos, by a few steps of Newton's from the even spread.
        let mut day = share;
        for _ in 0..8 {
            let (sin, cos) = (std::f64::consts::TAU * day).sin_cos();
            day -= (day - 0.6 * sin / std::f64::consts::TAU - share) / (1.0 - 0.6 * cos);
        }
        Request {
            id: RequestId::new(id),
            arrival: Nanos::new((day * 86_400e9) as u64),
            prompt: Tokens::new(1_024),
            output: Tokens::new(128),
            shared: None,
        }
    });
    measure(&format!("{scheduler}, {requests_of_it} requests of a day"), engine(scheduler, &[]), requests);
}

fn measure(what: &str, mut engine: Engine, requests: impl Iterator<Item = Request>) {
    let (mut tokens, mut iterations, mut decoding, mut end) = (0_u64, 0_u64, 0_u64, Nanos::ZERO);
    let took = time(|| {
        run_virtual(&mut engine, requests, |event| match event {
            Event::Token { at, .. } => {
                tokens += 1;
                end = *at;
            }
            Event::Iteration(iteration) => {
                iterations += 1;
                decoding += iteration.decoding;
            }
            Event::Admitted { .. } | Event::Preempted { .. } | Event::Rejected { .. } | Event::Cancelled { .. } => {}
        });
    });
    println!(
        "{what}: {:.2} s for {:.0} simulated s, {tokens} tokens, {iterations} iterations of {:.1} decodes: {:.1} M tokens/s",
        took.as_secs_f64(),
        end.as_secs_f64(),
        decoding as f64 / iterations as f64,
        tokens as f64 / took.as_secs_f64() / 1e6,
    );
    println!("  the process at its largest so far: {}", largest());
}

/// As the kernel tells it.
fn largest() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |size| size.trim().to_owned())
}

#[expect(clippy::disallowed_methods, reason = "this program measures time")]
fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
