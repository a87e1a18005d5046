//! A run against the simulated engine, from the command line to the files: what was asked is what was measured.

use std::path::Path;

use crate::metron::{Ended, Folder};

const ENGINE: &str = "sim:fixed?ttft=20ms&tbt=5ms&tokens=12";

fn run(folder: &Folder, more: &[&str]) -> Ended {
    let base = ["run", "--url", ENGINE, "--requests", "20", "--concurrency", "4", "--output", "out", "--quiet"];
    folder.metron(base.iter().chain(more)).with_code(0)
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn median(summary: &serde_json::Value, metric: &str) -> f64 {
    summary["metrics"][metric]["p50"].as_f64().unwrap_or_else(|| panic!("{metric} has no median"))
}

#[test]
fn a_run_needs_nothing_but_a_target() {
    let folder = Folder::new();
    let ended =
        folder.metron(["run", "--url", "sim:fixed?ttft=1ms&tbt=1ms&tokens=2", "--input-tokens", "8"]).with_code(0);
    for word in ["Fluidity", "TTFT", "TBT", "TPOT", "E2E", "Throughput", "Instrument"] {
        assert!(ended.stdout.contains(word), "{word} in {}", ended.stdout);
    }
    let runs: Vec<_> = folder.path().join("metron-runs").read_dir().expect("a folder of runs").collect();
    assert_eq!(runs.len(), 1);
    let last = ended.stderr.lines().last().expect("a last line says where the results are");
    assert!(last.contains("metron-runs/") && last.contains("report.html"), "{last}");
}

#[test]
fn what_was_asked_is_what_was_measured() {
    let folder = Folder::new();
    let summary = run(&folder, &["--input-tokens", "32", "--output-tokens", "12", "--json"]).json();
    let requests = &summary["requests"];
    assert_eq!(
        (&requests["planned"], &requests["completed"], &requests["failed"]),
        (&20.into(), &20.into(), &0.into())
    );
    assert_eq!(summary["tokens"]["output"], 20 * 12);
    assert_eq!(summary["metrics"]["output_tokens"]["min"], 12.0);
    assert_eq!(summary["metrics"]["output_tokens"]["max"], 12.0);
    assert_eq!(summary["metrics"]["tbt"]["count"], 20 * 11, "every gap is a sample");
    // The engine's own times, within what a busy machine adds. Never below: a token cannot come before it was sent.
    assert!(median(&summary, "ttft") >= 0.020 && median(&summary, "ttft") < 0.2, "{}", summary["metrics"]["ttft"]);
    assert!(median(&summary, "tpot") >= 0.0045 && median(&summary, "tpot") < 0.05, "{}", summary["metrics"]["tpot"]);
    assert_eq!(summary["run"]["load"]["mode"], "closed");
    assert_eq!(summary["run"]["load"]["concurrency"], 4);
}

#[test]
fn stdout_is_one_object_that_its_schema_describes() {
    let folder = Folder::new();
    let summary = run(&folder, &["--json"]).json();
    let schema = folder.metron(["schema", "summary"]).with_code(0).json();
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    assert!(schema.is_valid(&summary), "{:?}", schema.iter_errors(&summary).map(|e| e.to_string()).collect::<Vec<_>>());
    let written: serde_json::Value =
        serde_json::from_str(&text(&folder.path().join("out/summary.json"))).expect("JSON");
    assert_eq!(written, summary, "what is printed is what is kept");
}

#[test]
fn the_folder_holds_the_files_and_nothing_else() {
    let folder = Folder::new();
    run(&folder, &[]);
    let names: Vec<String> =
        folder.files().iter().map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect();
    assert_eq!(names, ["config.yaml", "report.html", "requests.parquet", "summary.json"]);
    let page = text(&folder.path().join("out/report.html"));
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("fluidity_index"));
}

#[test]
fn config_yaml_repeats_the_plan() {
    let first = Folder::new();
    let asked = ["--seed", "7", "--input-tokens", "uniform:8..64", "--output-tokens", "uniform:2..12", "--json"];
    let summary = run(&first, &asked).json();
    let second = Folder::new();
    let config = first.path().join("out/config.yaml");
    let again = ["run", "--config", config.to_str().expect("text"), "--output", "again", "--json", "--quiet"];
    let repeated = second.metron(again).with_code(0).json();
    assert_eq!(repeated["run"]["seed"], 7);
    assert_eq!(repeated["tokens"], summary["tokens"], "the same requests are sent");
    assert_eq!(text(&second.path().join("again/config.yaml")), text(&config), "a repeated run writes the same file");
}

#[test]
fn the_environment_and_a_file_set_what_flags_leave_open() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("plan.yaml"), "rate: 500\narrivals: constant\nrequests: 3\nseed: 5\n")
        .expect("written");
    let arguments = ["run", "--url", ENGINE, "--config", "plan.yaml", "--json", "--quiet"];
    let output = folder.command(arguments).env("METRON_REQUESTS", "4").output().expect("starts");
    let summary = Ended::of(output).with_code(0).json();
    assert_eq!(summary["requests"]["planned"], 4);
    assert_eq!(summary["run"]["seed"], 5);
    assert_eq!(summary["run"]["load"]["arrivals"], "constant");
    let closed = folder.metron(arguments.into_iter().chain(["--concurrency", "2"])).with_code(0).json();
    assert_eq!(closed["run"]["load"]["mode"], "closed", "a flag displaces what contradicts it in a file");
}

#[test]
fn warm_up_is_sent_and_not_counted() {
    let folder = Folder::new();
    let summary = run(&folder, &["--warmup-requests", "5", "--json"]).json();
    assert_eq!(summary["requests"]["warmup"], 5);
    assert_eq!(summary["requests"]["planned"], 20);
    assert_eq!(summary["metrics"]["ttft"]["count"], 20);
}

#[test]
fn report_writes_the_page_again_and_shows_the_table() {
    let folder = Folder::new();
    let table = run(&folder, &[]).stdout;
    let page = folder.path().join("out/report.html");
    let before = text(&page);
    std::fs::remove_file(&page).expect("removed");
    let again = folder.metron(["report", "out"]).with_code(0);
    assert_eq!(again.stdout, table);
    assert_eq!(text(&page), before);
}

#[test]
fn a_folder_without_a_run_is_refused_by_report_and_recover() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("empty")).expect("made");
    for command in ["report", "recover"] {
        for name in ["empty", "none"] {
            let ended = folder.metron([command, name]);
            assert!(matches!(ended.code, Some(1 | 2)), "{ended:?}");
            assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains(name), "{}", ended.stderr);
        }
    }
}

#[test]
fn the_console_has_no_colour_where_nobody_sees_it() {
    let ended = run(&Folder::new(), &[]);
    assert!(!ended.stdout.contains('\x1b') && !ended.stderr.contains('\x1b'));
}

#[test]
fn quiet_leaves_stderr_to_the_last_line() {
    let ended = run(&Folder::new(), &[]);
    assert!(ended.stderr.lines().count() <= 1, "{}", ended.stderr);
}
