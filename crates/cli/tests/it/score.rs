//! `metron score`: deadlines of recorded token times, worked by hand.

use crate::metron::Folder;

/// Deadlines of 100 ms and 20 ms, unless a line says otherwise.
const LINES: &str = "\
{\"name\": \"on time\", \"inter_token_ns\": [100000000, 20000000, 20000000]}
{\"name\": \"saved early\", \"inter_token_ns\": [100000000, 10000000, 30000000]}
{\"name\": \"one late\", \"inter_token_ns\": [100000000, 10000000, 31000000]}
{\"name\": \"long stall\", \"inter_token_ns\": [100000000, 95000000]}
{\"name\": \"times\", \"sent_s\": 1.0, \"token_times_s\": [1.1, 1.12, 1.14]}
{\"name\": \"its own deadline\", \"inter_token_ns\": [100000000, 20000000], \"tbt_deadline_ns\": 10000000}
{\"name\": \"no token\", \"inter_token_ns\": []}
";

fn score(folder: &Folder, more: &[&str]) -> crate::metron::Ended {
    std::fs::write(folder.path().join("times.jsonl"), LINES).expect("written");
    let base = ["score", "times.jsonl", "--ttft-deadline", "100ms", "--tbt-deadline", "20ms"];
    folder.metron(base.iter().chain(more)).with_code(0)
}

#[test]
fn slack_is_saved_and_every_overrun_period_is_missed() {
    let report = score(&Folder::new(), &["--json"]).json();
    assert_eq!(report["schema"], "metron.score/1");
    let row = |k: usize| {
        let request = &report["requests"][k];
        (request["name"].as_str().expect("a name"), request["missed"].as_u64(), request["total"].as_u64())
    };
    assert_eq!(row(0), ("on time", Some(0), Some(3)));
    assert_eq!(row(1), ("saved early", Some(0), Some(3)));
    assert_eq!(row(2), ("one late", Some(1), Some(3)));
    // 95 ms where 20 were allowed: (95 - 20) / 20 + 1 = 4 deadlines went by.
    assert_eq!(row(3), ("long stall", Some(4), Some(5)));
    assert_eq!(row(4), ("times", Some(0), Some(3)));
    // 20 ms where 10 were allowed: (20 - 10) / 10 + 1 = 2.
    assert_eq!(row(5), ("its own deadline", Some(2), Some(3)));
    assert_eq!(row(6), ("no token", None, None));
    assert_eq!(report["requests"][6]["fluidity_index"], 0.0);
    assert_eq!(report["requests"][3]["fluidity_index"], 0.2);
}

#[test]
fn the_table_shows_what_was_scored() {
    let shown = score(&Folder::new(), &[]).stdout;
    insta::assert_snapshot!("score_table", shown);
}

#[test]
fn a_run_scores_as_it_was_measured() {
    let folder = Folder::new();
    let engine = "sim:fixed?ttft=5ms&tbt=2ms&tokens=6";
    let arguments = ["run", "--url", engine, "--requests", "5", "--output", "out", "--json", "--quiet"];
    let summary = folder.metron(arguments).with_code(0).json();
    let report = folder.metron(["score", "out", "--json"]).with_code(0).json();
    assert_eq!(report["requests"].as_array().map(Vec::len), Some(5));
    let miss_rate = |json: &serde_json::Value| json["metrics"]["deadline_miss_rate"]["value"].as_f64();
    assert_eq!(miss_rate(&report), miss_rate(&summary));
}

#[test]
fn a_file_that_cannot_be_scored_is_refused_with_the_reason() {
    let folder = Folder::new();
    for (name, text) in
        [("empty.jsonl", ""), ("words.txt", "hello\n"), ("cut.jsonl", "{\"inter_token_ns\": [1,"), ("none.jsonl", "")]
    {
        if name != "none.jsonl" {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        let ended = folder.metron(["score", name]);
        assert!(matches!(ended.code, Some(1 | 2)), "{name}: {ended:?}");
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains(name), "{name}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{name}");
    }
}
