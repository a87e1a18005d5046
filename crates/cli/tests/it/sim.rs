//! `metron sim`: a server that another process measures, until it is interrupted.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::metron::{Ended, Folder};

#[test]
fn the_simulated_engine_serves_until_it_is_interrupted() {
    let folder = Folder::new();
    let arguments = ["sim", "sim:fixed?ttft=5ms&tbt=1ms&tokens=4", "--port", "0", "--log", "truth.log"];
    let mut child = folder.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    let mut url = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut url).expect("the first line is the address");
    assert!(url.starts_with("http://127.0.0.1:"), "{url}: it is not to be reached from elsewhere");
    let run =
        ["run", "--url", url.trim(), "--requests", "6", "--concurrency", "2", "--output", "out", "--json", "--quiet"];
    let summary = folder.metron(run).with_code(0).json();
    assert_eq!(summary["tokens"]["output"], 24);
    kill_process(Pid::from_child(&child), Signal::INT).expect("it still runs");
    let ended = Ended::of(child.wait_with_output().expect("it ends")).with_code(0);
    assert!(ended.stderr.contains("served 6 requests") && ended.stderr.contains("24 tokens"), "{}", ended.stderr);
    let truth = std::fs::read(folder.path().join("truth.log")).expect("the log");
    let (head, records) = truth.split_at(32);
    assert!(head.starts_with(b"metron-truth/1"));
    let tokens = records.chunks_exact(32).filter(|record| record[30] == 2).count();
    assert_eq!(tokens, 24, "every token's instant is kept");
}

#[test]
fn a_port_that_is_taken_is_1_and_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let ended = Folder::new().metron(["sim", "--port", &port]).with_code(1);
    assert!(ended.stderr.contains(&port) && ended.stderr.contains("--port 0"), "{}", ended.stderr);
}

#[test]
fn a_run_in_virtual_time_leaves_what_every_run_leaves_and_waits_for_nothing() {
    let folder = Folder::new();
    // An hour of load, and more.
    let run = ["run", "--url", "sim:sarathi", "--virtual-time", "--rate", "0.1", "--requests", "400", "--quiet"];
    let summary = folder.metron(run.iter().chain(&["--output", "one", "--json"])).with_code(0).json();
    assert!(summary["run"]["duration_s"].as_f64().expect("a duration") > 3_600.0);
    assert_eq!((&summary["requests"]["completed"], &summary["instrument"]), (&400.into(), &serde_json::Value::Null));
    for file in ["summary.json", "report.html"] {
        assert!(folder.path().join("one").join(file).exists(), "{file}");
    }
    folder.metron(["run", "--config", "one/config.yaml", "--output", "two", "--quiet"]).with_code(0);
    let rows = |of: &str| std::fs::read(folder.path().join(of).join("requests.parquet")).expect("rows");
    assert!(rows("one") == rows("two"));
}
