//! Whether the server stayed the same over the search: probes at like loads must tell alike, early or late. Knows no prober.

use super::super::demand::Demand;
use super::super::prober::LoadUnit;
use super::answer::Unsteady;
use super::crossings::point;
use super::grown;
use super::noise::Point;
use super::probe::Probe;
use super::worsened::{Worsened, worsened};

/// Standard errors by which the logarithms must lie apart.
const SURE: f64 = 5.0;

/// The same where one of the two was ended by what was seen of it, which looks farther from the bound than its load is.
pub(super) const SURER: f64 = 6.0;

/// Standard errors beyond which all probes together show a change, and those that they still show without the one that shows most.
const TOGETHER: f64 = 3.25;
const WITHOUT_ONE: f64 = 1.0;

/// Grains of requests that a steady state shows itself in.
const LEAST: f64 = 8.0;

/// The first probe that contradicts an earlier one beyond chance: of two probes the one under the lower load did worse. A growing queue
/// has no steady state, and says only that it does worse than one that held for as long. By itself that it grew tells nothing: a full
/// scheduler's queue may grow or not at one load, and only how often it does tells of another server ([`grown`]). Of a closed loop only
/// like loads are held against each other: all its users wait for one batch, and one more of them may break it up, so that more load is
/// the easier one. `None` if all agree.
pub(super) fn unsteady(probes: &[Probe], demands: &[Demand], unit: LoadUnit) -> Option<Unsteady> {
    for (since, late) in probes.iter().enumerate() {
        let comparable = |early: &&Probe| unit.users(late.load).is_none() || early.load == late.load;
        for early in probes[..since].iter().filter(comparable) {
            let (higher, lower) = if early.load > late.load { (early, late) } else { (late, early) };
            // One that grew early and no longer does is no server that wears out, and what still rose had not come to its figure yet.
            let unsettled = lower.growing || lower.rising;
            let told = !higher.growing && (!unsettled || std::ptr::eq(lower, late) && outlasted(early, late));
            if let Some(objective) = told.then(|| worse(lower, higher, demands, unit)).flatten() {
                return Some(Unsteady { since, objective });
            }
        }
    }
    let together = together(probes, demands, unit).and_then(|it| it.told());
    together.or_else(|| grown::since(probes, demands).map(|since| Unsteady { since, objective: 0 }))
}

/// What all probes show together, of the objective that shows most.
pub(super) struct Together {
    objective: usize,
    shown: Worsened,
}

impl Together {
    /// By how many standard errors the server got worse.
    pub(super) fn sure(&self) -> f64 {
        self.shown.sure
    }

    /// The change, where there surely is one.
    pub(super) fn told(&self) -> Option<Unsteady> {
        let Worsened { sure, without_one, since } = self.shown;
        let surely = sure > TOGETHER && without_one > WITHOUT_ONE;
        surely.then_some(Unsteady { since, objective: self.objective })
    }
}

/// `None` of too few probes.
pub(super) fn together(probes: &[Probe], demands: &[Demand], unit: LoadUnit) -> Option<Together> {
    let of = |(objective, demand)| Some(Together { objective, shown: worsened(probes, objective, demand, unit)? });
    let all = demands.iter().enumerate().filter_map(of);
    all.max_by(|a, b| a.sure().total_cmp(&b.sure()))
}

/// Whether a probe had come to rest and did not grow for as long as `late` took to: one that ended as soon as it held may have ended
/// before its queue had begun to grow.
pub(super) fn outlasted(early: &Probe, late: &Probe) -> bool {
    early.whole && !early.growing && !early.rising && early.requests >= late.requests
}

/// The objective by which the lower load did worse than the higher one, in logarithms, where the scatter is alike on both sides.
fn worse(lower: &Probe, higher: &Probe, demands: &[Demand], unit: LoadUnit) -> Option<usize> {
    (0..demands.len()).find(|&objective| {
        let demand = &demands[objective];
        let of = |probe| point(probe, objective, demand);
        let Some((bad, good)) = of(lower).zip(of(higher)) else { return false };
        let surer = unit == LoadUnit::RequestsPerSecond && !(lower.whole && higher.whole);
        let sure = if surer { SURER } else { SURE };
        let least = if lower.growing { good.of } else { good.of.min(bad.of) };
        // Within the bound more load is not always the harder one: with prompts all alike an engine falls into a beat, another at each load.
        if least < LEAST * demand.grain() as f64 || bad.ratio <= 1.0 {
            return false;
        }
        let doubt = |point: Point| (point.variance / point.ratio.powi(2)).max(0.0);
        // Where nothing was missed, at most one bunch is as good a guess as any.
        let bunch = bad.bunch().max(1.0 / demand.allowed());
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
        let mut probes = vec![short, growing(49.10, 9.8), probe(47.60, 0.0, 0.0, 8_000.0), growing(48.79, 20.5)];
        probes.extend([growing(46.9, 20.0), growing(47.1, 15.0)]);
        let told = |probes: &[Probe]| unsteady(probes, &demands(), LoadUnit::RequestsPerSecond);
        assert_eq!(told(&probes), None, "two that grew below one that held may be chance");
        let held = (0..8).map(|k| probe(47.6 + 0.1 * f64::from(k), 0.0, 0.0, 8_000.0));
        let mut steady: Vec<Probe> = held.collect();
        steady.extend((0..6).map(|_| growing(47.5, 15.0)));
        assert_eq!(told(&steady), None, "nor six after eight that held");
        steady.push(growing(47.5, 15.0));
        assert_eq!(told(&steady), Some(Unsteady { since: 8, objective: 0 }), "seven are none");
    }

    #[test]
    fn a_queue_that_grows_and_misses_nearly_all_where_few_were_missed_is_another_servers() {
        let held = probe(34.8, 0.9, 0.15, 25_000.0);
        let growing = Probe { growing: true, whole: false, ..probe(34.0, 60.0, 0.3, 4_000.0) };
        let told = |probes: &[Probe]| unsteady(probes, &demands(), LoadUnit::RequestsPerSecond);
        assert_eq!(told(&[held.clone(), growing.clone()]), Some(Unsteady { since: 1, objective: 0 }));
        let short = Probe { requests: 3_000, ..held.clone() };
        assert_eq!(told(&[short, growing.clone()]), None, "it did not last for as long");
        assert_eq!(told(&[growing, held.clone()]), None, "one that grew first is not worn out");
        let rising = Probe { rising: true, ..probe(34.0, 60.0, 0.1, 30_000.0) };
        assert_eq!(told(&[held, rising]), None, "one that still rises after longer only shows what it was coming to");
    }

    #[test]
    fn a_beat_that_differs_from_load_to_load_is_no_change_while_both_hold() {
        // As Orca showed itself: 0.7 % of the gaps at one load, none at the next ones above, and hardly any scatter.
        let of = 8_000.0;
        let beat = |lower| [probe(29.8, 0.0, 0.0, of), probe(29.4, lower, 0.03, of)];
        assert_eq!(unsteady(&beat(0.71), &demands(), LoadUnit::RequestsPerSecond), None);
        assert!(
            unsteady(&beat(7.1), &demands(), LoadUnit::RequestsPerSecond).is_some(),
            "one that fails below one that held"
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
