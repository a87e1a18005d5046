//! TPOT and percentiles of the gaps do not see where a stall lies; a reader does. One stall, moved through an answer: the picture of
//! the paper's sequel (arXiv 2507.09019), whose stall scores 0.95 early and 1.00 late.

use metron_metrics::deadlines::misses;
use metron_metrics::quantile::of_sorted;
use metron_metrics::{Deadlines, FirstToken};
use metron_report::plot::{Axis, Plot, Series};
use metron_units::Nanos;

use super::simulated::sorted;
use super::{Found, Published, Table};

/// Gaps behind the first token.
const GAPS: usize = 99;
const GAP: Nanos = Nanos::from_millis(40);
/// So that TPOT is 46 ms.
const STALL: Nanos = Nanos::from_millis(634);
/// The paper's middle class; the first token comes at its deadline.
const DEADLINES: Deadlines = Deadlines { ttft: Nanos::from_millis(300), tbt: Nanos::from_millis(50) };

const SEQUEL: &str = "arXiv 2507.09019";

/// An answer's gaps, its first token's included, of which that of this place, from 1, is the stall.
fn answer(place: usize) -> impl Iterator<Item = Nanos> + Clone {
    let gap = move |token: usize| if token == place { STALL } else { GAP };
    std::iter::once(DEADLINES.ttft).chain((1..=GAPS).map(gap))
}

fn fluidity(place: usize) -> f64 {
    misses(answer(place), DEADLINES, FirstToken::Counted).fluidity_index().expect("the answer has tokens")
}

fn percentile_and_mean(place: usize) -> (f64, f64) {
    let gaps = sorted(answer(place).skip(1).map(|gap| gap.as_secs_f64() * 1e3));
    (of_sorted(&gaps, 0.9).expect("there are gaps"), gaps.iter().sum::<f64>() / GAPS as f64)
}

pub(super) fn find() -> Found {
    // The first gap comes before the second token.
    let index = (1..=GAPS).map(|place| ((place + 1) as f64, fluidity(place))).collect();
    let plot = Plot {
        caption:
            "One stall of 634 ms in an answer of 100 tokens, by where it lies: p90 TBT is 40 ms and TPOT 46 ms wherever"
                .to_owned(),
        x: Axis::linear("the stall comes before token").to(GAPS as f64 + 1.0),
        y: Axis::linear("fluidity-index").from(0.85).to(1.0),
        series: vec![Series::steps("fluidity-index", index)],
        references: Vec::new(),
    };
    let mut table = Table::default();
    let (early, late) = (36, 90);
    for (when, place, published) in [("early", early, 0.95), ("late", late, 1.0)] {
        let (p90, tpot) = percentile_and_mean(place);
        table.add(format!("{when} stall: p90 TBT, ms"), p90, Published::held(40.0, 0.01, SEQUEL));
        table.add(format!("{when} stall: TPOT, ms"), tpot, Published::held(46.0, 0.01, SEQUEL));
        table.add(format!("{when} stall: fluidity-index"), fluidity(place), Published::held(published, 0.01, SEQUEL));
    }
    table.add("at the first gap: fluidity-index", fluidity(1), None);
    Found { plots: vec![("", plot)], table }
}
