//! How many requests came in each stretch of time, in bounded memory. Knows no request.
//!
//! It begins with stretches of a millisecond; when the last place is passed, pairs of neighbours become one and stretches
//! are twice as long.

use metron_units::Nanos;

/// Stretches at most.
const MOST: usize = 512;

/// Counts per stretch of time, from the trace's start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    width: Nanos,
    counts: Vec<u64>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { width: Nanos::from_millis(1), counts: Vec::new() }
    }
}

impl Timeline {
    /// Counts one request; in any order.
    pub fn add(&mut self, at: Nanos) {
        while at.get() / self.width.get() >= MOST as u64 {
            self.counts = self.counts.chunks(2).map(|pair| pair.iter().sum()).collect();
            // Below 584 years in 512 stretches there is room for twice as long.
            self.width = self.width + self.width;
        }
        let place = usize::try_from(at.get() / self.width.get()).expect("below 512");
        if self.counts.len() <= place {
            self.counts.resize(place + 1, 0);
        }
        self.counts[place] += 1;
    }

    /// How long a stretch is.
    #[must_use]
    pub fn width(&self) -> Nanos {
        self.width
    }

    /// The count of each stretch, the last one perhaps not over; 512 at most.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The rate of the busiest stretch, per second; `None` of none.
    #[must_use]
    pub fn peak_rate(&self) -> Option<f64> {
        self.counts.iter().max().map(|&most| most as f64 / self.width.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_grow_with_the_time_and_lose_no_request() {
        let mut timeline = Timeline::default();
        for second in 0..3600 {
            timeline.add(Nanos::from_secs(second));
        }
        assert!(timeline.counts().len() <= MOST && timeline.counts().len() > MOST / 4);
        assert_eq!(timeline.counts().iter().sum::<u64>(), 3600);
        assert_eq!(timeline.width(), Nanos::from_millis(8192));
        // Eight or nine of them in each stretch.
        assert!(timeline.counts()[..400].iter().all(|&count| count == 8 || count == 9));
        timeline.add(Nanos::MAX);
        assert_eq!(timeline.counts().iter().sum::<u64>(), 3601);
    }
}
