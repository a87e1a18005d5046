//! Two runs of one plan are drawn alike, and what differs between them is found, whatever the plan does to both.

use super::*;
use crate::comparison::{Change, Difference, Drawn, Method};
use crate::record::RequestRecord;
use crate::testing::{Random, answer, failure};
use crate::{ErrorClass, Summariser, SummaryOptions};

fn redrawn(records: &[RequestRecord], seed: u64) -> Redrawn {
    let mut run = Summariser::new(SummaryOptions::default());
    records.iter().for_each(|record| run.add(record));
    let percentiles = vec![Fraction::parse("99.9%").unwrap()];
    let (figures, redrawn) = run.finish_redrawn(&Drawing { seed, percentiles });
    let mut plain = Summariser::new(SummaryOptions::default());
    records.iter().for_each(|record| plain.add(record));
    assert_eq!(figures, plain.finish(), "drawing changes no figure");
    redrawn
}

/// Answers whose first token takes 50 to 1,050 ms, and `slower` ms more; four gaps of 20 ms.
fn run(slower: u64, seed: u64) -> Vec<RequestRecord> {
    let mut random = Random(seed);
    let wait = |random: &mut Random| 50 + (random.unit() * 1_000.0) as u64;
    (0..400_u64)
        .map(|id| {
            let first = id * 10 + wait(&mut random) + slower;
            let chunks: Vec<(u64, u32)> = (0..5).map(|k| (first + 20 * k, 1)).collect();
            answer(id, id * 10, &chunks)
        })
        .collect()
}

fn between(a: &Redrawn, b: &Redrawn, metric: Metric, aspect: Aspect, how: Drawn) -> Difference {
    Difference::between(&a.estimates[&(metric, aspect)], &b.estimates[&(metric, aspect)], how).unwrap()
}

#[test]
fn a_shift_of_every_request_is_found_exactly_where_the_plan_is_the_same() {
    let (a, b) = (redrawn(&run(0, 7), 1), redrawn(&run(10, 7), 1));
    let mean = between(&a, &b, Metric::Ttft, Aspect::Mean, Drawn::Together);
    let ends = mean.ci95.unwrap();
    assert!((ends.low - 0.01).abs() < 1e-9 && (ends.high - 0.01).abs() < 1e-9, "{ends:?}");
    assert_eq!(mean.change(crate::catalogue::Better::Lower), Some(Change::Worse));
    let apart = between(&a, &redrawn(&run(10, 8), 2), Metric::Ttft, Aspect::Mean, Drawn::Apart);
    assert_eq!(apart.method, Some(Method::Bootstrap));
    assert_eq!(apart.change(crate::catalogue::Better::Lower), Some(Change::None), "10 ms drown in a second of noise");
}

#[test]
fn every_figure_has_an_estimate_and_few_requests_have_no_draws() {
    let few = redrawn(&run(0, 7)[..19], 1);
    for entry in crate::catalogue::CATALOGUE {
        let aspects = few.estimates.keys().filter(|(metric, _)| *metric == entry.metric).count();
        assert_eq!(aspects, if entry.kind == crate::catalogue::Kind::Value { 1 } else { 6 }, "{}", entry.name);
    }
    assert!(few.estimates[&(Metric::Ttft, Aspect::Mean)].draws.is_empty());
    let enough = redrawn(&run(0, 7), 1);
    let at = |text: &str| Aspect::Percentile(Fraction::parse(text).unwrap());
    assert!(!enough.estimates[&(Metric::Ttft, at("99%"))].draws.is_empty());
    assert!(enough.estimates[&(Metric::Ttft, at("99.9%"))].draws.is_empty(), "p99.9 takes 3,688 requests");
}

#[test]
fn a_failed_request_moves_no_other_out_of_its_place() {
    let mut with_failure = run(10, 7);
    with_failure[3] = failure(3, 30, ErrorClass::Http5xx, "overloaded");
    let (a, b) = (redrawn(&run(0, 7), 1), redrawn(&with_failure, 1));
    let ends = between(&a, &b, Metric::Ttft, Aspect::Mean, Drawn::Together).ci95.unwrap();
    assert!(ends.low > 0.0 && ends.high < 0.02, "{ends:?}");
}

#[test]
fn a_request_s_place_is_its_id() {
    let sums = Blocks::of((10, 1_009)).sums((10..1_010).rev().map(|id| (id, (1.0, 1.0))));
    assert_eq!(sums, vec![(10.0, 10.0); 100]);
}
