//! The summary's `telemetry`: what an OpenTelemetry collector took of the run's spans.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a collector took.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct TelemetryFigures {
    /// Its URL, without secrets.
    pub url: String,
    /// Spans that it took, one a request.
    pub spans: u64,
    /// Spans that it did not take, or that found no room before it.
    pub lost: u64,
}
