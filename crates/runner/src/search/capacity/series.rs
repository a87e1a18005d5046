//! What a probe has seen so far, in batches of equal size whose number stays bounded. Knows no verdict.

use metron_units::Nanos;

use super::super::prober::{Observation, Score};

/// When so many batches are full, neighbours are merged. A multiple of 4.
const MOST: usize = 128;

/// The sums over one batch of neighbouring requests.
#[derive(Debug, Clone)]
struct Batch {
    in_flight: f64,
    scores: Vec<Score>,
}

/// The requests of one probe in their order, in [`MOST`] / 2 to [`MOST`] batches once there are so many.
#[derive(Debug, Clone)]
pub(super) struct Series {
    objectives: usize,
    size: u64,
    full: Vec<Batch>,
    open: Batch,
    in_open: u64,
    last: Nanos,
}

impl Series {
    pub(super) fn new(objectives: usize) -> Self {
        Self { objectives, size: 1, full: Vec::new(), open: Batch::empty(objectives), in_open: 0, last: Nanos::ZERO }
    }

    pub(super) fn push(&mut self, seen: &Observation<'_>) {
        self.last = self.last.max(seen.at);
        self.open.in_flight += seen.in_flight as f64;
        for (sum, score) in self.open.scores.iter_mut().zip(seen.scores) {
            sum.part += score.part;
            sum.of += score.of;
        }
        self.in_open += 1;
        if self.in_open == self.size {
            self.full.push(std::mem::replace(&mut self.open, Batch::empty(self.objectives)));
            self.in_open = 0;
            if self.full.len() == MOST {
                self.merge();
            }
        }
    }

    fn merge(&mut self) {
        self.size *= 2;
        self.full = self.full.chunks(2).map(Batch::sum).collect();
    }

    /// Requests seen.
    pub(super) fn requests(&self) -> u64 {
        self.full.len() as u64 * self.size + self.in_open
    }

    /// The instant of the latest request.
    pub(super) fn duration(&self) -> Nanos {
        self.last
    }

    /// The full batches that so many requests take.
    pub(super) fn batches_of(&self, requests: u64) -> usize {
        usize::try_from(requests.div_ceil(self.size)).unwrap_or(usize::MAX)
    }

    /// Full batches.
    pub(super) fn batches(&self) -> usize {
        self.full.len()
    }

    /// The mean number in flight of each full batch.
    pub(super) fn in_flight(&self) -> Vec<f64> {
        self.full.iter().map(|batch| batch.in_flight / self.size as f64).collect()
    }

    /// The sums of one objective over the full batches from `from` on, in `groups` stretches of nearly equal length.
    pub(super) fn stretches(&self, objective: usize, from: usize, groups: usize) -> Vec<Score> {
        let kept = &self.full[from.min(self.full.len())..];
        let cut = |group: usize| group * kept.len() / groups;
        (0..groups).map(|group| total(&kept[cut(group)..cut(group + 1)], objective)).collect()
    }
}

fn total(batches: &[Batch], objective: usize) -> Score {
    batches.iter().fold(Score::default(), |sum, batch| sum.plus(batch.scores[objective]))
}

impl Batch {
    fn empty(objectives: usize) -> Self {
        Self { in_flight: 0.0, scores: vec![Score::default(); objectives] }
    }

    fn sum(pair: &[Self]) -> Self {
        let mut sum = pair[0].clone();
        for other in &pair[1..] {
            sum.in_flight += other.in_flight;
            for (own, score) in sum.scores.iter_mut().zip(&other.scores) {
                *own = own.plus(*score);
            }
        }
        sum
    }
}

impl Score {
    fn plus(self, other: Self) -> Self {
        Self { part: self.part + other.part, of: self.of + other.of }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_loses_no_request_and_bounds_the_batches() {
        let mut series = Series::new(1);
        for k in 0..1_000_u64 {
            let scores = [Score { part: f64::from(u8::from(k % 10 == 0)), of: 1.0 }];
            series.push(&Observation { at: Nanos::from_millis(k), in_flight: k, scores: &scores });
        }
        assert_eq!((series.requests(), series.batches()), (1_000, 125));
        assert_eq!(series.duration(), Nanos::from_millis(999));
        let halves = series.stretches(0, 0, 2);
        assert_eq!((halves[0], halves[1]), (Score { part: 50.0, of: 496.0 }, Score { part: 50.0, of: 504.0 }));
        assert_eq!(series.in_flight()[0], 3.5);
    }
}
