//! Whether two runs differ, and by how much: METRICS.md, *Uncertainty*, for the difference of two figures.
//!
//! | figure | method |
//! |---|---|
//! | mean, percentile, ratio over requests | bootstrap: whole requests of each run are drawn again, neighbours together |
//! | the same, where both runs sent one plan | the same, the same requests of both: what the plan does to both falls out |
//! | share of requests, figure a second | the two runs' own intervals, [`crate::interval::combined`] |
//!
//! [`crate::Summariser::finish_redrawn`] gives each run's [`Redrawn`] figures, [`Difference::between`] what two of them differ
//! by, and a [`Bound`] says whether that is more than may be. Reads no file.

mod aspect;
mod bound;
mod difference;

pub use aspect::Aspect;
pub use bound::{Allowance, Bound, BoundError, BoundRefusal, Ruling};
pub use difference::{Change, Difference, Drawn, Estimate, Method};

pub use crate::summary::redraw::{Drawing, Redrawn};
