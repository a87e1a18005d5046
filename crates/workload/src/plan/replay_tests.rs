//! Tests of plans over a trace.

use metron_units::{Nanos, Rate, Tokens};

use super::*;
use crate::trace::{Trace, TraceOptions};

const TRACE: &str = "timestamp_ms,input_tokens,output_tokens,failed\n\
                     100,10,1,\n250,20,2,\n300,99,0,true\n400,0,4,\n1000.0001,40,,\n";

fn trace(text: &str) -> Trace {
    Trace::read(std::io::Cursor::new(text.to_owned()), TraceOptions::default()).unwrap()
}

fn replay(text: &str) -> Replay {
    Replay::read(trace(text), Reading::default()).unwrap()
}

fn config(load: Load) -> PlanConfig {
    PlanConfig {
        seed: 0,
        load,
        limit: Limit { requests: None, duration: None },
        warmup: Warmup::None,
        ramp_up: Nanos::ZERO,
        input_tokens: "7".parse().unwrap(),
        output_tokens: "9".parse().unwrap(),
    }
}

fn recorded(replay: Replay, config: PlanConfig) -> Plan {
    let pattern = Pattern { replay: Some(replay), lengths: LengthSource::Recorded, ..Pattern::default() };
    Plan::patterned(config, pattern).unwrap()
}

fn short(plan: Plan) -> Vec<(Option<u64>, u64, u64)> {
    plan.map(|r| (r.intended.map(Nanos::get), r.input_tokens.get(), r.output_tokens.get())).collect()
}

#[test]
fn a_trace_gives_instants_and_lengths_and_what_it_lacks_is_drawn() {
    let replay = replay(TRACE);
    assert_eq!((replay.len(), replay.left_out(), replay.moved(), replay.has_instants()), (4, 1, 0, true));
    let mut plan = recorded(replay.clone(), config(replay.load().unwrap()));
    let planned = short(plan.clone());
    let expected = [(100_000_000, 10, 1), (250_000_000, 20, 2), (400_000_000, 1, 4), (1_000_000_100, 40, 9)];
    assert_eq!(planned, expected.map(|(at, input, output)| (Some(at), input, output)));
    // The prompt of no tokens.
    plan.by_ref().for_each(drop);
    assert_eq!(plan.clamped(), 1);
    let rate = 3.0 / 0.900_000_1;
    assert!(
        matches!(replay.load(), Some(Load::Open { rate: r, arrivals: Arrivals::Recorded }) if (r.get() - rate).abs() < 1e-12)
    );
}

#[test]
fn speed_divides_instants_in_integers() {
    let at = |speed: &str| {
        let replay = replay(TRACE).at_speed(speed.parse().unwrap());
        let load = replay.load().unwrap();
        recorded(replay, config(load)).last().unwrap().intended.unwrap().get()
    };
    assert_eq!(at("1"), 1_000_000_100);
    assert_eq!(at("2x"), 500_000_050);
    assert_eq!(at("0.5"), 2_000_000_200);
    assert_eq!(at("3"), 333_333_367);
    for text in ["1", "0.000001", "1000000", "2.5"] {
        assert_eq!(text.parse::<Speed>().unwrap().to_string(), text);
    }
    for text in ["", "0", "-1", "x", "1e3", "0.0000001", "1000001", "nan", "1.2.3"] {
        assert_eq!(text.parse::<Speed>().unwrap_err().hint, "2", "{text}");
    }
}

#[test]
fn lengths_of_a_trace_go_with_other_arrivals_and_end_with_it() {
    let open = Load::Open { rate: Rate::per_second(10.0).unwrap(), arrivals: Arrivals::Constant };
    let planned = short(recorded(replay(TRACE), config(open)));
    let expected = [(100, 10, 1), (200, 20, 2), (300, 1, 4), (400, 40, 9)];
    assert_eq!(planned, expected.map(|(ms, input, output)| (Some(ms * 1_000_000), input, output)));
    let closed = short(recorded(replay(TRACE), config(Load::Closed { concurrency: 2 })));
    assert_eq!(closed, expected.map(|(_, input, output)| (None, input, output)));
}

#[test]
fn limits_and_warm_up_hold_over_a_trace() {
    let load = replay(TRACE).load().unwrap();
    let limited = PlanConfig {
        warmup: Warmup::Requests(1),
        limit: Limit { requests: Some(1), duration: None },
        ..config(load.clone())
    };
    let phases: Vec<_> = recorded(replay(TRACE), limited).map(|request| request.phase).collect();
    assert_eq!(phases, [PlannedPhase::Warmup, PlannedPhase::Measured]);
    let timed = PlanConfig { limit: Limit { requests: None, duration: Some(Nanos::from_millis(300)) }, ..config(load) };
    assert_eq!(recorded(replay(TRACE), timed).count(), 2);
}

#[test]
fn shards_of_a_replay_are_the_whole() {
    let plan = recorded(replay(TRACE), config(replay(TRACE).load().unwrap()));
    let whole: Vec<_> = plan.clone().collect();
    let mut dealt: Vec<_> = (0..3).flat_map(|index| plan.shard(Shard::new(index, 3).unwrap())).collect();
    dealt.sort_by_key(|request| request.id);
    assert_eq!(dealt, whole);
}

#[test]
fn lengths_alone_are_distributions_of_the_file_s_name() {
    let replay = replay(TRACE);
    let input = Dist::trace("a.csv", replay.inputs()).unwrap();
    assert_eq!((input.to_string(), input.mean()), ("trace:a.csv".to_owned(), 17.5));
    assert_eq!(Dist::trace("a.csv", replay.outputs()).unwrap().mean(), 7.0 / 3.0);
    let pairs = replay.pairs("a.csv").unwrap();
    let open = Load::Open { rate: Rate::per_second(10.0).unwrap(), arrivals: Arrivals::Constant };
    let limited = PlanConfig { limit: Limit { requests: Some(100), duration: None }, ..config(open) };
    let pattern = Pattern { lengths: LengthSource::Together(pairs), ..Pattern::default() };
    let mut plan = Plan::patterned(limited, pattern).unwrap();
    let of = [(10, 1), (20, 2), (1, 4)];
    assert!(plan.by_ref().all(|r| of.contains(&(r.input_tokens.get(), r.output_tokens.get()))));
    assert!(plan.clamped() > 10);
}

#[test]
fn a_distribution_of_a_file_is_read_by_the_caller_also_within_a_mix() {
    let mut asked = Vec::new();
    let text = "70% trace:a.csv + 30% 5";
    let dist = crate::Dist::parse_with(text, &mut |file| {
        asked.push(file.to_owned());
        Ok(vec![Tokens::new(1), Tokens::new(3)])
    })
    .unwrap();
    assert_eq!((dist.to_string().as_str(), asked), (text, vec!["a.csv".to_owned()]));
    assert!((dist.mean() - (0.7 * 2.0 + 0.3 * 5.0)).abs() < 1e-12);
    let empty = crate::Dist::<Tokens>::parse_with("trace:a.csv", &mut |_| Ok(Vec::new())).unwrap_err();
    assert!(empty.to_string().contains("holds no value"));
    assert!("trace:a.csv".parse::<crate::Dist>().unwrap_err().to_string().contains("none can be read here"));
}

#[test]
fn texts_are_counted_by_the_tokenizer() {
    let text = "{\"prompt\": \"one two three\", \"output_tokens\": 3}\n";
    let tokenizer = crate::Tokenizer::default();
    let counting = || Reading { tokenizer: Some(tokenizer.clone()), ..Reading::default() };
    let counted = Replay::read(trace(text), counting()).unwrap();
    assert_eq!((counted.inputs(), counted.outputs()), (vec![Tokens::new(3)], vec![Tokens::new(3)]));
    assert!(!counted.has_instants() && counted.load().is_none());
    let chat = "{\"conversations\": [{\"from\": \"human\", \"value\": \"one two\"}, {\"from\": \"gpt\", \"value\": \"three\"}]}";
    let counted = Replay::read(trace(chat), counting()).unwrap();
    assert_eq!((counted.inputs(), counted.outputs()), (vec![Tokens::new(2)], vec![Tokens::new(1)]));
    let uncounted = Replay::read(trace(text), Reading::default()).unwrap_err();
    assert!(matches!(uncounted, ReplayError::NoLength { line: 1 }));
}

#[test]
fn a_trace_with_faults_or_without_requests_is_refused() {
    let faults = Replay::read(trace(&format!("{TRACE}x,1,1,\n1001,1,1,\n-1,1,1,\n")), Reading::default()).unwrap_err();
    let message = faults.to_string();
    assert!(
        message.contains("line 7, column 1: `timestamp_ms` is `x`") && message.contains("(and 1 more"),
        "{message}"
    );
    let turns = "timestamp_ms,input_tokens,session,turn\n0,1,a,1\n1,1,b,0\n2,5,a,0\n";
    let message = Replay::read(trace(turns), Reading::default()).unwrap_err().to_string();
    assert!(message.contains("line 4: `turn` is 0; expected more than the 1"), "{message}");
    let empty = Replay::read(trace("timestamp_ms,input_tokens,failed\n1,1,1\n"), Reading::default()).unwrap_err();
    assert!(matches!(empty, ReplayError::Empty { left_out: 1 }));
    // What is not wanted is not read.
    let two = Reading { most: Some(2), ..Reading::default() };
    assert_eq!(Replay::read(trace(&format!("{TRACE}x,1,1,\n")), two).unwrap().len(), 2);
}

#[test]
fn users_think_as_long_as_the_pattern_says() {
    let think = Some("exponential:2s".parse().unwrap());
    let plan = |think_time| {
        let closed = config(Load::Closed { concurrency: 1 });
        Plan::patterned(closed, Pattern { think_time, ..Pattern::default() }).unwrap()
    };
    let draws: Vec<f64> = (0..10_000).map(|k| plan(think.clone()).think_time(k).as_secs_f64()).collect();
    crate::testing::check_law("think time", draws, |x| 1.0 - (-x / 2.0).exp());
    assert_eq!(plan(None).think_time(3), Nanos::ZERO);
}

/// Two chats between each other, with lengths of all that was said, and a request that stands alone.
const CHATS: &str = "timestamp_ms,input_tokens,output_tokens,session,class\n\
                     0,10,5,a,chat\n100,40,3,b,\n150,7,1,,batch\n900,20,5,a,chat\n950,60,1,b,\n1000,9,1,a,chat\n";

/// Of each request its id, its instant in ms, its prompt's length, and session, turn and history if it is a turn.
type Row = (u64, Option<u64>, u64, Option<(u64, u32, u64)>);

fn turns(plan: Plan) -> Vec<Row> {
    let turn = |turn: Turn| (turn.session, turn.turn, turn.history.get());
    plan.map(|r| (r.id, r.intended.map(|at| at.get() / 1_000_000), r.input_tokens.get(), r.turn.map(turn))).collect()
}

#[test]
fn the_turns_of_a_trace_are_sessions_at_their_instants() {
    let replay = replay(CHATS);
    assert_eq!((replay.len(), replay.sessions(), replay.has_instants()), (6, 2, true));
    let plan = recorded(replay.clone(), config(replay.load().unwrap()));
    assert!(plan.has_sessions());
    let expected = [
        (0, Some(0), 10, Some((0, 0, 0))),
        (3, Some(900), 20, Some((0, 1, 15))),
        // Shorter than what was said: it begins anew.
        (5, Some(1000), 9, Some((0, 2, 0))),
        (1, Some(100), 40, Some((1, 0, 0))),
        (4, Some(950), 60, Some((1, 1, 43))),
        (2, Some(150), 7, None),
    ];
    assert_eq!(turns(plan), expected);
}

#[test]
fn with_a_load_of_its_own_the_gaps_between_turns_are_thought_away() {
    let plan = recorded(replay(CHATS), config(Load::Closed { concurrency: 2 }));
    let all: Vec<_> = plan.clone().collect();
    assert!(all.iter().all(|request| request.intended.is_none()));
    let pauses: Vec<u64> = all.windows(2).map(|pair| plan.pause(&pair[0], &pair[1]).get() / 1_000_000).collect();
    assert_eq!(pauses, [900, 100, 0, 850, 0]);
}

#[test]
fn recorded_answers_leave_each_turn_alone() {
    let reading = Reading { answers: Answers::Recorded, ..Reading::default() };
    let replay = Replay::read(trace(CHATS), reading).unwrap();
    let plan = recorded(replay.clone(), config(replay.load().unwrap()));
    let ids: Vec<_> = plan.clone().map(|request| (request.id, request.turn)).collect();
    assert_eq!(ids, (0..6).map(|id| (id, None)).collect::<Vec<_>>());
}

#[test]
fn a_trace_s_classes_are_the_plan_s_behind_those_of_the_mix() {
    let mix = Mix::new(vec![Class { name: "batch".to_owned(), weight: 1.0, ..Class::default() }]).unwrap();
    let pattern = Pattern { replay: Some(replay(CHATS)), lengths: LengthSource::Recorded, mix, ..Pattern::default() };
    let plan = Plan::patterned(config(Load::Closed { concurrency: 2 }), pattern).unwrap();
    let names: Vec<&str> = plan.classes().iter().map(|class| class.name.as_str()).collect();
    assert_eq!(names, ["batch", "chat"]);
    let of: Vec<_> = plan.clone().map(|request| (request.id, plan.class_index(&request))).collect();
    assert_eq!(of, [(0, Some(1)), (3, Some(1)), (5, Some(1)), (1, None), (4, None), (2, Some(0))]);
}

#[test]
fn a_trace_too_long_to_hold_is_read_again_and_is_the_same_plan() {
    for text in [TRACE, CHATS] {
        let again: Again = std::sync::Arc::new(move || Ok(trace(text)));
        let read = |held| Replay::read(trace(text), Reading { again: Some(again.clone()), held, ..Reading::default() });
        let [held, streamed] = [HELD, 0].map(|held| read(held).unwrap());
        assert_eq!((held.is_held(), streamed.is_held()), (true, false));
        let plan = |replay: &Replay| recorded(replay.clone(), config(replay.load().unwrap()));
        let whole: Vec<_> = plan(&held).collect();
        let mut walked = plan(&streamed);
        assert!(walked.clone().eq(whole.iter().copied()));
        assert_eq!(walked.next(), Some(whole[0]));
        assert!(walked.clone().eq(whole[1..].iter().copied()), "a clone goes on from where it was made");
        assert!(walked.by_ref().count() == whole.len() - 1 && walked.fault().is_none());
        let over: Vec<_> = recorded(streamed.repeating(), config(Load::Closed { concurrency: 1 })).take(9).collect();
        assert_eq!(
            over.last().map(|request| request.id),
            Some(match text {
                TRACE => 8,
                _ => 11,
            })
        );
    }
}

#[test]
fn a_trace_that_cannot_be_read_again_ends_the_plan_with_its_fault() {
    let broken: Again = std::sync::Arc::new(|| Ok(trace("timestamp_ms,input_tokens\n0,1\nx,1\n2,1\n")));
    let reading = Reading { again: Some(broken), held: 0, ..Reading::default() };
    let replay = Replay::read(trace("timestamp_ms,input_tokens\n0,1\n1,1\n2,1\n"), reading).unwrap();
    let mut plan = recorded(replay.clone(), config(replay.load().unwrap()));
    assert_eq!(plan.by_ref().count(), 1);
    assert!(plan.fault().unwrap().to_string().contains("line 3"));
}
