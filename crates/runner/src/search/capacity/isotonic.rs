//! Between which loads the capacity lies, by isotonic regression over all probes (pool adjacent violators; R. E. Barlow et al.,
//! *Statistical Inference under Order Restrictions*, 1972): a higher load is never the easier one. Knows no interval.

use super::super::demand::Demand;
use super::super::prober::{Ending, Load};
use super::probe::Probe;

/// What a probe whose queue grows counts as: far beyond its bound.
const BEYOND: f64 = 10.0;

/// The loads on both sides of the bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bracket {
    /// The highest load that the probes together say holds.
    pub(super) holds: Option<Load>,
    /// The lowest that they say fails; above `holds`.
    pub(super) fails: Option<Load>,
    /// The lowest load that the client could not play.
    pub(super) client: Option<Load>,
}

/// Loads that are pooled, the highest of them, their ratio in parts of its bound, and the requests behind it.
struct Block {
    first: Load,
    last: Load,
    ratio: f64,
    weight: f64,
}

pub(super) fn bracket(probes: &[Probe], demands: &[Demand]) -> Bracket {
    let mut played: Vec<Block> = probes
        .iter()
        .filter(|probe| probe.ending != Ending::ClientBound)
        .filter_map(|probe| {
            let ratio = worst(probe, demands)?;
            Some(Block { first: probe.load, last: probe.load, ratio, weight: probe.requests as f64 })
        })
        .collect();
    played.sort_by(|a, b| a.last.get().total_cmp(&b.last.get()));
    let blocks = pool(played);
    let client = probes.iter().filter(|probe| probe.ending == Ending::ClientBound).map(|probe| probe.load);
    Bracket {
        holds: blocks.iter().rev().find(|block| block.ratio <= 1.0).map(|block| block.last),
        fails: blocks.iter().find(|block| block.ratio > 1.0).map(|block| block.first),
        client: client.reduce(|a, b| if a < b { a } else { b }),
    }
}

/// The ratio of the objective that is worst off, in parts of its bound.
fn worst(probe: &Probe, demands: &[Demand]) -> Option<f64> {
    if probe.growing {
        return Some(BEYOND);
    }
    let ratios = demands.iter().zip(&probe.estimates).filter_map(|(demand, it)| Some((*it)?.ratio / demand.allowed()));
    ratios.reduce(f64::max).map(|ratio| ratio.min(BEYOND))
}

/// Neighbours are pooled until the ratios rise with the loads.
fn pool(sorted: Vec<Block>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for mut next in sorted {
        while let Some(before) = blocks.pop_if(|before| before.ratio > next.ratio || before.last == next.first) {
            let weight = before.weight + next.weight;
            next.ratio = (before.ratio * before.weight + next.ratio * next.weight) / weight;
            (next.first, next.weight) = (before.first, weight);
        }
        blocks.push(next);
    }
    blocks
}
