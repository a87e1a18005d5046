//! `metron capacity`: the answer, its file, and a search that is killed and taken up again, in virtual time and over a socket.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::engine::Engine;
use crate::metron::{Ended, Folder};

/// Four servers of exponential services: by Erlang's formula p95 of the wait is 100 ms at 23.308 requests/s.
const QUEUE: &str = "sim:queue?servers=4&service=exponential:100ms&first=start&tokens=1";
const CAPACITY: f64 = 23.308;

fn arguments<'a>(url: &'a str, slo: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let base = ["capacity", "--url", url, "--virtual-time", "--slo", slo, "--precision", "10%", "--quiet", "--json"];
    base.iter().chain(more).copied().collect()
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of two searches, less what differs between folders.
#[track_caller]
fn assert_same(one: &serde_json::Value, other: &serde_json::Value) {
    let text = |value| serde_json::to_string_pretty(value).expect("a value is JSON");
    assert_eq!(text(one), text(other));
}

#[test]
fn a_search_finds_the_capacity_and_a_budget_that_ends_before_the_server_stayed_the_same_is_told() {
    let folder = Folder::new();
    let slo = "p95 ttft <= 100ms";
    let whole = folder.metron(arguments(QUEUE, slo, &["--output", "whole"])).with_code(0).json();
    let capacity = &whole["capacity"];
    let value = capacity["value"].as_f64().expect("a number");
    assert!((value / CAPACITY - 1.0).abs() < 0.06, "{capacity}");
    assert_eq!((capacity["unit"].as_str(), capacity["confidence"].as_f64()), (Some("requests/s"), Some(0.95)));
    assert_eq!(whole["bounded_by"], "objective p95 ttft <= 100ms");
    assert_eq!(whole["steadiness"], "shown");
    let probes = whole["probes"].as_array().expect("probes");
    assert_eq!(probes.last().expect("one")["replay"], true);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&text(&folder.path().join("whole/capacity.json"))).unwrap(),
        whole
    );
    let schema = folder.metron(["schema", "capacity"]).with_code(0).json();
    jsonschema::validate(&schema, &whole).unwrap();

    let measured = probes.iter().filter(|it| it["replay"] == false);
    let before: f64 = measured.map(|it| it["duration_s"].as_f64().unwrap()).sum();
    // So much that the last probe that measures is cut short.
    let budget = format!("{:.3}s", before - 1.0);
    let poor = folder.metron(arguments(QUEUE, slo, &["--budget", &budget, "--output", "poor"])).with_code(0);
    let file = poor.json();
    assert_eq!((&file["steadiness"], &file["finished"]), (&"unchecked".into(), &true.into()), "{}", file["answer"]);
    assert!(file["answer"].as_str().unwrap().contains("the server may have changed meanwhile"), "{}", file["answer"]);
    assert!(text(&folder.path().join("poor/report.html")).contains("the server may have changed meanwhile"));
}

/// Starts a search that goes to `killed`, and kills it once its file there has two probes. The file, as it is left.
fn killed<'a>(folder: &Folder, arguments: impl Iterator<Item = &'a str>) -> String {
    let mut child = folder.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    let file = folder.path().join("killed/capacity.json");
    let probes = || std::fs::read_to_string(&file).map_or(0, |text| text.matches("\"verdict\"").count());
    while probes() < 2 && child.try_wait().expect("it can be asked").is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let _it_may_just_have_ended = child.kill();
    child.wait().expect("it ends");
    text(&file)
}

/// A search of `load` that is left to itself, then one that is killed after its second probe and taken up again: both files tell the same.
/// The first one's, and the folder in which the other stands as `killed`.
#[track_caller]
fn killed_and_taken_up_again(url: &str, slo: &str, load: &[&str]) -> (serde_json::Value, Folder) {
    let folder = Folder::new();
    let more = |output: &'static str| ["--output-tokens", "1", "--output", output];
    let all = |output| arguments(url, slo, load).into_iter().chain(more(output));
    let whole = folder.metron(all("whole")).with_code(0).json();
    killed(&folder, all("killed"));
    assert_same(&folder.metron(all("killed").chain(["--resume"])).with_code(0).json(), &whole);
    (whole, folder)
}

#[test]
fn a_search_that_was_killed_goes_on_to_the_same_answer() {
    let (url, slo, load) = ("sim:queue?service=20ms", "p90 e2e_latency <= 401ms", ["--concurrency", "1"]);
    let (whole, folder) = killed_and_taken_up_again(url, slo, &load);
    assert_eq!(whole["capacity"]["value"], 20.0, "twenty wait for each other's 20 ms: {}", whole["answer"]);

    let killed = |slo| arguments(url, slo, &load).into_iter().chain(["--output-tokens", "1", "--output", "killed"]);
    let other = folder.metron(killed("p90 e2e_latency <= 61ms").chain(["--resume"])).with_code(2);
    assert!(other.stderr.contains("is another") && other.stderr.contains("hint:"), "{}", other.stderr);
    let taken = folder.metron(killed(slo)).with_code(2);
    assert!(taken.stderr.contains("killed"), "{}", taken.stderr);
}

#[test]
fn a_search_by_rate_that_was_killed_goes_on_to_the_same_answer() {
    let url = "sim:queue?service=exponential:40ms&first=start";
    let (whole, _) = killed_and_taken_up_again(url, "p90 ttft <= 120ms", &["--rate", "10"]);
    let value = whole["capacity"]["value"].as_f64().expect("a number");
    // Of M/M/1 P(wait > 120 ms) = u exp(-3 (1 - u)), a tenth where the server is busy for u = 0.4783 of the time.
    assert!((value / (0.4783 / 0.04) - 1.0).abs() < 0.1, "{}", whole["answer"]);
}

/// The probes of a search's file as they are written, the first so many of them.
fn probes_of(file: &str, first: usize) -> &str {
    let (_, probes) = file.split_once("\"probes\": [").expect("a list of probes");
    let end = probes.match_indices("\n    }").nth(first - 1).expect("so many probes").0;
    &probes[..end]
}

#[test]
fn a_search_over_a_socket_that_was_killed_plays_no_probe_again() {
    let folder = Folder::new();
    let engine = Engine::start(&folder, &["sim:queue?service=5ms"]);
    let base = ["capacity", "--url", engine.url(), "--slo", "p50 e2e_latency <= 12ms", "--concurrency", "8"];
    let more = ["--input-tokens", "1", "--output-tokens", "1", "--output", "killed", "--json", "--quiet"];
    let all = || base.into_iter().chain(more);
    let before = killed(&folder, all());
    let file: serde_json::Value = serde_json::from_str(&before).expect("the file is whole, whenever it was killed");
    assert_eq!(file["finished"], false, "it had more to play: {file}");
    let kept = file["probes"].as_array().expect("probes").len();
    let runs = || -> BTreeMap<PathBuf, Vec<u8>> {
        let of_kept = |path: &PathBuf| (1..=kept).any(|k| path.to_string_lossy().contains(&format!("probe-{k:03}/")));
        let files = folder.files().into_iter().filter(of_kept);
        files.map(|path| (path.clone(), std::fs::read(&path).expect("a file of a run"))).collect()
    };
    let kept_runs = runs();
    assert!(kept_runs.len() >= 2 * kept, "each probe is a run: {:?}", kept_runs.keys());

    // On a busy machine the client may rightly find itself the bottleneck, or two users too many: an answer, too.
    let ended = folder.metron(all().chain(["--resume"]));
    assert!(matches!(ended.code, Some(0 | 3 | 4)), "{}", ended.stderr);
    let after = text(&folder.path().join("killed/capacity.json"));
    assert_eq!(probes_of(&after, kept), probes_of(&before, kept));
    assert!(runs() == kept_runs, "the runs that were there are as they were");
    let file = ended.json();
    assert_eq!(file["finished"], true, "{file}");
    assert_ne!(file["answer"], "", "{file}");
    let probes = file["probes"].as_array().expect("probes");
    assert!(probes.len() > kept);
    for (k, probe) in probes.iter().enumerate() {
        assert_eq!(probe["run"], format!("probe-{:03}", k + 1), "one run each, in their order");
    }
    assert!(!folder.path().join(format!("killed/probe-{:03}", probes.len() + 1)).exists());
}

#[test]
fn a_server_without_a_load_that_holds_gets_words_and_no_number() {
    let folder = Folder::new();
    let url = "sim:queue?servers=1&service=exponential:50ms";
    let ended = folder.metron(arguments(url, "p90 ttft <= 20ms", &["--range", "1..100"])).with_code(3);
    let file = ended.json();
    assert_eq!((&file["capacity"], &file["bounded_by"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    assert!(file["answer"].as_str().unwrap().contains("no load holds"), "{}", file["answer"]);
    jsonschema::validate(&folder.metron(["schema", "capacity"]).json(), &file).unwrap();
}

#[test]
fn users_are_searched_for_where_they_are_the_load() {
    let folder = Folder::new();
    let more = ["--concurrency", "2", "--output-tokens", "1"];
    let file = folder.metron(arguments("sim:queue?service=20ms", "p90 e2e_latency <= 81ms", &more)).with_code(0).json();
    let capacity = &file["capacity"];
    assert_eq!((&capacity["value"], &capacity["unit"]), (&4.0.into(), &"concurrent requests".into()), "{capacity}");
}

#[test]
fn the_end_of_the_range_bounds_what_holds_there() {
    let folder = Folder::new();
    let file = folder.metron(arguments(QUEUE, "p95 ttft <= 100ms", &["--range", "1..6"])).with_code(0).json();
    assert_eq!((&file["bounded_by"], &file["capacity"]["value"]), (&"search range".into(), &6.0.into()));
    assert_eq!(file["capacity"]["high"], serde_json::Value::Null);
}

/// No budget is spent on a server that answers nothing, and nothing stands in the way of the next attempt.
#[test]
fn a_server_that_answers_nothing_has_no_capacity_to_search_for() {
    let folder = Folder::new();
    let slo = "error_rate <= 1%";
    for first in [&[][..], &["--rate", "5"], &["--concurrency", "4"]] {
        let more = [&["--output", "out"], first].concat();
        let ended = folder.metron(arguments("sim:fixed?fault=503", slo, &more)).with_code(1);
        assert!(ended.stderr.contains("requests failed, most with http_5xx"), "{}", ended.stderr);
        assert!(ended.stdout.is_empty() && folder.files().is_empty(), "{:?}", folder.files());
    }
    let gone = folder.metron(["capacity", "--url", "http://127.0.0.1:9", "--slo", slo, "--output", "out"]).with_code(1);
    assert!(gone.stderr.contains("cannot reach"), "{}", gone.stderr);
    assert!(!folder.path().join("out").exists());
}

/// What a probe saw of a server on its way down stays out of the search: this one always holds.
#[test]
fn the_probe_in_which_the_server_went_down_is_forgotten() {
    let folder = Folder::new();
    let engine = Engine::start(&folder, &["sim:fixed?ttft=1ms&tbt=1ms&tokens=1"]);
    let url = engine.url().to_owned();
    let given = [
        "capacity",
        "--url",
        &url,
        "--model",
        "m",
        "--slo",
        "error_rate <= 1%",
        "--rate",
        "150",
        "--output",
        "out",
        "--quiet",
    ];
    let child = folder.command(given).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("starts");
    while !folder.path().join("out/probe-002/journal.arrows").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(engine);
    let ended = Ended::of(child.wait_with_output().expect("it ends")).with_code(1);
    assert!(ended.stderr.contains("cannot reach"), "{}", ended.stderr);
    let file: serde_json::Value = serde_json::from_str(&text(&folder.path().join("out/capacity.json"))).expect("JSON");
    let verdicts: Vec<&str> = file["probes"]
        .as_array()
        .expect("probes")
        .iter()
        .map(|probe| probe["verdict"].as_str().expect("one"))
        .collect();
    assert!(!verdicts.is_empty() && !verdicts.contains(&"fails"), "{verdicts:?}");
}

/// Ctrl-C: what was played is written, the probe that was cut off has no say, and what each run notices is told once.
#[test]
fn an_interrupted_search_answers_by_its_whole_probes() {
    let folder = Folder::new();
    let engine = Engine::start(&folder, &["sim:fixed?ttft=1ms&tbt=1ms&tokens=1"]);
    let given = ["capacity", "--url", engine.url(), "--model", "m", "--slo", "error_rate <= 1%", "--rate", "150"];
    let mut command = folder.command(given.iter().chain(&["--output", "out", "--json"]));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    while !folder.path().join("out/probe-002/journal.arrows").exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    let ended = Ended::of(child.wait_with_output().expect("it ends")).with_code(130);
    assert_eq!(ended.stderr.matches("no tokenizer of the model was named").count(), 1, "{}", ended.stderr);
    let file = ended.json();
    let loads: Vec<f64> = file["probes"]
        .as_array()
        .expect("probes")
        .iter()
        .map(|probe| probe["load"].as_f64().expect("a load"))
        .collect();
    let highest = loads.iter().copied().fold(0.0, f64::max);
    // On a busy machine the client may find itself the bottleneck.
    let answers =
        [format!("not known yet: {highest} requests/s hold"), "not known yet: no load could be judged".to_owned()];
    assert!(answers.iter().any(|answer| file["answer"] == *answer), "{loads:?} {}", file["answer"]);
}

/// Whose first rate is measured is asked by arrivals as they were chosen, and more even ones let the queue bear more.
#[test]
fn arrivals_need_no_first_rate() {
    let folder = Folder::new();
    let capacity = |arrivals: &[&str]| {
        let more = ["--output", "out", "--force", "--budget", "5m"];
        let file = folder.metron(arguments(QUEUE, "p90 ttft <= 100ms", &[&more, arrivals].concat())).json();
        file["capacity"]["value"].as_f64().expect("a capacity")
    };
    let [drawn, even] = [capacity(&[]), capacity(&["--arrivals", "constant"])];
    assert!(even > 1.1 * drawn, "{even} {drawn}");
    let config = std::fs::read_to_string(folder.path().join("out/config.yaml")).expect("a configuration");
    assert!(config.contains("arrivals: constant") && !config.contains("concurrency: 8"), "{config}");
}

#[test]
fn what_makes_no_search_is_refused_and_leaves_nothing() {
    let folder = Folder::new();
    let url = ["capacity", "--url", "sim:"];
    let refused = |more: &[&str], word: &str| {
        let ended = folder.metron(url.iter().chain(more)).with_code(2);
        assert!(ended.stderr.contains(word) && ended.stderr.contains("hint:"), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    };
    refused(&[], "--slo is missing");
    refused(&["--slo", "p99 ttft <= 1s", "--requests", "10"], "--requests");
    refused(&["--slo", "p100 ttft <= 1s"], "allows no miss");
    refused(&["--slo", "p99 ttft <= 1s", "--search", "rate", "--concurrency", "4"], "--concurrency");
    refused(&["--slo", "p99 ttft <= 1s", "--resume", "--output", "none"], "cannot read");
    refused(&["--slo", "p99 ttft >= 1s"], "asks for what more load brings by itself");
    refused(&["--slo", "p99 ttft <= 1s", "--rate", "4", "--concurrency", "4"], "one load");
    refused(&["--slo", "p99 ttft <= 1s", "--arrivals", "steps:10s@5,20s@50"], "it is the rate that is searched for");
    refused(&["--slo", "p99 ttft <= 1s", "--search", "concurrency", "--arrivals", "constant"], "--arrivals");
    let range = folder.metron(url.iter().chain(&["--slo", "p99 ttft <= 1s", "--range", "5..1"])).with_code(2);
    assert!(range.stderr.contains("5..1"), "{}", range.stderr);
    assert!(folder.files().is_empty(), "{:?}", folder.files());
}
