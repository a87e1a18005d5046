//! Whether all probes together show that the server got worse, which no two of them need show. Knows no prober.
//!
//! The curve of the [`regression`](super::regression) gets one more term, of time: a step between two probes, or a ramp over all requests.
//! How surely it rises is a score test (C. R. Rao, *Proc. Camb. Phil. Soc.* 44 (1948) 50): what the curve leaves of the probes, along what
//! it leaves of the term. It is asked around the load at which most is known of that. In a closed loop there is no curve, since one more
//! user may break up the batch that all wait for: each number of users is one model of its own, and what all of them leave is asked
//! together.

use super::super::demand::Demand;
use super::super::prober::LoadUnit;
use super::crossings::point;
use super::noise::Point;
use super::probe::Probe;
use super::residuals::{Along, Residuals, loads};

/// The standard deviation of the kernel, in parts of the load. Sixteen servers' curve bends so much that a wider one takes its own misfit
/// for time's doing.
pub(super) const WIDTH: f64 = 0.05;

/// What the surest of the terms shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Worsened {
    /// By how many standard errors it rises.
    pub(super) sure: f64,
    /// The same without the one probe that shows it most: a bunch of misses in one probe is no other server.
    pub(super) without_one: f64,
    /// The first probe of the server as it is now.
    pub(super) since: usize,
}

/// `None` where too few probes lie together.
pub(super) fn worsened(probes: &[Probe], objective: usize, demand: &Demand, unit: LoadUnit) -> Option<Worsened> {
    let seen = seen(probes, objective, demand);
    let points: Vec<Point> = seen.iter().map(|seen| seen.point).collect();
    let around: Vec<Residuals> = match unit {
        LoadUnit::RequestsPerSecond => {
            let loads = loads(&points).into_iter();
            loads.filter_map(|x| Residuals::of_curve(x, WIDTH, &points, demand)).collect()
        }
        LoadUnit::ConcurrentRequests => Residuals::of_each(&points).into_iter().collect(),
    };
    let along = |term: &[f64]| {
        let known = around.iter().filter_map(|residuals| residuals.along(term));
        known.max_by(|a, b| a.information.total_cmp(&b.information))
    };
    let step = |since: usize| {
        let term: Vec<f64> = seen.iter().map(|seen| f64::from(u8::from(seen.index >= since))).collect();
        Some((since, along(&term)?))
    };
    let steps = seen.iter().skip(1).filter_map(|first| step(first.index));
    let (since, surest) = steps.max_by(|(_, a), (_, b)| a.sure.total_cmp(&b.sure))?;
    let ramp: Vec<f64> = seen.iter().map(|seen| seen.at).collect();
    let Along { sure, without_one, .. } = along(&ramp).filter(|ramp| ramp.sure > surest.sure).unwrap_or(surest);
    Some(Worsened { sure, without_one, since })
}

/// A probe that ran its length and came to rest.
struct Seen {
    index: usize,
    /// Where its middle lies among all requests, from 0 to 1.
    at: f64,
    point: Point,
}

fn seen(probes: &[Probe], objective: usize, demand: &Demand) -> Vec<Seen> {
    let all: u64 = probes.iter().map(|probe| probe.requests).sum();
    let mut before = 0;
    let mut seen = Vec::new();
    for (index, probe) in probes.iter().enumerate() {
        let at = (before as f64 + 0.5 * probe.requests as f64) / all as f64;
        before += probe.requests;
        if let Some(point) = point(probe, objective, demand).filter(|_| probe.whole && !probe.growing) {
            seen.push(Seen { index, at, point });
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use metron_units::Nanos;

    use super::super::super::prober::{Ending, Load};
    use super::super::estimate::Estimate;
    use super::super::verdict::Verdict;
    use super::*;

    /// Of 8,000 requests of a p95 whose misses double where the load grows by a tenth, `times` as many as at a capacity of 20.
    fn probe(load: f64, times: f64) -> Probe {
        let ratio = 0.05 * times * ((load / 20.0).ln() * 7.3).exp();
        let estimate = Estimate { ratio, of: 8_000.0, variance: (0.25 * ratio).powi(2) };
        Probe {
            load: Load::new(load).unwrap(),
            verdict: Verdict::Undecided,
            growing: false,
            rising: false,
            replay: false,
            whole: true,
            requests: 8_000,
            duration: Nanos::from_secs(400),
            estimates: vec![Some(estimate)],
            ending: Ending::Enough,
        }
    }

    fn shown(probes: &[Probe]) -> Worsened {
        worsened(probes, 0, &Demand::of("p95 ttft <= 100ms".parse().unwrap()).unwrap(), LoadUnit::RequestsPerSecond)
            .unwrap()
    }

    /// Now above the crossing, now below.
    fn loads() -> impl Iterator<Item = f64> {
        (0..16).map(|k| if k % 2 == 0 { 19.4 } else { 20.4 } + 0.02 * f64::from(k))
    }

    #[test]
    fn what_no_two_probes_show_all_of_them_show_together() {
        let steady: Vec<Probe> = loads().map(|load| probe(load, 1.0)).collect();
        assert!(shown(&steady).sure < 0.5, "{:?}", shown(&steady));
        let stepped: Vec<Probe> =
            loads().enumerate().map(|(k, load)| probe(load, if k < 8 { 1.0 } else { 2.5 })).collect();
        let Worsened { sure, without_one, since } = shown(&stepped);
        assert!(
            sure > 3.25 && without_one > 2.5,
            "{sure} {without_one}: a factor of 2.5 is 2.6 standard errors of two probes"
        );
        assert_eq!(since, 8);
        let leaking: Vec<Probe> = loads().enumerate().map(|(k, load)| probe(load, 1.0 + 0.15 * k as f64)).collect();
        assert!(shown(&leaking).sure > 3.25, "{:?}", shown(&leaking));
        let mended: Vec<Probe> = stepped.into_iter().rev().collect();
        assert!(shown(&mended).sure < 0.5, "one that gets better is not worn out");
    }

    #[test]
    fn of_users_only_those_who_are_as_many_are_held_against_each_other() {
        let demand = Demand::of("p95 ttft <= 100ms".parse().unwrap()).unwrap();
        let of = |users: &[(f64, f64)]| {
            let probes: Vec<Probe> = users.iter().map(|&(users, times)| probe(users, times)).collect();
            worsened(&probes, 0, &demand, LoadUnit::ConcurrentRequests)
        };
        assert_eq!(of(&[(22.0, 1.0), (21.0, 3.0), (20.0, 9.0), (19.0, 27.0)]), None, "each may be a batch of its own");
        let twice = [(22.0, 1.0), (21.0, 1.0), (20.0, 1.0), (20.0, 3.0), (22.0, 3.0), (21.0, 3.0)];
        let Worsened { sure, since, .. } = of(&twice).unwrap();
        assert!(sure > 3.25 && since == 3, "{sure} {since}");
        let steady = twice.map(|(users, _)| (users, 1.0));
        assert!(of(&steady).unwrap().sure < 0.5);
    }

    #[test]
    fn one_bunch_of_misses_is_no_other_server() {
        let mut probes: Vec<Probe> = loads().map(|load| probe(load, 1.0)).collect();
        probes[12] = probe(19.4, 8.0);
        let shown = shown(&probes);
        assert!(shown.without_one < 1.0, "{shown:?}");
    }
}
