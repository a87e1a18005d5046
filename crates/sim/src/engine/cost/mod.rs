//! How long an iteration takes: from a model on GPUs, from three numbers, or from a user's measurements. Knows no scheduler.

mod catalogue;
mod linear;
mod roofline;
mod table;
mod work;

pub use catalogue::{Gpu, MemoryShortage, Model, Overhead, UnknownName, gpus, models, overheads};
pub use linear::{Linear, LinearError};
pub use roofline::{Roofline, TensorParallelError};
pub use table::{Table, TableError};
pub use work::Work;

use metron_units::Nanos;

/// A cost model.
#[derive(Debug, Clone, PartialEq)]
pub enum Cost {
    /// SIM.md's model of a transformer on GPUs.
    Roofline(Box<Roofline>),
    /// `a + b * prefill tokens + c * decoding sequences`.
    Linear(Linear),
    /// Measured iterations.
    Table(Table),
}

impl Cost {
    /// The time of one iteration, whole nanoseconds, at least 1: an iteration of no time would give tokens at one instant.
    #[must_use]
    pub fn iteration(&self, work: &Work) -> Nanos {
        let ns = match self {
            Self::Roofline(roofline) => roofline.seconds(work) * 1e9,
            Self::Linear(linear) => linear.ns(work),
            Self::Table(table) => table.ns(work),
        };
        // Rounded half up. A cast saturates, so an absurd table gives an absurd time, not a wrapped one.
        Nanos::new(((ns + 0.5).floor() as u64).max(1))
    }
}
