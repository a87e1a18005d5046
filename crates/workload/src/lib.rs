//! What to send and when: arrivals, lengths, prompts.
//!
//! The plan is a pure function of its [`PlanConfig`]: an iterator of [`PlannedRequest`]s, each of which any part of the
//! program can make alone, since every random draw of request k comes from a generator keyed (seed, stream, k).
//! This crate knows nothing of HTTP, clocks or files: it reads from what it is handed and opens nothing.

#![forbid(unsafe_code)]

mod arrivals;
pub mod digest;
pub mod dist;
pub mod plan;
pub mod prompt;
pub mod random;
pub mod tokenizer;
pub mod trace;

#[cfg(test)]
mod testing;

pub use digest::PlanDigest;
pub use dist::Dist;
pub use plan::{
    Arrivals, LeftToClock, Lengths, Limit, Load, Plan, PlanConfig, PlanError, PlannedPhase, PlannedRequest, Shard,
    Warmup,
};
pub use prompt::{PromptError, Prompts};
pub use tokenizer::Tokenizer;
