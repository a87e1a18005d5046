//! The schedulers against golden traces: every token's instant, every iteration, exactly.

use std::collections::BTreeMap;

use metron_sim::engine::{Engine, EngineConfig, Event, Request, RequestId, SharedPrefix, run_virtual};
use metron_units::{Nanos, Tokens};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Vector {
    name: String,
    scheduler: String,
    config: BTreeMap<String, Value>,
    cost: Coefficients,
    requests: Vec<(u64, u64, u64)>,
    shared: Option<Vec<Option<(String, u64)>>>,
    expect: Trace,
}

#[derive(Deserialize)]
struct Coefficients {
    a: u64,
    b: u64,
    c: u64,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Trace {
    token_ns: Vec<Vec<u64>>,
    iterations: Vec<(usize, u64, u64, u64, u64)>,
    preemptions: u64,
    rejected: Vec<u64>,
}

/// What a vector leaves out is no limit, not an engine's default.
fn engine(vector: &Vector) -> Engine {
    let no_limit = "100000000";
    let Coefficients { a, b, c } = vector.cost;
    let mut pairs: BTreeMap<String, String> = BTreeMap::from([("cost".into(), format!("linear:{a},{b},{c}"))]);
    let mut default = |key: &str, value: &str| pairs.insert(key.into(), value.into());
    default("max-model-len", no_limit);
    default("max-num-seqs", "128");
    if !matches!(vector.scheduler.as_str(), "static" | "orca") {
        default("watermark-blocks", "0");
    }
    if matches!(vector.scheduler.as_str(), "vllm" | "vllm-v1" | "disaggregated") {
        default("max-num-batched-tokens", no_limit);
    }
    for (key, value) in &vector.config {
        pairs.insert(key.replace('_', "-"), value.to_string());
    }
    let no_files = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    Engine::new(EngineConfig::from_pairs(&vector.scheduler, pairs, no_files).expect("a vector's engine is one"))
}

fn requests(vector: &Vector) -> Vec<Request> {
    let group = |name: &str| name.bytes().fold(0, |number, byte| number * 256 + u64::from(byte));
    let shared = |id: usize| {
        let (name, tokens) = vector.shared.as_ref()?[id].as_ref()?;
        Some(SharedPrefix { group: group(name), tokens: Tokens::new(*tokens) })
    };
    let request = |(id, &(arrival, prompt, output)): (usize, &(u64, u64, u64))| Request {
        id: RequestId::new(id as u64),
        arrival: Nanos::new(arrival),
        prompt: Tokens::new(prompt),
        output: Tokens::new(output),
        shared: shared(id),
    };
    vector.requests.iter().enumerate().map(request).collect()
}

fn trace(vector: &Vector) -> Trace {
    let mut requests = requests(vector);
    let mut trace = Trace { token_ns: vec![Vec::new(); requests.len()], ..Trace::default() };
    requests.sort_by_key(|request| request.arrival);
    run_virtual(&mut engine(vector), requests, |event| match *event {
        Event::Iteration(i) => {
            trace.iterations.push((i.instance, i.start.get(), i.duration.get(), i.prefill.get(), i.decoding))
        }
        Event::Token { request, at, .. } => trace.token_ns[request.get() as usize].push(at.get()),
        Event::Admitted { .. } => {}
        Event::Preempted { .. } => trace.preemptions += 1,
        Event::Rejected { request, .. } => trace.rejected.push(request.get()),
        Event::Cancelled { .. } => panic!("nobody cancels"),
    });
    trace
}

fn check(vectors: &str, count: usize) {
    let vectors: Vec<Vector> = vectors.lines().map(|line| serde_json::from_str(line).expect("a vector")).collect();
    assert_eq!(vectors.len(), count);
    for vector in vectors {
        assert_eq!(trace(&vector), vector.expect, "{}", vector.name);
    }
}

#[test]
fn every_scheduler_gives_the_golden_traces() {
    check(include_str!("golden/sim_vectors.jsonl"), 22);
}

/// Drawn loads on small memories, most with preemptions; the traces are those of a second implementation, in another language
/// and without this one's data structures.
#[test]
fn every_scheduler_agrees_with_a_second_implementation() {
    check(include_str!("golden/sim_drawn.jsonl"), 48);
}
