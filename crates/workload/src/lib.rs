//! What to send and when: arrivals, lengths, prompts.
//!
//! The plan is a pure function of its [`PlanConfig`]: an iterator of [`PlannedRequest`]s, each of which any part of the
//! program can make alone, since every random draw of request k comes from a generator keyed (seed, stream, k).
//! This crate knows nothing of HTTP, clocks or files: it reads from what it is handed and opens nothing.

#![forbid(unsafe_code)]

pub mod plan;

pub use plan::{Arrivals, Limit, Load, PlanConfig, PlannedRequest, Warmup};
