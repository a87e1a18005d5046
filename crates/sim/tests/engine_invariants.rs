//! What holds for every scheduler, whatever is asked of it: drawn requests, small memories, cancellations, late hosts.

use std::collections::{BTreeMap, BTreeSet};

use metron_sim::engine::{Engine, EngineConfig, Event, GivenOut, Request, RequestId, SharedPrefix, run_virtual};
use metron_units::{Nanos, Tokens};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// A drawn engine, with the bounds that its iterations must keep.
#[derive(Debug, Clone)]
struct Drawn {
    scheduler: &'static str,
    pairs: BTreeMap<&'static str, String>,
    seats: u64,
    prefill_budget: u64,
    max_model_len: u64,
    decode_instances: usize,
}

const SCHEDULERS: [&str; 6] = ["static", "orca", "vllm", "sarathi", "vllm-v1", "disaggregated"];

fn drawn() -> impl Strategy<Value = Drawn> {
    let memory = (1..=8_u64, 4..=40_u64, 0..=2_u64);
    let bounds = (1..=6_u64, 8..=60_u64, 8..=80_u64);
    let switches = (any::<bool>(), any::<bool>(), 0..=9_u64, 1..=3_usize, 1..=3_usize);
    (select(&SCHEDULERS), memory, bounds, switches).prop_map(|(scheduler, memory, bounds, switches)| {
        let (block_size, blocks, watermark) = memory;
        let (seats, budget, max_model_len) = bounds;
        let (reserve, caching, threshold, prefills, decodes) = switches;
        let reserving = matches!(scheduler, "static" | "orca");
        let max_model_len = if reserving { max_model_len.min(block_size * blocks) } else { max_model_len };
        let mut pairs = BTreeMap::from([
            ("cost", "linear:1000,10,100".to_owned()),
            ("block-size", block_size.to_string()),
            ("blocks", blocks.to_string()),
            ("max-num-seqs", seats.to_string()),
            ("max-model-len", max_model_len.to_string()),
        ]);
        if !reserving {
            pairs.insert("watermark-blocks", watermark.to_string());
        }
        match scheduler {
            "sarathi" => pairs.extend([("chunk-size", budget.to_string())]),
            "vllm" => pairs.extend([("max-num-batched-tokens", budget.to_string())]),
            "vllm-v1" => pairs.extend([
                ("max-num-batched-tokens", budget.to_string()),
                ("reserve-full-prompt", reserve.to_string()),
                ("prefix-caching", caching.to_string()),
                ("long-prefill-token-threshold", threshold.to_string()),
            ]),
            "disaggregated" => pairs.extend([
                ("max-num-batched-tokens", budget.to_string()),
                ("prefill-instances", prefills.to_string()),
                ("decode-instances", decodes.to_string()),
                ("transfer-ns", "300".to_owned()),
                ("transfer-ns-per-token", "7.5".to_owned()),
            ]),
            _ => {}
        }
        let prefill_budget = if reserving { seats * max_model_len } else { budget };
        let decode_instances = if scheduler == "disaggregated" { decodes } else { 1 };
        Drawn { scheduler, pairs, seats, prefill_budget, max_model_len, decode_instances }
    })
}

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let shared = option::of((0..2_u64, 0..40_u64));
    vec((0..3_000_u64, 1..50_u64, 1..25_u64, shared), 1..30).prop_map(|drawn| {
        let mut arrival = 0;
        let requests = drawn.into_iter().enumerate().map(|(id, (gap, prompt, output, shared))| {
            arrival += gap;
            let shared = shared.map(|(group, tokens)| SharedPrefix { group, tokens: Tokens::new(tokens) });
            Request {
                id: RequestId::new(id as u64),
                arrival: Nanos::new(arrival),
                prompt: Tokens::new(prompt),
                output: Tokens::new(output),
                shared,
            }
        });
        requests.collect()
    })
}

impl Drawn {
    fn engine(&self) -> Engine {
        let no_files = |_: &str| Err(std::io::ErrorKind::NotFound.into());
        Engine::new(EngineConfig::from_pairs(self.scheduler, &self.pairs, no_files).expect("drawn within bounds"))
    }

    /// Tokens that a request gets unless it is refused or cancelled.
    fn wanted(&self, request: &Request) -> usize {
        let room = self.max_model_len.saturating_sub(request.prompt.get()).max(1);
        request.output.get().min(room) as usize
    }

    fn run(&self, requests: &[Request]) -> Vec<Event> {
        let mut events = Vec::new();
        let mut engine = self.engine();
        run_virtual(&mut engine, requests.iter().copied(), |event| events.push(*event));
        check_empty(&engine);
        events
    }
}

fn check_empty(engine: &Engine) {
    assert_eq!(engine.in_flight(), 0);
    assert_eq!(engine.next_event(), None);
    for memory in engine.memory() {
        assert_eq!((memory.free, memory.held), (memory.blocks, 0));
    }
}

/// The instants of each request's tokens, and how each request left.
fn by_request(events: &[Event], count: usize) -> (Vec<Vec<Nanos>>, Vec<Left>) {
    let mut tokens = vec![Vec::new(); count];
    let mut left = vec![Left::Not; count];
    let mut leave = |request: RequestId, how: Left| {
        let before = std::mem::replace(&mut left[request.get() as usize], how);
        assert_eq!(before, Left::Not, "request {} leaves once", request.get());
    };
    for event in events {
        match *event {
            Event::Token { request, at, last } => {
                tokens[request.get() as usize].push(at);
                if last {
                    leave(request, Left::Finished);
                }
            }
            Event::Rejected { request, .. } => leave(request, Left::Rejected),
            Event::Cancelled { request, .. } => leave(request, Left::Cancelled),
            Event::Iteration(_) | Event::Admitted { .. } | Event::Preempted { .. } => {}
        }
    }
    (tokens, left)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Not,
    Finished,
    Rejected,
    Cancelled,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn whoever_is_not_refused_gets_exactly_its_tokens_at_rising_instants(engine in drawn(), requests in requests()) {
        let events = engine.run(&requests);
        let (tokens, left) = by_request(&events, requests.len());
        for (request, (tokens, left)) in requests.iter().zip(tokens.iter().zip(left)) {
            prop_assert!(tokens.iter().all(|&at| at > request.arrival));
            prop_assert!(tokens.is_sorted_by(|earlier, later| earlier < later));
            match left {
                Left::Finished => prop_assert_eq!(tokens.len(), engine.wanted(request)),
                Left::Rejected => prop_assert!(tokens.len() < engine.wanted(request)),
                Left::Not | Left::Cancelled => prop_assert!(false, "{:?} never ended", request),
            }
        }
    }

    #[test]
    fn free_and_held_blocks_are_all_blocks_at_every_instant(drawn in drawn(), requests in requests()) {
        let mut engine = drawn.engine();
        requests.iter().for_each(|request| engine.submit(request));
        let mut events = Vec::new();
        while let Some(at) = engine.next_event() {
            engine.advance(at, &mut events);
            let memory = engine.memory();
            prop_assert_eq!(memory.len(), drawn.decode_instances);
            for used in memory {
                prop_assert_eq!(used.free + used.held, used.blocks);
            }
        }
        check_empty(&engine);
    }

    #[test]
    fn iterations_keep_budget_and_seats_and_do_not_overlap(drawn in drawn(), requests in requests()) {
        let mut ends: BTreeMap<usize, Nanos> = BTreeMap::new();
        for event in drawn.run(&requests) {
            let Event::Iteration(iteration) = event else { continue };
            let earlier = ends.insert(iteration.instance, iteration.start + iteration.duration);
            prop_assert!(earlier.is_none_or(|end| end <= iteration.start));
            prop_assert!(iteration.prefill.get() + iteration.decoding > 0);
            prop_assert!(iteration.decoding <= drawn.seats);
            let decodes_in_budget = if matches!(drawn.scheduler, "sarathi" | "vllm-v1") { iteration.decoding } else { 0 };
            prop_assert!(
                iteration.prefill.get() == 0 || iteration.prefill.get() + decodes_in_budget <= drawn.prefill_budget
            );
        }
    }

    #[test]
    fn what_iterations_tell_adds_up_to_what_requests_live_through(drawn in drawn(), requests in requests()) {
        let events = drawn.run(&requests);
        let count = |is: fn(&Event) -> bool| events.iter().filter(|event| is(event)).count() as u64;
        let iterations = || events.iter().filter_map(|event| match event {
            Event::Iteration(iteration) => Some(iteration),
            _ => None,
        });
        let given: u64 = iterations().map(|iteration| u64::from(iteration.giving)).sum();
        prop_assert_eq!(given, count(|event| matches!(event, Event::Token { .. })));
        let preemptions: u64 = iterations().map(|iteration| u64::from(iteration.preemptions)).sum();
        // Who is preempted last may be refused when it comes back, or get its last token where it is prefilled anew: then nothing
        // starts any more where it was preempted.
        let told = count(|event| matches!(event, Event::Preempted { .. }));
        let rejected = count(|event| matches!(event, Event::Rejected { .. }));
        let may_end_elsewhere = rejected > 0 || drawn.scheduler == "disaggregated";
        prop_assert!(preemptions == told || (preemptions < told && may_end_elsewhere));
        for iteration in iterations() {
            prop_assert!(iteration.decoding <= u64::from(iteration.giving) && iteration.giving <= iteration.sequences);
            prop_assert!(u64::from(iteration.waiting) <= requests.len() as u64);
        }
        let (tokens, _) = by_request(&events, requests.len());
        for (id, _) in tokens.iter().enumerate().filter(|(_, tokens)| !tokens.is_empty()) {
            let let_in = |event: &Event| matches!(event, Event::Admitted { request, .. } if request.get() == id as u64);
            let is_there = events.iter().any(let_in);
            prop_assert!(is_there, "request {} was let in", id);
        }
    }

    #[test]
    fn never_more_requests_than_seats_are_between_their_first_token_and_their_last(
        drawn in drawn(),
        requests in requests(),
    ) {
        // There, a request whose KV is on its way has no seat.
        prop_assume!(drawn.scheduler != "disaggregated");
        let mut seated = BTreeSet::new();
        for event in drawn.run(&requests) {
            match event {
                Event::Token { request, last: false, .. } => seated.insert(request),
                Event::Token { request, last: true, .. }
                | Event::Preempted { request, .. }
                | Event::Rejected { request, .. }
                | Event::Cancelled { request, .. } => seated.remove(&request),
                Event::Admitted { .. } => false,
                Event::Iteration(_) => {
                    prop_assert!(seated.len() as u64 <= drawn.seats);
                    false
                }
            };
        }
    }

    #[test]
    fn without_preemption_and_caching_every_prompt_token_is_computed_once(drawn in drawn(), requests in requests()) {
        let events = drawn.run(&requests);
        let preempted = events.iter().any(|event| matches!(event, Event::Preempted { .. }));
        let caching = drawn.pairs.get("prefix-caching").is_some_and(|on| on == "true");
        if !preempted {
            let (tokens, _) = by_request(&events, requests.len());
            // The decode side of a disaggregated engine may refuse what was computed already.
            let prompts = |keep: fn(&[Nanos]) -> bool| -> u64 {
                requests.iter().zip(&tokens).filter(|(_, tokens)| keep(tokens)).map(|(r, _)| r.prompt.get()).sum()
            };
            let computed: u64 = events
                .iter()
                .map(|event| if let Event::Iteration(iteration) = event { iteration.prefill.get() } else { 0 })
                .sum();
            let expected = prompts(|tokens| !tokens.is_empty());
            if caching {
                prop_assert!(computed <= expected);
            } else {
                prop_assert_eq!(computed, expected);
            }
        }
    }

    #[test]
    fn tokens_given_out_in_parts_are_those_given_out_at_once(drawn in drawn(), requests in requests(), most in 1..5_usize) {
        let mut engine = drawn.engine();
        requests.iter().for_each(|request| engine.submit(request));
        let mut events = Vec::new();
        while let Some(at) = engine.next_event() {
            loop {
                let before = events.len();
                let given_out = engine.give_out(at, most, &mut events);
                let tokens = |events: &[Event]| events.iter().filter(|event| matches!(event, Event::Token { .. })).count();
                match given_out {
                    GivenOut::Part => prop_assert!(tokens(&events[before..]) <= most * (1 + drawn.decode_instances)),
                    GivenOut::All => break,
                }
            }
            engine.advance(at, &mut events);
        }
        check_empty(&engine);
        let mut at_once = drawn.engine();
        requests.iter().for_each(|request| at_once.submit(request));
        let mut expected = Vec::new();
        while let Some(at) = at_once.next_event() {
            at_once.advance(at, &mut expected);
        }
        prop_assert_eq!(events, expected);
    }

    #[test]
    fn the_same_requests_give_the_same_trace(drawn in drawn(), requests in requests()) {
        prop_assert_eq!(drawn.run(&requests), drawn.run(&requests));
    }

    #[test]
    fn whoever_cancels_gets_nothing_more_and_leaves_nothing_behind(
        drawn in drawn(),
        requests in requests(),
        cancels in vec((0..30_u64, 0..60_000_u64), 0..12),
    ) {
        let mut engine = drawn.engine();
        requests.iter().for_each(|request| engine.submit(request));
        let mut cancels: Vec<_> = cancels.into_iter().map(|(id, at)| (Nanos::new(at), RequestId::new(id))).collect();
        cancels.sort_unstable();
        let (mut cancels, mut cancelled) = (cancels.into_iter().peekable(), BTreeSet::new());
        let mut events = Vec::new();
        while let Some(at) = engine.next_event() {
            while let Some((_, id)) = cancels.next_if(|(cancel, _)| *cancel <= at) {
                if engine.cancel(id) {
                    cancelled.insert(id);
                }
            }
            let before = events.len();
            engine.advance(at, &mut events);
            for event in &events[before..] {
                if let Event::Token { request, .. } = event {
                    prop_assert!(!cancelled.contains(request), "a token for {:?}, who is gone", request);
                }
            }
        }
        check_empty(&engine);
        let (_, left) = by_request(&events, requests.len());
        for (request, left) in requests.iter().zip(left) {
            prop_assert_eq!(left == Left::Cancelled, cancelled.contains(&request.id));
        }
    }

    #[test]
    fn a_late_host_delays_iterations_but_neither_shortens_nor_restamps_them(
        drawn in drawn(),
        requests in requests(),
        lateness in vec(0..900_u64, 1..20),
    ) {
        let mut engine = drawn.engine();
        let mut lateness = lateness.into_iter().cycle().map(Nanos::new);
        let mut coming = requests.iter().peekable();
        let (mut now, mut events, mut ends) = (Nanos::ZERO, Vec::new(), BTreeSet::new());
        loop {
            let due = match (engine.next_event(), coming.peek()) {
                (Some(event), Some(request)) => event.min(request.arrival),
                (Some(event), None) => event,
                (None, Some(request)) => request.arrival,
                (None, None) => break,
            };
            now = now.max(due + lateness.next().unwrap_or_default());
            while let Some(request) = coming.next_if(|request| request.arrival <= now) {
                engine.submit(request);
            }
            let before = events.len();
            engine.advance(now, &mut events);
            for event in &events[before..] {
                match event {
                    Event::Iteration(iteration) => {
                        prop_assert_eq!(iteration.start, now);
                        ends.insert(now + iteration.duration);
                    }
                    Event::Token { at, .. } => prop_assert!(*at <= now && ends.contains(at)),
                    Event::Admitted { .. }
                    | Event::Preempted { .. }
                    | Event::Rejected { .. }
                    | Event::Cancelled { .. } => {}
                }
            }
        }
        check_empty(&engine);
        let (tokens, left) = by_request(&events, requests.len());
        for (request, (tokens, left)) in requests.iter().zip(tokens.iter().zip(left)) {
            prop_assert!(left == Left::Rejected || tokens.len() == drawn.wanted(request));
        }
    }
}
