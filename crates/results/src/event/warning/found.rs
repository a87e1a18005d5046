//! The warnings that the answers of a run give rise to, found in its summary: the same while it ends and whenever its report is made.

use metron_units::{Nanos, Share};

use super::Warning;
use crate::Summary;
use crate::summary::{Figure, Trend, distribution};

/// From this share on, chunks that come together are no accident: something holds them back.
const SHARED: f64 = 0.10;

/// A client that leaves chunks in the kernel for this part of the mean time between two of them reads several at once, though they
/// came one by one: what waits is only counted from the last of them on. Measured (the book's page on `probe`): 0.02 and less where
/// a proxy joined them, 0.4 and more where the client did.
const LATE: f64 = 0.25;

/// Whether a client that reads chunks so late (median) may itself be why several came in one read, at this mean gap. Seconds.
#[must_use]
pub fn may_join_chunks(read_lag_s: f64, mean_gap_s: f64) -> bool {
    read_lag_s > 0.0 && read_lag_s >= mean_gap_s * LATE
}

impl Warning {
    /// What a run's answers show that must be known before its figures are believed.
    #[must_use]
    pub fn of_answers(summary: &Summary) -> Vec<Self> {
        let unclean = summary.requests.unclean_end;
        let found = [
            unstreamed(summary),
            count_mismatch(summary),
            (unclean > 0).then_some(Self::UncleanEnd { count: unclean }),
            bursts(summary),
            moved(summary),
        ];
        found.into_iter().flatten().collect()
    }
}

/// Completed answers that came whole where a stream was asked: `fluidity_index` leaves out these and no others.
fn unstreamed(summary: &Summary) -> Option<Warning> {
    let requests = &summary.requests;
    let Figure::Distribution(judged) = summary.metrics.get("fluidity_index")? else { return None };
    let whole = (requests.completed + requests.failed).saturating_sub(judged.quantiles.count).min(requests.completed);
    let asked_for_streams = !summary.run.target.unstreamed;
    (whole > 0 && asked_for_streams).then_some(Warning::Unstreamed { count: whole, of: requests.completed })
}

fn count_mismatch(summary: &Summary) -> Option<Warning> {
    let share = summary.tokens.count_mismatch.filter(|&share| share > 0.0)?;
    Share::new(share).ok().map(|share| Warning::CountMismatch { share })
}

/// That chunks came in bursts.
fn bursts(summary: &Summary) -> Option<Warning> {
    let instrument = summary.instrument.as_ref()?;
    let share = Share::new(instrument.shared_read_share.filter(|&share| share >= SHARED)?).ok()?;
    let gaps = distribution(&summary.metrics, "inter_chunk_latency")?;
    // Within a burst there is no gap: what lies between bursts is far above the mean.
    let between = gaps.quantiles.p99.zip(gaps.quantiles.mean).filter(|(p99, mean)| *p99 >= 3.0 * mean);
    let period = between.map(|(p99, _)| Nanos::from_millis((p99 * 1e3).round() as u64));
    let period = period.filter(|period| *period > Nanos::ZERO);
    let lag = instrument.read_lag.as_ref().and_then(|lag| lag.p50);
    let late = lag.zip(gaps.quantiles.mean).filter(|&(lag, gap)| may_join_chunks(lag, gap));
    let read_after = late.map(|(lag, _)| Nanos::from_micros((lag * 1e6).round() as u64));
    Some(Warning::SharedReads { share, period, read_after })
}

/// That TTFT moved over a run under a load that was to stay the same.
fn moved(summary: &Summary) -> Option<Warning> {
    let Trend { early, late } = summary.ttft_trend.filter(|_| summary.run.load.is_steady())?;
    let time = |seconds: f64| Nanos::from_micros((seconds * 1e6).round() as u64);
    Some(Warning::Moved { early: time(early), late: time(late) })
}
