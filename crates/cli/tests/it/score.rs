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

/// What takes 50 ms and a tenth of a millisecond a token, from 100 to 1,000 tokens.
const PROFILE: &str = r#"{ "schema": "metron.prefill_profile/1", "points": [],
    "fit": { "kind": "linear", "coefficients": [0.05, 0.0001], "max_relative_error": 0.01 }, "valid": [100, 1000] }"#;

#[test]
fn a_prefill_profile_gives_each_prompt_the_deadline_of_its_length_and_none_to_a_length_that_was_not_measured() {
    let folder = Folder::new();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("profile.json", PROFILE);
    let scored = |lines: &str, more: &[&str]| {
        write("times.jsonl", lines);
        let base = ["score", "times.jsonl", "--tbt-deadline", "20ms", "--prefill-profile", "profile.json", "--json"];
        folder.metron(base.iter().chain(more))
    };
    // 60 ms for 100 tokens and 150 ms for 1,000; an own deadline of 70 ms outranks the profile.
    let lines = "{\"inter_token_ns\": [61000000], \"prompt_tokens\": 100}\n\
        {\"inter_token_ns\": [61000000], \"prompt_tokens\": 1000}\n\
        {\"inter_token_ns\": [61000000], \"ttft_deadline_ns\": 70000000}\n";
    let missed = |report: serde_json::Value| {
        [0, 1, 2].map(|k| report["requests"][k]["missed"].as_u64().expect("an answer with a token"))
    };
    assert_eq!(missed(scored(lines, &[]).with_code(0).json()), [1, 0, 0]);
    assert_eq!(missed(scored(lines, &["--ttft-slack", "1ms"]).with_code(0).json()), [0, 0, 0]);

    let refused = |lines: &str, more: &[&str], words: [&str; 2]| {
        let ended = scored(lines, more).with_code(2);
        assert!(words.iter().all(|word| ended.stderr.contains(word)), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    };
    let long = "{\"name\": \"long\", \"inter_token_ns\": [61000000], \"prompt_tokens\": 1001}\n";
    refused(long, &[], ["request long: the prefill profile was measured from 100 to 1000", "hint: metron prefill"]);
    refused("{\"inter_token_ns\": [61000000]}\n", &[], ["how long its prompt was", "hint: --ttft-deadline"]);
    refused(lines, &["--ttft-deadline", "1s"], ["--ttft-deadline", "--prefill-profile"]);
    let slack = folder.metron(["score", "times.jsonl", "--ttft-slack", "1ms"]).with_code(2);
    assert!(slack.stderr.contains("--prefill-profile"), "{}", slack.stderr);
    let none = folder.metron(["score", "times.jsonl", "--prefill-profile", "times.jsonl"]).with_code(2);
    assert!(none.stderr.contains("no prefill profile"), "{}", none.stderr);
}

#[test]
fn a_run_that_was_held_to_a_profile_scores_and_compares_by_it_as_it_was_measured() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("profile.json"), PROFILE).expect("written");
    let held = ["--prefill-profile", "profile.json", "--ttft-slack", "3ms"];
    let run = [
        "run",
        "--url",
        "sim:fixed?ttft=100ms&tbt=20ms&tokens=4",
        "--virtual-time",
        "--input-tokens",
        "uniform:120..900",
        "--tbt-deadline",
        "20ms",
        "--output",
        "out",
        "--json",
        "--quiet",
    ];
    let summary = folder.metron(run.iter().chain(&held)).with_code(0).json();
    let plain: Vec<&str> = run.iter().map(|word| if *word == "out" { "plain" } else { word }).collect();
    folder.metron(plain).with_code(0);
    let miss_rate = |json: &serde_json::Value| json["metrics"]["deadline_miss_rate"]["value"].clone();
    assert!(miss_rate(&summary).as_f64() > Some(0.05), "100 ms are late for short prompts: {}", miss_rate(&summary));
    let again = folder.metron(["score", "plain", "--json"].iter().chain(&held)).with_code(0).json();
    assert_eq!(miss_rate(&again), miss_rate(&summary));
    let compared = folder.metron(["compare", "out", "plain", "--json"].iter().chain(&held)).with_code(0).json();
    let statistic = &compared["comparisons"][0]["metrics"]["deadline_miss_rate"]["statistics"]["value"];
    assert_eq!((&statistic["baseline"], &statistic["value"]), (&miss_rate(&summary), &miss_rate(&summary)));
}
