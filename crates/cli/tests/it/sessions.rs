//! Sessions, mixes, users who give up, and what requests carry: over a socket and in virtual time.

use serde_json::{Value, json};

use crate::metron::{Ended, Folder};
use crate::server::{Server, answer, chat};

const EIGHT: &str = "sim:fixed?ttft=5ms&tbt=1ms&tokens=8";

/// A run that asks for ten tokens in and eight out, unless `more` says otherwise.
fn run(folder: &Folder, url: &str, more: &[&str]) -> Ended {
    let base = ["run", "--url", url, "--output", "out", "--json", "--quiet"];
    let lengths = ["--input-tokens", "10", "--output-tokens", "8"];
    let lengths = if more.contains(&"--output-tokens") { &lengths[..2] } else { &lengths[..] };
    folder.metron(base.iter().chain(lengths).chain(more))
}

fn summary(url: &str, more: &[&str]) -> Value {
    run(&Folder::new(), url, more).that_ran().json()
}

/// The same over a socket and in virtual time.
fn both(url: &str, more: &[&str]) -> [Value; 2] {
    let virtually: Vec<&str> = more.iter().copied().chain(["--virtual-time"]).collect();
    [summary(url, more), summary(url, &virtually)]
}

fn counts(summary: &Value) -> [u64; 5] {
    ["planned", "completed", "failed", "cancelled", "not_sent"]
        .map(|name| summary["requests"][name].as_u64().expect("a count"))
}

#[test]
fn a_later_turn_holds_the_servers_own_answer() {
    for summary in both(EIGHT, &["--turns", "3", "--requests", "12", "--concurrency", "2"]) {
        assert_eq!(counts(&summary), [12, 12, 0, 0, 0]);
        assert_eq!(summary["sessions"], json!({ "begun": 4, "completed": 4, "abandoned": 0, "cut": 0 }));
        // The engine counts what it was sent: ten tokens a turn, and eight of each answer before.
        for (turn, prompt) in [10.0, 28.0, 46.0].into_iter().enumerate() {
            let input = &summary["turns"][turn]["metrics"]["input_tokens"];
            assert_eq!((&input["count"], &input["min"], &input["max"]), (&json!(4), &json!(prompt), &json!(prompt)));
        }
    }
}

#[test]
fn what_the_server_said_is_what_the_next_turn_says() {
    let server = Server::start(|k, _| chat(1 + k));
    let more =
        ["--model", "m", "--turns", "3", "--requests", "3", "--concurrency", "1", "--session-header", "X-Session"];
    let summary = summary(&server.url(), &more);
    assert_eq!(counts(&summary)[1], 3);
    let asked: Vec<_> = server.requests().into_iter().filter(|request| request.head.starts_with("POST")).collect();
    let last: Vec<Value> = asked.iter().map(|request| serde_json::from_str(&request.body).expect("JSON")).collect();
    // The first contact asks as well; the session is the last three.
    let turns = &last[last.len() - 3..];
    let messages = turns[2]["messages"].as_array().expect("messages");
    let roles: Vec<&str> = messages.iter().map(|message| message["role"].as_str().expect("a role")).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant", "user"]);
    assert_eq!(messages[0], turns[0]["messages"][0], "the first words are said again");
    let answers = [&messages[1]["content"], &messages[3]["content"]];
    let first = asked.len() - 3;
    assert_eq!(answers, [&json!(" a".repeat(1 + first)), &json!(" a".repeat(2 + first))]);
    assert!(asked[first..].iter().all(|request| request.head.contains("X-Session: metron-0-0")));
}

#[test]
fn a_failed_turn_ends_its_session_and_the_accounts_balance() {
    let more = ["--turns", "4", "--requests", "16", "--rate", "200"];
    for summary in both(&format!("{EIGHT}&fault=truncate@1"), &more) {
        let [planned, completed, failed, cancelled, not_sent] = counts(&summary);
        assert_eq!((planned, failed, cancelled), (16, 1, 0));
        assert_eq!(completed + failed + not_sent, planned);
        assert!(not_sent > 0);
        assert_eq!(summary["requests"]["not_sent_because"], json!({ "session_failed": not_sent }));
        assert_eq!(summary["sessions"], json!({ "begun": 4, "completed": 3, "abandoned": 0, "cut": 1 }));
    }
}

#[test]
fn turns_that_the_runs_end_leaves_are_planned_and_not_sent() {
    let more = ["--turns", "20", "--think-time", "50ms", "--duration", "300ms", "--concurrency", "3"];
    for summary in both(EIGHT, &more) {
        let [planned, completed, _, _, not_sent] = counts(&summary);
        assert_eq!((planned, completed + not_sent), (60, 60));
        assert_eq!(summary["requests"]["not_sent_because"], json!({ "run_ended": not_sent }));
        assert_eq!(summary["sessions"]["cut"], 3);
    }
}

#[test]
fn who_abandons_was_planned_to() {
    for summary in both(EIGHT, &["--turns", "5", "--abandon", "40%", "--requests", "60", "--concurrency", "6"]) {
        assert_eq!(counts(&summary), [60, 60, 0, 0, 0]);
        let sessions = &summary["sessions"];
        assert!(sessions["abandoned"].as_u64() > Some(5), "{sessions}");
        assert_eq!(sessions["cut"], 0);
    }
}

const MIX: [&str; 8] = [
    "--rate",
    "200",
    "--requests",
    "80",
    "--class",
    "chat: 75%, input_tokens=12, slo=p99 ttft <= 5s",
    "--class",
    "code: 25%, input_tokens=100, output_tokens=4, model=x, priority=3, slo=p50 ttft <= 1ms, slo=error_rate <= 1%",
];

#[test]
fn each_class_has_its_own_lengths_figures_and_verdicts() {
    for virtually in [&[][..], &["--virtual-time"][..]] {
        let more: Vec<&str> = MIX.iter().chain(virtually).copied().collect();
        let folder = Folder::new();
        // An objective of one class is missed, and counts for the exit code.
        let ended = run(&folder, EIGHT, &more);
        // A busy machine may rightly find itself to be the bottleneck.
        assert!(matches!(ended.code, Some(3 | 4)), "{ended:?}");
        let summary = ended.json();
        let classes = &summary["classes"];
        let planned = |name: &str| classes[name]["requests"]["planned"].as_u64().expect("a count");
        assert_eq!(planned("chat") + planned("code"), 80);
        assert_eq!(classes["chat"]["metrics"]["input_tokens"]["max"], 12.0);
        assert_eq!(classes["code"]["metrics"]["input_tokens"]["min"], 100.0);
        assert_eq!(classes["code"]["metrics"]["output_tokens"]["max"], 4.0);
        let held = |name: &str, k: usize| classes[name]["objectives"][k]["held"].as_bool();
        assert_eq!([held("chat", 0), held("code", 0), held("code", 1)], [Some(true), Some(false), Some(true)]);
        let again = ["run", "--config", "out/config.yaml", "--output", "again", "--json", "--quiet"];
        let repeated = folder.metron(again).json();
        assert_eq!(repeated["classes"]["code"]["tokens"], classes["code"]["tokens"]);
        let text = |at: &str| std::fs::read_to_string(folder.path().join(at)).expect("a file");
        assert_eq!(text("again/config.yaml"), text("out/config.yaml"));
    }
}

#[test]
fn a_file_may_have_classes_as_mappings() {
    let folder = Folder::new();
    let file = "classes:\n- name: a\n  rate: 150/s\n  input_tokens: 5\n  body: {top_k: 1}\n- {name: b, rate: 50}\n";
    std::fs::write(folder.path().join("mix.yaml"), file).expect("written");
    let summary = run(&folder, EIGHT, &["--config", "mix.yaml", "--requests", "40"]).that_ran().json();
    assert_eq!(summary["run"]["load"]["rate"], 200.0);
    assert_eq!(summary["classes"]["a"]["metrics"]["input_tokens"]["max"], 5.0);
    assert_eq!(summary["classes"]["b"]["metrics"]["input_tokens"]["max"], 10.0);
}

#[test]
fn who_gives_up_is_cancelled_and_keeps_what_came() {
    // Answers last a second, so that no stall of a busy machine lets one end before its user leaves.
    let more = ["--requests", "20", "--concurrency", "20", "--output-tokens", "100", "--cancel", "40% after 3 tokens"];
    let [socket, virtually] = both("sim:fixed?ttft=5ms&tbt=10ms&tokens=100", &more);
    let [planned, completed, failed, cancelled, _] = counts(&socket);
    assert_eq!((planned, failed, completed + cancelled), (20, 0, 20));
    assert!(cancelled > 2);
    assert_eq!(counts(&virtually), counts(&socket), "the same requests are given up");
    assert_eq!(virtually["tokens"]["output"], json!(100 * completed + 3 * cancelled));
    assert_eq!(virtually["metrics"]["ttft"]["count"], json!(completed), "what was given up is in no latency");
    assert_eq!(virtually["metrics"]["error_rate"]["value"], 0.0);
    let timed = summary(
        "sim:fixed?ttft=1h&tbt=1ms&tokens=8",
        &["--requests", "4", "--cancel", "100% after 20ms", "--timeout-first-token", "1h"],
    );
    assert_eq!(counts(&timed)[3], 4);
}

#[test]
fn an_agents_turns_are_results_of_the_calls_that_the_answer_makes() {
    let call = "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"x\",\"function\":\
                {\"name\":\"look\",\"arguments\":\"{\\\"at\\\": 1}\"}}]}}]}\n\n\
                data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\ndata: [DONE]\n\n";
    let called = answer("200 OK", "text/event-stream", call);
    // The second turn's answer calls nothing.
    let server = Server::start(move |_, request| match request.body.contains("\"role\":\"tool\"") {
        true => chat(2),
        false => called.clone(),
    });
    let folder = Folder::new();
    let tools = r#"[{"type": "function", "function": {"name": "look", "parameters":
        {"type": "object", "properties": {"at": {"type": "integer"}}, "required": ["at"]}}}]"#;
    std::fs::write(folder.path().join("tools.json"), tools).expect("written");
    let more =
        ["--model", "m", "--agent", "--tools", "tools.json", "--turns", "3", "--requests", "3", "--concurrency", "1"];
    assert_eq!(counts(&run(&folder, &server.url(), &more).that_ran().json())[1], 3);
    let last = server.requests().pop().expect("there were some");
    let body: Value = serde_json::from_str(&last.body).expect("JSON");
    assert_eq!(body["tools"][0]["function"]["name"], "look");
    let messages = body["messages"].as_array().expect("messages");
    let roles: Vec<&str> = messages.iter().map(|message| message["role"].as_str().expect("a role")).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "assistant", "tool"]);
    let function = |message: usize| &messages[message]["tool_calls"][0]["function"];
    assert_eq!(function(1), &json!({ "name": "look", "arguments": "{\"at\": 1}" }), "the answer's own call");
    assert_eq!(function(3), &json!({ "name": "look", "arguments": "{\"at\":1}" }), "one made up");
    for turn in [1, 3] {
        assert_eq!(messages[turn + 1]["tool_call_id"], messages[turn]["tool_calls"][0]["id"]);
    }
    assert_eq!(messages[3]["content"], " a a");
}

#[test]
fn requests_carry_what_was_asked_and_no_two_the_same_image() {
    let server = Server::start(|_, _| chat(2));
    let folder = Folder::new();
    std::fs::write(folder.path().join("schema.json"), r#"{"type": "object"}"#).expect("written");
    let few = ["--model", "m", "--requests", "3", "--concurrency", "1", "--images", "2", "--image-size", "64x32"];
    let beside = ["--schema", "schema.json", "--audio", "10ms", "--tools", "2"];
    let more: Vec<&str> = few.into_iter().chain(beside).collect();
    run(&folder, &server.url(), &more).that_ran();
    let bodies = server.requests().into_iter().filter(|request| request.body.contains("image_url"));
    let mut images = std::collections::HashSet::new();
    for request in bodies {
        let body: Value = serde_json::from_str(&request.body).expect("JSON");
        let content = body["messages"][0]["content"].as_array().expect("parts");
        let kinds: Vec<&str> = content.iter().map(|part| part["type"].as_str().expect("a kind")).collect();
        assert_eq!(kinds, ["text", "image_url", "image_url", "input_audio"]);
        for image in &content[1..3] {
            let url = image["image_url"]["url"].as_str().expect("a URL");
            assert!(url.starts_with("data:image/png;base64,iVBORw0KGgo"), "{url}");
            images.insert(url.to_owned());
        }
        assert_eq!(body["tools"].as_array().map(Vec::len), Some(2));
        assert_eq!(body["response_format"]["json_schema"]["schema"], json!({ "type": "object" }));
    }
    assert_eq!(images.len(), 6);
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_written() {
    for (more, says) in [
        (&["--endpoint", "completions", "--images", "1"][..], "cannot carry images"),
        (&["--abandon", "5%"], "there are none"),
        (&["--session-header", "X-S"], "no sessions"),
        (&["--agent"], "several turns"),
        (&["--turns", "2", "--session-header", "Authorization"], "secret"),
        (&["--turns", "2", "--body", r#"{"messages": []}"#], "says the messages itself"),
        (&["--turns", "many"], "no whole number"),
        (&["--turns", "0"], "at least one turn"),
        (&["--class", "a: 70%"], "not to 100 %"),
        (
            &["--class", "a: 50%, header=X-Api-Key: ${NO_SUCH_KEY}", "--class", "b:"],
            "class `a`: the variable `NO_SUCH_KEY`",
        ),
        (&["--class", "a: 50%, slo=p99 ttfx <= 1s", "--class", "b:"], "ttfx"),
        (&["--class", "a: 1/s", "--class", "b: 50%"], "every class has a rate"),
        (&["--class", "a: 1/s", "--concurrency", "2"], "no rate"),
        (&["--cancel", "60% after 1s", "--cancel", "50% after 2s"], "more than 100 %"),
        (&["--cancel", "10%"], "after what"),
        (&["--image-size", "8x8"], "no images"),
        (&["--tools", "none.json"], "none.json"),
    ] {
        let folder = Folder::new();
        let ended = run(&folder, "sim:", more).with_code(2);
        assert!(ended.stderr.contains(says), "{more:?}: {}", ended.stderr);
        assert!(folder.files().is_empty(), "{more:?} leaves files");
    }
}
