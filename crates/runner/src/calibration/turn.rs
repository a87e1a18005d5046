//! Between which loads the verdict turns. Measures nothing.

use metron_results::calibration::{Load, Point, Turns};
use metron_results::summary::Verdict;

/// Loads that lie closer than this are one.
const CLOSE: f64 = 1.15;

/// The highest load with `ok` below every load without, and the lowest above it whose verdict is another. `points` rise.
pub(super) fn turns(points: &[Point]) -> Turns {
    let load = |point: &Point| Load { streams: point.streams, tokens_per_s: point.tokens_per_s };
    let good = points.iter().take_while(|point| point.verdict == Verdict::Ok).count();
    Turns { holds: good.checked_sub(1).map(|last| load(&points[last])), fails: points.get(good).map(load) }
}

/// The load to measure next, between the two; `None` if they are close, or if one of them is missing.
pub(super) fn between(turns: &Turns) -> Option<u32> {
    let (holds, fails) = (turns.holds?.streams, turns.fails?.streams);
    if f64::from(fails) < f64::from(holds) * CLOSE {
        return None;
    }
    let middle = (f64::from(holds) * f64::from(fails)).sqrt().round() as u32;
    (holds < middle && middle < fails).then_some(middle)
}

#[cfg(test)]
mod tests {
    use metron_results::calibration::Errors;

    use super::*;

    fn points(verdicts: &[(u32, Verdict)]) -> Vec<Point> {
        let point = |&(streams, verdict): &(u32, Verdict)| Point {
            streams,
            requests: 1,
            tokens: 1,
            tokens_per_s: Some(f64::from(streams) * 48.0),
            share_of_ideal: None,
            cpu_s_per_million_tokens: None,
            ttft: Errors::default(),
            gaps: Errors::default(),
            shared_read_share: None,
            verdict,
            reasons: Vec::new(),
        };
        verdicts.iter().map(point).collect()
    }

    #[track_caller]
    fn check(verdicts: &[(u32, Verdict)], holds: Option<u32>, fails: Option<u32>, next: Option<u32>) {
        let turns = turns(&points(verdicts));
        assert_eq!((turns.holds.map(|load| load.streams), turns.fails.map(|load| load.streams)), (holds, fails));
        assert_eq!(between(&turns), next);
    }

    #[test]
    fn it_turns_at_the_first_load_that_is_not_ok() {
        use Verdict::{Bottleneck, Ok, Suspect};
        check(&[(1, Ok), (1_024, Ok), (4_096, Bottleneck)], Some(1_024), Some(4_096), Some(2_048));
        check(&[(1, Ok), (64, Suspect), (1_024, Ok)], Some(1), Some(64), Some(8));
        check(&[(1, Ok), (64, Ok)], Some(64), None, None);
        check(&[(1, Bottleneck)], None, Some(1), None);
        check(&[], None, None, None);
    }

    #[test]
    fn close_loads_are_one() {
        use Verdict::{Ok, Suspect};
        check(&[(1_000, Ok), (1_100, Suspect)], Some(1_000), Some(1_100), None);
        check(&[(1, Ok), (2, Suspect)], Some(1), Some(2), None);
    }
}
