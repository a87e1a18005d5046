//! The summary's `load`: what was asked, and what came of it. Computes nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::figures::Quantiles;

/// What the plan asked for beside what came of it, of the measured phase.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LoadCheck {
    /// By the plan. Its quantiles are lengths of the plan (the least that so many do not exceed), within 0.1 % above 65,535.
    pub asked: LoadFigures,
    /// By the rows: completed requests' lengths as the server counted them, where it did.
    pub achieved: LoadFigures,
    /// Lengths that were drawn outside 1 to 10,000,000 tokens and moved to the nearer end.
    pub clamped: u64,
    /// The share of all planned prompt tokens that a prefix cache which never forgets could have answered; null where prompts were
    /// not made.
    pub prefix_reuse: Option<f64>,
    /// Of the plan's requests with their texts: the same for the same configuration, whatever the machine; null where texts were
    /// not made, or not all.
    pub plan_digest: Option<String>,
}

/// How much was sent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
pub struct LoadFigures {
    /// Requests per second from the first to the last one sent; null below two, and where users decide.
    pub rate: Option<f64>,
    /// Lengths of prompts.
    pub input_tokens: Option<Quantiles>,
    /// Lengths of answers.
    pub output_tokens: Option<Quantiles>,
}
