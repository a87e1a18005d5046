//! Traces, datasets and shaped loads on the command line: what a file says is what is sent, and what it says wrongly is refused.

use metron_metrics::RequestRecord;
use metron_results::rows::read_rows;
use serde_json::{Value, json};

use crate::metron::{Ended, Folder};
use crate::server::{Server, answer, chat};

const ENGINE: &str = "sim:fixed?ttft=10ms&tbt=1ms";
const TRACE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:20:01.1234567,512,9\n\
                     2023-11-16 18:20:01.1234568,64,7\n2023-11-16 18:20:02.0000000,1,1\n";

fn folder(file: &str) -> Folder {
    let folder = Folder::new();
    std::fs::write(folder.path().join("trace"), file).expect("written");
    folder
}

/// Runs in virtual time, and gives the rows.
fn rows(folder: &Folder, more: &[&str]) -> Vec<RequestRecord> {
    run(folder, more).with_code(0);
    let rows = read_rows(&folder.path().join("out/requests.parquet")).expect("rows");
    rows.map(|row| row.expect("a row")).collect()
}

fn run(folder: &Folder, more: &[&str]) -> Ended {
    let base = ["run", "--url", ENGINE, "--virtual-time", "--output", "out", "--force", "--quiet", "--json"];
    folder.metron(base.iter().chain(more))
}

fn instants(rows: &[RequestRecord]) -> Vec<u64> {
    rows.iter().map(|row| row.intended.expect("an instant").get()).collect()
}

#[test]
fn a_trace_gives_instants_and_lengths_to_its_last_digit() {
    let folder = folder(TRACE);
    let planned = rows(&folder, &["--trace", "trace"]);
    assert_eq!(instants(&planned), [0, 100, 876_543_300]);
    let lengths: Vec<(u64, u64)> =
        planned.iter().map(|row| (row.planned_input_tokens.get(), row.output_tokens.get())).collect();
    assert_eq!(lengths, [(512, 9), (64, 7), (1, 1)]);
    assert!(planned.iter().all(|row| row.dispatched == row.intended), "virtual time sends at the instant");
    assert_eq!(instants(&rows(&folder, &["--trace", "trace", "--speed", "2"])), [0, 50, 438_271_650]);
}

#[test]
fn a_trace_is_the_plan_and_config_yaml_repeats_it() {
    let folder = folder(TRACE);
    let summary = run(&folder, &["--trace", "trace", "--speed", "4"]).with_code(0).json();
    assert_eq!((&summary["requests"]["planned"], &summary["run"]["load"]["arrivals"]), (&json!(3), &json!("recorded")));
    assert_eq!(summary["run"]["load"]["rate"], Value::Null, "the trace gave the instants");
    assert_eq!(summary["run"]["load"]["steady"], false);
    let config = std::fs::read_to_string(folder.path().join("out/config.yaml")).expect("a configuration");
    let again = folder.metron(["run", "--config", "out/config.yaml", "--output", "again", "--json", "--quiet"]);
    assert_eq!(again.with_code(0).json()["metrics"], summary["metrics"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("again/config.yaml")).expect("a configuration"), config);
}

#[test]
fn lengths_of_a_trace_go_with_any_load() {
    let folder = folder(TRACE);
    let at_a_rate = rows(&folder, &["--trace", "trace", "--rate", "10", "--arrivals", "constant"]);
    assert_eq!(instants(&at_a_rate), [100_000_000, 200_000_000, 300_000_000]);
    assert_eq!(at_a_rate[1].planned_input_tokens.get(), 64);
    let by_users = rows(&folder, &["--trace", "trace", "--concurrency", "1"]);
    assert_eq!(by_users.iter().map(|row| row.planned_input_tokens.get()).collect::<Vec<_>>(), [512, 64, 1]);
    let drawn = rows(&folder, &["--input-tokens", "trace:trace", "--requests", "50"]);
    assert!(drawn.iter().all(|row| [512, 64, 1].contains(&row.planned_input_tokens.get())));
    let pairs = rows(&folder, &["--lengths", "trace:trace", "--requests", "50"]);
    let of_the_file = [(512, 9), (64, 7), (1, 1)];
    assert!(pairs.iter().all(|row| of_the_file.contains(&(row.planned_input_tokens.get(), row.output_tokens.get()))));
}

#[test]
fn users_think_between_an_answer_and_their_next_request() {
    let rows =
        rows(&Folder::new(), &["--concurrency", "1", "--think-time", "2s", "--requests", "3", "--output-tokens", "1"]);
    let sent: Vec<u64> = rows.iter().map(|row| row.dispatched.expect("sent").get()).collect();
    assert_eq!(sent, [0, 2_010_000_000, 4_020_000_000]);
}

#[test]
fn a_curve_says_its_own_rate() {
    let rows = rows(&Folder::new(), &["--arrivals", "constant over steps:1s@2,1s@4", "--requests", "6"]);
    let ms: Vec<u64> = instants(&rows).iter().map(|ns| ns / 1_000_000).collect();
    assert_eq!(ms, [500, 1000, 1250, 1500, 1750, 2000]);
}

/// The bodies that a server gets, in the plan's order.
fn bodies(folder: &Folder, more: &[&str]) -> Vec<Value> {
    let server = Server::start(|_, _| chat(1));
    let url = server.url();
    let base = ["run", "--url", url.as_str(), "--model", "m", "--concurrency", "1", "--quiet"];
    folder.metron(base.iter().chain(more)).that_ran();
    server.requests().iter().map(|request| serde_json::from_str(&request.body).expect("JSON")).collect()
}

#[test]
fn texts_of_a_dataset_are_sent_in_its_order_and_again() {
    let folder = folder("{\"prompt\": \"Name a river.\", \"output_tokens\": 20}\n{\"prompt\": \"Name two.\"}\n");
    let bodies = bodies(&folder, &["--dataset", "trace", "--requests", "3", "--output-tokens", "5"]);
    let sent: Vec<(&Value, &Value)> =
        bodies.iter().map(|body| (&body["messages"][0]["content"], &body["max_tokens"])).collect();
    let (river, two) = (json!("Name a river."), json!("Name two."));
    assert_eq!(sent, [(&river, &json!(20)), (&two, &json!(5)), (&river, &json!(20))]);
}

#[test]
fn prompts_share_what_is_asked_and_nothing_else() {
    let words = |body: &Value| -> Vec<String> {
        let text = body["messages"][0]["content"].as_str().expect("a text");
        text.split(' ').map(str::to_owned).collect()
    };
    let in_common = |more: &[&str]| {
        let bodies = bodies(&Folder::new(), &[&["--requests", "2", "--input-tokens", "40"], more].concat());
        let (a, b) = (words(&bodies[0]), words(&bodies[1]));
        a.iter().zip(&b).take_while(|(a, b)| a == b).count()
    };
    assert_eq!(in_common(&[]), 0);
    assert_eq!(in_common(&["--prefix", "groups:1,16"]), 16);
    assert_eq!(in_common(&["--prefix-cache", "warm"]), 40);
}

/// A file that is refused: exit 2, one message, nothing written.
#[track_caller]
fn refused(file: &[u8], arguments: &[&str], message: &str) {
    let folder = Folder::new();
    std::fs::write(folder.path().join("trace"), file).expect("written");
    let ended = run(&folder, arguments).with_code(2);
    assert!(ended.stderr.contains(message), "{message} in {}", ended.stderr);
    assert!(ended.stderr.lines().count() <= 2 && !ended.stderr.contains('\x1b'), "{}", ended.stderr);
    assert_eq!(folder.files().len(), 1, "nothing is written");
}

#[test]
fn faults_of_a_file_are_told_with_line_column_value_and_what_was_expected() {
    let trace = ["--trace", "trace"];
    let header = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:20:01.1,1,1\n";
    let at = |row: &str| format!("{header}{row}\n{row}\n").into_bytes();
    let message = "--trace: `trace`: line 3, column 2: `ContextTokens` is `-5`; expected a token count from 0 to \
                   10000000 (and 1 more line at fault)";
    refused(&at("2023-11-16 18:20:02.1,-5,1"), &trace, message);
    refused(&at("2023-11-16 18:20:02.1,1e9,1"), &trace, "`1e9`");
    refused(&at("2023-11-16 18:20:02.1,,1"), &trace, "line 3, column 2: `ContextTokens` is missing");
    refused(&at("later,1,1"), &trace, "line 3, column 1: `TIMESTAMP` is `later`");
    refused(&at("2023-11-16 18:20:02.1,1"), &trace, "line 3");
    refused(b"", &trace, "is empty");
    refused(b"{\"a\": 1}\n", &trace, "no format has these");
    refused(b"\x1b[2J\n", &trace, "no format has these");
    refused(b"PAR1", &trace, "Parquet");
    refused(b"\x1f\x8b\x08\x00cut", &trace, "trace");
    refused(TRACE.as_bytes(), &["--trace", "none"], "cannot read `none`: No such file");
    refused(TRACE.as_bytes(), &["--input-tokens", "trace:none"], "--input-tokens: cannot read `none`");
    refused(TRACE.as_bytes(), &["--lengths", "bilognormal:1,1,1,1"], "--lengths");
    refused(b"{\"prompt\": \"Hi\"}\n", &trace, "when it was sent");
}

#[test]
fn what_a_load_cannot_mean_is_refused() {
    let refused = |arguments: &[&str], message: &str| refused(TRACE.as_bytes(), arguments, message);
    refused(&["--trace", "trace", "--dataset", "trace"], "contradict");
    refused(&["--speed", "2"], "--trace FILE");
    refused(&["--dataset", "trace", "--speed", "2"], "a dataset has none");
    refused(&["--trace", "trace", "--speed", "0"], "speed `0` lies outside");
    refused(&["--trace", "trace", "--lengths", "trace:trace"], "says its own lengths");
    refused(&["--rate", "4", "--think-time", "1s"], "do not wait");
    refused(&["--think-time", "1"], "has no unit");
    refused(&["--rate", "4", "--arrivals", "steps:10s@5"], "contradicts a curve");
    refused(&["--arrivals", "diurnal:24h,0.5"], "needs --rate");
    refused(&["--trace", "trace", "--ramp-up", "1s"], "bent by a ramp");
    refused(&["--prefix", "groups:0,1"], "no number from 1");
    refused(&["--prefix", "groups:2,8", "--prefix-cache", "warm"], "a warm prefix cache");
    refused(&["--prefix-cache", "hot"], "none of cold, warm");
}

#[test]
fn a_packed_trace_with_a_byte_order_mark_and_dos_lines_is_read() {
    use std::io::Write as _;
    let folder = Folder::new();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(format!("\u{feff}{}", TRACE.replace('\n', "\r\n")).as_bytes()).expect("packed");
    std::fs::write(folder.path().join("trace"), packed.finish().expect("packed")).expect("written");
    assert_eq!(instants(&rows(&folder, &["--trace", "trace"])), [0, 100, 876_543_300]);
}

#[test]
fn the_plan_is_the_same_for_one_worker_and_for_four() {
    let folder = Folder::new();
    let plan = ["--rate", "2000", "--requests", "60", "--input-tokens", "uniform:1..50", "--prefix", "groups:2,10"];
    let of_workers = |workers: &str| {
        let base = ["run", "--url", "sim:fixed?ttft=1ms&tbt=1ms", "--output-tokens", "2", "--quiet", "--json"];
        let ended = folder.metron(base.iter().chain(&plan).chain(&["--workers", workers])).that_ran();
        ended.json()["load"].clone()
    };
    let (one, four) = (of_workers("1"), of_workers("4"));
    assert_eq!(one["plan_digest"], four["plan_digest"]);
    assert_eq!(one["asked"], four["asked"]);
    let base = ["workload", "save", "--out", "plan", "--output-tokens", "2"];
    let saved = folder.metron(base.iter().chain(&plan)).with_code(0).stdout;
    assert_eq!(saved, format!("60 requests, digest {}\n", one["plan_digest"].as_str().expect("a digest")));
}

#[test]
fn what_was_asked_stands_beside_what_came_of_it() {
    let folder = folder(TRACE);
    let load = run(&folder, &["--trace", "trace"]).with_code(0).json()["load"].clone();
    assert_eq!(load["asked"]["input_tokens"]["mean"], json!(577.0 / 3.0));
    assert_eq!(load["achieved"]["output_tokens"]["max"], json!(9.0));
    assert_eq!(load["asked"]["rate"], load["achieved"]["rate"], "virtual time sends at the instant");
    let short = folder.metron(["run", "--url", "sim:fixed?tokens=10", "--virtual-time", "--output-tokens", "20"]);
    let short = short.with_code(0);
    assert!(short.stderr.contains("answers have 10.0 tokens in the mean where 20.0 were asked"), "{}", short.stderr);
    let wide = run(&folder, &["--input-tokens", "normal:5,100", "--output-tokens", "1"]).with_code(0).json();
    assert!(wide["load"]["clamped"].as_u64().expect("a count") > 10, "{}", wide["load"]);
}

#[test]
fn what_the_server_adds_to_a_prompt_is_measured_and_taken_off() {
    // It counts words, as the tokenizer does of plain ones, and adds 11.
    let server = Server::start(|_, request| {
        let body: Value = serde_json::from_str(&request.body).expect("JSON");
        let words = body["messages"][0]["content"].as_str().expect("a text").split(' ').count();
        let events = format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\" a\"}},\"finish_reason\":\"stop\"}}],\
             \"usage\":{{\"prompt_tokens\":{},\"completion_tokens\":1}}}}\n\ndata: [DONE]\n\n",
            words + 11
        );
        answer("200 OK", "text/event-stream", &events)
    });
    let folder = Folder::new();
    let url = server.url();
    let base = ["run", "--url", url.as_str(), "--model", "m", "--tokenizer", "o200k_base", "--requests", "2", "--json"];
    let ended = folder.metron(base.iter().chain(&["--input-tokens", "50", "--output", "out"])).that_ran();
    assert!(ended.stderr.contains("the server adds 11 tokens to each prompt"), "{}", ended.stderr);
    assert_eq!(server.requests().len(), 3 + 2);
    let summary = ended.json();
    assert_eq!(summary["requests"]["planned"], 2, "what was measured is in no figure");
    assert_eq!(summary["load"]["achieved"]["input_tokens"]["mean"], json!(50.0), "exact at the endpoint");
    let again = folder.metron(["run", "--config", "out/config.yaml", "--model", "m", "--output", "again", "--json"]);
    assert_eq!(again.that_ran().json()["load"]["plan_digest"], summary["load"]["plan_digest"]);
    assert_eq!(server.requests().len(), 5 + 2, "what is known is not measured again");
}

#[test]
fn what_the_server_adds_is_measured_with_prompts_as_the_run_sends_them() {
    // It begins a text with a token of its own, and leaves ids as they are.
    let server = Server::start(|_, request| {
        let body: Value = serde_json::from_str(&request.body).expect("JSON");
        let count = match &body["prompt"] {
            Value::Array(ids) => ids.len(),
            text => text.as_str().expect("a text").split(' ').count() + 1,
        };
        let events = format!(
            "data: {{\"choices\":[{{\"index\":0,\"text\":\" a\",\"finish_reason\":\"stop\"}}],\
             \"usage\":{{\"prompt_tokens\":{count},\"completion_tokens\":1}}}}\n\ndata: [DONE]\n\n"
        );
        answer("200 OK", "text/event-stream", &events)
    });
    let folder = Folder::new();
    let url = format!("{}/v1/completions", server.url());
    let base = ["run", "--url", &url, "--model", "m", "--tokenizer", "o200k_base", "--requests", "2", "--json"];
    for text in ["ids", "words"] {
        let ended = folder.metron(base.iter().chain(&["--input-tokens", "50", "--text", text])).that_ran().json();
        assert_eq!(ended["load"]["achieved"]["input_tokens"]["mean"], json!(50.0), "{text}");
    }
}

#[test]
fn prompts_are_of_what_was_asked_and_exact() {
    let folder = folder("It was a dark (and stormy) night; 42 \"rain\" fell.\n");
    let preview = |more: &[&str]| {
        let base = ["workload", "preview", "--json", "--bodies", "--input-tokens", "60", "--requests", "2"];
        folder.metron(base.iter().chain(more)).with_code(0).json()["requests"].clone()
    };
    let of_file = preview(&["--text", "trace"]);
    let text = of_file[0]["prompt"].as_str().expect("a text");
    assert!(text.contains("(and stormy) night; 42 \"rain\" fell. It was a dark"), "{text}");
    let corpus = preview(&["--text", "corpus"]);
    assert_ne!(corpus[0]["prompt"], preview(&[])[0]["prompt"]);
    let ids = preview(&["--text", "ids", "--endpoint", "completions", "--prefix", "groups:1,20"]);
    let of = |k: usize| ids[k]["body"]["prompt"].as_array().expect("ids").clone();
    assert_eq!((of(0).len(), of(1).len(), of(0)[..20] == of(1)[..20], of(0)[20] == of(1)[20]), (60, 60, true, false));
    let save = |out: &str, more: &[&str]| {
        let base = ["workload", "save", "--endpoint", "completions", "--out", out];
        folder.metron(base.iter().chain(more)).with_code(0).stdout
    };
    let saved = save("plan", &["--text", "ids", "--rate", "5", "--requests", "4"]);
    assert_eq!(save("again", &["--trace", "plan"]), saved, "a saved plan keeps its ids");
    let before = folder.files().len();
    for (named, message) in
        [("ids", "chat takes text, and no token ids"), ("none", "cannot read `none`"), (".", "cannot read `.`")]
    {
        let ended = run(&folder, &["--text", named]).with_code(2);
        assert!(ended.stderr.contains("--text: ") && ended.stderr.contains(message), "{}", ended.stderr);
    }
    assert_eq!(folder.files().len(), before, "nothing is written");
}
