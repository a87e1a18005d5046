//! `metron sweep`: every target under every load; engines that are started and stopped, and what becomes of those that fail.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::metron::{Ended, Folder};

/// Two queues under two loads, in virtual time.
const QUEUES: &str = "\
name: queues
defaults: {virtual_time: true, requests: 200, output_tokens: 1}
targets:
- {name: one, url: 'sim:queue?servers=1&service=exponential:50ms'}
- {name: two, url: 'sim:queue?servers=2&service=exponential:50ms'}
loads:
- {rate: 5}
- {name: heavy, rate: 15}
";

fn write(folder: &Folder, yaml: &str) {
    std::fs::write(folder.path().join("sweep.yaml"), yaml).expect("written");
}

fn sweep(folder: &Folder, more: &[&str]) -> Ended {
    folder.metron(["sweep", "sweep.yaml", "--output", "out"].iter().chain(more))
}

#[test]
fn every_target_is_measured_under_every_load() {
    let folder = Folder::new();
    write(&folder, QUEUES);
    let ended = sweep(&folder, &[]).with_code(0);
    let widest = ended.stdout.lines().max_by_key(|line| line.chars().count()).expect("lines");
    assert!(widest.chars().count() <= 80, "{widest}");
    insta::assert_snapshot!("sweep_table", ended.stdout);
    let written: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("out/sweep.json")).expect("read")).expect("JSON");
    let schema = folder.metron(["schema", "sweep"]).with_code(0).json();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(
        validator.is_valid(&written),
        "{:?}",
        validator.iter_errors(&written).map(|e| e.to_string()).collect::<Vec<_>>()
    );
    for cell in ["one/default/rate-5", "two/default/heavy"] {
        for file in ["summary.json", "requests.parquet", "config.yaml", "report.html"] {
            assert!(folder.path().join("out").join(cell).join(file).exists(), "{cell}/{file}");
        }
    }
    assert!(folder.path().join("out/report.html").exists());
}

/// An engine with a prefix cache would answer the prompts of the cell before from it.
#[test]
fn each_cell_of_a_target_has_prompts_of_its_own_and_the_same_as_another_target() {
    let folder = Folder::new();
    write(&folder, &QUEUES.replace("rate: 5}", "rate: 5}\n- {name: stated, rate: 5, seed: 7}"));
    sweep(&folder, &["--quiet"]).with_code(0);
    let seed = |cell: &str| {
        let config = std::fs::read_to_string(folder.path().join("out").join(cell).join("config.yaml")).expect("read");
        config.lines().find_map(|line| line.strip_prefix("seed: ")?.parse::<u64>().ok()).expect("a seed")
    };
    let [one, two] = ["one", "two"]
        .map(|target| ["rate-5", "stated", "heavy"].map(|load| seed(&format!("{target}/default/{load}"))));
    assert_eq!(one, two);
    assert_eq!(one, [0, 7, 2]);
}

#[test]
fn what_is_measured_is_kept_and_what_the_file_changed_is_measured_again() {
    let folder = Folder::new();
    write(&folder, QUEUES);
    sweep(&folder, &["--quiet"]).with_code(0);
    sweep(&folder, &["--quiet"]).with_code(2);
    let resumed = sweep(&folder, &["--resume"]).with_code(0);
    assert_eq!(resumed.stderr.matches("kept ").count(), 4, "{}", resumed.stderr);
    write(&folder, &QUEUES.replace("rate: 15", "rate: 16"));
    let changed = sweep(&folder, &["--resume", "--json"]).with_code(0);
    assert_eq!(changed.stderr.matches("kept ").count(), 2, "{}", changed.stderr);
    let rates: Vec<f64> = changed.json()["cells"]
        .as_array()
        .expect("cells")
        .iter()
        .map(|cell| cell["released"]["rate"].as_f64().expect("a rate"))
        .collect();
    assert_eq!(rates, [5.0, 16.0, 5.0, 16.0]);
}

/// The highest load of two queues, what a prompt costs, and a run beside them.
const SEARCHES: &str = "\
defaults: {virtual_time: true, requests: 200, output_tokens: 1}
targets:
- {name: one, url: 'sim:queue?servers=1&service=50ms'}
- {name: two, url: 'sim:queue?servers=2&service=50ms'}
loads:
- name: capacity
  capacity: {slo: ['p90 e2e_latency <= 200ms'], range: 1..100, precision: 20%, budget: 5m}
- {name: prompts, prefill: {prompt_tokens: 64..256, samples: 8, most_lengths: 6}}
- {rate: 5}
";

#[test]
fn a_cell_may_search_for_the_capacity_or_measure_what_a_prompt_costs() {
    let folder = Folder::new();
    write(&folder, SEARCHES);
    let ended = sweep(&folder, &[]).with_code(0);
    for head in ["Capacity by engine", "TTFT by prompt length", "95 % interval"] {
        assert!(ended.stdout.contains(head), "{head}: {}", ended.stdout);
    }
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 80), "{}", ended.stdout);
    assert!(ended.stderr.contains("probe 1: "), "{}", ended.stderr);
    let out = folder.path().join("out");
    let read = |path: &str| std::fs::read_to_string(out.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let report: Value = serde_json::from_str(&read("sweep.json")).expect("JSON");
    let capacity = |place: usize| &report["cells"][place]["capacity"]["capacity"];
    let [one, two] = [0, 3].map(|place| capacity(place)["value"].as_f64().expect("a capacity"));
    assert!((1.5..2.7).contains(&(two / one)), "two servers bear about twice as much: {one} {two}");
    assert!(capacity(0)["low"].as_f64() < Some(one) && Some(one) < capacity(0)["high"].as_f64());
    let own: Value = serde_json::from_str(&read("one/default/capacity/capacity.json")).expect("JSON");
    assert_eq!(own["capacity"], *capacity(0));
    assert_eq!(report["cells"][1]["prefill"]["valid"], serde_json::json!([64, 256]));
    assert!(out.join("one/default/prompts/prefill-profile.json").exists());
    assert_eq!(report["cells"][2]["completed"], 200);
    let page = read("report.html");
    assert!(page.contains("Capacity by engine") && page.contains("TTFT by prompt length"));

    let resumed = sweep(&folder, &["--resume"]).with_code(0);
    assert_eq!(resumed.stderr.matches("kept ").count(), 6, "{}", resumed.stderr);
    write(&folder, &SEARCHES.replace("200ms", "150ms").replace("samples: 8", "samples: 9"));
    let changed = sweep(&folder, &["--resume"]).with_code(0);
    assert_eq!(changed.stderr.matches("kept ").count(), 2, "the runs are the same: {}", changed.stderr);
}

#[test]
fn a_search_that_was_cut_off_goes_on_from_its_probes() {
    let folder = Folder::new();
    write(&folder, SEARCHES);
    sweep(&folder, &["--quiet"]).with_code(0);
    let out = folder.path().join("out");
    let path = out.join("one/default/capacity/capacity.json");
    let whole = std::fs::read_to_string(&path).expect("a file");
    let mut cut: Value = serde_json::from_str(&whole).expect("JSON");
    cut["finished"] = false.into();
    cut["probes"].as_array_mut().expect("probes").truncate(1);
    std::fs::write(&path, cut.to_string()).expect("written");
    let resumed = sweep(&folder, &["--resume"]).with_code(0);
    assert!(resumed.stderr.contains("probe 2: ") && !resumed.stderr.contains("probe 1: "), "{}", resumed.stderr);
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), whole);

    // What the last probes of a search saw whose engine died is no part of an answer.
    std::fs::write(&path, cut.to_string()).expect("written");
    let report = out.join("sweep.json");
    let mut swept: Value = serde_json::from_slice(&std::fs::read(&report).expect("read")).expect("JSON");
    swept["cells"][0]["status"] = "failed".into();
    std::fs::write(&report, swept.to_string()).expect("written");
    let resumed = sweep(&folder, &["--resume"]).with_code(0);
    assert!(resumed.stderr.contains("probe 1: "), "{}", resumed.stderr);
}

/// A port that was free a moment ago.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A target whose engine is this very program, under the shell, as a user's engine would be.
fn engine(name: &str, port: u16, script: &str) -> String {
    let program = env!("CARGO_BIN_EXE_metron");
    let script =
        script.replace("ENGINE", &format!("{program} sim 'sim:fixed?ttft=2ms&tbt=1ms&tokens=4' --port {port}"));
    format!(
        "- name: {name}\n  command: \"{script}\"\n  health: http://127.0.0.1:{port}/health\n  url: http://127.0.0.1:{port}\n  model: m\n  start_timeout: 20s\n  stop_grace: 5s\n"
    )
}

#[test]
fn who_answers_before_the_engine_is_started_is_not_measured_in_its_place() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    // It lives as long as this process.
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 1024];
            let _heard = stream.read(&mut head);
            let _said = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    let folder = Folder::new();
    let targets = engine("taken", port, "sleep 1000").replace("stop_grace: 5s", "stop_grace: 1ms");
    write(&folder, &format!("targets:\n{targets}loads: [{{concurrency: 1, requests: 5}}]\n"));
    let ended = sweep(&folder, &[]).with_code(1);
    assert!(ended.stdout.contains("something answers at"), "{}", ended.stdout);
}

#[test]
fn an_engine_is_started_measured_and_gone_afterwards_and_one_that_fails_stops_no_other() {
    let folder = Folder::new();
    let (good, bad) = (port(), port());
    let targets =
        [engine("bad", bad, "echo loading; echo no such model >&2; exit 7"), engine("good", good, "ENGINE & wait")];
    // With the model's own tokenizer named, what the template adds is measured, and kept in the run's configuration.
    let defaults = "defaults: {tokenizer: cl100k_base}";
    write(&folder, &format!("{defaults}\ntargets:\n{}loads: [{{concurrency: 1, requests: 5}}]\n", targets.concat()));
    let ended = sweep(&folder, &[]).with_code(1);
    assert!(ended.stdout.contains("failed: bad, default, concurrency-1-requests-5"), "{}", ended.stdout);
    assert!(ended.stdout.contains("exit status: 7") && ended.stdout.contains("| no such model"), "{}", ended.stdout);
    let report: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("out/sweep.json")).expect("read")).expect("JSON");
    assert_eq!(report["cells"][1]["status"], "done", "{}", ended.stdout);
    assert_eq!(report["cells"][1]["completed"], 5);
    assert_eq!(report["targets"][1]["log"], "good/engine.log");
    let log = std::fs::read_to_string(folder.path().join("out/good/engine.log")).expect("a log");
    assert!(log.contains("serving sim:fixed"), "{log}");
    TcpStream::connect(("127.0.0.1", good)).expect_err("the engine is gone");
    let config = std::fs::read_to_string(folder.path().join("out/good/default/concurrency-1-requests-5/config.yaml"));
    assert!(config.expect("a configuration").contains("template_tokens: "));
    let again = sweep(&folder, &["--resume"]).with_code(1);
    assert_eq!(again.stderr.matches("kept ").count(), 1, "what failed is tried again: {}", again.stderr);
}

#[test]
fn an_interrupt_ends_the_engine_too_and_what_was_begun_is_measured_again() {
    let folder = Folder::new();
    let port = port();
    let target = engine("slow", port, "ENGINE & wait");
    write(
        &folder,
        &format!(
            "targets:\n{target}loads: [{{name: long, concurrency: 1, requests: 100000}}, {{name: next, requests: 5}}]\n"
        ),
    );
    let mut command = folder.command(["sweep", "sweep.yaml", "--output", "out"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let journal = folder.path().join("out/slow/default/long/journal.arrows");
    while !journal.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    let ended = Ended::of(child.wait_with_output().expect("it ends")).with_code(130);
    TcpStream::connect(("127.0.0.1", port)).expect_err("the engine is gone");
    let report: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("out/sweep.json")).expect("read")).expect("JSON");
    assert_eq!(
        (&report["cells"][0]["status"], &report["cells"][1]["status"]),
        (&"interrupted".into(), &"pending".into()),
        "{}",
        ended.stderr
    );
    assert!(folder.path().join("out/slow/default/long/summary.json").exists(), "what was measured is written");
}

#[test]
fn an_engine_that_does_not_start_is_started_once_and_told_once() {
    let folder = Folder::new();
    let target = engine("bad", port(), "echo no such model; exit 7");
    write(&folder, &format!("targets:\n{target}loads: [{{concurrency: 1}}, {{concurrency: 2}}, {{concurrency: 4}}]\n"));
    let ended = sweep(&folder, &[]).with_code(1);
    assert_eq!(ended.stderr.matches("starting the engine").count(), 1, "{}", ended.stderr);
    assert_eq!(
        ended.stdout.matches("failed: bad, default, concurrency-1, and 2 more cells: ").count(),
        1,
        "{}",
        ended.stdout
    );
    assert_eq!(ended.stdout.matches("| no such model").count(), 1, "{}", ended.stdout);
    sweep(&folder, &["--resume"]).with_code(1);
    let report = std::fs::read_to_string(folder.path().join("out/sweep.json")).expect("read");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["cells"][0]["log_tail"], serde_json::json!(["no such model"]), "what it said this time");
}

#[test]
fn the_engine_of_a_sweep_that_is_killed_ends_too_and_the_sweep_goes_on() {
    let folder = Folder::new();
    let port = port();
    let target = engine("left", port, "ENGINE & wait");
    let yaml = format!("targets:\n{target}loads: [{{name: long, concurrency: 1, requests: 100000}}]\n");
    write(&folder, &yaml);
    let mut command = folder.command(["sweep", "sweep.yaml", "--output", "out"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    while !folder.path().join("out/left/default/long/journal.arrows").exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), Signal::KILL).expect("it runs");
    child.wait().expect("it ended");
    write(&folder, &yaml.replace("100000", "5"));
    sweep(&folder, &["--resume"]).with_code(0);
    TcpStream::connect(("127.0.0.1", port)).expect_err("the engine is gone");
}

#[track_caller]
fn check_file(yaml: &str, message: &str, hint: &str) {
    let folder = Folder::new();
    write(&folder, yaml);
    let ended = sweep(&folder, &[]).with_code(2);
    assert_eq!(ended.stderr, format!("error: {message}\n  hint: {hint}\n"));
    assert_eq!(folder.files().len(), 1, "nothing was written");
}

#[test]
fn a_file_is_refused_with_its_line_before_anything_starts() {
    check_file("target: []\n", "sweep.yaml, line 1: unknown key `target`", "targets:");
    check_file("name: x\n", "sweep.yaml has no targets", "targets: [{name: a, url: sim:}]");
    check_file(
        "targets: [{name: a, url: 'sim:'}]\nloads:\n- {concurency: 3}\n",
        "sweep.yaml, line 3: unknown key `concurency`",
        "concurrency:",
    );
    check_file(
        "targets:\n- name: a\n  url: 'sim:'\n  tbt_deadline: 30\n",
        "sweep.yaml, line 4: tbt_deadline: duration `30` has no unit",
        "tbt_deadline: 30s",
    );
    check_file(
        "targets:\n- name: a\n  url: 'http://127.0.0.1:1'\n  command: [engine]\n",
        "sweep.yaml, line 4: command: it needs a health URL, which answers once the engine is ready",
        "health: http://127.0.0.1:8080/health",
    );
    check_file(
        "targets:\n- name: a\n  url: 'http://127.0.0.1:1'\n  comand: [engine]\n",
        "sweep.yaml, line 4: unknown key `comand`",
        "command:",
    );
    check_file(
        "targets: [{name: a, url: 'sim:'}, {name: a, url: 'sim:'}]\n",
        "sweep.yaml, line 1: name: the name `a` stands twice",
        "name: a-2",
    );
    check_file(
        "targets: [{name: a, url: 'sim:', output: x}]\n",
        "sweep.yaml, line 1: `output` cannot be set here: the sweep says what goes where",
        "remove output:",
    );
    check_file(
        "targets: [{name: a}]\nloads: [{rate: 2}]\n",
        "sweep.yaml, cell a, default, rate-2: no target: --url is missing",
        "metron run --url sim:",
    );
    check_file(
        "targets: [{name: a, url: 'sim:'}]\nloads: [{rate: 2, concurrency: 4}]\n",
        "sweep.yaml, cell a, default, rate-2-concurrency-4: --rate: a rate and a number of users contradict each other",
        "--rate 4 --max-in-flight 64",
    );
}
