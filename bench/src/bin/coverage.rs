//! How often the intervals hold the truth: every method over runs whose truth is known.
//!
//! `cargo run --release -p metron-bench --bin coverage -- [RUNS]` (1000 unless named). Prints a table for the book, then one
//! JSON object. Seeds are fixed, so the figures are the same on every machine.

#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

use metron_bench::coverage::{Counting, Covered, queue, requests};
use serde_json::json;

fn main() -> ExitCode {
    let runs = match std::env::args().nth(1).map(|runs| runs.parse()) {
        None => 1_000,
        Some(Ok(runs)) if runs > 0 => runs,
        Some(_) => return said("usage: coverage [RUNS]"),
    };
    match cover(runs) {
        Ok(covered) => {
            let text = format!("{}\n{}\n", table(&covered), json!({ "runs": runs, "figures": covered }));
            match std::io::stdout().write_all(text.as_bytes()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => said(&error.to_string()),
            }
        }
        Err(error) => said(&error.to_string()),
    }
}

fn said(problem: &str) -> ExitCode {
    let _nobody_listens = writeln!(std::io::stderr(), "{problem}");
    ExitCode::FAILURE
}

fn cover(runs: u64) -> Result<Vec<Covered>, Box<dyn std::error::Error>> {
    let mut counting = Counting::default();
    requests::cover(&mut counting, runs, 1_000, 200_000);
    queue::cover(&mut counting, 300, (runs, 2_000), 0.5, "M/M/1 half busy")?;
    queue::cover(&mut counting, 400, (runs, 20_000), 0.8, "M/M/1 four fifths busy")?;
    queue::cover_until(&mut counting, 500, runs, 0.5, "M/M/1 half busy")?;
    queue::cover_day(&mut counting, 600, runs, (0.5, 0.6), "M/M/1, a day from a fifth to four fifths busy")?;
    Ok(counting.finish())
}

fn table(covered: &[Covered]) -> String {
    let mut lines = vec![
        "| figure | method | intervals that hold the truth | mean width |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    lines.extend(covered.iter().map(|one| {
        let width = one.relative_width.map_or_else(String::new, |width| format!("{:.1} %", width * 100.0));
        let held = match (one.intervals, one.without) {
            (0, _) => "no run had one".to_owned(),
            (_, 0) => format!("{:.1} %", one.share() * 100.0),
            (_, without) => format!("{:.1} % ({without} runs had none)", one.share() * 100.0),
        };
        format!("| {} | {} | {held} | {width} |", one.figure, one.method)
    }));
    lines.join("\n")
}
