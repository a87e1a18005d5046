//! Where a probe's warm-up ends, and whether its queue grows. Knows no objective: all look at the requests in flight.

/// Fewest batches that either answer is given for.
const FEWEST: usize = 16;

/// Growth that is no chance: this many requests more at the end than at the start.
const GROWTH: f64 = 16.0;

/// Turns of all that is under way, after which a rise is no longer that of a server that fills.
const TURNS: f64 = 8.0;

/// A rise to look out for: the last quarter so many times the first, and so many requests more.
const RISE: (f64, f64) = (1.25, 8.0);

/// The batches to leave out at the start, while the server fills: until the requests in flight first reach the mean of the second
/// half (the crossing of the mean; G. S. Fishman, *Concepts and Methods in Discrete Event Digital Simulation*, 1973). At most a third.
///
/// MSER, which leaves out whatever makes the rest smoothest, was tried and put by: it also leaves out a burst that
/// happened to come early, which made the capacity 2 % too high.
pub(super) fn warm_up(in_flight: &[f64]) -> usize {
    if in_flight.len() < FEWEST {
        return 0;
    }
    let half = &in_flight[in_flight.len() / 2..];
    let level = half.iter().sum::<f64>() / half.len() as f64;
    let third = in_flight.len() / 3;
    in_flight[..third].iter().position(|&value| value >= level).unwrap_or(third)
}

/// Whether the requests in flight grow steadily: each eighth of the probe above the one before, and the last well above the first.
pub(super) fn grows(in_flight: &[f64]) -> bool {
    if in_flight.len() < FEWEST {
        return false;
    }
    let cut = |eighth: usize| eighth * in_flight.len() / 8;
    let means: Vec<f64> = (0..8)
        .map(|eighth| &in_flight[cut(eighth)..cut(eighth + 1)])
        .map(|part| part.iter().sum::<f64>() / part.len() as f64)
        .collect();
    means.is_sorted_by(|before, after| before < after) && means[7] > GROWTH + 4.0 * means[0]
}

/// Whether a queue that grows does so for longer than the server takes to fill, after `requests` of them.
pub(super) fn endless(in_flight: &[f64], requests: u64) -> bool {
    let last = &in_flight[in_flight.len() - in_flight.len() / 8..];
    grows(in_flight) && requests as f64 >= TURNS * last.iter().sum::<f64>() / last.len() as f64
}

/// Whether the requests in flight still rise after the warm-up, be it by chance: each quarter is above the one before. What such a
/// probe has not missed yet, it may miss later.
pub(super) fn rises(in_flight: &[f64], from: usize) -> bool {
    let kept = &in_flight[from.min(in_flight.len())..];
    if kept.len() < FEWEST {
        return false;
    }
    let cut = |quarter: usize| quarter * kept.len() / 4;
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let means: Vec<f64> = (0..4).map(|quarter| mean(&kept[cut(quarter)..cut(quarter + 1)])).collect();
    means.is_sorted_by(|before, after| before < after) && means[3] > RISE.0 * means[0] + RISE.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_series_keeps_all_and_a_rise_at_the_start_is_left_out() {
        assert_eq!(warm_up(&[5.0; 60]), 0);
        let rising = |k: usize| if k < 10 { k as f64 } else { 10.0 };
        let series: Vec<f64> = (0..60).map(rising).collect();
        assert_eq!(warm_up(&series), 10);
        assert_eq!(warm_up(&series[..12]), 0, "too short to say");
    }

    #[test]
    fn a_burst_at_the_start_is_no_warm_up() {
        let series: Vec<f64> = (0..60).map(|k| if k < 8 { 40.0 } else { 5.0 }).collect();
        assert_eq!(warm_up(&series), 0);
    }

    #[test]
    fn only_a_queue_that_keeps_growing_is_said_to_grow() {
        let line: Vec<f64> = (0..64).map(f64::from).collect();
        assert!(grows(&line));
        let level: Vec<f64> = (0..64).map(|k| f64::from(k.min(20))).collect();
        assert!(!grows(&level), "it has stopped");
        assert!(!grows(&line.iter().map(|x| x / 10.0).collect::<Vec<_>>()), "six more requests are chance");
    }

    #[test]
    fn a_server_that_fills_does_not_grow_without_end_and_one_that_rises_is_not_settled() {
        let line: Vec<f64> = (0..64).map(f64::from).collect();
        assert!(endless(&line, 1_000) && !endless(&line, 300), "60 under way are five turns of 300");
        assert!(rises(&line, 0));
        let filled: Vec<f64> = (0..64).map(|k| f64::from(k.min(20))).collect();
        assert!(!rises(&filled, 20), "it was full when the warm-up ended");
        assert!(!rises(&line.iter().map(|x| x / 10.0).collect::<Vec<_>>(), 0), "five more requests are chance");
    }
}
