//! Searches textbook queues whose capacity is known, many times over, and says how often the interval holds it, how far the point is off,
//! and what a bisection by probes of fixed length spends for the same error. Then again, of servers that get worse while they are
//! searched, and says how often that was told.
//!
//! ```text
//! cargo run --release -p metron-runner --example capacity_coverage -- [searches per queue] [first seed]
//! ```

#![expect(clippy::print_stdout, reason = "a program that prints its table")]

#[path = "../tests/search/textbook.rs"]
mod textbook;

use std::ops::{ControlFlow, Range};

use metron_results::capacity::Steadiness;
use metron_results::event::InFlight;
use metron_runner::search::capacity::{Answer, Budget, Found, Settings, search, steadiness};
use metron_runner::search::{Load, LoadUnit, Prober, Wish};
use metron_units::{Nanos, Share};

use textbook::{SETTINGS, Setting, Textbook, USERS, Worse};

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().expect("a whole number"));
    let searches = arguments.next().unwrap_or(200);
    let first = arguments.next().unwrap_or(10_000);
    println!("{searches} searches a queue, seeds from {first}");
    for setting in SETTINGS.into_iter().chain([USERS]) {
        let ours = experiment(setting, first..first + searches);
        let (length, error, requests) = bisection_as_good(setting, first..first + searches, ours.error);
        println!(
            "{:24} holds the truth {:5.1} %  no capacity {:2}  median error {:.2} %  median requests {:7}  bisection: {requests} \
             ({length} a probe, error {:.2} %)",
            setting.name,
            100.0 * ours.held as f64 / searches as f64,
            ours.without,
            100.0 * ours.error,
            ours.requests,
            100.0 * error,
        );
    }
    for setting in SETTINGS.into_iter().chain([USERS]) {
        let seeds = first..first + searches;
        let slowed = worsening(setting, seeds.clone(), |requests| Worse::From(requests / 2, 1.25));
        println!("{:24} slowed by a fifth half way: {}", setting.name, Shares(&slowed));
        let leaks =
            [0.25, 0.5].map(|more| worsening(setting, seeds.clone(), |requests| Worse::Each(more / requests as f64)));
        let leaks = leaks.concat();
        for (from, to, words) in
            [(1.0, 1.1, "less than 1.1"), (1.1, 1.2, "1.1 to 1.2"), (1.2, f64::INFINITY, "more than 1.2")]
        {
            let so_much: Vec<Ended> = leaks.iter().filter(|it| it.pace >= from && it.pace < to).copied().collect();
            println!("{:24} leaked to {words} at its end: {}", setting.name, Shares(&so_much));
        }
    }
}

/// How a search of a server that got worse ended.
#[derive(Clone, Copy)]
struct Ended {
    /// How many times as long services took at its end.
    pace: f64,
    told: Told,
}

#[derive(Clone, Copy, PartialEq)]
enum Told {
    /// That the server changed.
    Changed,
    /// A number, and that it is unclear whether the server stayed the same.
    Unclear,
    /// A number alone.
    Number,
}

struct Shares<'a>(&'a [Ended]);

impl std::fmt::Display for Shares<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = |told| 100.0 * self.0.iter().filter(|it| it.told == told).count() as f64 / self.0.len() as f64;
        let [changed, unclear, number] = [Told::Changed, Told::Unclear, Told::Number].map(of);
        let searches = self.0.len();
        write!(f, "told {changed:5.1} %, a number with a doubt {unclear:4.1} %, a number {number:4.1} % of {searches}")
    }
}

/// Searches of servers that get worse by `worse`, given what a search of a steady one spends.
fn worsening(setting: Setting, seeds: Range<u64>, worse: impl Fn(u64) -> Worse) -> Vec<Ended> {
    let ended = |seed: u64| {
        let mut textbook = Textbook::new(setting, seed);
        let steady = searched(&mut textbook.clone());
        textbook.worse = Some(worse(steady.probes.iter().map(|probe| probe.requests).sum()));
        let Found { answer, probes } = searched(&mut textbook);
        let told = match (answer, steadiness(&answer, &probes, &textbook.demands, &settings(setting.unit()))) {
            (Answer::Unstable(_), _) => Told::Changed,
            (_, Some(Steadiness::Unclear)) => Told::Unclear,
            _ => Told::Number,
        };
        Ended { pace: textbook.pace(), told }
    };
    seeds.map(ended).collect()
}

fn settings(unit: LoadUnit) -> Settings {
    let load = |load| Load::new(load).expect("above zero");
    Settings {
        unit,
        start: load(1.0),
        least: load(0.01),
        most: load(10_000.0),
        precision: Share::new(0.05).expect("a share"),
        budget: Budget { requests: 5_000_000, time: Nanos::MAX },
        seed: 1,
    }
}

fn searched(textbook: &mut Textbook) -> Found {
    let demands = textbook.demands.clone();
    let settings = settings(textbook.setting.unit());
    let Ok(found) = search(textbook, &demands, &settings, Vec::new(), &mut |_, _| {});
    found
}

struct Experiment {
    held: u64,
    without: u64,
    error: f64,
    requests: u64,
}

fn experiment(setting: Setting, seeds: Range<u64>) -> Experiment {
    let (mut held, mut without, mut errors, mut requests) = (0, 0, Vec::new(), Vec::new());
    for seed in seeds {
        let mut textbook = Textbook::new(setting, seed);
        let found = searched(&mut textbook);
        requests.push(textbook.requests);
        if let Answer::Capacity(capacity) = found.answer {
            let high = capacity.high.map_or(f64::INFINITY, Load::get);
            held += u64::from(capacity.low.get() <= setting.capacity && setting.capacity <= high);
            errors.push((capacity.value.get() / setting.capacity - 1.0).abs());
        } else {
            without += 1;
            errors.push(f64::INFINITY);
        }
    }
    Experiment { held, without, error: median(&mut errors, f64::total_cmp), requests: median(&mut requests, u64::cmp) }
}

fn median<T: Copy>(values: &mut [T], order: impl FnMut(&T, &T) -> std::cmp::Ordering) -> T {
    values.sort_by(order);
    values[values.len() / 2]
}

/// The shortest length of probe, of powers of the square root of 2, with a median error as small: (length, error, median requests).
fn bisection_as_good(setting: Setting, seeds: Range<u64>, error: f64) -> (u64, f64, u64) {
    let mut length = 500.0_f64;
    loop {
        let (mut errors, mut spent) = (Vec::new(), Vec::new());
        for seed in seeds.clone() {
            let (found, requests) = bisection(setting, seed, length as u64);
            errors.push((found / setting.capacity - 1.0).abs());
            spent.push(requests);
        }
        let reached = median(&mut errors, f64::total_cmp);
        if reached <= error || length > 1e6 {
            return (length as u64, reached, median(&mut spent, u64::cmp));
        }
        length *= std::f64::consts::SQRT_2;
    }
}

/// Doubling, then halving until the loads lie within 1 %, or no load lies between them, each by the verdict of `length` requests.
fn bisection(setting: Setting, seed: u64, length: u64) -> (f64, u64) {
    let mut textbook = Textbook::new(setting, seed);
    let allowed = textbook.demands[0].allowed();
    let mut probes = 0;
    let mut holds = |load: f64| {
        probes += 1;
        let (mut part, mut of, mut seen) = (0.0, 0.0, 0);
        let load = Load::new(load).expect("above zero");
        let wish = Wish { load, seed: probes, most: length, time: Nanos::MAX };
        let Ok(_) = textbook.probe(wish, &mut |request| {
            part += request.scores[0].part;
            of += request.scores[0].of;
            seen += 1;
            if seen == length { ControlFlow::Break(InFlight::Dropped) } else { ControlFlow::Continue(()) }
        });
        part <= allowed * of
    };
    let mut low = 1.0;
    while holds(2.0 * low) {
        low *= 2.0;
    }
    let mut high = 2.0 * low;
    let nearest = |load: f64| setting.unit().nearest(Load::new(load).expect("above zero")).get();
    let between = |low: f64, high: f64| Some(nearest((low * high).sqrt())).filter(|load| *load > low && *load < high);
    while let Some(middle) = between(low, high).filter(|_| high > 1.01 * low) {
        if holds(middle) { low = middle } else { high = middle }
    }
    // Of users the most that hold are known.
    let found = if between(low, high).is_some() { (low * high).sqrt() } else { low };
    (found, textbook.requests)
}
