//! What to send and when: arrivals, lengths, prompts, and traces of what others sent.
//!
//! The plan is a pure function of its [`PlanConfig`]: an iterator of [`PlannedRequest`]s, each of which any part of the
//! program can make alone, since every random draw of request k comes from a generator keyed (seed, stream, k). What goes
//! beyond the plain configuration (rates that change, a [`Trace`] to replay, lengths drawn together, shared beginnings)
//! is its [`Pattern`].
//! This crate knows nothing of HTTP, clocks or files: it reads from what it is handed and opens nothing.

#![forbid(unsafe_code)]

pub mod arrivals;
pub mod attachments;
pub mod digest;
pub mod dist;
pub mod inspect;
pub mod plan;
pub mod prefix;
pub mod prompt;
pub mod random;
pub mod reuse;
pub mod tokenizer;
pub mod trace;

#[cfg(any(test, fuzzing))]
pub mod fuzzing;
#[cfg(test)]
mod testing;

pub use arrivals::Process;
pub use arrivals::curve::Curve;
pub use attachments::{Attachments, ImageSize};
pub use digest::{Further, PlanDigest};
pub use dist::joint::JointLengths;
pub use dist::{Count, Dist};
pub use inspect::{Inspection, inspect};
pub use plan::{
    Again, Answers, Arrivals, Bound, Cancellation, Class, Leave, LeftToClock, LengthSource, Lengths, Limit, Load, Mix,
    Own, Pattern, Plan, PlanConfig, PlanError, PlannedPhase, PlannedRequest, Prefix, Reading, Replay, ReplayError,
    Requests, SaveError, Saved, SessionLength, Sessions, Shard, Speed, Turn, Warmup, Wording,
};
pub use prefix::PrefixGroups;
pub use prompt::{PromptError, Prompts};
pub use tokenizer::Tokenizer;
pub use trace::{Trace, TraceError, TraceFormat, TraceOptions, TraceRequest};
