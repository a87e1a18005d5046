//! What the figures mean. METRICS.md in code.
//!
//! A [`RequestRecord`] holds the instants of one request; everything else here is a function of such records:
//! deadlines and the fluidity-index, latencies, quantiles with their intervals, objectives, accounts.
//! Pure: no I/O, no clock, no async, and no word of HTTP.

#![forbid(unsafe_code)]

pub mod record;

pub mod fraction;

pub mod deadlines;
mod gaps;
pub mod request;

pub mod catalogue;
mod measure;
pub mod objective;
pub mod quantile;

pub mod accounts;
pub mod comparison;
pub mod interval;
pub mod summary;

#[cfg(test)]
mod testing;

pub use accounts::{Accounts, Balanced};
pub use catalogue::Metric;
pub use deadlines::{FirstToken, Misses};
pub use objective::Objective;
pub use record::{Chunk, CountedBy, Deadlines, ErrorClass, Failure, Outcome, Phase, RequestRecord, Texts};
pub use request::RequestFigures;
pub use summary::{Figures, Summariser, SummaryOptions};
