//! One cell of a sweep: what is measured of a target, and whether a folder holds it already.

use std::path::Path;

use metron_results::folder::RunFile;
use metron_results::sweep::{CellKind, CellStatus, SweptCell};

use crate::RunConfig;
use crate::config_file::is_of;
use crate::search::CapacitySearch;
use crate::search::prefill::Plan;

/// One measurement of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The workload's name; one that can be a folder's.
    pub workload: String,
    /// The load's name; one that can be a folder's.
    pub load: String,
    /// What is measured.
    pub measured: Measurement,
}

/// What a cell measures.
#[derive(Debug, Clone, PartialEq)]
pub enum Measurement {
    /// One run.
    Run(Box<RunConfig>),
    /// The highest load that holds.
    Capacity(Box<CapacitySearch>),
    /// TTFT against prompt length.
    Prefill(Box<RunConfig>, Plan),
}

impl Measurement {
    /// As the report names it.
    pub(super) fn kind(&self) -> CellKind {
        match self {
            Self::Run(_) => CellKind::Run,
            Self::Capacity(_) => CellKind::Capacity,
            Self::Prefill(..) => CellKind::Prefill,
        }
    }

    /// Whether the folder at `path`, which `old` tells of, holds exactly this, measured to its end.
    pub(super) fn is_in(&self, path: &Path, old: &SweptCell) -> bool {
        let of = |config: &RunConfig| {
            let yaml = std::fs::read_to_string(path.join(RunFile::Config.name()));
            yaml.is_ok_and(|yaml| is_of(&yaml, config))
        };
        old.status == CellStatus::Done
            && old.kind == self.kind()
            && match self {
                Self::Run(config) => of(config),
                Self::Capacity(search) => search.previous(path).is_ok_and(|file| {
                    file.finished && file.search.precision.total_cmp(&search.precision.get()).is_eq()
                }),
                Self::Prefill(config, plan) => {
                    of(config) && old.prefill.as_ref().is_some_and(|prefill| prefill.asked == asked(*plan))
                }
            }
    }
}

/// What a profile was asked for, in words.
pub(super) fn asked(plan: Plan) -> String {
    let Plan { least, most, precision, samples, lengths } = plan;
    format!("{least} to {most} prompt tokens within {precision}, at most {lengths} lengths of {samples} requests")
}
