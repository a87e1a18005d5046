//! Times counted in bins of equal ratio: a distribution to be drawn, in the same room whatever its size. No figure comes of it.

/// Bins per factor of ten: neighbours differ by 1.2 %, less than a line is wide.
const PER_DECADE: f64 = 200.0;
/// The first bin begins here, in seconds.
const LOWEST: f64 = 1e-6;
/// So many factors of ten: up to eleven days.
const DECADES: usize = 12;
/// As many points as a line is drawn with.
const POINTS: usize = 400;

/// A distribution of times.
#[derive(Debug, Clone)]
pub(super) struct LogBins {
    /// Below the first bin: gaps of zero.
    below: u64,
    bins: Vec<u64>,
    count: u64,
}

impl Default for LogBins {
    fn default() -> Self {
        Self { below: 0, bins: vec![0; DECADES * PER_DECADE as usize], count: 0 }
    }
}

impl LogBins {
    /// Counts `seconds` so many times.
    pub(super) fn add(&mut self, seconds: f64, times: u64) {
        self.count += times;
        if seconds < LOWEST {
            self.below += times;
        } else {
            let bin = ((seconds / LOWEST).log10() * PER_DECADE) as usize;
            let last = self.bins.len() - 1;
            self.bins[bin.min(last)] += times;
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The share at or below each time, rising to 1; empty without times.
    pub(super) fn shares(&self) -> Vec<(f64, f64)> {
        if self.count == 0 {
            return Vec::new();
        }
        let mut so_far = self.below;
        let mut points = Vec::new();
        for (bin, &times) in self.bins.iter().enumerate().filter(|(_, times)| **times > 0) {
            if points.is_empty() {
                points.push((edge(bin), so_far as f64 / self.count as f64));
            }
            so_far += times;
            points.push((edge(bin + 1), so_far as f64 / self.count as f64));
        }
        if points.is_empty() {
            // Nothing took any time.
            points.push((LOWEST, 1.0));
        }
        thinned(points)
    }

    /// A quantile to a bin's width, in seconds; `None` without times.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = (self.count as f64 * share).ceil().max(1.0) as u64;
        let mut so_far = self.below;
        if self.count == 0 || so_far >= wanted {
            return (self.count > 0).then_some(0.0);
        }
        for (bin, times) in self.bins.iter().enumerate() {
            so_far += times;
            if so_far >= wanted {
                return Some((edge(bin) * edge(bin + 1)).sqrt());
            }
        }
        None
    }
}

/// Where a bin begins.
fn edge(bin: usize) -> f64 {
    LOWEST * 10f64.powf(bin as f64 / PER_DECADE)
}

/// Every so many points, the first and the last among them.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let every = points.len().div_ceil(POINTS).max(1);
    let last = points.len() - 1;
    points.into_iter().enumerate().filter(|(k, _)| k % every == 0 || *k == last).map(|(_, point)| point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_bins_width() {
        let mut bins = LogBins::default();
        for ms in 1..=1_000 {
            bins.add(f64::from(ms) / 1e3, 1);
        }
        for (share, exact) in [(0.5, 0.5), (0.99, 0.99), (1.0, 1.0)] {
            let found = bins.quantile(share).expect("there are times");
            assert!((found / exact - 1.0).abs() < 0.012, "{found} for {exact}");
        }
        assert_eq!(LogBins::default().quantile(0.5), None);
    }

    #[test]
    fn shares_rise_to_one_and_begin_with_what_took_no_time() {
        let mut bins = LogBins::default();
        bins.add(0.0, 3);
        bins.add(0.02, 1);
        let shares = bins.shares();
        assert_eq!(shares.first().map(|point| point.1), Some(0.75));
        assert_eq!(shares.last().map(|point| point.1), Some(1.0));
        assert!(shares.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 <= pair[1].1), "{shares:?}");
    }

    #[test]
    fn a_line_has_no_more_points_than_are_seen() {
        let mut bins = LogBins::default();
        (0..2_000).for_each(|k| bins.add(edge(k) * 1.001, 1));
        assert!(bins.shares().len() <= POINTS + 1);
    }
}
