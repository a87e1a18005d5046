//! Which requests are drawn token by token: the least fluid ones, chosen as the rows go by.

use metron_metrics::{Outcome, Phase, RequestRecord};

use metron_metrics::request::RequestFigures;

/// As many requests as are drawn.
const DRAWN: usize = 3;

/// The least fluid completed requests of those that were shown to it. Holds no more than it draws.
#[derive(Debug, Default)]
pub struct Worst {
    kept: Vec<(f64, RequestRecord)>,
}

impl Worst {
    /// Looks at one more request.
    pub fn see(&mut self, request: &RequestRecord) {
        let counts = request.phase == Phase::Measured && request.outcome == Outcome::Completed;
        let index = counts.then(|| RequestFigures::but_minimum(request).fluidity_index).flatten();
        let Some(index) = index else { return };
        let full = self.kept.len() == DRAWN;
        if full && self.kept.last().is_some_and(|(worst, _)| index >= *worst) {
            return;
        }
        let place = self.kept.partition_point(|(other, _)| *other <= index);
        self.kept.insert(place, (index, request.clone()));
        self.kept.truncate(DRAWN);
    }

    /// The requests, the least fluid one first.
    #[must_use]
    pub fn requests(self) -> Vec<RequestRecord> {
        self.kept.into_iter().map(|(_, request)| request).collect()
    }
}
