//! What to do next, or that it is enough (the stopping rule), from the probes so far and nothing else: so a search that was cut off goes
//! on where it stopped.
//!
//! The load is doubled (or halved) until one holds and one fails, and the gap between them halved until it is narrow. Then probes go
//! to both sides of the crossing that the regression sees, as many and as long as the interval needs.

use metron_units::Nanos;

use super::super::demand::Demand;
use super::super::prober::{Ending, Load, LoadUnit};
use super::again::{Again, again};
use super::answer::{Answer, BoundedBy, Capacity};
use super::conclusion::conclude;
use super::crossings::{Binding, NEAR, crossings, middle, near};
use super::drift;
use super::isotonic::{Bracket, bracket};
use super::monotone::{Ends, ends};
use super::probe::{Patience, Plan, Probe};
use super::{Settings, Spent};

/// The bracket is narrow enough to be measured within: the loads that hold and fail are this many times apart.
pub(super) const NARROW: f64 = 1.35;

/// Grains of requests that a probe may take to be decided while the bracket is wide; then it is close enough.
pub(super) const PATIENCE: u64 = 60;

/// The shortest probe near the crossing, in grains.
pub(super) const SHORTEST: u64 = 250;

/// One in a bracket without a crossing yet, in grains.
const FIRST: u64 = 80;

/// Parts of a bracket without a crossing yet by which its probes lie apart: the golden ratio leaves no gap, however many they get.
const GOLDEN: f64 = 0.618_033_988_75;

/// How far to either side of the crossing the probes go, in parts of the load.
const NEAREST: f64 = 0.03;
const FARTHEST: f64 = 0.04;

/// Probes that the interval must rest on, within [`NEAR`] of the crossing.
const FEWEST: usize = 4;

/// More probes than this tell nothing that these do not.
const MOST_PROBES: usize = 80;

/// Grains of requests that the interval must rest on, at the usual precision of 5 %.
const LEAST_NEAR: u64 = 1_000;

/// How often each user of a closed loop asks, at least.
const TURNS: u64 = 16;

/// Probes of one number of users: what more of them tell is known.
const ALIKE: usize = 4;

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Play(Plan),
    Done(Answer),
}

/// A capacity is told once the server has shown, at the end, that it is still the one that it was.
pub(super) fn next(probes: &[Probe], demands: &[Demand], settings: &Settings) -> Step {
    match again(probes, demands, settings) {
        Again::Measure => measure(probes, demands, settings),
        Again::Step(step) => step,
    }
}

/// What the measurement asks for, were the server sure to stay the same.
pub(super) fn measure(probes: &[Probe], demands: &[Demand], settings: &Settings) -> Step {
    let bracket = bracket(probes, demands);
    let spent = Spent::of(probes);
    let grain = demands.iter().map(Demand::grain).max().unwrap_or(10);
    let found = crossings(probes, demands, &bracket);
    if let Some(unsteady) = drift::unsteady(probes, demands, settings.unit) {
        return Step::Done(Answer::Unstable(unsteady));
    }
    if spent.exceeds(&settings.budget) || probes.last().is_some_and(|probe| probe.ending == Ending::Interrupted) {
        return Step::Done(conclude(&found, probes, demands, settings));
    }
    let patient = |load: Load| {
        let load = settings.unit.nearest(load);
        let most = length(settings, spent, load, grain * PATIENCE);
        Step::Play(Plan { load, most, patience: Patience::Verdict, replay: false })
    };
    match (bracket.holds, bracket.fails) {
        (None, None) => {
            bracket.client.map_or_else(|| patient(settings.start), |client| lower(client, &patient, &bracket, settings))
        }
        (Some(holds), None) => raise(holds, &patient, &bracket, settings),
        (None, Some(fails)) => lower(fails, &patient, &bracket, settings),
        (Some(holds), Some(fails)) if beside(settings, holds, fails) => {
            let answer = conclude(&found, probes, demands, settings);
            settle(answer, (holds, fails), probes, settings, grain).unwrap_or(Step::Done(answer))
        }
        (Some(holds), Some(fails)) if fails.get() > holds.get() * NARROW => patient(middle(holds, fails)),
        (Some(holds), Some(fails)) => refine(probes, demands, &found, (holds, fails), settings)
            .unwrap_or_else(|| Step::Done(conclude(&found, probes, demands, settings))),
    }
}

/// Requests of a probe that needs `wanted` of them, as far as the budget goes. In a closed loop each user has to ask again and again.
pub(super) fn length(settings: &Settings, spent: Spent, load: Load, wanted: u64) -> u64 {
    let turns = TURNS * settings.unit.users(load).unwrap_or(0);
    wanted.max(turns).min(settings.budget.requests.saturating_sub(spent.requests).max(1))
}

/// The answer, whatever would come next.
pub(super) fn so_far(probes: &[Probe], demands: &[Demand], settings: &Settings) -> Answer {
    match next(probes, demands, settings) {
        Step::Done(answer) => answer,
        Step::Play(_) => conclude(&crossings(probes, demands, &bracket(probes, demands)), probes, demands, settings),
    }
}

/// Whether no whole number of requests under way lies between the two.
fn beside(settings: &Settings, holds: Load, fails: Load) -> bool {
    match settings.unit {
        LoadUnit::ConcurrentRequests => fails > holds && fails.get() - holds.get() < 1.5,
        LoadUnit::RequestsPerSecond => false,
    }
}

/// What comes next where two neighbours are on either side of the bound, but nothing surely: the one of them that is not known, and,
/// where it has been played often enough, the next beyond. `None` if there is an answer, or no more to ask.
fn settle(
    answer: Answer,
    (holds, fails): (Load, Load),
    probes: &[Probe],
    settings: &Settings,
    grain: u64,
) -> Option<Step> {
    let Answer::NotYet { holds: surely_holds, fails: surely_fails } = answer else { return None };
    let alike = |load: Load| probes.iter().filter(move |probe| probe.whole && probe.load == load);
    let from = |first: Load, step: f64| {
        let loads = (0..).map_while(move |k| Load::new(first.get() + step * f64::from(k)));
        let in_range = move |load: &Load| *load >= settings.least && *load <= settings.most;
        loads.take_while(in_range).find(|load| alike(*load).count() < ALIKE)
    };
    let above = || from(fails, 1.0).filter(|_| surely_fails.is_none());
    let below = || from(holds, -1.0).filter(|_| surely_holds.is_none());
    let load = above().or_else(below).filter(|_| probes.len() < MOST_PROBES)?;
    let have: u64 = alike(load).map(|probe| probe.requests).sum();
    let most = length(settings, Spent::of(probes), load, have.max(grain * SHORTEST));
    Some(Step::Play(Plan { load, most, patience: Patience::Length, replay: false }))
}

/// Twice the load that held, within the range and below what the client could not play.
fn raise(holds: Load, patient: &dyn Fn(Load) -> Step, bracket: &Bracket, settings: &Settings) -> Step {
    if let Some(client) = bracket.client {
        let narrow = client.get() < holds.get() * (1.0 + 2.0 * settings.precision.get())
            || client.get() - holds.get() < 1.5 && beside(settings, holds, client);
        return if narrow { Step::Done(at_least(holds, BoundedBy::Client)) } else { patient(middle(holds, client)) };
    }
    if holds >= settings.most {
        return Step::Done(at_least(holds, BoundedBy::SearchRange));
    }
    let twice = holds.shifted(2.0_f64.ln());
    patient(if twice < settings.most { twice } else { settings.most })
}

fn lower(fails: Load, patient: &dyn Fn(Load) -> Step, bracket: &Bracket, settings: &Settings) -> Step {
    if fails <= settings.least {
        return Step::Done(if bracket.fails.is_some() { Answer::NoLoadHolds } else { Answer::ClientTooSlow });
    }
    let half = fails.shifted(-(2.0_f64.ln()));
    patient(if half > settings.least { half } else { settings.least })
}

fn at_least(load: Load, bounded_by: BoundedBy) -> Answer {
    Answer::Capacity(Capacity { value: load, low: load, high: None, bounded_by })
}

/// Where the next probe near the crossing goes; `None` if the interval is narrow enough.
fn refine(
    probes: &[Probe],
    demands: &[Demand],
    found: &Option<Binding>,
    (holds, fails): (Load, Load),
    settings: &Settings,
) -> Option<Step> {
    let grain = demands.iter().map(Demand::grain).max().unwrap_or(10);
    let play = |load: Load, most: u64| {
        let load = within(settings, load);
        let alike = probes.iter().filter(|probe| probe.load == load).count();
        let told = settings.unit.users(load).is_some() && alike >= ALIKE;
        let most = length(settings, Spent::of(probes), load, most);
        (!told).then_some(Step::Play(Plan { load, most, patience: Patience::Length, replay: false }))
    };
    if probes.len() >= MOST_PROBES || is_cliff(probes, demands, found, settings, grain) {
        return None;
    }
    let Some(Binding { crossing, .. }) = found else {
        let (low, high) = (holds.shifted(-NEAREST), fails.shifted(NEAREST));
        let width = (high.get() / low.get()).ln();
        let inside: Vec<&Probe> = probes.iter().filter(|probe| probe.load >= low && probe.load <= high).collect();
        let have: u64 = inside.iter().filter(|probe| !probe.growing).map(|probe| probe.requests).sum();
        let part = (0.5 + GOLDEN * inside.len() as f64).fract();
        // Of users the number between the two that is not known yet is as good as any.
        let at = if settings.unit.users(holds).is_some() { middle(holds, fails) } else { low.shifted(part * width) };
        return play(at, (have / 4).max(grain * FIRST));
    };
    let half = crossing.half();
    let close: Vec<&Probe> = probes.iter().filter(|probe| near(probe, crossing.at)).collect();
    let asked = settings.precision.get();
    let have: u64 = close.iter().map(|probe| probe.requests).sum();
    if half <= asked && close.len() >= FEWEST && have >= grain * LEAST_NEAR {
        return None;
    }
    // A queue that grew says as much of its side of the crossing as any other probe.
    let beside = |probe: &&Probe| (probe.load.get().ln() - crossing.at).abs() < NEAR;
    let levers = probes.iter().filter(beside);
    let lever: f64 = levers.map(|probe| probe.requests as f64 * (probe.load.get().ln() - crossing.at)).sum();
    let reach = (0.7 * half).clamp(NEAREST, FARTHEST);
    let need = have as f64 * ((half / asked).powi(2) - 1.0) * 0.55;
    let most = (need as u64).min(have * 3 / 4).max(grain * SHORTEST);
    let x = crossing.at + if lever > 0.0 { -reach } else { reach };
    play(Load::new(x.exp()).unwrap_or(settings.start), most)
}

/// Whether the capacity is known as well as was asked for without any curve, and no curve fits better.
fn is_cliff(probes: &[Probe], demands: &[Demand], found: &Option<Binding>, settings: &Settings, grain: u64) -> bool {
    let Some(ends) = ends(probes, demands) else { return false };
    let middle = middle(ends.holds, ends.fails).get().ln();
    let near: u64 = probes.iter().filter(|probe| near(probe, middle)).map(|probe| probe.requests).sum();
    let narrow = half_of(&ends) <= settings.precision.get() && near >= grain * LEAST_NEAR;
    narrow && found.as_ref().is_none_or(|found| found.crossing.half() > settings.precision.get())
}

/// Half the distance of the two, in parts of the load.
fn half_of(ends: &Ends) -> f64 {
    0.5 * (ends.fails.get() / ends.holds.get()).ln()
}

fn within(settings: &Settings, load: Load) -> Load {
    let load = if load > settings.most { settings.most } else { load };
    settings.unit.nearest(if load < settings.least { settings.least } else { load })
}

impl Spent {
    pub(super) fn of(probes: &[Probe]) -> Self {
        let requests = probes.iter().map(|probe| probe.requests).sum();
        let time = probes.iter().map(|probe| probe.duration).fold(Nanos::ZERO, Nanos::saturating_add);
        Self { requests, time }
    }
}
