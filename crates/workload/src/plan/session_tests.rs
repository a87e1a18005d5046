//! Plans of conversations and of mixes: what follows what, what shares what, and that parts make the whole.

use metron_units::{Nanos, Rate, Share, Tokens};

use super::*;
use crate::digest::{PlanDigest, of_plan};
use crate::prompt::Prompts;
use crate::tokenizer::Tokenizer;

fn config(requests: u64) -> PlanConfig {
    PlanConfig {
        seed: 9,
        load: Load::Open { rate: Rate::per_second(2.0).unwrap(), arrivals: Arrivals::Poisson },
        limit: Limit { requests: Some(requests), duration: None },
        warmup: Warmup::None,
        ramp_up: Nanos::ZERO,
        input_tokens: "uniform:1..50".parse().unwrap(),
        output_tokens: "uniform:1..90".parse().unwrap(),
    }
}

fn sessions(turns: &str) -> Pattern {
    let sessions = Sessions { turns: turns.parse().unwrap(), abandon: Share::NONE };
    Pattern { sessions: Some(sessions), ..Pattern::default() }
}

fn mixed(pattern: Pattern) -> Pattern {
    let class = |name: &str, weight, input: &str| Class {
        name: name.to_owned(),
        weight,
        input_tokens: Some(input.parse().unwrap()),
        output_tokens: None,
        turns: (name == "long").then(|| "5".parse().unwrap()),
    };
    let mix = Mix::new(vec![class("short", 3.0, "7"), class("long", 1.0, "700")]).unwrap();
    Pattern { mix, ..pattern }
}

fn plan(requests: u64, pattern: Pattern) -> Plan {
    Plan::patterned(config(requests), pattern).unwrap()
}

#[test]
fn turns_follow_each_other_and_each_holds_what_was_said_before() {
    let requests: Vec<_> = plan(90, sessions("3")).collect();
    assert_eq!(requests.iter().map(|request| request.id).collect::<Vec<_>>(), (0..90).collect::<Vec<_>>());
    for (session, turns) in requests.chunks(3).enumerate() {
        let mut said = 0;
        for (turn, request) in turns.iter().enumerate() {
            let history = Tokens::new(said);
            assert_eq!(request.turn, Some(Turn { session: session as u64, turn: turn as u32, history }));
            assert_eq!(request.intended.is_some(), turn == 0, "only an arrival has an instant");
            assert_eq!(request.input_tokens, history + request.own_tokens());
            said = request.input_tokens.get() + request.output_tokens.get();
        }
    }
}

#[test]
fn sessions_arrive_when_requests_would() {
    let arrived: Vec<_> = plan(90, sessions("3")).filter_map(|request| request.intended).collect();
    let alone: Vec<_> = plan(30, Pattern::default()).filter_map(|request| request.intended).collect();
    assert_eq!(arrived, alone);
}

#[test]
fn the_plans_end_cuts_the_session_that_it_comes_in() {
    let requests: Vec<_> = plan(10, sessions("4")).collect();
    assert_eq!(requests.len(), 10);
    assert_eq!(requests[9].turn.map(|turn| (turn.session, turn.turn)), Some((2, 1)));
}

#[test]
fn a_warm_up_is_counted_in_requests_and_timed_by_arrivals() {
    let phases = |warmup| {
        let config = PlanConfig { warmup, ..config(8) };
        Plan::patterned(config, sessions("4")).unwrap().map(|request| request.phase).collect::<Vec<_>>()
    };
    let by_count = phases(Warmup::Requests(6));
    assert_eq!(by_count.iter().filter(|&&phase| phase == PlannedPhase::Warmup).count(), 6);
    assert_eq!(by_count.len(), 14);
    let by_time = phases(Warmup::Duration(Nanos::from_millis(1_500)));
    assert!(by_time.chunks(4).all(|session| session.iter().all(|&phase| phase == session[0])), "{by_time:?}");
}

#[test]
fn all_turns_of_a_session_are_of_its_class() {
    let plan = plan(2_000, mixed(sessions("2")));
    let mut sessions = std::collections::BTreeMap::<u64, Vec<PlannedRequest>>::new();
    for request in plan.clone() {
        sessions.entry(request.arrival()).or_default().push(request);
    }
    sessions.pop_last();
    for turns in sessions.values() {
        let class = plan.class(&turns[0]).unwrap();
        let (length, turns_of_class) = if class.name == "long" { (700, 5) } else { (7, 2) };
        assert_eq!(turns.len(), turns_of_class);
        assert!(turns.iter().all(|turn| turn.own_tokens().get() == length), "{} {turns:?}", class.name);
    }
    let long = sessions.values().filter(|turns| turns.len() == 5).count() as f64 / sessions.len() as f64;
    assert!((long - 0.25).abs() < 0.05, "{long}");
}

#[test]
fn the_parts_of_a_plan_of_sessions_are_the_whole() {
    let prompts = Prompts::new(&Tokenizer::default(), 9).unwrap();
    let leaving = || Pattern {
        cancellations: vec!["10% after 20 tokens".parse().unwrap(), "5% after 2s".parse().unwrap()],
        ..mixed(sessions("uniform:1..4"))
    };
    let whole = of_plan(plan(100, leaving()), &prompts).unwrap();
    for of in [2, 3, 7] {
        let mut sum = PlanDigest::default();
        let mut ids = Vec::new();
        for index in 0..of {
            let part = plan(100, leaving()).shard(Shard::new(index, of).unwrap());
            ids.extend(part.clone().map(|request| request.id));
            sum.combine(of_plan(part, &prompts).unwrap());
        }
        ids.sort_unstable();
        assert_eq!((sum, ids), (whole, (0..100).collect()), "{of} parts");
    }
    assert_eq!(whole.to_string(), "70dd4dd95b9baf570f70e58c7d5009542729778c55928c735fec21a3526562f6");
    assert_ne!(whole, of_plan(plan(100, mixed(sessions("uniform:1..4"))), &prompts).unwrap());
}

#[test]
fn a_mix_without_sessions_draws_its_class_by_the_request() {
    let plan = plan(400, mixed(Pattern::default()));
    for request in plan.clone() {
        let length = if plan.class(&request).unwrap().name == "long" { 700 } else { 7 };
        assert_eq!((request.input_tokens.get(), request.turn), (length, None));
        assert_eq!(plan.lengths(request.id).input_tokens, request.input_tokens);
    }
}

#[test]
fn more_than_everybody_cannot_leave() {
    let ways = ["60% after 1s", "50% after 2s"].map(|way| way.parse().unwrap()).to_vec();
    let refused = Plan::patterned(config(1), Pattern { cancellations: ways, ..Pattern::default() }).unwrap_err();
    assert_eq!(refused, PlanError::TooManyLeave);
}
