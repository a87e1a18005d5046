//! What a plan costs: requests without bodies, recorded instants replayed, bodies of 1,000 tokens, prompts of 100,000, each by one
//! core.
//!
//! `cargo run --release -p metron-bench --bin plan`. Prints a table, then one JSON object. Bodies are composed as a run composes
//! them; the prompts of a sample are tokenised again, and a token too many or too few ends the program. The trace that is
//! replayed is made for it: one of a length that is held in memory, and one that is read again while it is sent.

#![forbid(unsafe_code)]

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use metron_runner::RunConfig;
use metron_runner::preview::Preview;
use metron_units::Tokens;
use metron_workload::{Prompts, Tokenizer};
use serde_json::{Value, json};

/// Each measurement is taken so often; the median is told, with the least and the most.
const ROUNDS: usize = 5;
/// Prompts that are tokenised again.
const SAMPLE: u64 = 50;
/// Requests of a trace whose instants and lengths are held in memory.
const HELD: u64 = 2_000_000;
/// Requests of a trace that is too long for that.
const LONG: u64 = 4_000_000;

/// Arrivals and lengths of a plan, and how many requests a round has.
type Case = (&'static str, u64, &'static str, [&'static str; 2]);

const PLANS: [Case; 5] = [
    ("poisson, fixed lengths", 2_000_000, "poisson", ["512", "128"]),
    ("constant, fixed lengths", 2_000_000, "constant", ["512", "128"]),
    ("gamma, fixed lengths", 2_000_000, "gamma:0.5", ["512", "128"]),
    ("poisson, lognormal lengths", 2_000_000, "poisson", ["lognormal:512,0.5", "lognormal:128,0.5"]),
    ("diurnal, uniform lengths", 2_000_000, "diurnal:1h,0.6", ["uniform:100..500", "uniform:100..500"]),
];
const BODIES: [Case; 2] = [
    ("bodies of 1,000 tokens", 40_000, "poisson", ["1000", "128"]),
    ("bodies of 100,000 tokens", 400, "poisson", ["100000", "128"]),
];

/// One line of the result.
struct Measured {
    what: &'static str,
    requests: u64,
    /// Requests per second: the least, the median and the most of the rounds.
    rates: [f64; 3],
}

#[expect(clippy::print_stdout, reason = "a program's own output")]
fn main() -> ExitCode {
    let prompts = Prompts::new(&Tokenizer::default(), 0).expect("the default tokenizer takes words");
    check(&prompts, 1_000, SAMPLE);
    check(&prompts, 100_000, 2);
    let generated = PLANS.map(|case| measured(case.0, case.1, || settings(&case), walk));
    let replayed = replays().expect("a trace in the folder for temporary files");
    let bodies = BODIES.map(|case| measured(case.0, case.1, || settings(&case), bytes));
    let all: Vec<_> = generated.into_iter().chain(replayed).chain(bodies).collect();
    println!("{:<32} {:>12} {:>12} {:>12}", "per second and core", "median", "least", "most");
    for Measured { what, rates: [least, median, most], .. } in &all {
        println!("{what:<32} {median:>12.0} {least:>12.0} {most:>12.0}");
    }
    let rows = all.iter().map(|Measured { what, requests, rates: [least, median, most] }| {
        json!({ "what": what, "requests": requests, "median_per_s": median, "least_per_s": least, "most_per_s": most })
    });
    println!("{}", json!({ "schema": "metron.bench.plan/1", "rounds": ROUNDS, "rows": rows.collect::<Vec<_>>() }));
    ExitCode::SUCCESS
}

/// What a run with these settings would send.
fn preview(own: Value) -> Preview {
    let mut said = json!({
        "url": "sim:", "endpoint": "chat", "requests": 100, "input_tokens": "512", "output_tokens": "128",
        "tokenizer": "auto", "seed": 0, "ttft_deadline": "300ms", "tbt_deadline": "30ms", "target_miss_rate": "10%",
        "timeout_connect": "10s", "timeout_first_token": "60s", "timeout_idle": "30s", "timeout": "600s",
    });
    if let (Value::Object(said), Value::Object(own)) = (&mut said, own) {
        said.extend(own);
    }
    let config: RunConfig = serde_json::from_value(said).expect("a run's configuration");
    Preview::of(&config).expect("a plan")
}

fn settings(&(_, requests, arrivals, [input, output]): &Case) -> Value {
    json!({
        "rate": "1000/s", "arrivals": arrivals, "requests": requests, "input_tokens": input, "output_tokens": output,
    })
}

/// Every request of the plan.
fn walk(preview: Preview) -> u64 {
    preview.plan().clone().map(|request| request.id).sum()
}

/// The bytes of all bodies.
fn bytes(preview: Preview) -> u64 {
    preview.map(|request| request.expect("exact by construction").body.len() as u64).sum()
}

/// The rates at which `work` takes requests.
fn measured(
    what: &'static str,
    requests: u64,
    settings: impl Fn() -> Value,
    work: impl Fn(Preview) -> u64,
) -> Measured {
    let round = || {
        let preview = preview(settings());
        timed(requests, || work(preview))
    };
    Measured { what, requests, rates: in_order((0..ROUNDS).map(|_| round())) }
}

/// Recorded instants, sent at twice their speed: how fast a trace is read and checked, and its plan walked.
fn replays() -> io::Result<[Measured; 3]> {
    let [held, long] = [HELD, LONG].map(|requests| {
        let name = format!("metron-bench-plan-{}-{requests}.csv", std::process::id());
        (std::env::temp_dir().join(name), requests)
    });
    let settings = |(path, requests): &(PathBuf, u64)| json!({ "trace": path, "speed": "2", "requests": requests });
    let measured = write(&held.0, held.1).and_then(|()| write(&long.0, long.1)).map(|()| {
        let read = in_order((0..ROUNDS).map(|_| timed(HELD, || u64::from(preview(settings(&held)).is_open()))));
        [
            Measured { what: "trace: read and checked", requests: HELD, rates: read },
            measured("replay of a trace that is held", HELD, || settings(&held), walk),
            measured("replay of one that is read again", LONG, || settings(&long), walk),
        ]
    });
    for (path, _) in [&held, &long] {
        if path.exists() {
            std::fs::remove_file(path)?;
        }
    }
    measured
}

/// Writes a trace as Azure's are: some thousand requests a second, lengths that differ.
fn write(path: &Path, requests: u64) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    writeln!(file, "TIMESTAMP,ContextTokens,GeneratedTokens")?;
    for k in 0..requests {
        let ticks = k * 9_973;
        let [seconds, fraction] = [ticks / 10_000_000, ticks % 10_000_000];
        let [hour, minute, second] = [seconds / 3600, seconds / 60 % 60, seconds % 60];
        let [input, output] = [100 + k * 7_919 % 4_000, 10 + k * 104_729 % 500];
        writeln!(file, "2026-01-05 {hour:02}:{minute:02}:{second:02}.{fraction:07},{input},{output}")?;
    }
    file.flush()
}

/// How many of `requests` go by in a second of `work`.
fn timed(requests: u64, work: impl FnOnce() -> u64) -> f64 {
    let begun = now();
    std::hint::black_box(work());
    requests as f64 / now().saturating_sub(begun).as_secs_f64()
}

/// The least, the median and the most.
fn in_order(rates: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut rates: Vec<f64> = rates.collect();
    rates.sort_by(f64::total_cmp);
    [rates[0], rates[ROUNDS / 2], rates[ROUNDS - 1]]
}

/// Processor time of this thread, so that a busy machine changes nothing.
fn now() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Tokenises a sample of prompts again.
fn check(prompts: &Prompts, tokens: u64, sample: u64) {
    let tokenizer = Tokenizer::default();
    for id in 0..sample {
        let text = prompts.text(id, Tokens::new(tokens)).expect("exact by construction");
        assert_eq!(tokenizer.count(&text).expect("a text") as u64, tokens, "prompt {id}");
    }
}
