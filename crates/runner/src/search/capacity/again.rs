//! Whether the server at the end of a search is still the one that it was at the beginning: the load that tells most of a change is
//! played again, until it is clear that the first probes still tell the truth, or that they no longer do. Knows no prober.
//!
//! What the probes up to some point foretell of that load is held against what it shows at the end; the point is the one that makes the
//! difference surest. So a step is found wherever it was, and so is a slow decline. The last probes have another plan than the first:
//! prompts that a server has seen before would be answered from its cache.

use metron_results::capacity::Steadiness;

use super::super::demand::Demand;
use super::super::prober::{Ending, Load, LoadUnit};
use super::answer::{Answer, BoundedBy, Capacity, Unsteady};
use super::crossings::{crossings, middle, near};
use super::difference::{Difference, agree, surest};
use super::drift::{Together, outlasted, together};
use super::grown;
use super::isotonic::{Bracket, bracket};
use super::plan::{NARROW, SHORTEST, Step, length, measure};
use super::probe::{Patience, Plan, Probe};
use super::replay::most_telling;
use super::verdict::Verdict;
use super::{Settings, Spent};

/// A search that takes longer plays the load again after so many probes, too: a server that declines would lead it ever further down.
const LONG: usize = 12;

/// Standard errors by which it does worse beyond which the server has changed, and within which it has not. Between them it is asked
/// once more.
const CHANGED: f64 = 4.0;
const SAME: f64 = 2.0;

/// Standard errors by which all probes together may do worse: beyond, it is asked once more, too.
const DOUBTFUL: f64 = 1.5;

/// How often it is asked.
const MOST: usize = 5;

/// A change is told only where at least so many of them show it, each by itself: a scheduler that is nearly full misses its bounds in
/// episodes, and one of them is no other server.
const AGREEING: usize = 2;

/// What the check asks for.
pub(super) enum Again {
    /// Nothing: the measurement goes on, or ends without a capacity.
    Measure,
    /// A probe, or the end.
    Step(Step),
}

pub(super) fn again(probes: &[Probe], demands: &[Demand], settings: &Settings) -> Again {
    let Some(check) = Check::of(probes, demands, settings) else { return Again::Measure };
    let Check { until, before, late, load, end } = check;
    let done = || end.map_or(Again::Measure, |answer| Again::Step(Step::Done(answer)));
    let spent = Spent::of(probes);
    if spent.exceeds(&settings.budget) || late.last().is_some_and(|probe| probe.ending != Ending::Enough) {
        return done();
    }
    let ask = || {
        let most = length(settings, spent, load, long(demands));
        Again::Step(Step::Play(Plan { load, most, patience: Patience::Length, replay: true }))
    };
    if late.is_empty() {
        return ask();
    }
    let growing = late.iter().filter(|probe| probe.growing).count();
    if late.iter().any(|probe| probe.growing && !was_outlasted(before, probe)) {
        return Again::Measure;
    }
    let changed = |objective, since| Again::Step(Step::Done(Answer::Unstable(Unsteady { since, objective })));
    if let Some(since) = grown::since(probes, demands) {
        return changed(0, since);
    }
    let together = together(probes, demands, settings.unit);
    if let Some(unsteady) = together.as_ref().and_then(Together::told) {
        return Again::Step(Step::Done(Answer::Unstable(unsteady)));
    }
    let denied = end.is_some_and(|answer| denies(late, answer));
    let doubtful = growing > 0 || denied || together.is_some_and(|it| it.sure() > DOUBTFUL);
    match surest(before, until, late, load, (demands, settings.unit)) {
        Some(Difference { sure, objective, since })
            if sure > CHANGED
                && late.len() >= AGREEING
                && agree(before, until, late, load, (demands, settings.unit)) =>
        {
            changed(objective, since)
        }
        Some(Difference { sure, .. }) if (sure > SAME || doubtful) && late.len() < MOST => ask(),
        None if doubtful && late.len() < MOST => ask(),
        // It does grow there now and then, or the capacity is none: the search goes on with what was seen of it.
        _ if growing > 0 || denied => Again::Measure,
        _ => done(),
    }
}

/// Whether most of those who played a load again say that it fails, where the answer says that it holds.
fn denies(late: &[Probe], answer: Answer) -> bool {
    let Answer::Capacity(Capacity { value, .. }) = answer else { return false };
    let failed = late.iter().filter(|probe| probe.verdict == Verdict::Fails && probe.load <= value).count();
    2 * failed > late.len()
}

/// What the probes that played a load again showed.
pub(super) fn steadiness(probes: &[Probe], demands: &[Demand], settings: &Settings) -> Steadiness {
    // The budget may have ended a replay, or the measurement before there was one.
    let replays = |probe: &&Probe| probe.replay && (probe.whole || probe.growing) && probe.ending == Ending::Enough;
    let late: Vec<Probe> = probes.iter().rev().take_while(replays).cloned().collect();
    let Some(load) = late.first().map(|probe| probe.load) else { return Steadiness::Unchecked };
    let before = &probes[..probes.len() - late.len()];
    let Some((until, _)) = first_said(before, demands) else { return Steadiness::Unclear };
    let difference = surest(before, until, &late, load, (demands, settings.unit));
    let together = together(probes, demands, settings.unit).is_none_or(|it| it.sure() <= SAME);
    let same = together && difference.is_some_and(|it| it.sure <= SAME) && late.iter().all(|probe| !probe.growing);
    if same { Steadiness::Shown } else { Steadiness::Unclear }
}

/// Whether one of the probes of the same load had come to rest, and did not grow for as long as `late` took to. Where none had, the
/// server only now shows what it was coming to, and the search goes on from there.
fn was_outlasted(before: &[Probe], late: &Probe) -> bool {
    before.iter().any(|probe| probe.load == late.load && outlasted(probe, late))
}

/// A check that is due.
struct Check<'p> {
    /// The first so many probes are those that something was said from.
    until: usize,
    /// All that measured.
    before: &'p [Probe],
    /// Those that played the load again.
    late: &'p [Probe],
    load: Load,
    /// What the measurement ended with; `None` where it goes on after the check.
    end: Option<Answer>,
}

impl<'p> Check<'p> {
    fn of(probes: &'p [Probe], demands: &[Demand], settings: &Settings) -> Option<Self> {
        let (until, first) = first_said(probes, demands)?;
        let last = probes.last()?.load;
        let alike = probes.iter().rev().take_while(|probe| probe.load == last).count();
        let due = |asked: usize| {
            let (before, late) = probes.split_at(probes.len() - asked);
            let load = asked_at(before, first, demands, settings.unit);
            if late.iter().any(|probe| probe.load != load) {
                return None;
            }
            let end = ended(before, demands, settings);
            let since = before.iter().rev().take_while(|probe| probe.load != load).count();
            (since >= LONG || end.is_some()).then_some(Self { until, before, late, load, end })
        };
        (0..=alike.min(probes.len() - until)).rev().find_map(due)
    }
}

/// From how many probes on something was said of a load near the capacity, and of which: by one that ran its length, or, where none
/// did, by any.
fn first_said(probes: &[Probe], demands: &[Demand]) -> Option<(usize, Load)> {
    let first = |of: fn(&Probe) -> bool| {
        (1..=probes.len()).find_map(|until| Some((until, said(&probes[..until], demands, of)?)))
    };
    first(|probe| probe.whole).or_else(|| first(|_| true))
}

/// The highest load below the capacity that was played by one `of` the probes, once it is known roughly where that is. Above the
/// capacity a server may be so nearly full that its queue remembers for longer than a probe lasts.
fn said(probes: &[Probe], demands: &[Demand], of: fn(&Probe) -> bool) -> Option<Load> {
    let Bracket { holds, fails, .. } = bracket(probes, demands);
    let (holds, fails) = (holds?, fails?);
    if fails.get() > holds.get() * NARROW {
        return None;
    }
    let x = middle(holds, fails).get().ln();
    let below = probes.iter().filter(|probe| of(probe) && probe.load <= holds && near(probe, x));
    below.map(|probe| probe.load).max_by(|a, b| a.get().total_cmp(&b.get()))
}

/// Where it is asked: where that tells most of a change, or, where no load does, where something was first said from.
fn asked_at(before: &[Probe], said: Load, demands: &[Demand], unit: LoadUnit) -> Load {
    let bracket = bracket(before, demands);
    let known = crossings(before, demands, &bracket).map(|it| it.crossing.at);
    let crossing = known.or_else(|| Some(middle(bracket.holds?, bracket.fails?).get().ln()));
    crossing.and_then(|at| most_telling(before, demands, (at, unit), long(demands))).unwrap_or(said)
}

/// Requests of a replay, as far as they can be spent.
fn long(demands: &[Demand]) -> u64 {
    demands.iter().map(Demand::grain).max().unwrap_or(10) * SHORTEST
}

/// The capacity that an objective bounds, where the measurement ends with one.
fn ended(probes: &[Probe], demands: &[Demand], settings: &Settings) -> Option<Answer> {
    match measure(probes, demands, settings) {
        Step::Done(answer @ Answer::Capacity(Capacity { bounded_by: BoundedBy::Objective(_), .. })) => Some(answer),
        Step::Done(_) | Step::Play(_) => None,
    }
}
