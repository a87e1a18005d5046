//! Ctrl-C: once drains, twice ends now; the results are written either way.

use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::metron::{Ended, Folder};

/// A run of the simulated engine that would go on for minutes.
fn start(folder: &Folder, engine: &str) -> Child {
    let arguments = [
        "run",
        "--url",
        engine,
        "--requests",
        "100000",
        "--concurrency",
        "2",
        "--output",
        "out",
        "--json",
        "--output-tokens",
        "64",
    ];
    let child = folder.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    // The journal begins with a head, and grows once requests have come back: the run is then in its middle.
    let journal = folder.path().join("out/journal.arrows");
    let length = || std::fs::metadata(&journal).map_or(0, |file| file.len());
    let mut head = 0;
    while head == 0 || length() <= head {
        head = if head == 0 { length() } else { head };
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

fn interrupt(child: &Child, signal: Signal) {
    let id = Pid::from_child(child);
    kill_process(id, signal).expect("the program is still running");
}

fn end(child: Child) -> Ended {
    Ended::of(child.wait_with_output().expect("it ends"))
}

#[track_caller]
fn assert_all_written(folder: &Folder, ended: Ended) {
    let summary = ended.with_code(130).json();
    let count = |name: &str| summary["requests"][name].as_u64().expect("a count");
    assert_eq!(count("planned"), count("dispatched") + count("not_sent"));
    assert_eq!(count("dispatched"), count("completed") + count("failed") + count("cancelled"));
    for file in ["summary.json", "requests.parquet", "report.html", "config.yaml"] {
        assert!(folder.path().join("out").join(file).exists(), "{file}");
    }
    assert!(!folder.path().join("out/journal.arrows").exists(), "the journal is there only while running");
}

#[test]
fn once_drains_and_writes_everything() {
    for signal in [Signal::INT, Signal::TERM] {
        let folder = Folder::new();
        let child = start(&folder, "sim:fixed?ttft=20ms&tbt=1ms&tokens=8");
        interrupt(&child, signal);
        let ended = end(child);
        let cancelled = ended.json()["requests"]["cancelled"].clone();
        assert_eq!(cancelled, 0, "what is in flight is awaited");
        assert_all_written(&folder, ended);
    }
}

#[test]
fn twice_ends_now_and_still_writes() {
    let folder = Folder::new();
    // Eight quick tokens, then silence for longer than anyone waits.
    let child = start(&folder, "sim:fixed?ttft=5ms&tbt=1ms&tokens=64&stall-every=32&stall=200ms");
    interrupt(&child, Signal::INT);
    interrupt(&child, Signal::INT);
    // Two equal signals may be taken as one by the kernel: insist.
    let mut child = child;
    while child.try_wait().expect("it can be asked").is_none() {
        let _it_may_just_have_ended = kill_process(Pid::from_child(&child), Signal::INT);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_all_written(&folder, end(child));
}

#[test]
fn a_reader_that_goes_away_loses_no_file() {
    let folder = Folder::new();
    let arguments =
        ["run", "--url", "sim:fixed?ttft=1ms&tbt=1ms&tokens=2", "--requests", "5", "--output", "out", "--json"];
    let mut child = folder.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    drop(child.stdout.take());
    let ended = end(child).with_code(0);
    assert!(!ended.stderr.contains("error:") && !ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert!(folder.path().join("out/summary.json").exists());
}

#[test]
fn a_killed_run_is_finished_by_recover() {
    let folder = Folder::new();
    let child = start(&folder, "sim:fixed?ttft=5ms&tbt=1ms&tokens=4");
    interrupt(&child, Signal::KILL);
    end(child);
    let refused = folder.metron(["report", "out"]).with_code(1);
    assert!(refused.stderr.contains("hint: metron recover 'out'"), "{}", refused.stderr);
    let recovered = folder.metron(["recover", "out"]).with_code(0);
    assert!(recovered.stdout.contains("TTFT") && recovered.stderr.contains("recovered"), "{}", recovered.stderr);
    let summary = std::fs::read_to_string(folder.path().join("out/summary.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
    assert!(summary["requests"]["completed"].as_u64() > Some(0));
    assert_eq!(summary["instrument"], serde_json::Value::Null, "nobody watched the client");
    assert!(folder.path().join("out/report.html").exists());
    let again = folder.metron(["recover", "out"]).with_code(0);
    assert!(again.stderr.contains("finished already"), "{}", again.stderr);
    assert_eq!(again.stdout, recovered.stdout);
}

#[test]
fn before_the_first_request_there_is_nothing_to_write() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let folder = Folder::new();
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let mut command = folder.command(["run", "--url", &url, "--output", "out"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    // It asks for the models, and gets no answer.
    let _asking = silent.accept().expect("a connection");
    interrupt(&child, Signal::INT);
    let ended = end(child).with_code(130);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("interrupted"), "{}", ended.stderr);
    assert!(folder.files().is_empty(), "{:?}", folder.files());
}
