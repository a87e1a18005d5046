//! Hand-made summaries for the tests of this crate: an ordinary run, and the awkward ones.

use std::collections::BTreeMap;

use metron_metrics::{Chunk, Deadlines, Outcome, Phase, RequestRecord};
use metron_results::RunFacts;
use metron_results::summary::{
    Better, Class, ClockSource, DeadlineSettings, Distribution, ErrorCount, Figure, Host, Instrument, Intervals, Load,
    Metrics, Objective, Quantiles, Requests, Run, SCHEMA, ServerFigure, ServerFigures, ServerSource, Sessions, Summary,
    Target, TokenCounts, Turn, TurnRequests, Value, Verdict, Worker,
};

use metron_units::{Nanos, Share, Tokens};

/// What a hostile server could send.
pub(crate) const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\x1b]0;owned\x07\u{202e}";

/// `count` samples from `low` to `high`, as far as a table shows them.
pub(crate) fn spread(count: u64, low: f64, high: f64) -> Quantiles {
    let at = |share: f64| Some(low + share * (high - low));
    Quantiles {
        count,
        mean: at(0.5),
        std: at(0.1),
        min: at(0.0),
        p1: at(0.01),
        p5: at(0.05),
        p10: at(0.1),
        p25: at(0.25),
        p50: at(0.5),
        p75: at(0.75),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p99_9: at(0.999),
        max: at(1.0),
    }
}

fn distribution(unit: &str, better: Better, quantiles: Quantiles) -> Figure {
    let around = |value: Option<f64>| value.map(|value| (value * 0.98, value * 1.02));
    // What a sample of this size can carry, roughly: enough for a table.
    let carried = |needs: u64, value| if quantiles.count >= needs { around(value) } else { None };
    let ci95 = Intervals {
        mean: carried(2, quantiles.mean),
        p50: carried(6, quantiles.p50),
        p90: carried(36, quantiles.p90),
        p95: carried(73, quantiles.p95),
        p99: carried(368, quantiles.p99),
    };
    Figure::Distribution(Distribution { unit: unit.to_owned(), better: Some(better), quantiles, ci95 })
}

fn value(unit: &str, better: Better, value: Option<f64>, ci95: Option<(f64, f64)>) -> Figure {
    Figure::Value(Value { unit: unit.to_owned(), better: Some(better), value, ci95 })
}

fn run(load: Load) -> Run {
    Run {
        id: "01".to_owned(),
        name: "sample".to_owned(),
        started_at: "2026-01-02T03:04:05Z".to_owned(),
        metron_version: "0.1.0".to_owned(),
        seed: 0,
        duration_s: Some(63.2),
        target: Target {
            url: "http://localhost:8000/v1/chat/completions".to_owned(),
            endpoint: "chat".to_owned(),
            model: Some("llama".to_owned()),
            insecure: false,
            unstreamed: false,
        },
        load,
        command: vec!["metron".to_owned(), "run".to_owned()],
        host: Host { os: "linux".to_owned(), kernel: Some("6.1".to_owned()), cpu: Some("cpu".to_owned()), cores: 2 },
    }
}

/// The figures of 500 requests, of which two failed.
fn ordinary_metrics() -> Metrics {
    let mut metrics = BTreeMap::new();
    for (name, count, low, high) in [
        ("ttft", 498, 0.080, 0.160),
        ("time_to_first_answer_token", 498, 0.080, 0.160),
        ("tbt", 63_246, 0.018, 0.041),
        ("inter_chunk_latency", 63_246, 0.018, 0.041),
        ("tpot", 498, 0.019, 0.024),
        ("e2e_latency", 498, 2.4, 3.1),
    ] {
        metrics.insert(name.to_owned(), distribution("s", Better::Lower, spread(count, low, high)));
    }
    metrics.insert("fluidity_index".to_owned(), distribution("", Better::Higher, spread(500, 0.84, 1.0)));
    for (name, unit, better, figure, ci95) in [
        ("fluid_request_share", "share", Better::Higher, 0.958, Some((0.937, 0.972))),
        ("fluid_token_generation_rate", "tokens/s", Better::Higher, 38.4, Some((36.1, 40.2))),
        ("deadline_miss_rate", "share", Better::Lower, 0.0123, None),
        ("request_throughput", "requests/s", Better::Higher, 7.88, Some((7.61, 8.14))),
        ("output_token_throughput", "tokens/s", Better::Higher, 1_008.6, Some((975.0, 1_042.0))),
        ("total_token_throughput", "tokens/s", Better::Higher, 5_043.0, None),
        ("goodput", "requests/s", Better::Higher, 7.55, None),
        ("error_rate", "share", Better::Lower, 0.004, Some((0.0011, 0.0144))),
    ] {
        metrics.insert(name.to_owned(), value(unit, better, Some(figure), ci95));
    }
    metrics
}

/// 500 requests of 8 users, of which two failed.
pub(crate) fn ordinary() -> Summary {
    let errors =
        [("http_5xx", 1, "503 Service Unavailable: loading"), ("truncated", 1, "the body ended after 12 tokens")];
    let errors =
        errors.map(|(class, count, example)| (class.to_owned(), ErrorCount { count, example: example.to_owned() }));
    Summary {
        until: Vec::new(),
        schema: SCHEMA.to_owned(),
        run: run(Load::Closed { concurrency: 8, max_in_flight: None }),
        requests: Requests {
            planned: 500,
            dispatched: 500,
            completed: 498,
            failed: 2,
            warmup: 20,
            errors: BTreeMap::from(errors),
            ..Requests::default()
        },
        tokens: TokenCounts {
            input: 254_976,
            output: 63_744,
            unseen: 0,
            counted_by: BTreeMap::from([("usage".to_owned(), 1.0)]),
            count_mismatch: Some(0.0),
        },
        deadlines: DeadlineSettings {
            ttft_deadline_s: Some(0.3),
            prefill_profile: None,
            tbt_deadline_s: 0.03,
            target_miss_rate: 0.1,
        },
        metrics: ordinary_metrics(),
        tbt_acceptance_curve: Some((1..=100).map(|ms| (f64::from(ms) / 1e3, Some(1.0 / f64::from(ms)))).collect()),
        ttft_trend: None,
        objectives: vec![
            objective("p99 ttft <= 500ms", Some(true), Some(0.1592), "s", Some(498), Some(500)),
            objective("p99 tbt <= 30ms", Some(false), Some(0.0408), "s", Some(60_123), Some(63_246)),
        ],
        load: None,
        classes: BTreeMap::new(),
        sessions: None,
        turns: Vec::new(),
        instrument: Some(Instrument {
            clock: ClockSource::Kernel,
            dispatch_lag: None,
            read_lag: Some(spread(63_744, 0.000_008, 0.000_060)),
            shared_read_share: Some(0.0),
            sim_lag: None,
            workers: vec![Worker { busy_share: Some(0.031) }],
            verdict: Verdict::Ok,
            reasons: Vec::new(),
        }),
        connections: None,
        server: None,
        telemetry: None,
    }
}

fn objective(
    expression: &str,
    held: Option<bool>,
    value: Option<f64>,
    unit: &str,
    met: Option<u64>,
    of: Option<u64>,
) -> Objective {
    Objective { expression: expression.to_owned(), held, value, unit: unit.to_owned(), met, of }
}

/// What is known beforehand of a run in an open loop of so many requests per second.
pub(crate) fn facts(rate: f64) -> RunFacts {
    RunFacts {
        run: run(Load::Open {
            rate: Some(rate),
            arrivals: "poisson".to_owned(),
            steady: Some(true),
            max_in_flight: None,
        }),
        epoch_unix_ns: 0,
        planned: Some(400),
        ttft_deadline: Nanos::from_millis(300),
        prefill_profile: None,
        tbt_deadline: Nanos::from_millis(30),
        target_miss_rate: Share::new(0.1).expect("a share"),
        save_text: false,
        objectives: Vec::new(),
        classes: Default::default(),
    }
}

/// Nobody was answered: no latency exists.
pub(crate) fn all_failed() -> Summary {
    let mut summary = ordinary();
    summary.requests = Requests {
        planned: 100,
        dispatched: 100,
        failed: 100,
        errors: BTreeMap::from([(
            "connect".to_owned(),
            ErrorCount { count: 100, example: "127.0.0.1:8000: connection refused".to_owned() },
        )]),
        ..Requests::default()
    };
    summary.tokens = TokenCounts::default();
    for figure in summary.metrics.values_mut() {
        match figure {
            Figure::Distribution(distribution) => {
                distribution.quantiles = Quantiles::default();
                distribution.ci95 = Intervals::default();
            }
            Figure::Value(value) => (value.value, value.ci95) = (None, None),
        }
    }
    // Failures have fluidity 0, and are never dropped from a share.
    summary.metrics.insert("fluidity_index".to_owned(), distribution("", Better::Higher, spread(100, 0.0, 0.0)));
    summary
        .metrics
        .insert("fluid_request_share".to_owned(), value("share", Better::Higher, Some(0.0), Some((0.0, 0.037))));
    summary.tbt_acceptance_curve = None;
    summary.objectives = vec![objective("p99 ttft <= 500ms", Some(false), None, "s", Some(0), Some(100))];
    summary
}

/// Whole answers where streams were asked: no gap, no deadline.
pub(crate) fn unstreamed() -> Summary {
    let mut summary = ordinary();
    for name in ["tbt", "inter_chunk_latency", "tpot", "fluidity_index", "time_to_first_answer_token"] {
        let Some(Figure::Distribution(distribution)) = summary.metrics.get_mut(name) else { continue };
        distribution.quantiles = Quantiles::default();
        distribution.ci95 = Intervals::default();
    }
    let same = distribution("s", Better::Lower, spread(500, 2.4, 3.1));
    summary.metrics.insert("ttft".to_owned(), same.clone());
    summary.metrics.insert("time_to_first_answer_token".to_owned(), same.clone());
    summary.metrics.insert("e2e_latency".to_owned(), same);
    for name in ["fluid_request_share", "fluid_token_generation_rate", "deadline_miss_rate"] {
        summary.metrics.insert(name.to_owned(), value("", Better::Higher, None, None));
    }
    summary.requests = Requests { planned: 500, dispatched: 500, completed: 500, ..Requests::default() };
    summary.tbt_acceptance_curve = None;
    summary.objectives = vec![objective("p99 tpot <= 40ms", None, None, "s", None, None)];
    summary
}

/// Seven requests at a rate, cut short: few samples, a busy client, words from a hostile server.
pub(crate) fn short_and_hostile() -> Summary {
    let mut summary = ordinary();
    summary.run =
        run(Load::Open { rate: Some(2.5), arrivals: "poisson".to_owned(), steady: Some(true), max_in_flight: Some(4) });
    summary.run.target.model = Some(HOSTILE.to_owned());
    summary.run.target.insecure = true;
    summary.run.name = HOSTILE.to_owned();
    for (name, low, high) in [
        ("ttft", 0.0008, 0.0009),
        ("ttft_from_schedule", 0.0018, 1.2),
        ("time_to_first_answer_token", 0.3, 0.4),
        ("tbt", 0.0, 0.0),
        ("tpot", 0.002, 0.003),
        ("e2e_latency", 0.9, 12.0),
    ] {
        summary.metrics.insert(name.to_owned(), distribution("s", Better::Lower, spread(7, low, high)));
    }
    summary.metrics.insert("fluidity_index".to_owned(), distribution("", Better::Higher, spread(7, 0.2, 1.0)));
    summary.metrics.insert("fluid_token_generation_rate".to_owned(), value("tokens/s", Better::Higher, None, None));
    summary.requests = Requests {
        planned: 40,
        dispatched: 9,
        completed: 7,
        failed: 1,
        cancelled: 1,
        not_sent: 31,
        unclean_end: 2,
        resent: 1,
        errors: BTreeMap::from([("http_4xx".to_owned(), ErrorCount { count: 1, example: HOSTILE.to_owned() })]),
        ..Requests::default()
    };
    summary.tokens.count_mismatch = Some(0.2);
    summary.instrument = Some(Instrument {
        clock: ClockSource::User,
        dispatch_lag: Some(spread(7, 0.000_1, 0.250)),
        read_lag: None,
        shared_read_share: Some(0.4),
        sim_lag: None,
        workers: vec![Worker { busy_share: Some(0.97) }, Worker { busy_share: None }],
        verdict: Verdict::Bottleneck,
        reasons: vec!["worker 0 was 97 % busy; use --workers 4".to_owned()],
    });
    summary
}

/// What `metron recover` makes of a killed run: nobody watched the client.
pub(crate) fn recovered() -> Summary {
    let mut summary = ordinary();
    summary.instrument = None;
    summary.run.duration_s = None;
    summary.requests.lost = 8;
    summary
}

/// Two classes in sessions of three turns.
pub(crate) fn parted() -> Summary {
    let whole = ordinary();
    let class = |dispatched: u64, objectives: Vec<Objective>| Class {
        requests: Requests {
            planned: dispatched + 3,
            dispatched,
            completed: dispatched,
            not_sent: 3,
            ..Requests::default()
        },
        tokens: whole.tokens.clone(),
        deadlines: whole.deadlines.clone(),
        metrics: whole.metrics.clone(),
        objectives,
    };
    let missed = objective("p99 ttft <= 150ms", Some(false), Some(0.1592), "s", Some(98), Some(100));
    let turn = |turn| Turn {
        turn,
        and_later: turn == 31,
        requests: TurnRequests { dispatched: 100, completed: 99, failed: 1, cancelled: 0 },
        metrics: whole
            .metrics
            .iter()
            .filter(|(name, _)| *name == "ttft")
            .map(|(name, of)| (name.clone(), of.clone()))
            .collect(),
    };
    Summary {
        until: Vec::new(),
        requests: Requests {
            not_sent: 6,
            not_sent_because: BTreeMap::from([("run_ended".to_owned(), 2), ("session_failed".to_owned(), 4)]),
            ..whole.requests.clone()
        },
        classes: BTreeMap::from([
            ("chat".to_owned(), class(400, vec![missed])),
            ("code \u{1b}[31m".to_owned(), class(100, Vec::new())),
        ]),
        sessions: Some(Sessions { begun: 200, completed: 180, abandoned: 14, cut: 6 }),
        turns: [0, 1, 31].map(turn).to_vec(),
        ..whole.clone()
    }
}

/// A streamed answer of 50 tokens that lie so far apart, the first 100 ms after dispatch.
pub(crate) fn request(id: u64, gap_ms: u64) -> RequestRecord {
    let at = Nanos::from_millis;
    RequestRecord {
        id,
        phase: Phase::Measured,
        session: None,
        turn: None,
        class: None,
        attempt: 1,
        intended: None,
        dispatched: Some(at(10)),
        headers: Some(at(20)),
        finished: Some(at(10_000)),
        connect: None,
        status: Some(200),
        outcome: Outcome::Completed,
        finish_reason: None,
        streamed: true,
        unclean_end: false,
        planned_input_tokens: Tokens::new(1),
        input_tokens: Tokens::new(1),
        output_tokens: Tokens::new(50),
        unseen_tokens: Tokens::new(0),
        counted_by: None,
        count_mismatch: false,
        chunks: (0..50).map(|k| Chunk { arrived: at(110 + k * gap_ms), tokens: 1 }).collect(),
        first_answer_chunk: Some(0),
        shared_reads: 0,
        deadlines: Deadlines { ttft: at(300), tbt: at(30) },
        texts: None,
    }
}

/// What a vLLM server with one GPU said of itself.
pub(crate) fn server() -> ServerFigures {
    let figure = |unit: &str, mean, max| ServerFigure { unit: unit.to_owned(), mean: Some(mean), max: Some(max) };
    ServerFigures {
        sources: vec![ServerSource { url: "http://localhost:8000/metrics".to_owned(), scrapes: 63, failed: 1 }],
        families: vec!["DCGM exporter".to_owned(), "vLLM".to_owned()],
        figures: BTreeMap::from([
            ("kv_cache".to_owned(), figure("share", 0.41, 0.63)),
            ("running".to_owned(), figure("requests", 7.4, 8.0)),
            ("waiting".to_owned(), figure("requests", 0.2, 3.0)),
        ]),
        energy_j: Some(26_772.0),
        energy_per_output_token_j: Some(0.42),
    }
}
