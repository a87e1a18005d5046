//! Whether the server stayed the same over the search: probes at like loads must tell alike, early or late. Knows no prober.

use super::super::demand::Demand;
use super::super::prober::LoadUnit;
use super::answer::Unsteady;
use super::plan::points;
use super::probe::Probe;
use super::regression::Point;

/// Standard errors by which the logarithms must lie apart.
const SURE: f64 = 4.5;

/// The same where one of the two was ended by what was seen of it, which looks farther from the bound than its load is.
const SURER: f64 = 6.0;

/// Grains of requests that a steady state shows itself in.
const LEAST: f64 = 8.0;

/// The first probe that contradicts an earlier one beyond chance: of two steady states the one under the lower load did worse. A
/// growing queue has no steady state and is told early: two of them are asked for, at loads that held before, for as long as these took
/// to show it, or below such. Of a closed loop only like loads are held against each other: all its users wait for one batch, and one more of them may
/// break it up, so that more load is the easier one. `None` if all agree.
pub(super) fn unsteady(probes: &[Probe], demands: &[Demand], unit: LoadUnit) -> Option<Unsteady> {
    let mut growing = 0;
    for (since, late) in probes.iter().enumerate() {
        let comparable = |early: &&Probe| unit.users(late.load).is_none() || early.load == late.load;
        for early in probes[..since].iter().filter(comparable) {
            let (higher, lower) = if early.load > late.load { (early, late) } else { (late, early) };
            if let Some(objective) = worse(lower, higher, demands) {
                return Some(Unsteady { since, objective });
            }
        }
        // A probe that ended as soon as it held may have ended before the queue had begun to grow. And a full scheduler's queue
        // may grow at once or not at all at one load: only one that grows where it did not before tells of another server.
        let settled =
            |early: &&Probe| early.whole && !early.growing && !early.rising && early.requests >= late.requests;
        let mut held = probes[..since].iter().filter(comparable).filter(settled);
        growing += u32::from(late.growing && held.any(|early| early.load >= late.load && within(early, demands)));
        if growing == 2 {
            return Some(Unsteady { since, objective: 0 });
        }
    }
    None
}

/// Whether what was seen of it lies within all bounds.
fn within(probe: &Probe, demands: &[Demand]) -> bool {
    let mut told = demands.iter().zip(&probe.estimates);
    told.all(|(demand, it)| it.is_some_and(|it| it.ratio <= demand.allowed()))
}

/// The objective by which the lower load did worse than the higher one, in logarithms, where the scatter is alike on both sides.
fn worse(lower: &Probe, higher: &Probe, demands: &[Demand]) -> Option<usize> {
    (0..demands.len()).find(|&objective| {
        let pair = [lower.clone(), higher.clone()];
        let sure = if lower.whole && higher.whole { SURE } else { SURER };
        let [bad, good] = points(&pair, objective, &demands[objective])[..] else { return false };
        let enough = good.of.min(bad.of) >= LEAST * demands[objective].grain() as f64;
        if !enough || bad.ratio <= 0.0 {
            return false;
        }
        let doubt = |point: Point| (point.variance / point.ratio.powi(2)).max(0.0);
        // Where nothing was missed, at most one bunch is as good a guess as any.
        let bunch = bad.bunch().max(1.0 / demands[objective].allowed());
        let (best, unsure) = if good.ratio > 0.0 { (good.ratio, doubt(good)) } else { (bunch / good.of, 1.0) };
        (bad.ratio / best).ln() > sure * (unsure + doubt(bad)).sqrt()
    })
}

#[cfg(test)]
mod tests {
    use metron_units::Nanos;

    use super::super::super::prober::{Ending, Load};
    use super::super::estimate::Estimate;
    use super::super::verdict::Verdict;
    use super::*;

    /// A probe of a p99: its load, its ratio in parts of what is allowed, the standard error in parts of the ratio, and the requests.
    fn probe(load: f64, ratio: f64, unsure: f64, of: f64) -> Probe {
        let ratio = ratio * 0.01;
        Probe {
            load: Load::new(load).unwrap(),
            verdict: if ratio > 0.01 { Verdict::Fails } else { Verdict::Holds },
            growing: false,
            rising: false,
            replay: false,
            whole: true,
            requests: of as u64,
            duration: Nanos::from_secs(60),
            estimates: vec![Some(Estimate { ratio, of, variance: (unsure * ratio).powi(2) })],
            ending: Ending::Enough,
        }
    }

    fn demands() -> [Demand; 1] {
        [Demand::of("p99 ttft <= 500ms".parse().unwrap()).unwrap()]
    }

    #[test]
    fn a_full_schedulers_queue_that_grows_above_all_that_held_to_their_end_is_no_change() {
        // As vLLM V1 showed itself with its memory full: the short probe ended before the queue had begun to grow.
        let short = Probe { whole: false, ..probe(49.22, 0.0, 0.0, 2_496.0) };
        let growing = |load, ratio| Probe { growing: true, whole: false, ..probe(load, ratio, 0.7, 1_280.0) };
        let recovered = [growing(47.69, 104.0), growing(47.92, 126.0), probe(47.92, 0.26, 0.5, 8_000.0)];
        assert_eq!(
            unsteady(&recovered, &demands(), LoadUnit::RequestsPerSecond),
            None,
            "a server that is better than it was is not worn out"
        );
        let held = [49.0, 48.0].map(|load| probe(load, 0.5, 0.5, 8_000.0));
        assert_eq!(
            unsteady(&[held.to_vec(), vec![growing(47.0, 3.0)]].concat(), &demands(), LoadUnit::RequestsPerSecond),
            None,
            "one that grew is one, however many held"
        );
        let mut probes = vec![short, growing(49.10, 9.8), probe(47.60, 0.0, 0.0, 5_376.0), growing(48.79, 20.5)];
        assert_eq!(unsteady(&probes, &demands(), LoadUnit::RequestsPerSecond), None);
        probes.extend([growing(46.9, 20.0), growing(47.1, 15.0)]);
        assert_eq!(
            unsteady(&probes, &demands(), LoadUnit::RequestsPerSecond),
            Some(Unsteady { since: 5, objective: 0 }),
            "two below one that held"
        );
    }

    #[test]
    fn one_bunch_of_misses_at_a_lower_load_is_no_change_but_many_are() {
        let higher = probe(212.0, 0.0, 0.0, 21_248.0);
        assert_eq!(
            unsteady(&[probe(181.0, 0.588, 1.026, 5_440.0), higher.clone()], &demands(), LoadUnit::RequestsPerSecond),
            None
        );
        let both = [probe(181.0, 40.0, 0.05, 5_440.0), higher];
        let changed = unsteady(&both, &demands(), LoadUnit::RequestsPerSecond);
        assert_eq!(changed, Some(Unsteady { since: 1, objective: 0 }));
        assert_eq!(
            unsteady(&both, &demands(), LoadUnit::ConcurrentRequests),
            None,
            "another number of users is another batch"
        );
        let alike = both.map(|it| Probe { load: Load::new(181.0).unwrap(), ..it });
        assert!(unsteady(&alike, &demands(), LoadUnit::ConcurrentRequests).is_some());
    }
}
