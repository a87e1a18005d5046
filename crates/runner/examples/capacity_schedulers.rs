//! Searches the simulated schedulers for their capacity, in virtual time, and holds each answer against the truth: several long runs, each
//! with another seed, at both ends of the stated interval and between them. Prints a Markdown table.
//!
//! ```text
//! cargo run --release -p metron-runner --example capacity_schedulers -- [all | WORD...]
//! ```
//!
//! Without a word it takes one objective of three for each scheduler and unit, in turn; with words every row that holds them all
//! (`sarathi requests/s ttft`).

#![expect(clippy::print_stdout, reason = "a program that prints its table")]

use std::ops::ControlFlow;
use std::sync::mpsc::Sender;
use std::sync::mpsc::channel;

use metron_metrics::interval::student;
use metron_results::event::{InFlight, RunEvent};
use metron_runner::search::capacity::{Answer, Budget, Capacity, Settings, outcome, search};
use metron_runner::search::{Demand, Files, Load, LoadUnit, Prober, Runs, RunsSettings, Wish};
use metron_runner::{RunConfig, Stop};
use metron_units::{Nanos, Share};

const SCHEDULERS: [&str; 6] = ["static", "orca", "vllm", "vllm-v1", "sarathi", "disaggregated"];
const UNITS: [LoadUnit; 2] = [LoadUnit::RequestsPerSecond, LoadUnit::ConcurrentRequests];

const OBJECTIVES: [&str; 3] = ["p99 ttft <= 500ms", "p99 tbt <= 50ms", "fluidity >= 0.9 for 99%"];

/// Runs at one load that the truth rests on.
const RUNS: u64 = 6;

/// Requests of each, in parts of what one miss is allowed in.
const LENGTH: u64 = 120;

/// How often each user of a closed loop asks in it, at least.
const TURNS: u64 = 40;

/// How often the distance between two loads is halved.
const HALVINGS: usize = 3;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let all = words.iter().any(|word| word == "all");
    println!(
        "| scheduler, load, objective | answer | 95 % interval | requests | at its ends, of what is allowed | long runs | held |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (row, scheduler) in SCHEDULERS.iter().enumerate() {
        for (column, unit) in UNITS.into_iter().enumerate() {
            for (turn, objective) in OBJECTIVES.iter().enumerate() {
                let name = format!("`{scheduler}`, {}, `{objective}`", unit.name());
                let named = words.iter().all(|word| name.contains(word.as_str()));
                let in_turn = (row + 2 * column) % 3 == turn;
                if all || if words.is_empty() { in_turn } else { named } {
                    println!("| {name} {}", Cell::of(scheduler, unit, objective).row());
                }
            }
        }
    }
}

/// One scheduler under one objective, in one unit of load.
struct Cell {
    config: RunConfig,
    unit: LoadUnit,
    demands: Vec<Demand>,
    events: Sender<RunEvent>,
    stop: Stop,
}

/// What long runs say of one load: the ratio in parts of what is allowed, how far it may be off, and how many of the queues grew.
#[derive(Debug, Clone, Copy)]
struct Truth {
    ratio: f64,
    doubt: f64,
    grew: usize,
}

impl Truth {
    /// Most of the queues grew to the end: the server cannot keep up, whatever is missed by then.
    fn grows(self) -> bool {
        2 * self.grew > RUNS as usize
    }

    fn fails(self) -> bool {
        self.grows() || self.ratio > 1.0
    }

    fn surely_fails(self) -> bool {
        self.grows() || self.ratio - self.doubt > 1.0
    }

    fn surely_holds(self) -> bool {
        self.grew == 0 && self.ratio + self.doubt < 1.0
    }
}

impl std::fmt::Display for Truth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ± {:.2}", self.ratio, self.doubt)?;
        if self.grew > 0 { write!(f, " ({} of {RUNS} queues grow)", self.grew) } else { Ok(()) }
    }
}

impl Cell {
    fn of(scheduler: &str, unit: LoadUnit, objective: &str) -> Self {
        let text = format!(
            "url: sim:{scheduler}?time=virtual\nendpoint: auto\ninput_tokens: 'uniform:256..768'\n\
             output_tokens: 'uniform:16..48'\ntokenizer: auto\nseed: 0\nttft_deadline: 300ms\ntbt_deadline: 30ms\n\
             target_miss_rate: 10%\ntimeout_connect: 10s\ntimeout_first_token: 60s\ntimeout_idle: 30s\ntimeout: 600s\n"
        );
        let config = serde_saphyr::from_str(&text).expect("a configuration");
        let demand = Demand::of(objective.parse().expect("an objective")).expect("it is searchable");
        // Nobody listens.
        let (events, _) = channel();
        Self { config, unit, demands: vec![demand], events, stop: Stop::new() }
    }

    fn runs(&self) -> Runs<'_> {
        let settings = RunsSettings {
            config: self.config.clone(),
            unit: self.unit,
            demands: self.demands.clone(),
            files: Files::Nowhere,
            command: Vec::new(),
        };
        Runs::new(settings, &self.events, &self.stop).expect("a configuration that can be run")
    }

    /// The row behind its name.
    fn row(&self) -> String {
        let mut runs = self.runs();
        let (start, most) = match self.unit {
            LoadUnit::RequestsPerSecond => (runs.saturation().expect("a run in virtual time"), 10_000.0),
            LoadUnit::ConcurrentRequests => (8.0, 4_096.0),
        };
        let load = |load| Load::new(load).expect("above zero");
        let settings = Settings {
            unit: self.unit,
            start: load(start),
            least: load(if self.unit == LoadUnit::ConcurrentRequests { 1.0 } else { 0.01 }),
            most: load(most),
            precision: Share::new(0.05).expect("a share"),
            budget: Budget { requests: 20_000_000, time: Nanos::MAX },
            seed: 0,
        };
        let found = search(&mut runs, &self.demands, &settings, Vec::new(), &mut |_, _| {});
        let found = found.expect("runs in virtual time");
        let requests: u64 = found.probes.iter().map(|probe| probe.requests).sum();
        let Answer::Capacity(Capacity { value, low, high: Some(high), .. }) = found.answer else {
            let words = outcome(&found.answer, self.unit, &self.demands, &found.probes);
            return format!("| {words} | | {requests} | | | |");
        };
        // Of users the interval's high end still holds.
        let beyond = if self.unit == LoadUnit::ConcurrentRequests { load(high.get() + 1.0) } else { high };
        let (at_low, at_high) = (self.truth(low), self.truth(beyond));
        let held = !at_low.surely_fails() && !at_high.surely_holds();
        let truth = self.between(low, at_low, beyond, at_high);
        format!(
            "| {} | {}..{} | {requests} | {at_low}; {at_high} | {truth} | {} |",
            brief(value),
            brief(low),
            brief(high),
            if held { "yes" } else { "**no**" },
        )
    }

    /// The load at which long runs cross the bound, from the ends of an interval on.
    fn between(&self, low: Load, at_low: Truth, beyond: Load, at_high: Truth) -> String {
        let moved = |load: Load, by: f64| self.unit.nearest(Load::new(load.get() * by).expect("above zero"));
        let (mut holds, mut fails) = match (!at_low.fails(), at_high.fails()) {
            (true, true) => (low, beyond),
            (false, _) => (moved(low, 0.8), low),
            (true, false) => (beyond, moved(beyond, 1.25)),
        };
        for _ in 0..HALVINGS {
            let middle = self.unit.nearest(Load::new((holds.get() * fails.get()).sqrt()).expect("above zero"));
            if middle <= holds || middle >= fails {
                break;
            }
            if self.truth(middle).fails() { fails = middle } else { holds = middle }
        }
        match self.unit {
            LoadUnit::RequestsPerSecond => format!("{}..{}", brief(holds), brief(fails)),
            LoadUnit::ConcurrentRequests => brief(holds),
        }
    }

    /// [`RUNS`] of them, less their first tenth.
    fn truth(&self, load: Load) -> Truth {
        let demand = &self.demands[0];
        let users = if self.unit == LoadUnit::ConcurrentRequests { load.get() as u64 } else { 0 };
        let most = ((1.0 / demand.allowed()) as u64 * LENGTH).max(TURNS * users);
        let mut runs = self.runs();
        let mut run = |seed: u64| {
            let (mut seen, mut part, mut of, mut in_flight) = (0, 0.0, 0.0, [0.0; 4]);
            // No probe of a search has this seed.
            let wish = Wish { load, seed: 1_000_000 + seed, most, time: Nanos::MAX };
            let played = runs.probe(wish, &mut |request| {
                in_flight[(4 * seen / most) as usize] += request.in_flight as f64 / (most / 4) as f64;
                seen += 1;
                if seen > most / 10 {
                    part += request.scores[0].part;
                    of += request.scores[0].of;
                }
                if seen == most { ControlFlow::Break(InFlight::Dropped) } else { ControlFlow::Continue(()) }
            });
            played.expect("a run in virtual time");
            let grew = in_flight.is_sorted() && in_flight[3] > 1.5 * in_flight[1] + 16.0;
            (part / of / demand.allowed(), grew)
        };
        let runs: Vec<(f64, bool)> = (0..RUNS).map(&mut run).collect();
        let mean = runs.iter().map(|(ratio, _)| ratio).sum::<f64>() / RUNS as f64;
        let squares: f64 = runs.iter().map(|(ratio, _)| (ratio - mean).powi(2)).sum();
        let error = (squares / (RUNS * (RUNS - 1)) as f64).sqrt();
        let grew = runs.iter().filter(|(_, grew)| *grew).count();
        Truth { ratio: mean, doubt: error * student(RUNS as usize - 1), grew }
    }
}

/// Four digits.
fn brief(load: Load) -> String {
    let load = load.get();
    let decimals = (3.0 - load.log10().floor()).clamp(0.0, 4.0) as usize;
    format!("{load:.decimals$}")
}
