//! A search as capacity.json tells it, and back: the probes return to the bit, so that a search that was cut off comes to the same
//! answer. Reads and writes no file.

use metron_results::capacity::{self as written, four_digits};
use metron_units::Nanos;

use super::super::demand::Demand;
use super::super::prober::{Ending, Load, LoadUnit};
use super::super::runs::PlayedRun;
use super::answer::{Answer, BoundedBy};
use super::estimate::Estimate;
use super::probe::Probe;
use super::verdict::Verdict;

/// How sure the intervals are.
const CONFIDENCE: f64 = 0.95;

/// A probe and its run, as the file tells them. `run` is how the run's folder is named there.
#[must_use]
pub fn written(probe: &Probe, played: Option<&PlayedRun>, run: Option<String>, demands: &[Demand]) -> written::Probe {
    let value = |k: usize| played.and_then(|played| played.values.get(k).copied().flatten());
    let named = |(k, demand): (usize, &Demand)| (demand.objective().to_string(), value(k));
    let texts = |it: &Estimate| [it.ratio, it.of, it.variance].map(|number| number.to_string());
    written::Probe {
        load: probe.load.get(),
        verdict: match probe.verdict {
            Verdict::Holds => written::Verdict::Holds,
            Verdict::Fails => written::Verdict::Fails,
            Verdict::Undecided => written::Verdict::Undecided,
        },
        replay: probe.replay,
        requests: probe.requests,
        duration_s: probe.duration.as_secs_f64(),
        run,
        values: demands.iter().enumerate().map(named).collect(),
        state: written::State {
            load: probe.load.get().to_string(),
            took_ns: probe.duration.get(),
            growing: probe.growing,
            rising: probe.rising,
            whole: probe.whole,
            client_bound: probe.ending == Ending::ClientBound,
            estimates: probe.estimates.iter().map(|estimate| estimate.as_ref().map(texts)).collect(),
        },
    }
}

/// The probes of a file, as a search takes them up; `None` if a number in it is none.
#[must_use]
pub fn probes_of(probes: &[written::Probe]) -> Option<Vec<Probe>> {
    probes.iter().map(probe_of).collect()
}

fn probe_of(probe: &written::Probe) -> Option<Probe> {
    let state = &probe.state;
    let estimate = |texts: &[String; 3]| {
        let [ratio, of, variance] = texts.each_ref().map(|text| text.parse::<f64>().ok());
        Some(Estimate { ratio: ratio?, of: of?, variance: variance? })
    };
    let estimates = state.estimates.iter().map(|it| it.as_ref().map_or(Some(None), |texts| estimate(texts).map(Some)));
    Some(Probe {
        load: Load::new(state.load.parse().ok()?)?,
        verdict: match probe.verdict {
            written::Verdict::Holds => Verdict::Holds,
            written::Verdict::Fails => Verdict::Fails,
            written::Verdict::Undecided => Verdict::Undecided,
        },
        growing: state.growing,
        rising: state.rising,
        replay: probe.replay,
        whole: state.whole,
        requests: probe.requests,
        duration: Nanos::new(state.took_ns),
        estimates: estimates.collect::<Option<_>>()?,
        ending: if state.client_bound { Ending::ClientBound } else { Ending::Enough },
    })
}

/// The capacity of an answer as the file tells it, and what bounds it; `None`s where there is none.
#[must_use]
pub fn capacity_of(answer: &Answer, unit: LoadUnit, demands: &[Demand]) -> (Option<written::Capacity>, Option<String>) {
    let Answer::Capacity(capacity) = answer else { return (None, None) };
    let bounded_by = match capacity.bounded_by {
        BoundedBy::Objective(k) => format!("objective {}", demands[k].objective()),
        BoundedBy::Client => "client".to_owned(),
        BoundedBy::SearchRange => "search range".to_owned(),
    };
    let capacity = written::Capacity {
        value: capacity.value.get(),
        unit: unit.name().to_owned(),
        low: capacity.low.get(),
        high: capacity.high.map(Load::get),
        confidence: CONFIDENCE,
    };
    (Some(capacity), Some(bounded_by))
}

/// What the search did not come to, in words; `None` if nothing.
#[must_use]
pub fn left_undone(steadiness: written::Steadiness) -> Option<&'static str> {
    match steadiness {
        written::Steadiness::Shown => None,
        written::Steadiness::Unclear => {
            Some("an early load was played again, but whether the server is still the same could not be told")
        }
        written::Steadiness::Unchecked => {
            Some("the search ended before an early load was played again, so the server may have changed meanwhile")
        }
    }
}

/// An answer in words.
#[must_use]
pub fn outcome(answer: &Answer, unit: LoadUnit, demands: &[Demand], probes: &[Probe]) -> String {
    let unit = unit.name();
    let shown = |load: Load| format!("{} {unit}", brief(load.get()));
    match answer {
        Answer::Capacity(capacity) => {
            let value = shown(capacity.value);
            match capacity.bounded_by {
                BoundedBy::Objective(k) => format!("{value} hold; beyond, `{}` does not", demands[k].objective()),
                BoundedBy::Client => format!("{value} hold; more this client cannot send, so the server may do better"),
                BoundedBy::SearchRange => format!("{value} hold; that is the highest load of --range"),
            }
        }
        Answer::NoLoadHolds => {
            let least = probes.iter().map(|probe| probe.load.get()).fold(f64::INFINITY, f64::min);
            format!("no load holds the objectives: they fail even at {} {unit}", brief(least))
        }
        Answer::ClientTooSlow => "this client cannot send even the lowest load of --range".to_owned(),
        Answer::Unstable(unsteady) => {
            let load = probes.get(unsteady.since).map_or_else(String::new, |probe| format!(" ({})", shown(probe.load)));
            format!(
                "the server did not stay the same: from about probe {}{load} on it does otherwise at like loads than before, by `{}`, so \
                 that no number would be its capacity\n  hint: see whether it leaks, throttles or is used by others, and search again",
                unsteady.since + 1,
                demands[unsteady.objective].objective()
            )
        }
        Answer::NotYet { holds: Some(holds), fails: Some(fails) } => {
            format!("not known yet: {} hold, {} do not, or are not told apart", shown(*holds), shown(*fails))
        }
        Answer::NotYet { holds: Some(holds), fails: None } => format!("not known yet: {} hold", shown(*holds)),
        Answer::NotYet { holds: None, fails: Some(fails) } => format!("not known yet: {} do not hold", shown(*fails)),
        Answer::NotYet { holds: None, fails: None } if probes.iter().any(|it| it.ending == Ending::ClientBound) => {
            "not known yet: this client could not keep up at any load that was tried, so nothing was seen of the server"
                .to_owned()
        }
        Answer::NotYet { holds: None, fails: None } => "not known yet: no load could be judged".to_owned(),
    }
}

/// A load in a sentence: without zeros that mean nothing, since users are whole numbers.
fn brief(load: f64) -> String {
    let text = four_digits(load);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::brief;

    #[test]
    fn a_load_has_the_digits_that_mean_something() {
        let shown = [8.0, 26.6529, 0.020_612, 1_234.5, 40.0, 0.0].map(brief);
        assert_eq!(shown, ["8", "26.65", "0.02061", "1234", "40", "0"]);
    }
}
