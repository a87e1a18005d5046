//! `metron prefill` on the simulated engine in virtual time, whose curve is known, and runs that are held to what it measured.

use metron_units::{Nanos, Tokens};

use crate::metron::Folder;
use crate::server::{Server, chat};

const ENGINE: &str = "sim:vllm-v1?model=llama-3-8b&gpu=h100";

/// What the engine takes for one prompt alone.
fn engine(prompt: u64) -> f64 {
    use metron_sim::schedule::{Arrival, Schedule};
    let spec = ENGINE.parse().expect("an engine");
    let (mut schedule, mut given) = (Schedule::new(&spec), Vec::new());
    let arrival =
        Arrival { request: 0, at: Nanos::ZERO, prompt: Tokens::new(prompt), output: Tokens::new(1), shared: None };
    schedule.arrive(arrival, &mut given);
    while let Some(at) = schedule.next() {
        schedule.advance(at, &mut given);
    }
    given[0].at.as_secs_f64()
}

fn measure(folder: &Folder, more: &[&str]) -> serde_json::Value {
    let base = ["prefill", "--url", ENGINE, "--virtual-time", "--output", "profile", "--json", "--quiet"];
    folder.metron(base.iter().chain(more)).with_code(0).json()
}

/// Seconds at `n` tokens by the file alone.
fn curve(file: &serde_json::Value, n: f64) -> f64 {
    let terms = file["fit"]["coefficients"].as_array().expect("terms");
    let number = |value: &serde_json::Value| value.as_f64().expect("a number");
    match file["fit"]["kind"].as_str() {
        Some("piecewise") => {
            let knots: Vec<(f64, f64)> = terms.iter().map(|knot| (number(&knot[0]), number(&knot[1]))).collect();
            let pair = knots.windows(2).find(|pair| n <= pair[1].0).expect("n lies between two knots");
            pair[0].1 + (pair[1].1 - pair[0].1) * (n - pair[0].0) / (pair[1].0 - pair[0].0)
        }
        Some(_) => terms.iter().rev().fold(0.0, |sum, term| sum * n + number(term)),
        None => panic!("a curve without a kind"),
    }
}

#[test]
fn the_profile_of_the_simulated_engine_is_within_two_per_cent_and_says_how_far_it_is_off() {
    let folder = Folder::new();
    let file = measure(&folder, &[]);
    jsonschema::validate(&folder.metron(["schema", "prefill-profile"]).with_code(0).json(), &file).unwrap();
    assert_eq!(file["valid"], serde_json::json!([64, 8_192]));
    let band = file["fit"]["max_relative_error"].as_f64().expect("a number");
    let mut errors: Vec<f64> =
        (64..=8_192).step_by(53).map(|n| (curve(&file, n as f64) / engine(n) - 1.0).abs()).collect();
    errors.sort_by(f64::total_cmp);
    let most = errors[errors.len() * 95 / 100];
    assert!(errors.iter().all(|error| *error <= band), "{errors:?} beyond {band}");
    assert!(most <= 0.01, "at 95 % of the lengths within {most}");
    assert!(band <= 0.03, "{band}");
}

/// The engine's tiles of 64 tokens are steps of up to 9 % of the time at short prompts.
#[test]
fn the_steps_of_the_default_engine_are_found_and_the_curve_lies_in_the_stated_band_at_every_length() {
    let folder = Folder::new();
    for lengths in [(32, 512), (64, 1_024)] {
        let range = format!("{}..{}", lengths.0, lengths.1);
        let file = measure(&folder, &["--force", "--prompt-tokens", &range]);
        let stated = file["fit"]["max_relative_error"].as_f64().expect("a number");
        let off = |n: u64| (curve(&file, n as f64) / engine(n) - 1.0).abs();
        let worst = (lengths.0..=lengths.1).map(|n| (off(n), n)).max_by(|a, b| a.0.total_cmp(&b.0)).expect("lengths");
        assert!(worst.0 <= 0.02, "{range}: {worst:?}");
        assert!(worst.0 <= stated && stated <= 0.02, "{range}: {worst:?} in a band of {stated}");
    }
}

#[test]
fn few_lengths_leave_steps_and_the_band_says_how_high() {
    let folder = Folder::new();
    for most in ["16", "48"] {
        let file = measure(&folder, &["--force", "--prompt-tokens", "64..1024", "--most-lengths", most]);
        let stated = file["fit"]["max_relative_error"].as_f64().expect("a number");
        let inside = (64..=1_024).filter(|&n| (curve(&file, n as f64) / engine(n) - 1.0).abs() <= stated).count();
        assert!(inside * 100 >= 95 * 961, "{most} lengths: {inside} of 961 within {stated}");
        assert!(stated > 0.04, "{most} lengths know of no step: {stated}");
    }
}

#[test]
fn a_run_is_held_to_the_profile_of_each_prompt_and_the_slack() {
    let folder = Folder::new();
    let file = measure(&folder, &["--prompt-tokens", "100..2000"]);
    let run = |more: &[&str]| {
        let base =
            ["run", "--url", ENGINE, "--virtual-time", "--concurrency", "1", "--requests", "20", "--json", "--quiet"];
        let profile = ["--prefill-profile", "profile/prefill-profile.json"];
        folder.metron(base.iter().chain(&profile).chain(more))
    };
    let summary =
        run(&["--ttft-slack", "5ms", "--input-tokens", "uniform:150..1900", "--output", "held"]).with_code(0).json();
    let deadlines = &summary["deadlines"];
    assert_eq!(deadlines["prefill_profile"], "profile/prefill-profile.json");
    assert!(deadlines["ttft_deadline_s"].is_null(), "{deadlines}");
    assert_eq!(summary["metrics"]["deadline_miss_rate"]["value"], 0.0, "an idle server is as quick as its profile");
    for row in metron_results::rows::read_rows(&folder.path().join("held/requests.parquet")).unwrap() {
        let row = row.unwrap();
        let expected = curve(&file, row.planned_input_tokens.get() as f64) + 0.005;
        let given = row.deadlines.ttft.as_secs_f64();
        assert!((given - expected).abs() <= 1e-9, "{}: {given}, by the file {expected}", row.planned_input_tokens);
    }
    let config = folder.path().join("held/config.yaml");
    let again = ["run", "--config", config.to_str().unwrap(), "--output", "again", "--json", "--quiet"];
    assert_eq!(folder.metron(again).with_code(0).json()["metrics"], summary["metrics"]);

    let outside = run(&["--input-tokens", "4000", "--output", "outside"]);
    let outside = outside.with_code(2);
    assert!(
        outside.stderr.contains("outside") && outside.stderr.contains("hint: metron prefill"),
        "{}",
        outside.stderr
    );
    assert!(!folder.path().join("outside").exists());
}

#[test]
fn what_makes_no_profile_is_refused_and_leaves_nothing() {
    let folder = Folder::new();
    let refused = |arguments: &[&str], word: &str| {
        let ended = folder.metron(arguments).with_code(2);
        assert!(ended.stderr.contains(word), "{}", ended.stderr);
    };
    refused(&["prefill", "--url", "sim:", "--prompt-tokens", "9..5"], "9..5");
    refused(&["prefill", "--url", "sim:", "--dataset", "x"], "--dataset has no say");
    refused(&["prefill", "--url", "sim:", "--background", "2/s"], "two runs share");
    refused(&["run", "--url", "sim:", "--ttft-slack", "5ms"], "prefill profile");
    std::fs::write(folder.path().join("none.json"), "{}").unwrap();
    refused(&["run", "--url", "sim:", "--prefill-profile", "none.json"], "no prefill profile");
    std::fs::remove_file(folder.path().join("none.json")).unwrap();
    assert!(folder.files().is_empty(), "{:?}", folder.files());
}

/// A server may keep what it computed: what is measured again has other prompts.
#[test]
fn no_prompt_of_an_earlier_profile_is_asked_again() {
    let server = Server::start(|_, _| chat(1));
    let folder = Folder::new();
    let url = server.url();
    let given = [
        "prefill",
        "--url",
        &url,
        "--model",
        "m",
        "--prompt-tokens",
        "16..64",
        "--samples",
        "6",
        "--most-lengths",
        "6",
    ];
    for output in ["a", "b"] {
        folder.metron(given.iter().chain(&["--output", output, "--quiet"])).with_code(0);
    }
    let mut prompts: Vec<String> =
        server.requests().into_iter().map(|request| request.body).filter(|body| body.contains("messages")).collect();
    let all = prompts.len();
    prompts.sort();
    prompts.dedup();
    assert!(all >= 2 * 6 * 8 && prompts.len() == all, "{} of {all} prompts are asked once", prompts.len());
}

/// One that takes no long prompt: what it does take is told.
#[test]
fn a_server_that_refuses_most_lengths_gets_a_hint_with_those_that_it_takes() {
    let folder = Folder::new();
    let url = "sim:vllm?max-model-len=1024";
    let ended = folder
        .metron(["prefill", "--url", url, "--virtual-time", "--prompt-tokens", "256..4096", "--quiet"])
        .with_code(1);
    assert!(ended.stderr.contains("prompts of 1351, 2353, 4096 tokens got no answer"), "{}", ended.stderr);
    assert!(ended.stderr.contains("hint: --prompt-tokens 256..776"), "{}", ended.stderr);
}
