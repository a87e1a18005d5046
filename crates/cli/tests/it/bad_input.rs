//! Wrong usage: exit 2, one message with a way out, no file made, no request sent.

use crate::metron::Folder;
use crate::server::{Server, chat};

/// What is wrong with `arguments`, said in `message`; `hint` is what can be typed.
#[track_caller]
fn check(arguments: &[&str], message: &str, hint: &str) {
    let server = Server::start(|_, _| chat(1));
    let folder = Folder::new();
    let url = server.url();
    let base = ["run", "--url", url.as_str()];
    let ended = folder.metron(base.iter().chain(arguments)).with_code(2);
    assert_one_message(&ended.stderr, message, hint);
    assert_eq!(ended.stdout, "");
    assert!(server.requests().is_empty(), "a request was sent");
    assert!(
        folder.files().is_empty() && folder.path().read_dir().expect("readable").next().is_none(),
        "a file was made"
    );
}

#[track_caller]
fn assert_one_message(stderr: &str, message: &str, hint: &str) {
    let expected =
        if hint.is_empty() { format!("error: {message}\n") } else { format!("error: {message}\n  hint: {hint}\n") };
    assert_eq!(stderr, expected);
}

#[test]
fn durations_need_a_unit() {
    check(&["--ttft-deadline", "300"], "--ttft-deadline: duration `300` has no unit", "--ttft-deadline 300ms");
    check(&["--duration", "60"], "--duration: duration `60` has no unit", "--duration 60ms");
    check(&["--timeout", "2"], "--timeout: duration `2` has no unit", "--timeout 2s");
    for text in ["1y", "99999999h", "nan", "", "५s"] {
        let folder = Folder::new();
        let ended = folder.metron(["run", "--url", "sim:", "--warmup", text]).with_code(2);
        assert!(ended.stderr.starts_with("error: --warmup") && ended.stderr.lines().count() <= 2, "{}", ended.stderr);
    }
}

#[test]
fn a_profile_needs_enough_to_be_one() {
    let folder = Folder::new();
    for (flag, why) in [("--samples", "no interval of a median"), ("--most-lengths", "the curve's form")] {
        let ended = folder.metron(["prefill", "--url", "sim:", flag, "5"]).with_code(2);
        assert!(ended.stderr.contains("from 6 to") && ended.stderr.contains(why), "{}", ended.stderr);
    }
    assert!(folder.files().is_empty());
}

#[test]
fn quantities_that_make_no_sense_are_refused() {
    for (flag, values) in [
        ("--rate", &["0", "-1", "nan", "inf", "1e308", "1,5", "५"][..]),
        ("--concurrency", &["0", "-1", "1.5", "4294967296", "many"]),
        ("--requests", &["0", "-1", "18446744073709551616"]),
        ("--seed", &["-1", "18446744073709551616", "x"]),
        ("--burstiness", &["0", "-1", "nan", "inf"]),
        ("--target-miss-rate", &["101%", "2", "-1"]),
        ("--tbt-deadline", &["0s", "0ms"]),
        ("--timeout", &["0s"]),
        ("--input-tokens", &["normal:-5,1", "zipf:0..0,1", "uniform:5..1", "70% 1 + 29% 2", "what:3", ""]),
        ("--slo", &["p99 tfft <= 500ms", "p101 ttft <= 1s", "p99 ttft <= 5%", "p99 ttft", "", "error_rate <= 1s"]),
        ("--name", &["../x", "a/b", ".hidden", "new\nline", "", "é"]),
        ("--arrivals", &["uniform"]),
        ("--endpoint", &["chatt"]),
        ("--body", &["{", "[1]", "3"]),
    ] {
        for value in values {
            let folder = Folder::new();
            let argument = format!("{flag}={value}");
            let ended = folder.metron(["run", "--url", "sim:", argument.as_str()]).with_code(2);
            let lines: Vec<&str> = ended.stderr.lines().collect();
            assert!(lines[0].starts_with("error: ") && lines[0].contains(flag), "{argument}: {lines:?}");
            assert!(lines.len() == 1 || lines.len() == 2 && lines[1].starts_with("  hint: "), "{argument}: {lines:?}");
            assert!(folder.files().is_empty(), "{argument}");
        }
    }
}

#[test]
fn contradictions_are_refused() {
    check(
        &["--rate", "4", "--concurrency", "2"],
        "--rate: a rate and a number of users contradict each other",
        "--rate 4 --max-in-flight 64",
    );
    check(
        &["--arrivals", "constant"],
        "--arrivals needs --rate: users who wait have no arrivals of their own",
        "--rate 4",
    );
    check(
        &["--rate", "4", "--arrivals", "poisson", "--burstiness", "2"],
        "--burstiness: it is the shape of gamma arrivals",
        "--arrivals gamma",
    );
    check(&["--rate", "4", "--arrivals", "gamma"], "--arrivals: gamma needs its shape", "--burstiness 0.5");
    check(
        &["--warmup", "1s", "--warmup-requests", "3"],
        "--warmup: a time and a count contradict each other",
        "--warmup 10s",
    );
    check(
        &["--max-in-flight", "3"],
        "--max-in-flight needs --rate: the number of users bounds a closed loop",
        "--concurrency 8",
    );
}

#[test]
fn unknown_flags_name_the_nearest() {
    check(&["--concurency", "3"], "unknown argument `--concurency`", "--concurrency");
    let ended = Folder::new().metron(["reprot"]).with_code(2);
    assert_one_message(&ended.stderr, "unknown command `reprot`", "metron report");
}

#[test]
fn a_run_needs_a_target() {
    let ended = Folder::new().metron(["run"]).with_code(2);
    assert_one_message(&ended.stderr, "no target: --url is missing", "metron run --url sim:");
}

#[test]
fn targets_that_cannot_be_are_refused() {
    for url in [
        "localhost:8000x",
        "ftp://host",
        "http://",
        "http://[::1",
        "http://host:65536",
        "http://user:pw@host/",
        "sim:nope",
        "sim:fixed?nope=1",
        "sim:fixed?ttft=100",
    ] {
        let folder = Folder::new();
        let ended = folder.metron(["run", "--url", url]).with_code(2);
        let lines: Vec<&str> = ended.stderr.lines().collect();
        assert!(lines.len() <= 2 && lines[0].starts_with("error: "), "{url}: {lines:?}");
        assert!(folder.files().is_empty(), "{url}");
    }
}

/// What is wrong with a configuration file.
#[track_caller]
fn check_file(yaml: impl AsRef<[u8]>, message: &str, hint: &str) {
    let folder = Folder::new();
    std::fs::write(folder.path().join("plan.yaml"), yaml).expect("written");
    let ended = folder.metron(["run", "--url", "sim:", "--config", "plan.yaml"]).with_code(2);
    assert_one_message(&ended.stderr, message, hint);
    assert_eq!(folder.files().len(), 1);
}

#[test]
fn files_are_refused_with_the_line() {
    check_file("seed: 1\nconcurency: 3\n", "plan.yaml, line 2: unknown key `concurency`", "concurrency:");
    check_file(
        "ttft_deadline: 300\n",
        "plan.yaml, line 1: ttft_deadline: duration `300` has no unit",
        "ttft_deadline: 300ms",
    );
    check_file("seed: 1\n\nseed: 2\n", "plan.yaml, line 3: duplicate mapping key: seed", FILE_HINT);
    check_file("insecure: maybe\n", "plan.yaml, line 1: invalid boolean", FILE_HINT);
    check_file(
        "config: other.yaml\n",
        "plan.yaml, line 1: unknown key `config`",
        "metron run --help lists every setting",
    );
}

const FILE_HINT: &str = "a configuration file is a YAML mapping: ttft_deadline: 300ms";

#[test]
fn hostile_files_are_refused_with_one_message() {
    let laughs: String =
        (1..12).map(|k| format!("a{k}: &a{k} [{}]\n", vec![format!("*a{}", k - 1); 10].join(","))).collect();
    let deep = "[".repeat(10_000);
    for yaml in [
        format!("a0: &a0 [x]\n{laughs}"),
        format!("slo: {deep}"),
        "slo: &a [*a]\n".to_owned(),
        "seed: \0".to_owned(),
        "seed: [1".to_owned(),
        "- a list".to_owned(),
        "just text".to_owned(),
        format!("name: {}", "x".repeat(2_000_000)),
        "seed: {a: 1}".to_owned(),
        "slo: {a: 1}".to_owned(),
        "rate: 1_000".to_owned(),
        "seed: !!binary aGk=".to_owned(),
        "<<: {seed: 1}\nrate: -3".to_owned(),
    ] {
        let folder = Folder::new();
        std::fs::write(folder.path().join("plan.yaml"), &yaml).expect("written");
        let ended = folder.metron(["run", "--url", "sim:", "--config", "plan.yaml"]).with_code(2);
        let start: String = yaml.chars().take(40).collect();
        let lines: Vec<&str> = ended.stderr.lines().collect();
        assert!(
            lines.len() <= 2 && lines[0].starts_with("error: ") && lines[0].contains("plan.yaml"),
            "{start}: {lines:?}"
        );
        assert!(ended.stderr.len() < 1_000, "{start}");
        assert_eq!(folder.files().len(), 1, "{start}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let ended = Folder::new().metron(["run", "--url", "sim:", "--config", "none.yaml"]).with_code(2);
    assert!(ended.stderr.starts_with("error: cannot read --config none.yaml: No such file"), "{}", ended.stderr);
}

#[test]
fn variables_are_refused_by_their_name() {
    let folder = Folder::new();
    let output = folder.command(["run", "--url", "sim:"]).env("METRON_TIMEOUT", "300").output().expect("starts");
    let ended = crate::metron::Ended::of(output).with_code(2);
    assert_one_message(&ended.stderr, "METRON_TIMEOUT: duration `300` has no unit", "METRON_TIMEOUT=300ms");
}

#[test]
fn a_folder_that_holds_a_run_is_not_overwritten() {
    let server = Server::start(|_, _| chat(1));
    let folder = Folder::new();
    let url = server.url();
    let run = ["run", "--url", url.as_str(), "--model", "m", "--requests", "1", "--output", "out", "--quiet"];
    folder.metron(run).that_ran();
    let sent = server.requests().len();
    let before = std::fs::read(folder.path().join("out/summary.json")).expect("a summary");
    let ended = folder.metron(run).with_code(2);
    assert!(ended.stderr.contains("--force"), "{}", ended.stderr);
    assert_eq!(server.requests().len(), sent, "nothing is sent before the folder is known to be free");
    assert_eq!(std::fs::read(folder.path().join("out/summary.json")).expect("still there"), before);
    folder.metron(run.into_iter().chain(["--force"])).that_ran();
}
