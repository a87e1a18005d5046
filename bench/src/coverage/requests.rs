//! Runs of independent requests with gaps that are alike within a stream: every method by itself. A run and the one it is
//! compared with differ by a tenth in every latency.
//!
//! Request k of a run waits an exponential time of 100 ms for its first token, then draws a pace of its own and gaps around it;
//! 5 in 1,000 fail. Truths are closed forms where there are any, else the figures of one run of very many requests.

use std::collections::BTreeMap;

use metron_metrics::comparison::{Aspect, Difference, Drawing, Drawn, Redrawn};
use metron_metrics::fraction::Fraction;
use metron_metrics::interval::bootstrap::SEED;
use metron_metrics::{
    Chunk, CountedBy, Deadlines, ErrorClass, Failure, Metric, Outcome, Phase, RequestRecord, Summariser, SummaryOptions,
};
use metron_units::{Nanos, Tokens};
use metron_workload::random::{Generator, Stream, generator, unit};

use super::{Counting, Kind};

/// How much slower the other run is.
const SLOWER: f64 = 1.1;

/// The mean time between arrivals.
const ARRIVALS_S: f64 = 0.02;

fn exponential(random: &mut Generator, mean: f64) -> f64 {
    -mean * unit(random).ln()
}

/// A run's requests. With the seed of another run it sends that run's plan; `luck` is what differs between two servers that
/// answer one plan.
fn run(seed: u64, luck: u64, requests: u64, slower: f64) -> impl Iterator<Item = RequestRecord> {
    let mut at = 0.0;
    (0..requests).map(move |id| {
        let mut plan = generator(seed, Stream::OutputTokens, id);
        let mut own = generator(luck, Stream::Engine, id);
        at += exponential(&mut plan, ARRIVALS_S);
        request(id, at, &mut plan, &mut own, slower)
    })
}

fn request(id: u64, at: f64, plan: &mut Generator, own: &mut Generator, slower: f64) -> RequestRecord {
    let nanos = |seconds: f64| Nanos::from_secs_f64(seconds).expect("a short time");
    // What a server adds of its own moves a request by up to a fifth.
    let first = exponential(plan, 0.1) * slower * (0.8 + 0.4 * unit(own));
    let pace = 0.005 + exponential(plan, 0.005);
    let tokens = 5 + (unit(plan) * 40.0) as u64;
    let fails = unit(own) < 0.005;
    let mut arrived = at + first;
    let mut chunks = Vec::new();
    for place in 0..if fails { 0 } else { tokens } {
        arrived += if place == 0 { 0.0 } else { exponential(plan, pace) * slower * (0.8 + 0.4 * unit(own)) };
        chunks.push(Chunk { arrived: nanos(arrived), tokens: 1 });
    }
    let failure = Failure { class: ErrorClass::Http5xx, message: String::new() };
    RequestRecord {
        id,
        phase: Phase::Measured,
        session: None,
        turn: None,
        class: None,
        attempt: 1,
        intended: Some(nanos(at)),
        dispatched: Some(nanos(at)),
        headers: Some(nanos(at)),
        finished: Some(nanos(arrived)),
        connect: None,
        status: Some(if fails { 500 } else { 200 }),
        outcome: if fails { Outcome::Failed(failure) } else { Outcome::Completed },
        finish_reason: None,
        streamed: true,
        unclean_end: false,
        planned_input_tokens: Tokens::new(10),
        input_tokens: Tokens::new(10),
        output_tokens: Tokens::new(chunks.len() as u64),
        unseen_tokens: Tokens::new(0),
        counted_by: (!fails).then_some(CountedBy::Stream),
        count_mismatch: false,
        first_answer_chunk: (!fails).then_some(0),
        chunks,
        shared_reads: 0,
        deadlines: Deadlines { ttft: Nanos::from_millis(300), tbt: Nanos::from_millis(20) },
        texts: None,
    }
}

fn figures(records: impl Iterator<Item = RequestRecord>, seed: u64) -> Redrawn {
    let mut summariser = Summariser::new(SummaryOptions::default());
    records.for_each(|record| summariser.add(&record));
    summariser.finish_redrawn(&Drawing { seed, percentiles: Vec::new() }).1
}

/// What is looked at: metric, which of its numbers, and the method of its interval.
fn looked_at() -> Vec<(Metric, Aspect, &'static str)> {
    let percentile = |text: &str| Aspect::Percentile(Fraction::parse(text).expect("a percentage"));
    let (order, bootstrap, batches) = ("order statistics", "bootstrap over requests", "batch means");
    vec![
        (Metric::Ttft, percentile("50%"), order),
        (Metric::Ttft, percentile("90%"), order),
        (Metric::Ttft, percentile("99%"), order),
        (Metric::FluidTokenGenerationRate, Aspect::Value, order),
        (Metric::Ttft, Aspect::Mean, batches),
        (Metric::SteadyRequestThroughput, Aspect::Value, batches),
        (Metric::SteadyOutputTokenThroughput, Aspect::Value, batches),
        (Metric::Tbt, Aspect::Mean, bootstrap),
        (Metric::Tbt, percentile("50%"), bootstrap),
        (Metric::Tbt, percentile("90%"), bootstrap),
        (Metric::Tbt, percentile("99%"), bootstrap),
        (Metric::DeadlineMissRate, Aspect::Value, bootstrap),
        (Metric::FluidRequestShare, Aspect::Value, "Wilson"),
        (Metric::ErrorRate, Aspect::Value, "Wilson"),
    ]
}

fn name(metric: Metric, aspect: Aspect) -> String {
    if aspect == Aspect::Value { metric.to_string() } else { format!("{} {metric}", aspect.name()) }
}

/// Makes `runs` runs of `requests` requests each and counts, for the figures of one run, and for what it differs by from
/// another, once with a plan of its own and once with the same; truths come from `truth_requests`.
pub fn cover(counting: &mut Counting, runs: u64, requests: u64, truth_requests: u64) {
    let value = |redrawn: &Redrawn, metric, aspect| redrawn.estimates[&(metric, aspect)].value.expect("a figure");
    let a = figures(run(u64::MAX, u64::MAX, truth_requests, 1.0), SEED);
    let b = figures(run(u64::MAX, u64::MAX - 1, truth_requests, SLOWER), SEED);
    let truths: BTreeMap<_, _> =
        looked_at().iter().map(|&(m, s, _)| ((m, s), (value(&a, m, s), value(&b, m, s)))).collect();
    for seed in 0..runs {
        let a = figures(run(3 * seed, 3 * seed, requests, 1.0), SEED);
        let apart = figures(run(3 * seed + 1, 3 * seed + 1, requests, SLOWER), SEED + 1);
        let paired = figures(run(3 * seed, 3 * seed + 2, requests, SLOWER), SEED);
        for (place, (metric, aspect, method)) in looked_at().into_iter().enumerate() {
            let (truth, other) = truths[&(metric, aspect)];
            let of = |redrawn: &Redrawn| redrawn.estimates[&(metric, aspect)].clone();
            let kind = |offset, method, figure| Kind {
                place: place + offset,
                method,
                figure,
                runs_of: "independent requests",
                scale: truth,
            };
            counting.count(kind(0, method, name(metric, aspect)), truth, of(&a).ci95);
            let others = [(100, &apart, Drawn::Apart, "two plans"), (200, &paired, Drawn::Together, "one plan")];
            for (offset, redrawn, drawn, how) in others {
                let difference = Difference::between(&of(&a), &of(redrawn), drawn);
                let method = difference.and_then(|d| d.method).map_or("none", metron_metrics::comparison::Method::name);
                let figure = format!("{}, difference, {how}", name(metric, aspect));
                counting.count(kind(offset, method, figure), other - truth, difference.and_then(|d| d.ci95));
            }
        }
    }
}
