//! `metron workload`: traces looked at, converted, previewed and saved, and plans that are the same again.

use serde_json::{Value, json};

use crate::metron::{Ended, Folder};

const HASHED: &str = "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [0, 41]}\n\
                      {\"timestamp\": 30, \"input_length\": 1300, \"output_length\": 77, \"hash_ids\": [0, 41, 42]}\n\
                      {\"timestamp\": 30.1234, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [0, 7]}\n";
const TALKS: &str = "[{\"id\": \"x\", \"conversations\": [{\"from\": \"human\", \"value\": \"Hi\"}, {\"from\": \"gpt\", \
                     \"value\": \"Hello.\"}, {\"from\": \"human\", \"value\": \"Bye\"}]}]";
const BODIES: &str = "{\"custom_id\": \"a\", \"url\": \"/v1/chat/completions\", \"body\": {\"model\": \"m\", \
                      \"temperature\": 0.5, \"max_tokens\": 7, \"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}}\n";
const OFFERED: &str =
    "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}], \"tools\": [{\"type\": \"function\"}]}\n";

fn folder() -> Folder {
    let folder = Folder::new();
    for (name, text) in [("hashed", HASHED), ("talks", TALKS), ("bodies", BODIES), ("offered", OFFERED)] {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

fn workload(folder: &Folder, arguments: &[&str]) -> Ended {
    folder.metron([&["workload"], arguments].concat())
}

/// Loads of every kind, each with what replays its saved plan.
const LOADS: [(&[&str], &[&str]); 9] = [
    (&["--rate", "10", "--input-tokens", "uniform:1..50"], &[]),
    (
        &["--rate", "10", "--arrivals", "gamma:0.5", "--prefix", "groups:3,20,1", "--warmup-requests", "5"],
        &["--warmup-requests", "5"],
    ),
    (&["--arrivals", "cycle:1s@5,2s@50", "--lengths", "bilognormal:40,0.5,20,0.7,0.6"], &[]),
    (&["--rate", "20", "--arrivals", "onoff:1s,2s", "--prefix-cache", "warm"], &[]),
    (&["--concurrency", "4", "--output-tokens", "lognormal:128,0.8"], &["--concurrency", "4"]),
    (&["--trace", "hashed", "--speed", "3"], &[]),
    (&["--dataset", "talks", "--rate", "5", "--requests", "5"], &[]),
    (&["--dataset", "bodies", "--concurrency", "1", "--requests", "2"], &["--concurrency", "1"]),
    (&["--dataset", "offered", "--concurrency", "1", "--requests", "2"], &["--concurrency", "1"]),
];

/// Saves a plan, and gives what is said of it: how many requests, and their digest.
fn saved(folder: &Folder, out: &str, more: &[&str]) -> String {
    let ended = workload(folder, &[&["save", "--seed", "42", "--out", out], more].concat()).with_code(0);
    ended.stdout.trim().to_owned()
}

#[test]
fn plans_are_the_ones_of_every_release() {
    let folder = folder();
    let digests: Vec<String> = LOADS
        .iter()
        .enumerate()
        .map(|(k, (load, _))| format!("{}\n    {}", load.join(" "), saved(&folder, &k.to_string(), load)))
        .collect();
    insta::assert_snapshot!("plan_digests", digests.join("\n"));
}

#[test]
fn a_saved_plan_is_the_same_plan_again() {
    let folder = folder();
    for (load, replayed) in LOADS {
        for without in [&[][..], &["--without-prompts"]] {
            let first = saved(&folder, "plan", &[load, without, &["--force"]].concat());
            let again = saved(&folder, "again", &[&["--trace", "plan"], replayed, without, &["--force"]].concat());
            assert_eq!(again, first, "{load:?} {without:?}");
            let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a plan");
            assert!(text("again") == text("plan"), "{load:?} {without:?}");
        }
    }
}

#[test]
fn a_plan_that_only_the_clock_ends_is_not_saved() {
    let folder = Folder::new();
    let ended = workload(&folder, &["save", "--out", "plan", "--duration", "5s"]).with_code(2);
    assert!(ended.stderr.contains("no end of its own") && ended.stderr.contains("--requests 100"), "{}", ended.stderr);
    assert!(folder.files().is_empty());
}

#[test]
fn images_that_a_trace_counts_are_in_its_bodies() {
    let folder = folder();
    let trace = "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n\
                 2025-05-11 07:00:00.004210+00:00,2,30,4\n2025-05-11 07:00:00.104210+00:00,0,20,4\n";
    std::fs::write(folder.path().join("pictured"), trace).expect("written");
    let shown = workload(&folder, &["preview", "--trace", "pictured", "--json", "--bodies"]).with_code(0).json();
    let images = |k: usize| shown["requests"][k]["body"].to_string().matches("data:image/png").count();
    assert_eq!((images(0), images(1)), (2, 0));
    let sized = ["preview", "--trace", "pictured", "--image-size", "16x8", "--json", "--bodies"];
    let body = workload(&folder, &sized).with_code(0).json()["requests"][0]["body"].to_string();
    // The header of a PNG file of 16 by 8 pixels.
    assert_eq!(body.matches("base64,iVBORw0KGgoAAAANSUhEUgAAABAAAAAI").count(), 2, "{body}");
    let first = saved(&folder, "plan", &["--trace", "pictured"]);
    assert_eq!(saved(&folder, "again", &["--trace", "plan"]), first, "the images are in the plan");
    let spoken = |more: &[&str]| {
        let url = ["preview", "--trace", "pictured", "--url", "http://nobody.invalid/v1/completions"];
        workload(&folder, &[&url[..], more].concat())
    };
    let ended = spoken(&[]).with_code(2);
    assert!(ended.stderr.contains("cannot carry the images that the file has"), "{}", ended.stderr);
    spoken(&["--trace-format", "azure"]).with_code(0);
}

#[test]
fn images_that_a_trace_shows_are_sent_once() {
    let folder = folder();
    let trace = "{\"timestamp\": 0, \"text\": \"What is this?\", \"image\": \"https://images.invalid/a.png\", \"output_length\": 4}\n";
    std::fs::write(folder.path().join("pictured"), trace).expect("written");
    let shown = workload(&folder, &["preview", "--trace", "pictured", "--json", "--bodies"]).with_code(0).json();
    let messages = &shown["requests"][0]["body"]["messages"];
    assert_eq!(messages.as_array().map(Vec::len), Some(1), "{messages}");
    assert_eq!(messages[0]["content"][1]["image_url"]["url"], "https://images.invalid/a.png");
    let url = ["preview", "--trace", "pictured", "--url", "http://nobody.invalid/v1/completions"];
    let ended = workload(&folder, &url).with_code(2);
    assert!(ended.stderr.contains("cannot carry the images that the file has"), "{}", ended.stderr);
    let sized = workload(&folder, &["preview", "--trace", "pictured", "--image-size", "16x8"]).with_code(2);
    assert!(sized.stderr.contains("there are no images"), "{}", sized.stderr);
}

#[test]
fn a_preview_shows_what_would_be_sent_without_a_server() {
    let folder = folder();
    let arguments =
        ["preview", "--url", "http://nobody.invalid/v1/completions", "--trace", "hashed", "--json", "--bodies"];
    let shown = workload(&folder, &arguments).with_code(0).json();
    let requests = shown["requests"].as_array().expect("requests");
    assert_eq!(requests.len(), 3);
    assert_eq!((&requests[2]["at_ns"], &requests[2]["input_tokens"]), (&json!(30_123_400), &json!(600)));
    assert_eq!(requests[1]["body"]["prompt"], requests[1]["prompt"]);
    assert_eq!(requests[1]["body"]["max_tokens"], 77);
    let table = workload(&folder, &["preview", "--first", "2", "--think-time", "1s", "--input-tokens", "8"]);
    let table = table.with_code(0).stdout;
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("thinks (s)") && table.contains(" 1.000000000 "), "{table}");
}

#[test]
fn inspection_says_what_is_in_a_file() {
    let folder = folder();
    let found = workload(&folder, &["inspect", "hashed", "--json"]).with_code(0).json();
    assert_eq!((&found["format"], &found["requests"]), (&json!("mooncake"), &json!(3)));
    assert_eq!(found["input_tokens"]["sum"], 2500);
    // All of the first prompt within the second, and the first block of the third.
    let reused = found["prefix_reuse"]["share"].as_f64().map(|share| (share * 2500.0).round());
    assert_eq!(reused, Some(1024.0 + 512.0));
    let text = workload(&folder, &["inspect", "hashed"]).with_code(0).stdout;
    for word in ["mooncake: 3 requests", "Rate", "Prompts", "Answers", "prefix cache", "█"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    let talks = workload(&folder, &["inspect", "talks", "--json"]).with_code(0).json();
    assert_eq!(talks["sessions"], json!({"requests": 2, "count": 1, "complete": true, "most_turns": 2}));
    assert_eq!(talks["times"], Value::Null);
}

#[test]
fn inspection_tells_faults_after_what_it_could_read() {
    let folder = Folder::new();
    let file = "at_ns,input_tokens,output_tokens\n1,2,3\n2,x,3\n3,2,-1\n4,2,3\n";
    std::fs::write(folder.path().join("trace"), file).expect("written");
    let ended = workload(&folder, &["inspect", "trace", "--json"]).with_code(2);
    assert_eq!((&ended.json()["requests"], &ended.json()["faults"]), (&json!(2), &json!(2)));
    assert!(ended.stderr.contains("line 3, column 2: `input_tokens` is `x`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("(and 1 more line at fault)"), "{}", ended.stderr);
}

#[test]
fn a_single_fault_is_told_without_a_count_of_others() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("trace"), "at_ns,input_tokens,output_tokens\n1,x,3\n2,2,3\n").expect("written");
    let ended = workload(&folder, &["inspect", "trace"]).with_code(2);
    assert!(ended.stderr.contains("line 2") && !ended.stderr.contains("more line"), "{}", ended.stderr);
}

#[test]
fn a_conversion_says_what_it_leaves_out_and_writes_all_or_nothing() {
    let folder = folder();
    let ended = workload(&folder, &["convert", "hashed", "out.csv", "--to", "azure"]).with_code(0);
    assert!(ended.stderr.contains("azure holds no hash ids, which 3 requests have"), "{}", ended.stderr);
    let found = workload(&folder, &["inspect", "out.csv", "--json"]).with_code(0).json();
    assert_eq!((&found["format"], &found["input_tokens"]["sum"]), (&json!("azure"), &json!(2500)));
    workload(&folder, &["convert", "hashed", "out.csv", "--to", "azure"]).with_code(2);
    workload(&folder, &["convert", "hashed", "out.csv", "--to", "csv", "--force"]).with_code(0);
    let before = folder.files().len();
    for (file, to) in [("talks", "azure"), ("none", "csv"), ("hashed", "weka"), ("hashed", "")] {
        let ended = workload(&folder, &["convert", file, "other", "--to", to]).with_code(2);
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    }
    assert_eq!(folder.files().len(), before, "nothing is left behind");
}
