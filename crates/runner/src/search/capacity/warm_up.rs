//! Where a probe's warm-up ends, and whether its queue grows without end. Knows no objective: both look at the requests in
//! flight.

/// Fewest batches that either answer is given for.
const FEWEST: usize = 16;

/// Growth that is no chance: this many requests more at the end than at the start.
const GROWTH: f64 = 16.0;

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
}
