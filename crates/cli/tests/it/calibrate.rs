//! `metron calibrate`: what it finds, where it is saved, and what a later run makes of it.

use std::path::Path;

use serde_json::{Value, json};

use crate::metron::{Ended, Folder};

/// The program, with a home of its own for what it saves.
fn metron(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut command = folder.command(arguments);
    Ended::of(command.env("XDG_STATE_HOME", folder.path().join("state")).output().expect("the program starts"))
}

fn saved(folder: &Folder) -> std::path::PathBuf {
    folder.path().join("state/metron/calibration.json")
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("it was saved")).expect("JSON")
}

#[test]
fn what_is_reported_is_laid_beside_what_was_sent() {
    let folder = Folder::new();
    let ended = metron(&folder, &["calibrate", "--streams", "2", "--rounds", "1", "--json"]).with_code(0);
    let calibration = ended.json();
    assert_eq!(read(&saved(&folder)), calibration, "what is printed is what is saved");
    let schema = folder.metron(["schema", "calibration"]).with_code(0).json();
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    assert!(schema.is_valid(&calibration), "{calibration}");
    let point = &calibration["points"][0];
    assert_eq!((&point["streams"], &point["requests"], &point["tokens"]), (&json!(2), &json!(2), &json!(256)));
    assert_eq!((&point["ttft"]["count"], &point["gaps"]["count"]), (&json!(2), &json!(254)));
    // The engine's own figures: no token leaves before its time.
    assert!(point["ttft"]["true_p99"].as_f64().expect("a time") >= 0.1, "{point}");
    assert!(point["gaps"]["true_p99"].as_f64().expect("a time") >= 0.02, "{point}");
}

/// A calibration of this machine that holds up to one stream, as the program itself writes it.
fn hold_one_stream(folder: &Folder, holds: &Value) {
    metron(folder, &["calibrate", "--streams", "1", "--rounds", "1", "--quiet"]).with_code(0);
    let mut calibration = read(&saved(folder));
    calibration["turns"] = json!({ "holds": holds, "fails": null });
    std::fs::write(saved(folder), calibration.to_string()).expect("written");
}

#[test]
fn a_run_beyond_the_saved_calibration_is_told_so() {
    let folder = Folder::new();
    hold_one_stream(&folder, &json!({ "streams": 1, "tokens_per_s": 1e9 }));
    let run = |users: &str| {
        let engine = "sim:fixed?ttft=1ms&tbt=1ms&tokens=4";
        let arguments = ["run", "--url", engine, "--requests", "4", "--concurrency", users, "--input-tokens", "8"];
        metron(&folder, &arguments).that_ran().stderr
    };
    assert!(run("2").contains("this run had 2 streams"), "{}", run("2"));
    assert!(!run("1").contains("this run had"), "{}", run("1"));
}

#[test]
fn what_cannot_be_written_is_said_and_a_stream_count_is_checked() {
    let folder = Folder::new();
    let ended = metron(&folder, &["calibrate", "--streams", "0"]).with_code(2);
    assert!(ended.stderr.contains("--streams"), "{}", ended.stderr);
    assert!(folder.files().is_empty());
    std::fs::write(folder.path().join("file"), "").expect("written");
    let ended = metron(&folder, &["calibrate", "--streams", "1", "--rounds", "1", "--output", "file/x"]).with_code(1);
    assert!(ended.stderr.contains("file/x"), "{}", ended.stderr);
}
