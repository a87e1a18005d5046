//! The 300 worked cases of `golden/fluidity.jsonl`, whose counts were checked against the reference program of arXiv 2407.07000.

use metron_metrics::deadlines::{self, FirstToken, Misses};
use metron_metrics::record::Deadlines;
use metron_units::{Nanos, Share};

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    inter_token_ns: Vec<u64>,
    ttft_deadline_ns: u64,
    tbt_deadline_ns: u64,
    missed: u64,
    total: u64,
    missed_decode_only: u64,
    total_decode_only: u64,
    min_tbt_deadline_ns: Option<u64>,
    min_tbt_deadline_all_ns: Option<u64>,
}

fn check(case: &Case) {
    let Case { name, missed, total, .. } = case;
    let gaps = || case.inter_token_ns.iter().copied().map(Nanos::new);
    let held = Deadlines { ttft: Nanos::new(case.ttft_deadline_ns), tbt: Nanos::new(case.tbt_deadline_ns) };
    let counted = deadlines::misses(gaps(), held, FirstToken::Counted);
    assert_eq!(counted, Misses { missed: *missed, total: *total }, "{name}");
    let decode_only = Misses { missed: case.missed_decode_only, total: case.total_decode_only };
    assert_eq!(deadlines::misses(gaps(), held, FirstToken::LeftOut), decode_only, "{name}, first token left out");

    let target = Share::new(0.1).expect("a tenth is a share");
    let minimum = deadlines::min_tbt_deadline(gaps(), target);
    assert_eq!(minimum.map(Nanos::get), case.min_tbt_deadline_ns, "{name}, minimum");
    let with_first = deadlines::min_tbt_deadline_with_first(gaps(), held.ttft, target);
    assert_eq!(with_first.map(Nanos::get), case.min_tbt_deadline_all_ns, "{name}, minimum with the first token");
}

#[test]
fn every_golden_case_comes_out_to_the_nanosecond() {
    let text = include_str!("golden/fluidity.jsonl");
    let cases: Vec<Case> = text.lines().map(|line| serde_json::from_str(line).expect("a case a line")).collect();
    assert_eq!(cases.len(), 300);
    cases.iter().for_each(check);
}
