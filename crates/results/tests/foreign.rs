//! Other tools' result files: each format with its traps, scored; and what is wrong with a file, named by its place.

use std::fs;
use std::path::{Path, PathBuf};

use metron_metrics::{Deadlines, Outcome};
use metron_results::foreign::{ForeignRun, Format, Instants, Reading, ReadingKind, read};
use metron_results::score::{ScoreOptions, ScoreReport, score};
use metron_results::summary::Figure;
use metron_units::{Nanos, Share};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/foreign").join(name)
}

fn read_fixture(name: &str, format: Format) -> ForeignRun {
    let run = read(&fixture(name)).expect(name);
    assert_eq!(run.format, format);
    run
}

fn options() -> ScoreOptions {
    ScoreOptions {
        ttft_deadline: None,
        tbt_deadline: None,
        defaults: Deadlines { ttft: Nanos::from_millis(300), tbt: Nanos::from_millis(30) },
        target_miss_rate: Share::new(0.1).expect("a share"),
        objectives: Vec::new(),
    }
}

/// Per request: each chunk's gap in ms and its tokens.
fn chunks(reading: &Reading) -> Vec<Vec<(u64, u32)>> {
    let of = |record: &metron_metrics::RequestRecord| {
        let mut before = record.dispatched.expect("sent");
        let mut chunks = Vec::new();
        for chunk in &record.chunks {
            chunks.push(((chunk.arrived - before).get() / 1_000_000, chunk.tokens));
            before = chunk.arrived;
        }
        chunks
    };
    reading.requests.iter().map(|request| of(&request.record)).collect()
}

fn failed(reading: &Reading) -> Vec<Option<&str>> {
    let outcomes = reading.requests.iter().map(|request| &request.record.outcome);
    outcomes
        .map(|outcome| match outcome {
            Outcome::Failed(failure) => Some(failure.message.as_str()),
            Outcome::Completed | Outcome::Cancelled => None,
        })
        .collect()
}

fn kinds(run: &ForeignRun) -> Vec<ReadingKind> {
    run.readings.iter().map(|reading| reading.kind).collect()
}

/// A file of that text is refused, with these words in the message.
fn check_refused(text: impl AsRef<[u8]>, says: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("results");
    fs::write(&path, text).expect("written");
    let error = read(&path).expect_err(says);
    let message = error.to_string();
    assert!(message.contains(says), "{message}");
    assert!(message.contains("results`"), "{message}");
}

fn value(report: &ScoreReport, name: &str) -> Option<f64> {
    match report.metrics.get(name).expect(name) {
        Figure::Value(of) => of.value,
        Figure::Distribution(_) => panic!("{name} is a distribution"),
    }
}

#[test]
fn the_300_worked_cases_come_out_as_stated() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../metrics/tests/golden/fluidity.jsonl");
    let report = score(read(&golden).expect("reads"), &options()).unwrap();
    let text = fs::read_to_string(&golden).expect("reads");
    let cases: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((report.requests.len(), cases.len()), (300, 300));
    for (scored, case) in report.requests.iter().zip(&cases) {
        let name = case["name"].as_str();
        assert_eq!(scored.name.as_deref(), name);
        assert_eq!(scored.missed, case["missed"].as_u64(), "{name:?}");
        assert_eq!(scored.total, case["total"].as_u64(), "{name:?}");
        assert_eq!(scored.min_tbt_deadline_ns, case["min_tbt_deadline_ns"].as_u64(), "{name:?}");
    }
}

#[test]
fn json_lines_are_scored_by_their_own_deadlines_first() {
    let run = read_fixture("lines.jsonl", Format::Lines);
    assert_eq!(kinds(&run), [ReadingKind::Tokens]);
    let deadlines = ScoreOptions { tbt_deadline: Some(Nanos::from_millis(5)), ..options() };
    let report = score(run, &deadlines).unwrap();
    let [even, late, times, nothing] = &report.requests[..] else { panic!("four requests") };
    // 5 ms from the command line, 300 ms by default: 200 ms of slack carry both later tokens.
    assert_eq!((even.missed, even.total), (Some(0), Some(3)));
    // Its own 100 ms and 20 ms: 10 ms saved, 31 ms needed.
    assert_eq!((late.missed, late.total), (Some(1), Some(3)));
    assert_eq!((times.name.as_deref(), times.tokens, times.missed), (None, 3, Some(0)));
    assert_eq!((nothing.missed, nothing.total, nothing.fluidity_index), (None, None, Some(0.0)));
    assert_eq!(report.requests[2].min_tbt_deadline_ns, Some(20_000_000));
}

#[test]
fn vllms_chunks_and_tokens_are_two_readings() {
    let run = read_fixture("vllm.json", Format::Vllm);
    assert_eq!(kinds(&run), [ReadingKind::TokensInChunks, ReadingKind::Chunks]);
    let one = |gaps: &[u64]| gaps.iter().map(|&gap| (gap, 1)).collect::<Vec<_>>();
    // The second request has six tokens in three chunks; the fourth ends with a gap of 0 for no token.
    let (first, third, fourth) = (one(&[100, 20, 20]), one(&[]), one(&[200, 30]));
    let spread = vec![(120, 2), (50, 2), (50, 2)];
    assert_eq!(chunks(&run.readings[0]), [first.clone(), spread, third.clone(), fourth.clone()]);
    assert_eq!(chunks(&run.readings[1]), [first, one(&[120, 50, 50]), third, fourth]);
    assert_eq!(failed(&run.readings[0]), [None, None, Some("aiohttp.ClientError: refused"), None]);
    assert_eq!(run.instants, Instants::Shared);
    assert_eq!(run.readings[0].requests[1].record.dispatched, Some(Nanos::from_millis(500)));
    assert!(run.notes.iter().any(|note| note.contains("two readings")), "{:?}", run.notes);
    assert!(run.notes.iter().any(|note| note.contains("a gap of 0")), "{:?}", run.notes);
}

#[test]
fn the_score_names_both_readings() {
    let report = score(read_fixture("vllm.json", Format::Vllm), &options()).unwrap();
    assert_eq!(report.reading.as_deref(), Some("tokens in chunks"));
    assert_eq!(report.other_readings[0].reading, "chunks");
    assert_eq!((report.requests[1].tokens, report.other_readings[0].requests[1].tokens), (6, 3));
    assert_eq!(value(&report, "error_rate"), Some(0.25));
    assert!(value(&report, "request_throughput").is_some());
    let json = serde_json::to_value(&report).expect("JSON");
    let validator = jsonschema::validator_for(&metron_results::schema("score").expect("there")).expect("valid");
    let errors: Vec<_> = validator.iter_errors(&json).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    assert_eq!(serde_json::from_value::<ScoreReport>(json).expect("reads"), report);
}

#[test]
fn sglangs_runs_have_no_common_clock_and_so_no_throughput() {
    let run = read_fixture("sglang.jsonl", Format::Sglang);
    assert_eq!(run.instants, Instants::PerRequest);
    assert_eq!(chunks(&run.readings[0]), [vec![(100, 2), (40, 2)], vec![(200, 1), (20, 1)], vec![(300, 1)]]);
    assert!(run.notes.iter().any(|note| note.contains("truncated")), "{:?}", run.notes);
    let report = score(run, &options()).unwrap();
    for name in ["request_throughput", "output_token_throughput", "steady_request_throughput", "goodput"] {
        assert_eq!(value(&report, name), None, "{name}");
    }
    assert_eq!(value(&report, "error_rate"), Some(0.0));
}

#[test]
fn etalons_zeros_are_failures() {
    let run = read_fixture("etalon.json", Format::Etalon);
    assert_eq!(chunks(&run.readings[0]), [vec![(100, 1), (20, 1), (30, 1)], vec![(200, 1)], vec![]]);
    assert_eq!(failed(&run.readings[0]).iter().filter(|failed| failed.is_some()).count(), 1);
    assert!(run.notes.iter().any(|note| note.contains("only zeros")), "{:?}", run.notes);
}

#[test]
fn aiperfs_units_are_read_and_only_profiling_counts() {
    let run = read_fixture("aiperf.jsonl", Format::AiperfRecords);
    assert_eq!(kinds(&run), [ReadingKind::TokensInChunks, ReadingKind::Chunks]);
    assert_eq!(chunks(&run.readings[0]), [vec![(100, 2), (20, 2), (30, 1)], vec![(250, 1), (40, 1)], vec![]]);
    assert_eq!(failed(&run.readings[0]), [None, None, Some("overloaded")]);
    let names: Vec<_> = run.readings[0].requests.iter().map(|request| request.name.as_deref()).collect();
    assert_eq!(names, [Some("a"), Some("b"), Some("c")]);
    assert!(run.notes.iter().any(|note| note.starts_with("2 requests of other phases")), "{:?}", run.notes);
}

#[test]
fn aiperfs_raw_events_bear_tokens_by_our_rule() {
    let run = read_fixture("aiperf_raw.jsonl", Format::AiperfRaw);
    assert_eq!(kinds(&run), [ReadingKind::TokensInChunks, ReadingKind::Chunks]);
    // The role's event and the usage's bear none.
    assert_eq!(chunks(&run.readings[0]), [vec![(100, 2), (20, 1)]]);
}

#[test]
fn inference_perfs_chunks_bear_tokens_by_our_rule() {
    let run = read_fixture("inference_perf.json", Format::InferencePerf);
    assert_eq!(chunks(&run.readings[0]), [vec![(100, 2), (30, 2)], vec![], vec![(100, 1), (50, 1)]]);
    assert!(failed(&run.readings[0])[1].is_some_and(|message| message.contains("refused")));
}

#[test]
fn averages_are_refused_for_deadlines_and_shown_for_what_they_are() {
    for (name, format, ttft, tpot) in [
        ("guidellm.json", Format::GuideLlm, Some(0.1), Some(0.03125)),
        ("genai_bench.json", Format::GenaiBench, Some(0.1), Some(0.02)),
        ("llmperf.json", Format::LlmPerf, Some(0.2), Some(0.1)),
        ("hugging_face.json", Format::HuggingFace, None, None),
    ] {
        let run = read_fixture(name, format);
        assert_eq!(run.readings, [], "{name}");
        let averages = run.averages.clone().expect(name);
        assert!(averages.refusal.contains("averages cannot be scored"), "{}", averages.refusal);
        let near = |has: Option<f64>, wants: Option<f64>| match (has, wants) {
            (Some(has), Some(wants)) => (has - wants).abs() < 1e-9,
            (has, wants) => has == wants,
        };
        let first = averages.requests.first().copied().unwrap_or_default();
        assert!(near(first.ttft_s, ttft) && near(first.tpot_s, tpot), "{name}: {first:?}");
        let report = score(run, &options()).unwrap();
        assert_eq!((report.reading, report.requests.len()), (None, 0), "{name}");
        assert!(report.averages.is_some(), "{name}");
    }
    let guidellm = read_fixture("guidellm.json", Format::GuideLlm).averages.expect("averages");
    assert_eq!(guidellm.requests.iter().map(|request| request.failed).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_summary_without_requests_is_refused_with_the_way_to_details() {
    let error = read(&fixture("vllm_summary.json")).expect_err("refused");
    assert!(error.hint.contains("--save-detailed"), "{}", error.hint);
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    check_refused("", "it is empty");
    check_refused("\n\n", "it is empty");
    check_refused("hello", "line 1, column 1: expected value");
    check_refused("{\"inter_token_ns\": [1, -2]}", "line 1, column 25: -2 is no time in nanoseconds");
    check_refused("{\"inter_token_ns\": [1]}\n{\"inter_token_ns\": [1, NaN]}", "line 2, column 24: expected value");
    check_refused("{\"inter_token_ns\": [1]}\n{\"inter_token_ns\": [1, 2", "line 2, column 24: EOF");
    check_refused("{\"inter_token_ns\": [1, \"2\"]}", "expected a time in nanoseconds");
    check_refused("{\"inter_token_ns\": [1, null]}", "expected a time in nanoseconds");
    check_refused("{\"inter_token_ns\": [1e300]}", "is no time in nanoseconds");
    check_refused("{\"inter_token_ns\": [3000000000000000000, 3000000000000000000]}", "more than 100 years");
    check_refused("{\"inter_token_ns\": [1], \"tbt_deadline_ns\": 0}", "tbt_deadline_ns is 0");
    check_refused("{\"inter_token_ns\": [1], \"prompt_tokens\": 18446744073709551615}", "more than any request has");
    check_refused("{\"token_times_s\": [1.0]}", "needs sent_s");
    check_refused("{\"token_times_s\": [1.0, 0.9], \"sent_s\": 0.5}", "time 2 of 2 lies before the one ahead of it");
    check_refused("{\"token_times_s\": [1.0], \"sent_s\": 1.5}", "lies before sent_s");
    check_refused("{\"token_times_s\": [1.0], \"inter_token_ns\": [1], \"sent_s\": 1.5}", "expected one");
    check_refused("{\"a\": 1, \"b\": 2}", "no known result file has the fields a, b");
    check_refused("[]", "no known result file");
    check_refused("[[[[", "EOF");
    check_refused([b'['; 100_000], "recursion limit");
    check_refused(
        "{\"ttfts\": [0.1], \"itls\": [[]], \"input_lens\": [1, 2], \"output_lens\": [1]}",
        "`input_lens` has 2",
    );
    check_refused(
        "{\"ttfts\": [0.1], \"itls\": [[-0.1]], \"input_lens\": [1], \"output_lens\": [1]}",
        "-0.1 is no time in seconds",
    );
    check_refused("{\"ttfts\": [0.1], \"itls\": [[]], \"input_lens\": [1]}", "missing field `output_lens`");
    check_refused(
        "{\"metadata\": {}, \"metrics\": {\"time_to_first_token\": {\"value\": 1, \"unit\": \"fortnights\"}}}",
        "unit `fortnights`",
    );
    check_refused(
        "{\"ttft\": [0.1], \"tbt\": [], \"num_prompt_tokens\": [1], \"num_output_tokens\": [1]}",
        "`tbt` has 0",
    );
    check_refused(b"PAR1 and no more", "Parquet");
    check_refused(b"\xff\xfe{\0", "line 1, column 1");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_passed_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.jsonl");
    fs::write(&path, "\u{feff}{\"inter_token_ns\": [1]}\r\n\r\n{\"inter_token_ns\": [2.0, 3.4]}\r\n").expect("written");
    let run = read(&path).expect("reads");
    let gaps: Vec<_> = run.readings[0].requests.iter().map(|request| request.record.chunks.len()).collect();
    assert_eq!(gaps, [1, 2]);
    assert_eq!(run.readings[0].requests[1].record.chunks[1].arrived, Nanos::new(5));
}

#[test]
fn every_cut_of_every_fixture_reads_or_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cut");
    for entry in fs::read_dir(fixture("")).expect("listed") {
        let whole = fs::read(entry.expect("an entry").path()).expect("read");
        for length in (0..whole.len()).step_by(17) {
            fs::write(&path, &whole[..length]).expect("written");
            // JSON lines cut at a line's end read; all else is refused. Neither panics.
            let _ = read(&path);
        }
    }
}

#[test]
fn flipped_bits_and_extreme_deadlines_panic_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("flipped");
    for entry in fs::read_dir(fixture("")).expect("listed") {
        let whole = fs::read(entry.expect("an entry").path()).expect("read");
        for k in 0..300 {
            let mut bytes = whole.clone();
            let at = k * 7919 % bytes.len();
            bytes[at] ^= 1 << (k % 8);
            fs::write(&path, &bytes).expect("written");
            if let Ok(run) = read(&path) {
                let _ = score(run, &options());
            }
        }
    }
    let longest = 3_000_000_000_000_000_000_u64;
    for (gap, deadline) in [(1, longest), (longest / 20, 1), (longest / 20, longest)] {
        let gaps = vec![gap; 20];
        let line = format!(
            "{{\"inter_token_ns\": {gaps:?}, \"ttft_deadline_ns\": {deadline}, \"tbt_deadline_ns\": {deadline}}}"
        );
        fs::write(&path, line).expect("written");
        let report = score(read(&path).expect("reads"), &options()).unwrap();
        assert_eq!(report.requests[0].missed == Some(0), deadline == longest, "{report:?}");
    }
}

#[test]
fn a_folder_without_rows_says_what_to_name() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(read(folder.path()).expect_err("refused").hint.contains("a run's folder"));
    fs::write(folder.path().join("journal.arrows"), "").expect("written");
    assert!(read(folder.path()).expect_err("refused").hint.starts_with("metron recover"));
    assert!(read(&folder.path().join("nothing")).expect_err("refused").to_string().contains("No such file"));
}

#[test]
fn a_million_tokens_in_one_line_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("long.jsonl");
    let gaps = vec!["20000000"; 1_000_000].join(", ");
    fs::write(&path, format!("{{\"inter_token_ns\": [{gaps}]}}\n")).expect("written");
    let report = score(read(&path).expect("reads"), &options()).unwrap();
    assert_eq!((report.requests[0].tokens, report.requests[0].missed), (1_000_000, Some(0)));
}
