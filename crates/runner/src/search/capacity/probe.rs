//! One probe: played until its verdict is known, its length is spent, or going on is hopeless. Knows no other probe.

use std::ops::ControlFlow;

use metron_results::event::InFlight;
use metron_units::Nanos;

use super::super::demand::Demand;
use super::super::prober::{Ending, Load, LoadUnit, Observation, Played, Prober, Wish};
use super::estimate::Estimate;
use super::series::Series;
use super::verdict::{LOOK, Look, Verdict, When, look};

/// What is remembered of a probe: all that the search goes by, so that it can be taken up again from a list of these.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The load that was played.
    pub load: Load,
    /// What the sequential test said at the end.
    pub verdict: Verdict,
    /// Whether the queue grew without end, so that no steady state was seen.
    pub growing: bool,
    /// Whether its queue was still rising at the end, if only by chance.
    pub rising: bool,
    /// Whether it played an earlier load again, to see whether the server is still the one that it was.
    pub replay: bool,
    /// Whether it ran its whole length: nothing that was seen of it ended it, so that its figures are not chosen by what they are.
    pub whole: bool,
    /// Requests seen, warm-up included.
    pub requests: u64,
    /// How long it took, until nothing of it was under way any more. One that the budget ended took all that was left.
    pub duration: Nanos,
    /// Each objective's ratio, in the order of the objectives; `None` if too little was seen.
    pub estimates: Vec<Option<Estimate>>,
    /// Why it ended.
    pub ending: Ending,
}

/// How long a probe may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Until the verdict.
    Verdict,
    /// For the whole length, unless the queue grows: the probe is near the capacity, and its figure counts more than its verdict. One
    /// that was ended by what was seen of it would tell a worse figure than the load has.
    Length,
}

/// A probe that is to be played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plan {
    pub(super) load: Load,
    pub(super) most: u64,
    pub(super) patience: Patience,
    /// Whether an earlier load is played again, to see whether the server is still the one that it was.
    pub(super) replay: bool,
}

/// Grains of requests before a probe is looked at for the first time.
const FIRST_LOOK: u64 = 4;

/// How often each user of a closed loop asks before it is looked at for the first time.
const FIRST_TURNS: u64 = 6;

/// Plays one probe of a load in `unit`. `most_time` bounds it too.
pub(super) fn play<P: Prober>(
    prober: &mut P,
    demands: &[Demand],
    (plan, unit): (Plan, LoadUnit),
    seed: u64,
    most_time: Nanos,
) -> Result<Probe, P::Error> {
    let mut series = Series::new(demands.len());
    let users = unit.users(plan.load);
    let first = demands.iter().map(Demand::grain).max().unwrap_or(64) * FIRST_LOOK;
    let mut next_look = first.max(FIRST_TURNS * users.unwrap_or(0));
    let mut see = |seen: &Observation<'_>| {
        series.push(seen);
        if series.requests() >= plan.most || series.duration() >= most_time {
            return ControlFlow::Break(InFlight::Awaited);
        }
        if series.requests() < next_look {
            return ControlFlow::Continue(());
        }
        next_look = (series.requests() as f64 * LOOK).ceil() as u64;
        let look = look(&series, demands, users, When::Meanwhile);
        match enough(&look, plan.patience) {
            // To wait for a queue that has grown without end would take as long again.
            true if look.growing => ControlFlow::Break(InFlight::Dropped),
            true => ControlFlow::Break(InFlight::Awaited),
            false => ControlFlow::Continue(()),
        }
    };
    let wish = Wish { load: plan.load, seed, most: plan.most, time: most_time };
    let Played { ending, took: duration } = prober.probe(wish, &mut see)?;
    let requests = series.requests();
    let whole = requests >= plan.most;
    let when = if whole { When::Over } else { When::Meanwhile };
    let Look { verdict, growing, rising, estimates } = look(&series, demands, users, when);
    let Plan { load, replay, .. } = plan;
    Ok(Probe { load, verdict, growing, rising, replay, whole, requests, duration, estimates, ending })
}

fn enough(look: &Look, patience: Patience) -> bool {
    if look.growing {
        return true;
    }
    let decided = look.verdict != Verdict::Undecided;
    match patience {
        Patience::Verdict => decided,
        Patience::Length => false,
    }
}
