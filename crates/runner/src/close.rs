//! The end of a run: rows in the plan's order, accounts closed, figures computed, files written. What went wrong on the way
//! is told only once all that can be kept is.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;

use metron_results::event::RunEvent;
use metron_results::recorder::{Settled, Unsettled};
use metron_results::storage::StorageError;
use metron_results::summary::{
    ClockSource, Connections, Ending, Instrument, LoadCheck, LoadFigures, Quantiles, Tally, TelemetryFigures,
    distribution,
};
use metron_results::{RunFacts, Summary};
use metron_sim::spec::Time;
use metron_units::{Nanos, Share};
use metron_wire::ConnectionCounts;
use metron_workload::{Load, Plan, PlanConfig, PlannedPhase, Shard, Warmup};

use crate::conduct::{Crew, FeedError};
use crate::error::{NotKept, RunError};
use crate::feeder::Fed;
use crate::finished::Finished;
use crate::instrument::{self, Readings};
use crate::recorder::{Keep, Observed, Recorded};
use crate::scrape::Scraped;
use crate::sessions::{NotSent, Sessions};
use crate::stop::Asked;
use crate::warnings::warnings;
use crate::worker::WorkerError;

/// What there is when the last request is over.
pub(crate) struct Closing<'a> {
    pub(crate) facts: RunFacts,
    pub(crate) plan: &'a Plan,
    pub(crate) fed: Result<Fed, FeedError>,
    pub(crate) crew: Crew,
    /// How long it took to open connections ahead, if any were asked for.
    pub(crate) opening_took: Option<Nanos>,
    pub(crate) recorded: Recorded,
    /// When that was.
    pub(crate) ended: Nanos,
    /// What servers said of themselves, and when the measured phase began; `None` if nobody was asked.
    pub(crate) scraped: Option<(Scraped, Nanos)>,
    /// What a collector took; `None` if there is none.
    pub(crate) telemetry: Option<TelemetryFigures>,
    pub(crate) dispatched: &'a AtomicU64,
    pub(crate) sessions: &'a Sessions,
    /// How late the engine of this process was, if there is one.
    pub(crate) sim_lag: Option<Quantiles>,
    pub(crate) time: Time,
}

/// Closes a run.
///
/// # Errors
/// If something cannot be kept, or something of metron's own failed.
pub(crate) fn close(closing: Closing<'_>, events: &Sender<RunEvent>) -> Result<Finished, RunError> {
    let Closing {
        facts,
        plan,
        fed,
        crew,
        opening_took,
        recorded,
        ended,
        scraped,
        telemetry,
        dispatched,
        sessions,
        sim_lag,
        time,
    } = closing;
    let Recorded { keep, refused, observed } = recorded;
    let dispatched = dispatched.load(Ordering::Relaxed);
    let rescue_name = format!("metron-{}", facts.run.id);
    let planned = facts.planned;
    let mut tally = Tally::new(facts).expect("the objectives were resolved before the run");
    let folder = settled(keep, refused, dispatched, &mut tally, &rescue_name)?;
    let cut = sessions.not_sent();
    let (planned_measured, planned_warmup) =
        planned_requests(plan.config(), planned, fed.as_ref().ok(), &observed, cut);
    let not_sent = planned_measured.saturating_sub(observed.measured);
    let sessions_of_run = sessions.counts();
    let ending = Ending {
        not_sent,
        warmup_not_sent: planned_warmup.saturating_sub(observed.warmup),
        ended: Some(ended),
        instrument: match time {
            Time::Wall => Some(report(&crew, &observed, sim_lag)),
            Time::Virtual => None,
        },
        not_sent_of_class: if not_sent > 0 { not_sent_of_class(plan, &tally) } else { BTreeMap::new() },
        not_sent_because: sessions_of_run.map(|_| sessions.because(not_sent)).unwrap_or_default(),
        sessions: sessions_of_run,
    };
    let at = folder.as_ref().map(|folder| folder.path().to_owned());
    let summary = tally.close(ending).map_err(|source| RunError::Accounts { folder: at.clone(), source })?;
    let load = fed.as_ref().ok().map(|fed| load_check(fed, &summary, &observed));
    let server = scraped.map(|(scraped, from)| scraped.figures(from, ended, summary.tokens.output));
    let connections = match time {
        Time::Wall => Some(connections(&crew, opening_took)),
        Time::Virtual => None,
    };
    let summary = Summary { load, server, telemetry, connections, ..summary };
    if let Some(folder) = &folder {
        folder.write_summary(&summary).map_err(|error| not_kept(error.into(), None, &rescue_name))?;
    }
    for warning in warnings(&summary, &observed) {
        let _ = events.send(RunEvent::Warning(warning));
    }
    let interrupted = crew.asked > Asked::Nothing;
    let fed = match failures(crew, fed, at) {
        Ok(fed) => fed,
        Err(error) => {
            // What there is, is written: the folder is a finished run's, and the error says why it is a short one.
            folder.map(Settled::finish).transpose().map_err(|error| not_kept(error.into(), None, &rescue_name))?;
            return Err(error);
        }
    };
    let _ = events.send(RunEvent::Finished(Box::new(summary.clone())));
    Ok(Finished { summary, folder, interrupted, plan_digest: fed.digest })
}

/// Counts every record in the plan's order, and brings the rows of a folder into it; `None` if nothing is written.
///
/// # Errors
/// If a record was not kept, or the rows cannot be written.
fn settled(
    keep: Keep,
    refused: Option<StorageError>,
    dispatched: u64,
    tally: &mut Tally,
    rescue_name: &str,
) -> Result<Option<Settled>, RunError> {
    match keep {
        Keep::Folder(journal) => {
            if let Some(error) = refused {
                // Rows may be missing, so there is no summary to make: what there is, is for `metron recover`.
                return Err(not_kept(error.into(), Some(journal.give_up()), rescue_name));
            }
            let settled = journal.settle(dispatched, |record, figures| tally.add_figured(record, figures));
            settled.map(Some).map_err(|(error, unsettled)| not_kept(error.into(), Some(*unsettled), rescue_name))
        }
        Keep::Memory(mut records) => {
            records.sort_unstable_by_key(|record| record.id);
            records.iter().for_each(|record| tally.add(record));
            Ok(None)
        }
    }
}

/// The run's own failure, now that its files are written.
fn failures(crew: Crew, fed: Result<Fed, FeedError>, folder: Option<PathBuf>) -> Result<Fed, RunError> {
    match crew.failed {
        Some(WorkerError::Panicked) => return Err(RunError::Panicked { folder }),
        Some(WorkerError::System(error)) => return Err(RunError::System(error)),
        None => {}
    }
    fed.map_err(|error| match error {
        FeedError::Script(error) => error.into(),
        FeedError::Panicked => RunError::Panicked { folder },
    })
}

/// What was asked beside what came of it.
fn load_check(fed: &Fed, summary: &Summary, observed: &Observed) -> LoadCheck {
    let lengths = |metric: &str| distribution(&summary.metrics, metric).map(|lengths| lengths.quantiles);
    let asked = fed.asked.figures();
    LoadCheck {
        achieved: LoadFigures {
            // Users have no rate of their own to be held against.
            rate: asked.rate.and(observed.dispatched.rate()),
            input_tokens: lengths("input_tokens"),
            output_tokens: lengths("output_tokens"),
        },
        asked,
        clamped: fed.clamped,
        prefix_reuse: fed.reuse.map(Share::get),
        plan_digest: fed.digest.map(|digest| digest.to_string()),
    }
}

/// Brings to safety what can be.
fn not_kept(source: NotKept, unsettled: Option<Unsettled>, name: &str) -> RunError {
    let rescued = unsettled.and_then(|unsettled| unsettled.rescue(&std::env::temp_dir(), name).ok());
    RunError::NotKept { rescued, source }
}

/// How many requests of each class the plan held and nobody sent. Of a plan that only the clock ends nobody knows.
fn not_sent_of_class(plan: &Plan, tally: &Tally) -> BTreeMap<String, u64> {
    let mut left = BTreeMap::new();
    if plan.classes().is_empty() || !plan.has_end() {
        return left;
    }
    let whole = plan.shard(Shard::WHOLE);
    for request in whole.clone().filter(|request| request.phase != PlannedPhase::Warmup) {
        if let Some(class) = whole.class(&request) {
            *left.entry(class.name.clone()).or_insert(0_u64) += 1;
        }
    }
    for (class, dispatched) in tally.dispatched_of_class() {
        left.entry(class).and_modify(|left| *left = left.saturating_sub(dispatched));
    }
    left
}

/// How many requests of each phase the plan held; what only the clock could decide is what it let through.
fn planned_requests(
    plan: &PlanConfig,
    planned: Option<u64>,
    fed: Option<&Fed>,
    observed: &Observed,
    cut: NotSent,
) -> (u64, u64) {
    let open = match plan.load {
        Load::Open { .. } => fed,
        Load::Closed { .. } => None,
    };
    let measured = planned.or(open.map(|fed| fed.measured)).unwrap_or(observed.measured + cut.measured);
    let warmup = match plan.warmup {
        Warmup::None => 0,
        Warmup::Requests(requests) => requests,
        Warmup::Duration(_) => open.map_or(observed.warmup + cut.warmup, |fed| fed.warmup),
    };
    (measured, warmup)
}

fn connections(crew: &Crew, opening_took: Option<Nanos>) -> Connections {
    let ConnectionCounts { opened, http2, ahead, warm } = crew.connections;
    Connections {
        http_version: match (opened - http2, http2) {
            (0, 0) => None,
            (_, 0) => Some("1.1".to_owned()),
            (0, _) => Some("2".to_owned()),
            (_, _) => Some("1.1, 2".to_owned()),
        },
        opened,
        opened_ahead: ahead,
        opened_ahead_s: opening_took.map(Nanos::as_secs_f64),
        first_on_warm: warm,
    }
}

fn report(crew: &Crew, observed: &Observed, sim_lag: Option<Quantiles>) -> Instrument {
    let clock = if crew.stamps.kernel > crew.stamps.user { ClockSource::Kernel } else { ClockSource::User };
    let readings = observed.readings(clock, crew.busy.clone(), crew.longest_stall);
    instrument::report(&Readings { sim_lag, ..readings })
}

#[cfg(test)]
mod tests {
    use metron_units::Rate;
    use metron_workload::{Arrivals, Limit};

    use super::*;

    const CLOSED: Load = Load::Closed { concurrency: 2 };

    fn open() -> Load {
        Load::Open { rate: Rate::per_second(1.0).expect("a rate"), arrivals: Arrivals::Poisson }
    }

    /// Of a run of which 7 measured and 3 warm-up requests had their turn, and whose feeder counted 20 and 5.
    #[track_caller]
    fn check(load: Load, planned: Option<u64>, warmup: Warmup, expected: (u64, u64)) {
        let plan = PlanConfig {
            seed: 0,
            load,
            limit: Limit { requests: planned, duration: None },
            warmup,
            ramp_up: Nanos::ZERO,
            input_tokens: "1".parse().expect("a length"),
            output_tokens: "1".parse().expect("a length"),
        };
        let fed = Fed { warmup: 5, measured: 20, ..Fed::default() };
        let observed = Observed { warmup: 3, measured: 7, ..Observed::default() };
        assert_eq!(planned_requests(&plan, planned, Some(&fed), &observed, NotSent::default()), expected);
    }

    #[test]
    fn a_count_is_the_plans_whatever_was_sent() {
        check(CLOSED, Some(10), Warmup::None, (10, 0));
        check(open(), Some(10), Warmup::Requests(4), (10, 4));
    }

    #[test]
    fn an_open_loop_that_time_bounds_holds_what_its_plan_counts() {
        check(open(), None, Warmup::Duration(Nanos::from_secs(1)), (20, 5));
    }

    #[test]
    fn a_closed_loop_that_time_bounds_holds_what_it_sent() {
        check(CLOSED, None, Warmup::Duration(Nanos::from_secs(1)), (7, 3));
        check(CLOSED, None, Warmup::Requests(3), (7, 3));
    }
}
