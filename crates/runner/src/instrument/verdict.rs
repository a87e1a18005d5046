//! The verdict on a run's own readings, and the reasons for it, each with what to do. Knows no way in which readings are taken.

use metron_results::summary::{ClockSource, Quantiles, Verdict};
use metron_units::Nanos;

use super::{Busy, Readings};

/// A worker that is busier than this has too little left for bursts. k6's rule for load generators: keep 20 % idle.
const BUSY_SUSPECT: f64 = 0.80;
/// A worker that is busier than this is full: it sends and reads when it can, not when it should.
const BUSY_BOTTLENECK: f64 = 0.95;
/// A share of less time than this says nothing: starting a run alone is that much work.
const BUSY_OBSERVED: Nanos = Nanos::from_secs(1);

/// A lag of this part of what is measured shows in it.
const LAG_SHOWS: f64 = 0.10;
/// A lag of this part of what is measured is comparable to it.
const LAG_COMPARABLE: f64 = 0.50;
/// A lag below this shows in nothing that a user could feel, and a busy laptop has it now and then.
const LAG_FLOOR_S: f64 = 0.002;
/// Fewer lags than this are of one moment, and say nothing of the client.
const MEDIAN_SAMPLES: u64 = 50;
/// A 99th percentile of fewer is the one worst moment: the median speaks then.
const LAG_SAMPLES: u64 = 200;
/// A tail that is as long as what is measured is the tail of this client, if it rests on so many samples and is so long that
/// no busy moment explains it.
const TAIL_SAMPLES: u64 = 1_000;
const TAIL_FLOOR_S: f64 = 0.010;

/// Could this client be the bottleneck, and why?
#[must_use]
pub fn judge(readings: &Readings) -> (Verdict, Vec<String>) {
    let signs = [
        resources(readings),
        busy(readings),
        starved(readings),
        dispatch_lag(readings),
        read_lag(readings),
        sim_lag(readings),
        stall(readings),
    ];
    let signs: Vec<Sign> = signs.into_iter().flatten().collect();
    let verdict = signs.iter().map(|sign| sign.verdict).max().unwrap_or(Verdict::Ok);
    (verdict, signs.into_iter().map(|sign| sign.reason).collect())
}

/// One thing that speaks against this client.
struct Sign {
    verdict: Verdict,
    reason: String,
}

fn resources(readings: &Readings) -> Option<Sign> {
    let count = readings.client_resource;
    (count > 0).then(|| Sign {
        verdict: Verdict::Bottleneck,
        reason: format!(
            "{count} requests failed since this host ran out of descriptors, ports or memory; \
             raise ulimit -n, lower the load, or use another machine"
        ),
    })
}

fn busy(readings: &Readings) -> Option<Sign> {
    let observed = readings.workers.iter().filter(|busy| busy.observed >= BUSY_OBSERVED);
    let Busy { share, .. } = observed.max_by(|a, b| a.share.get().total_cmp(&b.share.get()))?;
    let verdict = match share.get() {
        busy if busy >= BUSY_BOTTLENECK => Verdict::Bottleneck,
        busy if busy >= BUSY_SUSPECT => Verdict::Suspect,
        _ => return None,
    };
    let more = readings.workers.len() * 2;
    Some(Sign { verdict, reason: format!("a worker was {share} busy; use --workers {more} or another machine") })
}

fn starved(readings: &Readings) -> Option<Sign> {
    let observed = readings.workers.iter().filter(|busy| busy.observed >= BUSY_OBSERVED);
    let wanted = |busy: &Busy| busy.share.get() + busy.kept_waiting.get();
    let worst = observed.max_by(|a, b| wanted(a).total_cmp(&wanted(b)))?;
    // What a worker's own work explains is told as such.
    let verdict = match wanted(worst) {
        _ if worst.kept_waiting.get() < worst.share.get() => return None,
        wanted if wanted >= BUSY_BOTTLENECK => Verdict::Bottleneck,
        wanted if wanted >= BUSY_SUSPECT => Verdict::Suspect,
        _ => return None,
    };
    Some(Sign {
        verdict,
        reason: format!(
            "a worker had to wait for a processor for {} of the time; \
             run it on a machine with nothing else to do, or give it more of this one",
            worst.kept_waiting
        ),
    })
}

fn dispatch_lag(readings: &Readings) -> Option<Sign> {
    let lag = readings.dispatch_lag.as_ref()?;
    let of = readings.measured.ttft?;
    let (verdict, name, lag) = compare(lag, of)?;
    Some(Sign {
        verdict,
        reason: format!(
            "requests left {} late ({name}) where the first token takes {}; judge by ttft_from_schedule, \
             use more --workers or lower --rate",
            seconds(lag),
            seconds(of)
        ),
    })
}

fn read_lag(readings: &Readings) -> Option<Sign> {
    let lag = readings.read_lag.as_ref()?;
    let of = readings.measured.gap.or(readings.measured.ttft)?;
    let (verdict, name, lag) = compare(lag, of)?;
    // The kernel stamps the last segment that waits, so a lag shows in figures only once a second one waits behind the first.
    let verdict = match readings.clock {
        ClockSource::Kernel if lag < of * LAG_COMPARABLE => return None,
        ClockSource::Kernel | ClockSource::User => verdict,
    };
    Some(Sign {
        verdict,
        reason: format!(
            "chunks were read {} after they arrived ({name}) where they come {} apart; \
             use more --workers, or a machine with nothing else to do",
            seconds(lag),
            seconds(of)
        ),
    })
}

/// An engine of this process that is behind its own schedule. It is no client, so that it is never the client's bottleneck.
fn sim_lag(readings: &Readings) -> Option<Sign> {
    let of = readings.measured.gap.or(readings.measured.ttft)?;
    let (_, name, lag) = compare(readings.sim_lag.as_ref()?, of)?;
    let (lag, of) = (seconds(lag), seconds(of));
    Some(Sign {
        verdict: Verdict::Suspect,
        reason: format!(
            "the simulated engine sent tokens {lag} after they were due ({name}) where they come {of} apart: this machine is \
             slow, not the engine; use --virtual-time, or a machine with nothing else to do"
        ),
    })
}

fn stall(readings: &Readings) -> Option<Sign> {
    readings.stall.map(|lasted| Sign {
        verdict: Verdict::Suspect,
        reason: format!("this process stood still for {lasted}; run it on a machine with nothing else to do"),
    })
}

/// A lag beside what it may show in: comparable as a rule, or as long in the tail, is a bottleneck; showing is suspect.
fn compare(lag: &Quantiles, of: f64) -> Option<(Verdict, &'static str, f64)> {
    let median = lag.p50?;
    let (name, high) = if lag.count < LAG_SAMPLES { ("median", median) } else { ("p99", lag.p99?) };
    if lag.count < MEDIAN_SAMPLES || high < LAG_FLOOR_S {
        return None;
    }
    if median >= LAG_FLOOR_S && median >= of * LAG_COMPARABLE {
        return Some((Verdict::Bottleneck, "median", median));
    }
    if lag.count >= TAIL_SAMPLES && high >= of.max(TAIL_FLOOR_S) {
        return Some((Verdict::Bottleneck, name, high));
    }
    (high >= of * LAG_SHOWS).then_some((Verdict::Suspect, name, high))
}

fn seconds(s: f64) -> Nanos {
    Nanos::from_secs_f64(s).unwrap_or(Nanos::MAX)
}

#[cfg(test)]
mod tests {
    use metron_units::Share;

    use super::super::Measured;
    use super::*;

    /// A run of 8 users on a laptop where other programs work: nothing that speaks against it.
    fn quiet() -> Readings {
        Readings {
            clock: ClockSource::Kernel,
            dispatch_lag: None,
            read_lag: Some(lag(10_000, 60e-6, 1.5e-3)),
            chunks: 10_000,
            shared_reads: 12,
            workers: vec![worker(0.04, 0.10, 30)],
            client_resource: 0,
            sim_lag: None,
            stall: None,
            measured: Measured { ttft: Some(0.100), gap: Some(0.020) },
        }
    }

    #[test]
    fn an_engine_that_is_late_against_its_own_schedule_is_told_apart_from_a_slow_one() {
        check(&Readings { sim_lag: Some(lag(10_000, 80e-6, 1.5e-3)), ..quiet() }, Verdict::Ok, &[]);
        let late = Readings { sim_lag: Some(lag(10_000, 80e-6, 4e-3)), ..quiet() };
        check(&late, Verdict::Suspect, &["sent tokens 4 ms after they were due (p99) where they come 20 ms apart"]);
        let behind = Readings { sim_lag: Some(lag(10_000, 15e-3, 40e-3)), ..quiet() };
        check(&behind, Verdict::Suspect, &["sent tokens 15 ms after they were due (median)"]);
    }

    fn lag(count: u64, p50: f64, p99: f64) -> Quantiles {
        Quantiles { count, p50: Some(p50), p99: Some(p99), max: Some(10.0 * p99), ..Quantiles::default() }
    }

    fn share(value: f64) -> Share {
        Share::new(value).expect("a share")
    }

    fn worker(busy: f64, kept_waiting: f64, secs: u64) -> Busy {
        Busy { share: share(busy), kept_waiting: share(kept_waiting), observed: Nanos::from_secs(secs) }
    }

    fn busy(value: f64, secs: u64) -> Vec<Busy> {
        vec![worker(0.1, 0.0, secs), worker(value, 0.0, secs)]
    }

    #[track_caller]
    fn check(readings: &Readings, verdict: Verdict, words: &[&str]) {
        let (found, reasons) = judge(readings);
        assert_eq!(found, verdict, "{reasons:?}");
        assert_eq!(reasons.len(), words.len(), "{reasons:?}");
        for (reason, word) in reasons.iter().zip(words) {
            assert!(reason.contains(word), "{word} in {reason}");
        }
    }

    #[test]
    fn a_small_run_on_a_busy_laptop_is_ok() {
        check(&quiet(), Verdict::Ok, &[]);
        let hiccup = Readings { read_lag: Some(lag(500, 80e-6, 9e-3)), ..quiet() };
        check(&hiccup, Verdict::Ok, &[]);
        let fast_engine = Readings {
            read_lag: Some(lag(500, 80e-6, 1.9e-3)),
            measured: Measured { ttft: Some(1e-3), gap: Some(1e-3) },
            ..quiet()
        };
        check(&fast_engine, Verdict::Ok, &[]);
    }

    #[test]
    fn a_few_late_requests_of_a_short_run_are_ok() {
        let readings = Readings { dispatch_lag: Some(lag(20, 100e-6, 40e-3)), ..quiet() };
        check(&readings, Verdict::Ok, &[]);
    }

    #[test]
    fn one_answer_at_a_bad_moment_says_nothing() {
        let measured = Measured { ttft: Some(4e-3), gap: Some(0.1e-3) };
        let moment = |count| Readings { read_lag: Some(lag(count, 4e-3, 4e-3)), measured, ..quiet() };
        check(&moment(3), Verdict::Ok, &[]);
        check(&moment(60), Verdict::Bottleneck, &["(median)"]);
    }

    #[test]
    fn a_busy_worker_is_suspect_and_a_full_one_the_bottleneck() {
        check(&Readings { workers: busy(0.79, 10), ..quiet() }, Verdict::Ok, &[]);
        check(&Readings { workers: busy(0.85, 10), ..quiet() }, Verdict::Suspect, &["85 % busy; use --workers 4"]);
        check(&Readings { workers: busy(0.96, 10), ..quiet() }, Verdict::Bottleneck, &["--workers 4"]);
    }

    #[test]
    fn a_moment_of_work_says_nothing() {
        let readings =
            Readings { workers: vec![Busy { observed: Nanos::from_millis(200), ..worker(1.0, 0.0, 0) }], ..quiet() };
        check(&readings, Verdict::Ok, &[]);
    }

    #[test]
    fn lateness_that_shows_is_suspect_and_comparable_lateness_the_bottleneck() {
        let late = |p50, p99| Readings { dispatch_lag: Some(lag(1_000, p50, p99)), ..quiet() };
        check(&late(200e-6, 9e-3), Verdict::Ok, &[]);
        check(&late(200e-6, 15e-3), Verdict::Suspect, &["15 ms late (p99)"]);
        check(&late(60e-3, 2.0), Verdict::Bottleneck, &["60 ms late (median)"]);
    }

    #[test]
    fn chunks_that_wait_for_each_other_turn_the_verdict() {
        let slow = |p50, p99| Readings { read_lag: Some(lag(5_000, p50, p99)), ..quiet() };
        check(&slow(100e-6, 12e-3), Verdict::Suspect, &["--workers"]);
        check(&slow(11e-3, 50e-3), Verdict::Bottleneck, &["(median)"]);
    }

    #[test]
    fn a_worker_that_is_not_let_run_turns_the_verdict() {
        let starved = |busy, kept_waiting| Readings { workers: vec![worker(busy, kept_waiting, 10)], ..quiet() };
        check(&starved(0.05, 0.60), Verdict::Ok, &[]);
        check(&starved(0.05, 0.80), Verdict::Suspect, &["wait for a processor for 80 %"]);
        check(&starved(0.20, 0.78), Verdict::Bottleneck, &["nothing else to do"]);
        check(&starved(0.70, 0.28), Verdict::Ok, &[]);
    }

    #[test]
    fn a_tail_as_long_as_what_is_measured_is_the_clients() {
        let slow = |count, p99| Readings { read_lag: Some(lag(count, 100e-6, p99)), ..quiet() };
        check(&slow(5_000, 21e-3), Verdict::Bottleneck, &["21 ms after they arrived (p99)"]);
        check(&slow(900, 21e-3), Verdict::Suspect, &["(p99)"]);
        let fast = Readings { measured: Measured { ttft: Some(5e-3), gap: Some(1e-3) }, ..slow(5_000, 4e-3) };
        check(&fast, Verdict::Suspect, &["(p99)"]);
    }

    #[test]
    fn our_own_limits_are_the_bottleneck() {
        check(&Readings { client_resource: 1, ..quiet() }, Verdict::Bottleneck, &["ulimit -n"]);
    }

    #[test]
    fn standing_still_is_suspect_and_named() {
        check(&Readings { stall: Some(Nanos::from_secs(30)), ..quiet() }, Verdict::Suspect, &["30 s"]);
    }

    #[test]
    fn all_reasons_are_given_and_the_gravest_decides() {
        let readings =
            Readings { stall: Some(Nanos::from_secs(2)), workers: busy(0.99, 10), client_resource: 3, ..quiet() };
        check(&readings, Verdict::Bottleneck, &["3 requests", "busy", "2 s"]);
    }

    #[test]
    fn more_busy_is_never_a_better_verdict() {
        let verdicts: Vec<_> =
            (0..=100).map(|p| judge(&Readings { workers: busy(f64::from(p) / 100.0, 10), ..quiet() }).0).collect();
        assert!(verdicts.is_sorted());
    }
}
