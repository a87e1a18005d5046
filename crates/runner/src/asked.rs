//! What a plan asks of a run, counted while it is walked: rate and lengths, to stand beside what came of them. Knows no answer.

use metron_results::summary::{LoadFigures, Quantiles};
use metron_units::Nanos;
use metron_workload::inspect::Counts;
use metron_workload::{PlannedPhase, PlannedRequest};

/// What the measured requests of a plan ask for.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct AskedFor {
    input: Counts,
    output: Counts,
    instants: Instants,
    /// Whether some requests have no instant but follow an answer: then the plan asks for no rate of requests.
    some_follow: bool,
}

/// When requests are sent: their number, the first and the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Instants {
    count: u64,
    first: Nanos,
    last: Nanos,
}

impl AskedFor {
    /// Takes a request of the plan.
    pub(crate) fn add(&mut self, request: &PlannedRequest) {
        if request.phase == PlannedPhase::Warmup {
            return;
        }
        self.input.add(request.input_tokens);
        self.output.add(request.output_tokens);
        match request.intended {
            Some(at) => self.instants.add(at),
            None => self.some_follow = true,
        }
    }

    /// As a summary has it.
    pub(crate) fn figures(&self) -> LoadFigures {
        LoadFigures {
            rate: self.instants.rate().filter(|_| !self.some_follow),
            input_tokens: quantiles(&self.input),
            output_tokens: quantiles(&self.output),
        }
    }
}

impl Instants {
    /// Takes an instant; in any order.
    pub(crate) fn add(&mut self, at: Nanos) {
        self.first = if self.count == 0 { at } else { self.first.min(at) };
        self.last = self.last.max(at);
        self.count += 1;
    }

    /// Per second from the first to the last, which it takes two of.
    pub(crate) fn rate(self) -> Option<f64> {
        let span = self.last.saturating_sub(self.first);
        (span > Nanos::ZERO).then(|| (self.count - 1) as f64 / span.as_secs_f64())
    }
}

fn quantiles(counts: &Counts) -> Option<Quantiles> {
    let at = |p: f64| counts.quantile(p).map(|tokens| tokens.get() as f64);
    (counts.count() > 0).then(|| Quantiles {
        count: counts.count(),
        mean: counts.mean(),
        std: counts.deviation(),
        min: counts.least().map(|tokens| tokens.get() as f64),
        p1: at(0.01),
        p5: at(0.05),
        p10: at(0.10),
        p25: at(0.25),
        p50: at(0.50),
        p75: at(0.75),
        p90: at(0.90),
        p95: at(0.95),
        p99: at(0.99),
        p99_9: at(0.999),
        max: counts.most().map(|tokens| tokens.get() as f64),
    })
}

#[cfg(test)]
mod tests {
    use metron_units::Tokens;

    use super::*;

    #[test]
    fn warm_up_is_not_asked_for_and_a_rate_takes_two_instants() {
        let request = |id, phase, at| PlannedRequest {
            id,
            phase,
            intended: Some(Nanos::from_secs(at)),
            input_tokens: Tokens::new(10 * (id + 1)),
            output_tokens: Tokens::new(7),
            turn: None,
            own: metron_workload::Own::default(),
        };
        let mut asked = AskedFor::default();
        asked.add(&request(0, PlannedPhase::Warmup, 0));
        asked.add(&request(1, PlannedPhase::Measured, 5));
        assert_eq!(asked.figures().rate, None);
        asked.add(&request(2, PlannedPhase::Measured, 7));
        let figures = asked.figures();
        assert_eq!(figures.rate, Some(0.5));
        assert_eq!(
            figures.input_tokens.map(|input| (input.count, input.mean, input.max)),
            Some((2, Some(25.0), Some(30.0)))
        );
        asked.add(&PlannedRequest { intended: None, ..request(3, PlannedPhase::Measured, 0) });
        assert_eq!(asked.figures().rate, None, "a turn that follows an answer has no instant");
    }
}
