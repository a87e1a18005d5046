//! Faults on demand: the run books exactly the planned number in the right class, over a socket and in virtual time.

use serde_json::Value;

use crate::metron::Folder;

const SIX: &str = "sim:fixed?ttft=2ms&tbt=1ms&tokens=6";

/// Twelve requests to `engine` with this `fault`.
fn run(engine: &str, fault: &str, more: &[&str]) -> Value {
    let url = format!("{engine}{}fault={fault}", if engine.contains('?') { "&" } else { "?" });
    let run = ["run", "--url", &url, "--requests", "12", "--concurrency", "4", "--input-tokens", "20"];
    let rest = ["--output-tokens", "8", "--json", "--quiet"];
    let ended = Folder::new().metron(run.iter().chain(&rest).chain(more));
    // A busy machine may rightly find its client slow: that is not what these tests are about.
    assert!(matches!(ended.code, Some(0 | 4)), "{fault}: {}{}", ended.stdout, ended.stderr);
    ended.json()
}

/// Requests 3 and 5 to 6 fail as `class`, and the rest completes; so in virtual time too.
#[track_caller]
fn check(fault: &str, class: &str) {
    let impatient = ["--timeout-idle", "150ms"];
    for more in [&impatient[..], &["--timeout-idle", "150ms", "--virtual-time"][..]] {
        let summary = run(SIX, &format!("{fault}@3,5..6"), more);
        let requests = &summary["requests"];
        assert_eq!(
            (&requests["completed"], &requests["failed"]),
            (&9.into(), &3.into()),
            "{fault} {more:?}: {requests}"
        );
        let errors = requests["errors"].as_object().expect("classes");
        assert_eq!((errors.len(), &errors[class]["count"]), (1, &3.into()), "{fault} {more:?}: {errors:?}");
    }
}

#[test]
fn too_many_requests() {
    check("429", "http_429");
}

#[test]
fn an_unavailable_server() {
    check("503", "http_5xx");
}

#[test]
fn a_reset_in_the_middle() {
    check("reset", "truncated");
}

#[test]
fn a_stream_that_ends_early() {
    check("truncate", "truncated");
}

#[test]
fn a_chunk_without_a_size() {
    check("chunking", "protocol");
}

#[test]
fn an_error_in_the_stream() {
    check("error", "stream_error");
}

#[test]
fn silence_in_the_middle() {
    check("stall", "timeout_idle");
}

#[test]
fn bytes_that_drip() {
    let more = ["--timeout-first-token", "200ms"];
    let summary = run(SIX, "drip/20ms@3,5..6", &more);
    let errors = &summary["requests"]["errors"];
    assert_eq!((&summary["requests"]["completed"], &errors["timeout_first_token"]["count"]), (&9.into(), &3.into()));
    // Quick enough, every token of it arrives.
    let summary = run(SIX, "drip/2us@3", &[]);
    assert_eq!((&summary["requests"]["completed"], &summary["tokens"]["output"]), (&12.into(), &72.into()));
}

#[test]
fn a_pause_delays_and_loses_nothing() {
    let summary = run(SIX, "stall/80ms@3", &[]);
    assert_eq!((&summary["requests"]["completed"], &summary["tokens"]["output"]), (&12.into(), &72.into()));
    // Its fourth token is due after 5 ms and leaves 80 ms later, however late the machine is.
    assert!(summary["metrics"]["e2e_latency"]["max"].as_f64().expect("latencies") >= 0.085);
}

#[test]
fn a_wrong_usage_shows_as_a_mismatch() {
    for more in [&[][..], &["--virtual-time"][..]] {
        let summary = run(SIX, "usage@3,5..6", more);
        assert_eq!(summary["requests"]["completed"], 12, "{more:?}");
        // Told of three answers: 13 instead of 6 tokens.
        assert_eq!(summary["tokens"]["count_mismatch"], 0.25, "{more:?}: {}", summary["tokens"]);
        assert_eq!((&summary["tokens"]["output"], &summary["tokens"]["unseen"]), (&93.into(), &21.into()), "{more:?}");
    }
}

#[test]
fn every_engine_fails_on_demand_and_several_faults_fit_one_address() {
    let fault = "429@0+503@1..2+reset@3+error@4+chunking@5+truncate@6";
    let wanted = [("http_429", 1), ("http_5xx", 2), ("protocol", 1), ("stream_error", 1), ("truncated", 2)];
    for engine in ["sim:fixed?ttft=1ms&tbt=1ms", "sim:queue?servers=4&service=1ms", "sim:vllm-v1", "sim:disaggregated"]
    {
        for more in [&[][..], &["--virtual-time"][..]] {
            let summary = run(engine, fault, more);
            let errors = summary["requests"]["errors"].as_object().expect("classes");
            let booked: Vec<(&str, u64)> = errors
                .iter()
                .map(|(class, error)| (class.as_str(), error["count"].as_u64().expect("a count")))
                .collect();
            assert_eq!(booked, wanted, "{engine} {more:?}");
        }
    }
}

#[test]
fn a_share_is_drawn_alike_over_a_socket_and_in_virtual_time() {
    let failed =
        |more: &[&str]| run(SIX, "503:30%&fault-seed=4", more)["requests"]["failed"].as_u64().expect("a count");
    let planned = failed(&["--virtual-time"]);
    assert!((1..11).contains(&planned), "{planned}");
    assert_eq!(failed(&[]), planned);
}

#[test]
fn what_cannot_be_is_2_and_says_what_could() {
    let refused = |url: &str, more: &[&str]| {
        let folder = Folder::new();
        let ended = folder.metron(["run", "--url", url].iter().chain(more)).with_code(2);
        assert_eq!(folder.files(), Vec::<std::path::PathBuf>::new());
        ended.stderr
    };
    let said = refused("sim:fixed?fault=rest:5%", &[]);
    assert!(said.contains("no fault `rest`") && said.contains("sim:fixed?fault=reset:5%"), "{said}");
    let said = refused("sim:?fault=503@x", &[]);
    assert!(said.contains("`x` is no list"), "{said}");
    let said = refused("sim:fixed?fault=drip/1ms", &["--virtual-time"]);
    assert!(said.contains("`drip/1ms` holds bytes back"), "{said}");
    let ended = Folder::new().metron(["sim", "sim:fixed?fault=stal@1", "--port", "0"]).with_code(2);
    assert!(ended.stderr.contains("fault=stall@1"), "{}", ended.stderr);
}
