//! Whether queues grow without end more often late in a search than early. Knows no prober.
//!
//! Near its capacity a full system's queue grows in one probe and not in the next, at one load: that some grew is no change of the
//! server, only that a greater share of them does. Fisher's exact test (R. A. Fisher, *J. R. Stat. Soc.* 98 (1935) 39) holds the
//! late probes against the early ones, those at no lower load, which must grow no less often if the server is the same.

use super::super::demand::Demand;
use super::super::prober::{Ending, Load};
use super::plan::PATIENCE;
use super::probe::Probe;

/// The chance beyond which two shares differ. It is looked at after every probe and wherever the change may have been; over the
/// 80 probes of the longest search that comes to a false alarm in fewer than one of a hundred servers that stay the same.
const LEVEL: f64 = 2e-4;

/// Whether the queue of one probe grew.
#[derive(Debug, Clone, Copy)]
struct Seen {
    place: usize,
    load: Load,
    grew: bool,
}

/// The first probe from which on queues grow more often; `None` where that may be chance.
pub(super) fn since(probes: &[Probe], demands: &[Demand]) -> Option<usize> {
    // Within the requests of the shortest probe near a capacity, whatever the length of each: in more requests more of them grow.
    let within = demands.iter().map(Demand::grain).max().unwrap_or(1) * PATIENCE;
    let grew = |probe: &Probe| match probe.growing && probe.requests <= within {
        true => Some(true),
        false => (probe.requests >= within).then_some(false),
    };
    let played = probes.iter().enumerate().filter(|(_, probe)| probe.ending == Ending::Enough);
    let seen: Vec<Seen> =
        played.filter_map(|(place, probe)| Some(Seen { place, load: probe.load, grew: grew(probe)? })).collect();
    (1..seen.len()).find(|&from| chance(&seen[..from], &seen[from..]) < LEVEL).map(|from| seen[from].place)
}

/// The chance that so many of the late ones grow, or more, were the server the same.
fn chance(early: &[Seen], late: &[Seen]) -> f64 {
    let highest = late.iter().filter(|it| it.grew).map(|it| it.load).reduce(|a, b| if a > b { a } else { b });
    let Some(load) = highest else { return 1.0 };
    let above: Vec<&Seen> = early.iter().filter(|it| it.load >= load).collect();
    let before = above.iter().filter(|it| it.grew).count();
    let after = late.iter().filter(|it| it.grew).count();
    exact((after, late.len()), (before, above.len()))
}

/// Fisher's exact test: the chance that of `before + after` things that befall `m + n` at random, as many as `after` or more befall the `n`.
fn exact((after, n): (usize, usize), (before, m): (usize, usize)) -> f64 {
    let all = after + before;
    let ways = |k: usize| choose(n, k) * choose(m, all - k);
    (after.max(all.saturating_sub(m))..=n.min(all)).map(ways).sum::<f64>() / choose(n + m, all)
}

fn choose(n: usize, k: usize) -> f64 {
    (0..k).fold(1.0, |ways, i| ways * (n - i) as f64 / (i + 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_test_is_fishers() {
        assert!((exact((3, 4), (1, 4)) - 17.0 / 70.0).abs() < 1e-12, "the lady tasting tea");
        assert!((exact((4, 4), (0, 4)) - 1.0 / 70.0).abs() < 1e-12);
        assert_eq!(exact((0, 4), (2, 4)), 1.0);
        assert!((exact((5, 5), (0, 0)) - 1.0).abs() < 1e-12, "nothing to hold it against");
    }

    /// 80 probes of a server of which each grows by chance, as probably at every load: what makes false alarms likeliest.
    fn false_alarms(share: u32, servers: u32) -> usize {
        let mut draw = 0_u32;
        let mut seen = |place| {
            draw = draw.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Seen { place, load: Load::ONE, grew: draw >> 16 < share * 65_536 / 100 }
        };
        let steady = |_: &u32| {
            let all: Vec<Seen> = (0..80).map(&mut seen).collect();
            (2..=all.len()).any(|end| (1..end).any(|from| chance(&all[..from], &all[from..end]) < LEVEL))
        };
        (0..servers).filter(steady).count()
    }

    #[test]
    fn a_server_that_stays_the_same_is_hardly_ever_told_of_however_often_it_is_asked() {
        for share in [10, 50, 90] {
            let told = false_alarms(share, 100);
            assert!(told <= 3, "{told} of 100 servers of which {share} % of the probes grow");
        }
    }
}
