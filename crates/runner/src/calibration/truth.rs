//! What the simulated engine really did, as the figures that a client reports: TTFT and gaps of every request.
//!
//! A request's true TTFT runs from the instant at which the client gave it to its kernel to the one at which the engine gave
//! the first token to its own. The engine's log has the instant at which it *read* the request, too, but when a thousand
//! requests come at once it reads the last of them milliseconds late, and that delay is part of what a client should report.
//! So the beginning is the client's own: it is read right before the write, on the same host and clock, and a client that read
//! it too early or too late would show it in its dispatch lag, not here.
//!
//! Which request of the client is which of the engine's follows from the order of first tokens: one thread sends them one
//! after the other, and loopback keeps their order.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use metron_results::rows::read_rows;
use metron_sim::truth::{What, read};

/// The true figures of a run, in nanoseconds, unsorted.
#[derive(Debug, Default)]
pub struct True {
    /// From a request's dispatch to the hand-over of its first token.
    pub ttft: Vec<u64>,
    /// Between the hand-overs of neighbouring tokens of a request.
    pub gaps: Vec<u64>,
    /// By how much the client's TTFT differs from the true one, of each request; the way through the kernel included.
    pub ttft_errors: Vec<u64>,
    /// By how much each of the client's gaps differs from the true one.
    pub gap_errors: Vec<u64>,
    /// By how much the client's arrival of each token lies beside its hand-over, the way through the kernel included.
    pub arrival_errors: Vec<u64>,
}

/// The instants of one request, in nanoseconds since 1970.
#[derive(Debug, Default, PartialEq, Eq)]
struct Instants {
    /// On the client's side alone.
    dispatched: Option<u64>,
    /// When it was read whole; on the engine's side alone.
    arrived: Option<u64>,
    tokens: Vec<u64>,
}

/// Lays a truth log beside the client's rows.
///
/// # Errors
/// If one of them cannot be read, or if they are not of the same requests.
pub fn of(log: &Path, rows: &Path) -> io::Result<True> {
    compare(engine(log)?, client(rows)?)
}

/// What a truth log tells without the client's rows: gaps, and TTFT since the engine had read the request. For clients that do
/// not say when each request left.
///
/// # Errors
/// If it cannot be read.
pub fn of_engine_alone(log: &Path) -> io::Result<True> {
    let mut figures = True::default();
    for request in engine(log)? {
        let first = request.arrived.zip(request.tokens.first());
        figures.ttft.extend(first.map(|(arrived, first)| first.saturating_sub(arrived)));
        figures.gaps.extend(gaps(&request.tokens));
    }
    Ok(figures)
}

fn engine(log: &Path) -> io::Result<Vec<Instants>> {
    let truth = read(std::fs::File::open(log)?)?;
    let mut requests: HashMap<u64, Instants> = HashMap::new();
    for record in &truth.records {
        let at = record.at.get() + truth.unix_offset;
        let request = requests.entry(record.request).or_default();
        match record.what {
            What::Arrived => request.arrived = Some(at),
            What::Token => request.tokens.push(at),
            What::Finished | What::Cancelled => {}
        }
    }
    Ok(requests.into_values().collect())
}

fn client(rows: &Path) -> io::Result<Vec<Instants>> {
    let rows = read_rows(rows).map_err(io::Error::other)?;
    let epoch = rows.epoch_unix_ns().ok_or_else(|| io::Error::other("the rows do not say when the run began"))?;
    rows.map(|row| {
        let row = row.map_err(io::Error::other)?;
        let tokens = row.chunks.iter().map(|chunk| epoch + chunk.arrived.get()).collect();
        Ok(Instants { dispatched: row.dispatched.map(|at| epoch + at.get()), arrived: None, tokens })
    })
    .collect()
}

fn compare(mut engine: Vec<Instants>, mut client: Vec<Instants>) -> io::Result<True> {
    for side in [&mut engine, &mut client] {
        side.retain(|request| !request.tokens.is_empty());
        side.sort_unstable_by_key(|request| request.tokens[0]);
    }
    if engine.len() != client.len() {
        let (sent, received) = (engine.len(), client.len());
        return Err(io::Error::other(format!("the engine answered {sent} requests and the client saw {received}")));
    }
    let mut figures = True::default();
    for (sent, received) in engine.iter().zip(&client) {
        if let Some(dispatched) = received.dispatched {
            figures.ttft.push(sent.tokens[0].saturating_sub(dispatched));
        }
        figures.ttft_errors.push(received.tokens[0].abs_diff(sent.tokens[0]));
        figures.gaps.extend(gaps(&sent.tokens));
        if sent.tokens.len() == received.tokens.len() {
            let beside = gaps(&sent.tokens).zip(gaps(&received.tokens));
            figures.gap_errors.extend(beside.map(|(sent, received)| received.abs_diff(sent)));
            let errors = sent.tokens.iter().zip(&received.tokens);
            figures.arrival_errors.extend(errors.map(|(sent, received)| received.abs_diff(*sent)));
        }
    }
    Ok(figures)
}

fn gaps(tokens: &[u64]) -> impl Iterator<Item = u64> {
    tokens.windows(2).map(|pair| pair[1].saturating_sub(pair[0]))
}

/// The quantile of `values` at `share`, the nearest rank. Sorts them. `None` of nothing.
pub fn quantile(values: &mut [u64], share: f64) -> Option<u64> {
    values.sort_unstable();
    let last = values.len().checked_sub(1)?;
    Some(values[(last as f64 * share).round() as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(dispatched: Option<u64>, tokens: &[u64]) -> Instants {
        Instants { dispatched, arrived: None, tokens: tokens.to_vec() }
    }

    #[test]
    fn requests_are_matched_by_their_first_tokens_and_ttft_counts_from_the_dispatch() {
        let engine = vec![request(None, &[1_500, 1_900]), request(None, &[1_000, 1_250])];
        let client = vec![request(Some(400), &[1_010, 1_255]), request(Some(300), &[1_507, 1_912])];
        let mut figures = compare(engine, client).unwrap();
        figures.ttft.sort_unstable();
        figures.gaps.sort_unstable();
        assert_eq!(
            (figures.ttft.as_slice(), figures.gaps.as_slice()),
            ([600, 1_200].as_slice(), [250, 400].as_slice())
        );
        assert_eq!(quantile(&mut figures.arrival_errors, 1.0), Some(12));
        assert_eq!((figures.ttft_errors, figures.gap_errors), (vec![10, 7], vec![5, 5]));
    }

    #[test]
    fn sides_that_saw_different_requests_are_not_compared() {
        assert!(compare(vec![request(None, &[1])], vec![request(Some(0), &[])]).is_err());
    }

    #[test]
    fn a_quantile_is_the_nearest_rank() {
        let mut values: Vec<u64> = (0..=100).rev().collect();
        assert_eq!((quantile(&mut values, 0.5), quantile(&mut values, 0.99)), (Some(50), Some(99)));
        assert_eq!(quantile(&mut [], 0.5), None);
    }
}
