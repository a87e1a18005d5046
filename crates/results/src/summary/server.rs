//! The summary's `server`: what the servers said of themselves while the run ran, in a few figures. All of it is in
//! `server.parquet`.

use std::collections::BTreeMap;

use metron_units::Nanos;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::server_metrics::Curves;

/// What the servers said of themselves.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ServerFigures {
    /// Where it was asked for.
    pub sources: Vec<ServerSource>,
    /// Whose metrics were recognised: `vLLM`, `DCGM exporter`, ...
    pub families: Vec<String>,
    /// The figures of the measured phase by name: `running`, `waiting`, `kv_cache`, `preemptions`, `prefix_hits`, `gpu_use`,
    /// `cpu_use`, `power`. One that no server gave is not there.
    pub figures: BTreeMap<String, ServerFigure>,
    /// Joules drawn in the measured phase; null where no server tells power or energy.
    pub energy_j: Option<f64>,
    /// The same for each output token of the measured phase, those of partial answers included.
    pub energy_per_output_token_j: Option<f64>,
}

/// One address that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ServerSource {
    /// Its URL, without secrets.
    pub url: String,
    /// How often it answered with metrics.
    pub scrapes: u64,
    /// How often it did not.
    pub failed: u64,
}

/// One figure over the measured phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServerFigure {
    /// `requests`, `share`, `W`.
    pub unit: String,
    /// The mean over the scrapes.
    pub mean: Option<f64>,
    /// The highest of them.
    pub max: Option<f64>,
}

impl ServerFigures {
    /// What `curves` say of the time from `from` to `to`, in which `output_tokens` were given.
    #[must_use]
    pub fn of(curves: &Curves, sources: Vec<ServerSource>, from: Nanos, to: Nanos, output_tokens: u64) -> Self {
        // The last scrape comes just after the run's end, and tells of it.
        let seen = curves.last().map_or(to, |last| last.max(to));
        let within = curves.curves().into_iter().map(|mut curve| {
            curve.points.retain(|(at, _)| (from..=seen).contains(at));
            curve
        });
        let figures = within.filter(|curve| !curve.points.is_empty()).map(|curve| {
            let figure = ServerFigure { unit: curve.unit.to_owned(), mean: curve.mean(), max: curve.max() };
            (curve.name.to_owned(), figure)
        });
        let (whole, asked) = (seen.saturating_sub(from).as_secs_f64(), to.saturating_sub(from).as_secs_f64());
        let energy_j = curves.energy(from, seen).filter(|_| whole > 0.0).map(|joules| joules * asked / whole);
        Self {
            sources,
            families: curves.families().map(str::to_owned).collect(),
            figures: figures.collect(),
            energy_j,
            energy_per_output_token_j: energy_j
                .filter(|_| output_tokens > 0)
                .map(|joules| joules / output_tokens as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_metrics::exposition::samples;

    #[test]
    fn what_lies_outside_the_measured_phase_counts_for_nothing() {
        let mut curves = Curves::default();
        for (second, running, mj) in [(0, 90, 0), (10, 2, 1_000_000), (20, 4, 3_000_000), (21, 4, 3_200_000)] {
            let text = format!("vllm:num_requests_running {running}\nDCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION {mj}\n");
            curves.add(Nanos::from_secs(second), "a", samples(&text));
        }
        let of = |tokens| ServerFigures::of(&curves, Vec::new(), Nanos::from_secs(10), Nanos::from_secs(20), tokens);
        let running = ServerFigure { unit: "requests".to_owned(), mean: Some(10.0 / 3.0), max: Some(4.0) };
        assert_eq!(of(1_000).figures["running"], running);
        assert_eq!((of(1_000).energy_j, of(1_000).energy_per_output_token_j), (Some(2_000.0), Some(2.0)));
        assert_eq!(of(0).energy_per_output_token_j, None, "no token is no divisor");
    }

    #[test]
    fn servers_that_say_nothing_have_no_figures() {
        let figures = ServerFigures::of(&Curves::default(), Vec::new(), Nanos::ZERO, Nanos::from_secs(1), 5);
        assert_eq!(figures, ServerFigures::default());
    }
}
