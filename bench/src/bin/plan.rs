//! What a plan costs: requests without bodies, bodies of 1,000 tokens, prompts of 100,000, each by one core.
//!
//! `cargo run --release -p metron-bench --bin plan`. Prints a table, then one JSON object. Bodies are composed as a run composes
//! them; the prompts of a sample are tokenised again, and a token too many or too few ends the program.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::Duration;

use metron_runner::RunConfig;
use metron_runner::preview::Preview;
use metron_units::Tokens;
use metron_workload::{Prompts, Tokenizer};
use serde_json::json;

/// Each measurement is taken so often; the median is told, with the least and the most.
const ROUNDS: usize = 5;
/// Prompts that are tokenised again.
const SAMPLE: u64 = 50;

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

#[expect(clippy::print_stdout, reason = "a program's own output")]
fn main() -> ExitCode {
    let prompts = Prompts::new(&Tokenizer::default(), 0).expect("the default tokenizer takes words");
    check(&prompts, 1_000, SAMPLE);
    check(&prompts, 100_000, 2);
    let plans = PLANS.map(|case| (case.0, case.1, rates(&case, |preview| preview.plan().clone().map(|r| r.id).sum())));
    let bodies = BODIES.map(|case| (case.0, case.1, rates(&case, bytes)));
    let all: Vec<_> = plans.into_iter().chain(bodies).collect();
    println!("{:<28} {:>12} {:>12} {:>12}", "per second and core", "median", "least", "most");
    for (name, _, [least, median, most]) in &all {
        println!("{name:<28} {median:>12.0} {least:>12.0} {most:>12.0}");
    }
    let rows = all.iter().map(|(name, requests, [least, median, most])| {
        json!({ "what": name, "requests": requests, "median_per_s": median, "least_per_s": least, "most_per_s": most })
    });
    println!("{}", json!({ "schema": "metron.bench.plan/1", "rounds": ROUNDS, "rows": rows.collect::<Vec<_>>() }));
    ExitCode::SUCCESS
}

/// What a run with these arrivals and lengths would send.
fn preview(&(_, requests, arrivals, [input, output]): &Case) -> Preview {
    let config: RunConfig = serde_json::from_value(json!({
        "url": "sim:", "endpoint": "chat", "rate": "1000/s", "arrivals": arrivals, "requests": requests,
        "input_tokens": input, "output_tokens": output, "tokenizer": "auto", "seed": 0,
        "ttft_deadline": "300ms", "tbt_deadline": "30ms", "target_miss_rate": "10%",
        "timeout_connect": "10s", "timeout_first_token": "60s", "timeout_idle": "30s", "timeout": "600s",
    }))
    .expect("a run's configuration");
    Preview::of(&config).expect("a plan")
}

/// The bytes of all bodies.
fn bytes(preview: Preview) -> u64 {
    preview.map(|request| request.expect("exact by construction").body.len() as u64).sum()
}

/// Requests per second: the least, the median and the most of the rounds.
fn rates(case: &Case, work: impl Fn(Preview) -> u64) -> [f64; 3] {
    let mut rates: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let preview = preview(case);
            let begun = now();
            std::hint::black_box(work(preview));
            case.1 as f64 / now().saturating_sub(begun).as_secs_f64()
        })
        .collect();
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
