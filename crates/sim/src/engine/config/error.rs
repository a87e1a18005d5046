//! Why a description of an engine is refused, and what could be typed instead.

use super::super::cost::{LinearError, MemoryShortage, TableError, TensorParallelError, UnknownName};

/// A description that is no engine.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A scheduler, model, GPU or overhead that nobody knows.
    #[error(transparent)]
    Name(#[from] UnknownName),
    /// A parameter that the scheduler does not have.
    #[error("`{key}` is no parameter of {scheduler}")]
    Key {
        /// As it was typed.
        key: String,
        /// The scheduler's name.
        scheduler: String,
        /// The scheduler's parameter that is most alike.
        nearest: &'static str,
    },
    /// A parameter that is there twice.
    #[error("`{key}` is given twice")]
    Twice {
        /// Which.
        key: &'static str,
    },
    /// A value that the parameter cannot have.
    #[error("{key} `{value}` {reason}")]
    Value {
        /// Whose.
        key: &'static str,
        /// As it was typed, or as it resulted.
        value: String,
        /// Why not, as the end of a sentence.
        reason: String,
        /// What could be typed instead.
        hint: String,
    },
    /// A model too large for its GPUs.
    #[error("{model} does not fit {gpu} at tp={tp}: {source}")]
    Memory {
        /// The model's name.
        model: String,
        /// The GPU's name.
        gpu: String,
        /// GPUs that share it.
        tp: u64,
        /// What fills the memory.
        source: MemoryShortage,
    },
    /// A model that cannot be shared so.
    #[error("{model} cannot run: {source}")]
    TensorParallel {
        /// The model's name.
        model: String,
        /// Why.
        source: TensorParallelError,
    },
    /// A linear cost that is none.
    #[error(transparent)]
    Linear(#[from] LinearError),
    /// A cost file that cannot be read.
    #[error("cost file `{path}` cannot be read: {source}")]
    CostFile {
        /// As it was typed.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A cost file that is no table.
    #[error("cost file `{path}`: {source}")]
    Table {
        /// As it was typed.
        path: String,
        /// What is wrong.
        source: TableError,
    },
}

impl ConfigError {
    /// What could be typed instead; `None` where the message says all there is to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name(unknown) => Some(unknown.nearest.to_owned()),
            Self::Key { nearest, .. } => Some((*nearest).to_owned()),
            Self::Value { hint, .. } => Some(hint.clone()),
            Self::Memory { tp, .. } if *tp < 8 => Some(format!("tp={}", tp * 2)),
            Self::TensorParallel { .. } => Some("tp=1".to_owned()),
            Self::Linear(_) => Some("cost=linear:10000000,10000,1000000".to_owned()),
            Self::Twice { .. } | Self::Memory { .. } | Self::CostFile { .. } | Self::Table { .. } => None,
        }
    }
}
