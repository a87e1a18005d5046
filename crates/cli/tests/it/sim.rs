//! `metron sim`: a server that another process measures, until it is interrupted.

use metron_results::rows::read_rows;
use metron_results::timeline::{Iteration, for_each_iteration};

use crate::engine::Engine;
use crate::metron::Folder;

fn iterations(path: &std::path::Path) -> Vec<Iteration> {
    let mut iterations = Vec::new();
    for_each_iteration(path, |iteration| iterations.push(*iteration)).expect("a timeline");
    iterations
}

/// What iterations computed is what requests brought and were given; `folder` holds a run in which nobody was preempted.
fn check_sums(folder: &std::path::Path) -> usize {
    let iterations = iterations(&folder.join("engine.parquet"));
    let rows = read_rows(&folder.join("requests.parquet")).expect("rows").map(|row| row.expect("a row"));
    let (mut prompts, mut tokens) = (0, 0);
    for row in rows {
        prompts += row.input_tokens.get();
        tokens += row.output_tokens.get();
    }
    let sum = |of: fn(&Iteration) -> u64| iterations.iter().map(of).sum::<u64>();
    assert_eq!(sum(|iteration| iteration.preemptions.into()), 0);
    assert_eq!(sum(|iteration| iteration.prefill.get()), prompts);
    assert_eq!(sum(|iteration| iteration.given.into()), tokens);
    assert!(
        iterations
            .iter()
            .all(|iteration| iteration.decoding <= iteration.given && iteration.given <= iteration.sequences)
    );
    assert!(iterations.windows(2).all(|pair| pair[0].start + pair[0].duration <= pair[1].start), "one at a time");
    iterations.len()
}

#[test]
fn the_simulated_engine_serves_until_it_is_interrupted() {
    let folder = Folder::new();
    let engine = Engine::start(&folder, &["sim:fixed?ttft=5ms&tbt=1ms&tokens=4", "--log", "truth.log"]);
    let url = engine.url();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}: it is not to be reached from elsewhere");
    let run = ["run", "--url", url, "--requests", "6", "--concurrency", "2", "--output", "out", "--json", "--quiet"];
    let summary = folder.metron(run).with_code(0).json();
    assert_eq!(summary["tokens"]["output"], 24);
    let ended = engine.interrupted().with_code(0);
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
    for file in ["requests.parquet", "engine.parquet"] {
        let bytes = |of: &str| std::fs::read(folder.path().join(of).join(file)).expect("a file of the run");
        assert!(bytes("one") == bytes("two"), "{file}");
    }
    assert!(check_sums(&folder.path().join("one")) > 1_000);
    let page = std::fs::read_to_string(folder.path().join("one/report.html")).expect("a page");
    assert!(page.contains("The simulated engine") && page.contains("How much of the KV memory is in use"));
}

#[test]
fn a_queue_that_grows_is_told_where_the_load_was_to_stay_the_same() {
    let folder = Folder::new();
    let told = |load: &[&str]| {
        let run = [
            "run",
            "--url",
            "sim:queue?service=100ms",
            "--virtual-time",
            "--requests",
            "200",
            "--output",
            "out",
            "--force",
        ];
        let ended = folder.metron(run.iter().chain(load)).with_code(0);
        let summary = std::fs::read_to_string(folder.path().join("out/summary.json")).expect("a summary");
        let summary: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
        (
            ended.stderr.contains("TTFT rose over the run") || ended.stdout.contains("TTFT rose over the run"),
            summary["ttft_trend"].clone(),
        )
    };
    // At twice what one server gets through, request k (from 1) waits 50 ms longer than the one before it.
    let (warned, trend) = told(&["--rate", "20", "--arrivals", "constant"]);
    assert!(warned);
    let both = ["early", "late"].map(|part| trend[part].as_f64().expect("a median"));
    assert!((both[0] - 1.75).abs() < 0.01 && (both[1] - 8.45).abs() < 0.11, "{both:?}");
    let (warned, trend) = told(&["--rate", "5", "--arrivals", "constant"]);
    assert!(!warned && trend.is_null());
    let (warned, trend) = told(&["--arrivals", "ramp:20s@10..20"]);
    assert!(!warned && trend.is_object(), "the load was to change: {trend}");
}

#[test]
fn a_run_over_the_socket_keeps_its_engines_iterations_on_its_own_axis() {
    let folder = Folder::new();
    let url = "sim:vllm-v1?cost=linear:2000000,0,0";
    let run = ["run", "--url", url, "--requests", "12", "--concurrency", "3", "--input-tokens", "40"];
    let rest = ["--output-tokens", "6", "--output", "out", "--json", "--quiet"];
    let summary = folder.metron(run.iter().chain(&rest)).that_ran().json();
    assert_eq!(summary["requests"]["completed"], 12);
    assert!(check_sums(&folder.path().join("out")) >= 4 * 6);
    let (first, last) = {
        let iterations = iterations(&folder.path().join("out/engine.parquet"));
        (iterations[0].start, *iterations.last().expect("iterations"))
    };
    let rows = read_rows(&folder.path().join("out/requests.parquet")).expect("rows").map(|row| row.expect("a row"));
    let (dispatched, finished): (Vec<_>, Vec<_>) =
        rows.map(|row| (row.dispatched.expect("sent"), row.finished.expect("answered"))).unzip();
    // Two clocks are read one after the other, and a busy machine may take its time between.
    let slack = metron_units::Nanos::from_secs(1);
    assert!(first + slack >= dispatched.into_iter().min().expect("rows"));
    assert!(last.start + last.duration <= finished.into_iter().max().expect("rows") + slack);
    let fixed = ["run", "--url", "sim:fixed?ttft=1ms&tbt=1ms", "--requests", "2", "--output", "fixed", "--quiet"];
    folder.metron(fixed).that_ran();
    assert!(!folder.path().join("fixed/engine.parquet").exists(), "a script has no iterations");
}

#[test]
fn what_prompts_share_is_found_over_the_socket_and_in_virtual_time_alike() {
    let folder = Folder::new();
    let url = "sim:vllm-v1?cost=linear:1000000,0,0&prefix-caching=true";
    // One at a time: what is in the cache is then no matter of time.
    let run = ["run", "--url", url, "--concurrency", "1", "--output-tokens", "20", "--quiet"];
    // Blocks of 40 tokens beside the engine's of 16: a block of one may end within one of the other.
    let traced = ["[1, 2, 3]", "[1, 2, 4]", "[1, 5, 3]", "[1, 2, 3]", "[6]", "[6, 2]"].map(|ids| {
        format!("{{\"timestamp\": 0, \"input_length\": 110, \"output_length\": 20, \"hash_ids\": {ids}}}\n")
    });
    std::fs::write(folder.path().join("named.jsonl"), traced.concat()).expect("written");
    // Names that hold within a conversation, whose sub-agent begins as it did: each turn has more of them, and two talks have none in common.
    let talk = |id: &str| {
        let turn = |t: u32, input: u32, ids: &str| {
            format!("{{\"t\": {t}, \"in\": {input}, \"out\": 20, \"hash_ids\": {ids}}}")
        };
        let of_agent = format!("{{\"t\": 1, \"type\": \"subagent\", \"requests\": [{}]}}", turn(0, 130, "[1, 2, 9]"));
        let turns = [turn(0, 110, "[1, 2]"), of_agent, turn(2, 250, "[1, 2, 3, 4]")].join(", ");
        format!("{{\"id\": \"{id}\", \"block_size\": 64, \"requests\": [{turns}]}}\n")
    };
    std::fs::write(folder.path().join("talks.jsonl"), talk("a") + &talk("b")).expect("written");
    for (name, plan) in [
        ("blocks", "--trace named.jsonl --trace-format mooncake --trace-block 40"),
        ("talks", "--trace talks.jsonl"),
        ("talks-without-sessions", "--trace talks.jsonl --answers recorded"),
        ("groups", "--requests 12 --input-tokens uniform:70..120 --prefix groups:3,64"),
        ("sessions", "--requests 12 --input-tokens uniform:20..50 --turns 4"),
        // A session that begins as one before it did; what its later turns share lies behind words of their own.
        ("groups-of-sessions", "--requests 16 --input-tokens uniform:70..120 --prefix groups:2,64 --turns 3"),
    ] {
        let prefilled = |time: &str| {
            let out = format!("{name}-{time}");
            let rest = ["--output", &out];
            let virtual_time = (time == "virtual").then_some("--virtual-time");
            folder.metron(run.iter().copied().chain(plan.split(' ')).chain(rest).chain(virtual_time)).that_ran();
            let rows = read_rows(&folder.path().join(&out).join("requests.parquet")).expect("rows");
            let prompts: u64 = rows.map(|row| row.expect("a row").input_tokens.get()).sum();
            let iterations = iterations(&folder.path().join(&out).join("engine.parquet"));
            (prompts, iterations.iter().map(|iteration| iteration.prefill.get()).sum::<u64>())
        };
        let (prompts, computed) = prefilled("socket");
        assert!(computed < prompts, "{name}: {computed} of {prompts}");
        assert_eq!(prefilled("virtual"), (prompts, computed), "{name}");
    }
}

#[test]
fn the_server_writes_its_timeline_when_it_is_interrupted() {
    let folder = Folder::new();
    let engine = Engine::start(&folder, &["sim:vllm?cost=linear:1000000,0,0", "--timeline", "engine.parquet"]);
    let run = ["run", "--url", engine.url(), "--requests", "3", "--output-tokens", "4", "--output", "out", "--quiet"];
    folder.metron(run).that_ran();
    engine.interrupted().with_code(0);
    let given: u32 = iterations(&folder.path().join("engine.parquet")).iter().map(|iteration| iteration.given).sum();
    assert_eq!(given, 12);
    let refused = folder.metron(["sim", "sim:fixed", "--port", "0", "--timeline", "other.parquet"]).with_code(2);
    assert!(refused.stderr.contains("`fixed` has no iterations"), "{}", refused.stderr);
    let nowhere = folder.metron(["sim", "--port", "0", "--timeline", "not-there/x.parquet"]).with_code(1);
    assert!(nowhere.stderr.contains("not-there/x.parquet"), "{}", nowhere.stderr);
}
