//! Conversations of traces and datasets, replayed as live sessions; what a trace says of classes and deadlines; plans that are saved
//! and sent again.

use metron_metrics::RequestRecord;
use metron_results::rows::read_rows;
use metron_units::Nanos;
use serde_json::{Value, json};

use crate::metron::{Ended, Folder};
use crate::server::{Server, chat};

const FIVE: &str = "sim:fixed?ttft=10ms&tbt=5ms&tokens=5";
const CHATS: &str = r#"[{"id": "x", "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello."},
    {"from": "human", "value": "And you?"}, {"from": "gpt", "value": "Fine."}, {"from": "human", "value": "Bye"}]},
    {"id": "y", "conversations": [{"from": "human", "value": "Well?"}]}]"#;
/// Two conversations between each other, one of them with a class and deadlines, and a request that stands alone.
const PLAN: &str = r#"{"at_ns": 0, "input_tokens": 10, "output_tokens": 5, "session": "a", "turn": 0, "class": "chat", "ttft_deadline_ns": 9000000}
{"at_ns": 1000000, "input_tokens": 20, "output_tokens": 5, "session": "b", "turn": 0}
{"at_ns": 2000000, "input_tokens": 7, "output_tokens": 2, "class": "batch", "ttft_deadline_ns": 10000000, "tbt_deadline_ns": 4000000}
{"at_ns": 100000000, "input_tokens": 40, "output_tokens": 5, "session": "a", "turn": 1, "class": "chat"}
{"at_ns": 100000001, "input_tokens": 60, "output_tokens": 5, "session": "a", "turn": 2, "class": "chat"}
"#;

fn folder(file: &str) -> Folder {
    let folder = Folder::new();
    std::fs::write(folder.path().join("file"), file).expect("written");
    folder
}

fn run(folder: &Folder, url: &str, more: &[&str]) -> Ended {
    let base = ["run", "--url", url, "--output", "out", "--force", "--quiet", "--json"];
    folder.metron(base.iter().chain(more))
}

fn rows(folder: &Folder) -> Vec<RequestRecord> {
    let rows = read_rows(&folder.path().join("out/requests.parquet")).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

/// The messages of each request that a scripted server was sent for a run of `more`, the first contact left out.
fn messages(more: &[&str]) -> Vec<Value> {
    let server = Server::start(|k, _| chat(1 + k));
    let folder = folder(CHATS);
    let base = ["--dataset", "file", "--model", "m", "--concurrency", "1"];
    let more: Vec<&str> = base.into_iter().chain(more.iter().copied()).collect();
    let summary = run(&folder, &server.url(), &more).that_ran().json();
    let asked: Vec<_> = server.requests().into_iter().filter(|request| request.head.starts_with("POST")).collect();
    let sent = summary["requests"]["dispatched"].as_u64().expect("a count") as usize;
    let bodies = asked[asked.len() - sent..].iter().map(|request| serde_json::from_str(&request.body).expect("JSON"));
    bodies.map(|body: Value| body["messages"].clone()).collect()
}

#[test]
fn a_dataset_s_later_turns_carry_the_server_s_own_answers() {
    let sent = messages(&["--requests", "4"]);
    let said = |message: &Value| message["content"].as_str().expect("a text").to_owned();
    let third: Vec<String> = sent[2].as_array().expect("messages").iter().map(said).collect();
    assert_eq!([&third[0], &third[2], &third[4]], ["Hi", "And you?", "Bye"]);
    assert!(
        [&third[1], &third[3]].iter().all(|answer| answer.starts_with(" a") && answer.ends_with(" a")),
        "{third:?}"
    );
    assert_ne!(third[1], third[3], "each turn has the answer to the one before it");
    assert_eq!(sent[3], json!([{ "role": "user", "content": "Well?" }]));
}

#[test]
fn recorded_answers_are_said_again_if_that_is_asked() {
    let sent = messages(&["--requests", "3", "--answers", "recorded"]);
    let last = json!([{ "role": "user", "content": "Hi" }, { "role": "assistant", "content": "Hello." },
        { "role": "user", "content": "And you?" }, { "role": "assistant", "content": "Fine." },
        { "role": "user", "content": "Bye" }]);
    assert_eq!(sent[2], last);
}

#[test]
fn turns_bound_the_conversations_of_a_file() {
    let folder = folder(CHATS);
    let more = ["--dataset", "file", "--turns", "2", "--requests", "6", "--concurrency", "1"];
    for time in [&[][..], &["--virtual-time"]] {
        let more: Vec<&str> = more.iter().chain(time).copied().collect();
        let summary = run(&folder, FIVE, &more).that_ran().json();
        assert_eq!(summary["sessions"], json!({ "begun": 4, "completed": 4, "abandoned": 0, "cut": 0 }));
        let places: Vec<_> = rows(&folder).iter().map(|row| (row.session, row.turn)).collect();
        let expected = [(0, 0), (0, 1), (1, 0), (2, 0), (2, 1), (3, 0)];
        assert_eq!(places, expected.map(|(session, turn)| (Some(session), Some(turn))));
    }
}

#[test]
fn row_i_is_line_i_at_its_instant_or_when_the_answer_before_it_is_over() {
    let folder = folder(PLAN);
    let summary = run(&folder, FIVE, &["--trace", "file", "--virtual-time"]).that_ran().json();
    let rows = rows(&folder);
    let ms = |at: Option<Nanos>| at.expect("an instant").get() / 1_000;
    let short: Vec<_> = rows.iter().map(|row| (row.id, row.turn, ms(row.intended), ms(row.dispatched))).collect();
    // An answer takes 10 + 4 x 5 ms: the third turn finds the second one still being answered.
    let expected = [
        (0, Some(0), 0, 0),
        (1, Some(0), 1_000, 1_000),
        (2, None, 2_000, 2_000),
        (3, Some(1), 100_000, 100_000),
        (4, Some(2), 100_000, 130_000),
    ];
    assert_eq!(short, expected);
    assert_eq!(rows.iter().map(|row| row.input_tokens.get()).collect::<Vec<_>>(), [10, 20, 7, 40, 60]);
    assert_eq!(summary["sessions"], json!({ "begun": 2, "completed": 2, "abandoned": 0, "cut": 0 }));
}

#[test]
fn a_trace_s_classes_and_deadlines_are_those_of_rows_and_figures() {
    let folder = folder(PLAN);
    let summary = run(&folder, FIVE, &["--trace", "file", "--virtual-time"]).that_ran().json();
    let held: Vec<_> = rows(&folder)
        .iter()
        .map(|row| (row.class.clone(), row.deadlines.ttft.get() / 1_000_000, row.deadlines.tbt.get() / 1_000_000))
        .collect();
    let class = |name: &str| Some(name.to_owned());
    let expected = [
        (class("chat"), 9, 30),
        (None, 300, 30),
        (class("batch"), 10, 4),
        (class("chat"), 300, 30),
        (class("chat"), 300, 30),
    ];
    assert_eq!(held, expected);
    assert_eq!(summary["classes"]["chat"]["requests"]["completed"], 3);
    // One first token of fifteen tokens is late; of two tokens the first is just in time and the second is not.
    let missed = |class: &str| summary["classes"][class]["metrics"]["deadline_miss_rate"]["value"].as_f64();
    assert!(missed("chat").is_some_and(|rate| (rate - 1.0 / 15.0).abs() < 1e-9), "{:?}", missed("chat"));
    assert_eq!(missed("batch"), Some(0.5));
}

#[test]
fn classes_of_the_configuration_hold_those_of_the_trace_that_are_called_so() {
    let folder = folder(PLAN);
    let class = r#"{"name": "chat", "share": 1, "ttft_deadline": "7ms", "slo": ["p99 ttft <= 1ms"]}"#;
    let summary = run(&folder, FIVE, &["--trace", "file", "--virtual-time", "--class", class]).with_code(3).json();
    let held: Vec<_> = rows(&folder).iter().map(|row| row.deadlines.ttft.get() / 1_000_000).collect();
    assert_eq!(held, [9, 300, 10, 7, 7]);
    assert_eq!(summary["classes"]["chat"]["objectives"][0]["held"], false);
}

/// Saves the plan of `flags`, and runs it as it is and from its file: what both sent.
fn saved_and_sent(flags: &[&str], again: &[&str], time: &[&str]) {
    let folder = Folder::new();
    let saving = ["workload", "save", "--url", FIVE, "--out", "plan.jsonl", "--force", "--without-prompts"];
    folder.metron(saving.iter().chain(flags)).with_code(0);
    let whole: Vec<&str> = flags.iter().chain(time).copied().collect();
    let first = run(&folder, FIVE, &whole).that_ran().json();
    let before = rows(&folder);
    let replayed: Vec<&str> = ["--trace", "plan.jsonl"].iter().chain(again).chain(time).copied().collect();
    let second = run(&folder, FIVE, &replayed).that_ran().json();
    let after = rows(&folder);
    assert!(first["load"]["plan_digest"].is_string());
    assert_eq!(first["load"]["plan_digest"], second["load"]["plan_digest"]);
    assert_eq!(first["load"]["prefix_reuse"], second["load"]["prefix_reuse"]);
    assert_eq!(first["sessions"], second["sessions"]);
    if time.is_empty() {
        // Over a socket only what was planned is the same.
        let planned = |row: &RequestRecord| {
            (row.id, row.session, row.turn, row.class.clone(), row.planned_input_tokens, row.deadlines)
        };
        assert!(before.iter().map(planned).eq(after.iter().map(planned)));
    } else {
        assert_eq!(first["requests"], second["requests"]);
        assert_eq!(before, after, "to the nanosecond");
    }
}

#[test]
fn a_saved_plan_of_sessions_classes_and_prefixes_is_the_same_plan() {
    let open = [
        "--rate",
        "100",
        "--requests",
        "40",
        "--turns",
        "uniform:1..4",
        "--abandon",
        "10%",
        "--think-time",
        "exponential:20ms",
        "--prefix",
        "groups:3,20",
        "--input-tokens",
        "40",
        "--cancel",
        "10% after 3 tokens",
        "--class",
        "chat: 70%, ttft_deadline=5ms",
        "--class",
        "code: 30%, input_tokens=60",
    ];
    let closed =
        ["--concurrency", "3", "--requests", "12", "--turns", "3", "--think-time", "5ms", "--input-tokens", "9"];
    for time in [&["--virtual-time"][..], &[]] {
        saved_and_sent(&open, &[], time);
        // Between two sessions a user thinks as the run says.
        saved_and_sent(&closed, &["--concurrency", "3", "--think-time", "5ms"], time);
    }
}

#[test]
fn a_file_whose_names_and_units_are_its_own_is_read_as_it_is_said_to_be() {
    let folder = folder("{\"ts\": 1.5, \"input_length\": 40, \"output_length\": 2, \"hash_ids\": [1, 2, 3, 4]}\n");
    let options = [
        "--trace-format",
        "mooncake",
        "--trace-columns",
        "timestamp=ts",
        "--trace-time-unit",
        "s",
        "--trace-block",
        "10",
    ];
    let more: Vec<&str> = ["--trace", "file", "--virtual-time"].into_iter().chain(options).collect();
    run(&folder, FIVE, &more).that_ran();
    assert_eq!(rows(&folder)[0].intended, Some(Nanos::from_millis(1_500)));
    let again = folder.metron(["run", "--config", "out/config.yaml", "--output", "again", "--quiet"]);
    again.that_ran();
    let inspected = folder.metron(["workload", "inspect", "file", "--json"].iter().chain(&options)).with_code(0).json();
    assert_eq!((&inspected["format"], &inspected["requests"]), (&json!("mooncake"), &json!(1)));
    let late = "timestamp_ms,input_tokens,output_tokens\n5,1,1\n4,1,1\n3,1,1\n";
    std::fs::write(folder.path().join("file"), late).expect("written");
    run(&folder, FIVE, &["--trace", "file", "--virtual-time"]).that_ran();
    let refused = run(&folder, FIVE, &["--trace", "file", "--virtual-time", "--trace-window", "1"]).with_code(2);
    assert!(refused.stderr.contains("line 4"), "{}", refused.stderr);
}

#[test]
fn what_a_replay_cannot_mean_is_refused() {
    for (file, more, says) in [
        (
            CHATS,
            &["--dataset", "file", "--requests", "2", "--concurrency", "1", "--class", "a:, turns=2"][..],
            "of its own",
        ),
        (CHATS, &["--dataset", "file", "--answers", "recorded", "--turns", "2"], "stands alone"),
        ("{\"prompt\": \"Hi\"}\n", &["--dataset", "file", "--turns", "2"], "no conversations"),
        (PLAN, &["--answers", "live"], "none is given"),
        (PLAN, &["--trace-window", "9"], "none is given"),
        (PLAN, &["--trace", "file", "--answers", "mine"], "live, recorded"),
        (PLAN, &["--trace", "file", "--trace-columns", "ts"], "timestamp=ts"),
        (PLAN, &["--trace", "file", "--trace-time-unit", "h"], "s, ms, us, ns"),
        (PLAN, &["--trace", "file", "--trace-format", "xml"], "mooncake"),
        (PLAN, &["--trace", "file", "--body", r#"{"messages": []}"#], "says the messages itself"),
    ] {
        let folder = folder(file);
        let ended = run(&folder, "sim:", more).with_code(2);
        assert!(ended.stderr.contains(says), "{more:?}: {}", ended.stderr);
        assert!(!folder.path().join("out").exists(), "{more:?}");
    }
}

#[test]
fn images_go_with_a_file_s_own_messages() {
    let server = Server::start(|_, _| chat(2));
    let folder = folder(CHATS);
    let more = [
        "--dataset",
        "file",
        "--model",
        "m",
        "--concurrency",
        "1",
        "--requests",
        "2",
        "--images",
        "1",
        "--image-size",
        "8x8",
    ];
    run(&folder, &server.url(), &more).that_ran();
    let last = server.requests().pop().expect("a request");
    let body: Value = serde_json::from_str(&last.body).expect("JSON");
    let images = body["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .filter(|message| message["content"][1]["type"] == "image_url");
    assert_eq!(images.count(), 2, "one a turn: {}", body["messages"]);
}
