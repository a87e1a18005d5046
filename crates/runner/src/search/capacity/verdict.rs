//! The sequential test of one probe: does the load hold, fail, or is it too early to say? Knows no other probe.
//!
//! A probe is looked at each time it has grown by [`LOOK`]; at each look an objective is decided when its excess over what is
//! allowed is beyond [`BOUNDARY`] standard errors (a constant boundary, S. J. Pocock, *Biometrika* 64 (1977) 191). Over the dozen
//! looks of a long probe a load exactly at the capacity is decided, either way, about once in twenty.

use super::super::demand::Demand;
use super::estimate::{Estimate, estimate};
use super::series::Series;
use super::warm_up::{endless, grows, rises, warm_up};

/// Standard errors that decide, for Student's t with 11 degrees of freedom.
const BOUNDARY: f64 = 3.3;

/// Misses come in bunches: independent ones would scatter this many times less.
const LEAST_BUNCHING: f64 = 2.0;

/// A closed loop begins with all users at once: so many times each of them asks before anything counts.
const FIRST_TURNS: u64 = 2;

/// A probe is looked at again once it is so much longer.
pub(super) const LOOK: f64 = 1.25;

/// Whether a load holds the objectives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All of them.
    Holds,
    /// Not all.
    Fails,
    /// Too close for the requests spent.
    Undecided,
}

/// When a probe is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// It may go on.
    Meanwhile,
    /// Its length is spent.
    Over,
}

/// A probe at one look.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Look {
    pub(super) verdict: Verdict,
    /// The queue grows without end: no figure of this probe is a figure of a steady state.
    pub(super) growing: bool,
    /// The queue was still rising at the end, if only by chance: what was not missed yet may be missed later.
    pub(super) rising: bool,
    /// One for each objective that could be estimated.
    pub(super) estimates: Vec<Option<Estimate>>,
}

/// What is seen so far, or of all of it, where the probe is over. `users` are those of a closed loop: their number is what is in flight, so
/// that nothing grows there.
pub(super) fn look(series: &Series, demands: &[Demand], users: Option<u64>, when: When) -> Look {
    let in_flight = series.in_flight();
    let settled = users.map_or(0, |users| series.batches_of(FIRST_TURNS * users));
    let from = warm_up(&in_flight).max(settled);
    let rising = users.is_none() && rises(&in_flight, from);
    let estimates: Vec<_> = (0..demands.len()).map(|objective| estimate(series, objective, from)).collect();
    let judged =
        |(demand, estimate): (&Demand, &Option<Estimate>)| estimate.map_or(Verdict::Undecided, |it| judge(demand, it));
    let verdicts: Vec<Verdict> = demands.iter().zip(&estimates).map(judged).collect();
    let fails = verdicts.contains(&Verdict::Fails);
    // A server that fills up grows, too: it is one that cannot keep up where it surely misses as well, or grows for too long. One that
    // grew to the last holds no objective that this leaves alone, as the time between tokens of those few that are served.
    let growing = users.is_none()
        && ((fails || when == When::Over) && grows(&in_flight) || endless(&in_flight, series.requests()));
    let verdict = if growing || fails {
        Verdict::Fails
    } else if !rising && verdicts.iter().all(|&verdict| verdict == Verdict::Holds) {
        Verdict::Holds
    } else {
        Verdict::Undecided
    };
    Look { verdict, growing, rising, estimates }
}

fn judge(demand: &Demand, estimate: Estimate) -> Verdict {
    let excess = estimate.ratio - demand.allowed();
    let least =
        if demand.counts() { LEAST_BUNCHING * demand.allowed() * (1.0 - demand.allowed()) / estimate.of } else { 0.0 };
    let boundary = BOUNDARY * estimate.variance.max(least).sqrt();
    if excess > boundary {
        Verdict::Fails
    } else if excess < -boundary {
        Verdict::Holds
    } else {
        Verdict::Undecided
    }
}
