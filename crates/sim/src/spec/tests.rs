//! The language of `sim:...`: what reads, what it prints, and what is refused with a hint.

use metron_units::{Nanos, Tokens};
use proptest::prelude::*;

use super::*;

fn ms(ms: u64) -> Nanos {
    Nanos::from_millis(ms)
}

fn healthy(kind: Kind) -> Spec {
    Spec { kind, faults: Faults::default() }
}

fn read(text: &str) -> Spec {
    text.parse().unwrap_or_else(|refused| panic!("{text}: {refused}"))
}

/// `text` is refused with a message that holds `reason`, and `hint` can be typed instead.
fn refused(text: &str, reason: &str, hint: &str) {
    let error = text.parse::<Spec>().expect_err(text);
    assert!(error.to_string().contains(reason), "{text}: {error}");
    assert_eq!(error.hint().unwrap_or_default(), hint, "{text}");
}

#[test]
fn the_bare_address_is_the_documented_engine() {
    assert_eq!(read("sim:"), read(BARE));
    assert_eq!(read(" sim: "), read("sim:vllm-v1"));
    assert!(read("sim:").to_string().starts_with(BARE), "{}", read("sim:"));
}

#[test]
fn settings_without_an_engine_are_of_the_bare_one() {
    assert_eq!(read("sim:?"), read(BARE));
    assert_eq!(
        read("sim:?gpu=a100&max-num-seqs=7&fault=429:5%"),
        read("sim:vllm-v1?gpu=a100&max-num-seqs=7&fault=429:5%")
    );
    refused("sim:?gpu=h10", "gpu `h10` is unknown", "sim:vllm-v1?gpu=h100");
    refused("sim:?max-num-seq=3", "`max-num-seq` is no parameter of vllm-v1", "sim:vllm-v1?max-num-seqs=3");
}

#[test]
fn the_bare_script_is_the_documented_one() {
    assert_eq!(read("sim:fixed").to_string(), "sim:fixed?ttft=100ms&tbt=20ms&tokens=128");
}

#[test]
fn every_setting_of_a_script_is_read() {
    let fixed = Fixed {
        ttft: ms(5),
        tbt: Nanos::from_micros(1_500),
        tokens: Tokens::new(7),
        stall: Some(Stall { every: 3, extra: ms(300) }),
    };
    assert_eq!(read("sim:fixed?stall=300ms&tbt=1.5ms&ttft=5ms&tokens=7&stall-every=3"), healthy(Kind::Fixed(fixed)));
}

#[test]
fn every_setting_of_a_queue_is_read() {
    let service: metron_workload::Dist<Nanos> = "90% exponential:20ms + 10% exponential:200ms".parse().unwrap();
    let queue = Queue { servers: 4, service, first: FirstToken::Start, tokens: Tokens::new(2), seed: 9 };
    let text = "sim:queue?servers=4&service=90% exponential:20ms + 10% exponential:200ms&first=start&tokens=2&seed=9";
    assert_eq!(read(text), healthy(Kind::Queue(queue)));
}

#[test]
fn a_scheduler_writes_every_setting_and_reads_it_back() {
    for name in crate::engine::schedulers() {
        let spec = read(&format!("sim:{name}?max-num-seqs=7&gpu=a100"));
        let text = spec.to_string();
        assert!(text.starts_with(&format!("sim:{name}?")) && text.contains("max-num-seqs=7"), "{text}");
        assert_eq!(read(&text), spec);
    }
}

#[test]
fn what_is_no_engine_is_refused_with_what_could_be_typed() {
    refused("http://host", "does not start with `sim:`", "sim:");
    refused("sim:fxed", "no simulated engine `fxed`", "sim:fixed");
    refused("sim:Queue", "no simulated engine `Queue`", "sim:queue");
    refused(
        "sim:zzz",
        "no simulated engine `zzz`; there are fixed, queue, vllm-v1, vllm, sarathi, orca, static, disaggregated",
        "sim:",
    );
    refused("sim:fixed?stall_every=3", "has no setting `stall_every`", "sim:fixed?stall-every=3");
    refused("sim:fixed?servers=3", "`servers`; it has ttft, tbt, tokens, stall-every, stall", "sim:fixed");
    refused("sim:fixed?ttft=300", "duration `300` has no unit", "sim:fixed?ttft=300ms");
    refused("sim:fixed?ttft", "does not start with a number", "sim:fixed?ttft=300ms");
    refused("sim:fixed?ttft=1001h", "over 1000 hours", "sim:fixed?ttft=1h");
    refused("sim:fixed?tokens=0", "outside 1 to 1000000", "sim:fixed?tokens=1");
    refused("sim:fixed?tokens=-1", "a whole number", "sim:fixed?tokens=1");
    refused("sim:fixed?tokens=+5", "a whole number", "sim:fixed?tokens=1");
    refused("sim:fixed?tbt=1ms&tbt=2ms", "`tbt` is given twice", "");
    refused("sim:fixed?stall=1s", "lacks the setting `stall-every`", "sim:fixed?stall=1s&stall-every=16");
    refused("sim:fixed?stall-every=4", "lacks the setting `stall`", "sim:fixed?stall-every=4&stall=300ms");
    refused(
        "sim:queue?servers=2",
        "`queue` lacks the setting `service`",
        "sim:queue?servers=2&service=exponential:50ms",
    );
    refused("sim:queue?service=50ms&first=middle", "one of end, start", "sim:queue?service=50ms&first=end");
    refused("sim:vlm", "no simulated engine `vlm`", "sim:vllm");
    refused("sim:vllm?max-num-seq=3", "`max-num-seq` is no parameter of vllm", "sim:vllm?max-num-seqs=3");
    refused("sim:vllm?gpu=h200x&tp=2", "gpu `h200x` is unknown", "sim:vllm?gpu=h200&tp=2");
    refused("sim:vllm?tp=3", "llama-3-8b cannot run", "sim:vllm?tp=1");
}

#[test]
fn a_stall_lengthens_only_the_gap_after_its_tokens() {
    let fixed = Fixed { stall: Some(Stall { every: 2, extra: ms(300) }), ..Fixed::default() };
    let due: Vec<Nanos> = (0..5).map(|k| fixed.due(ms(1_000), k)).collect();
    assert_eq!(due, [1_100, 1_120, 1_440, 1_460, 1_780].map(ms));
}

#[test]
fn a_script_beyond_all_time_ends_at_the_end_of_time() {
    let fixed = Fixed { tbt: Nanos::from_secs(3_600_000), ..Fixed::default() };
    assert_eq!(fixed.due(Nanos::MAX, 10_000_000), Nanos::MAX);
}

fn any_duration() -> impl Strategy<Value = Nanos> {
    (0..=3_600_000_000_000_000_u64).prop_map(Nanos::new)
}

fn any_spec() -> impl Strategy<Value = Spec> {
    let stall =
        proptest::option::of((1..=1_000_000_u64, any_duration()).prop_map(|(every, extra)| Stall { every, extra }));
    let fixed = (any_duration(), any_duration(), 1..=1_000_000_u64, stall).prop_map(|(ttft, tbt, tokens, stall)| {
        healthy(Kind::Fixed(Fixed { ttft, tbt, tokens: Tokens::new(tokens), stall }))
    });
    let services = ["50ms", "exponential:50ms", "70% 10ms + 30% lognormal:1500us,0.8"];
    let service =
        proptest::sample::select(services.to_vec()).prop_filter_map("a distribution", |text| text.parse().ok());
    let first = proptest::sample::select(vec![FirstToken::Start, FirstToken::End]);
    let queue = (1..=1_000_000_u64, service, first, 1..=1_000_000_u64, any::<u64>()).prop_map(
        |(servers, service, first, tokens, seed)| {
            healthy(Kind::Queue(Queue { servers, service, first, tokens: Tokens::new(tokens), seed }))
        },
    );
    prop_oneof![fixed, queue]
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(spec in any_spec()) {
        prop_assert_eq!(read(&spec.to_string()), spec);
    }

    #[test]
    fn no_text_breaks_the_parser(text in "(sim:)?(fixed|queue|.{0,6})(\\?(ttft|tokens|service|stall|.{0,3})=.{0,12}(&.{0,12})?)?") {
        if let Ok(spec) = text.parse::<Spec>() {
            prop_assert_eq!(read(&spec.to_string()), spec);
        }
    }
}
