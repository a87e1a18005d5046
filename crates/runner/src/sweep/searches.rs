//! The cells of a sweep that are searches over many runs: the highest load, and what a prompt's length costs.

use std::path::Path;
use std::sync::mpsc::channel;

use metron_results::capacity::CapacityFile;
use metron_results::folder::{FolderError, Overwrite, Privacy, RunFile, RunFolder};
use metron_results::summary::Verdict;
use metron_results::sweep::{CellStatus, ObjectivesOfCell, SweptCell};

use super::cell::asked;
use super::{Going, SweepEvent};
use crate::error::chain;
use crate::search::capacity::{Answer, BoundedBy};
use crate::search::prefill::{ByRuns, MeasureError, Plan, measure};
use crate::search::{CapacitySearch, Kept, KeptError, Surroundings};
use crate::stop::Asked;
use crate::{RunConfig, RunError, Stop, config_yaml};

impl Going<'_> {
    /// Searches for the highest load, from where a search of the same folder was cut off. One that failed begins again: what
    /// its last probes saw was an engine on its way down.
    pub(super) fn capacity(&mut self, search: &CapacitySearch, place: usize, path: &Path) -> Result<(), String> {
        let before = if self.failed_before(place) { None } else { search.previous(path).ok() };
        let folder = folder(path, before.as_ref(), &search.config).map_err(|error| chain(&error))?;
        let (events, _unheard) = channel();
        let Self { report, tell, options, stop, .. } = self;
        let cell = &report.cells[place];
        let around = Surroundings { command: &options.command, events: &events, stop };
        let kept = search.keep(&folder, before, around, &mut |file| {
            if let Some(probe) = file.probes.last() {
                tell(SweepEvent::Probed { cell, number: file.probes.len(), probe, unit: &file.search.unit });
            }
        });
        let cell = &mut report.cells[place];
        let kept = match kept {
            Ok(kept) => kept,
            Err(KeptError::Run(RunError::Interrupted)) => {
                cell.status = CellStatus::Interrupted;
                return Ok(());
            }
            Err(error) => return Err(chain(&error)),
        };
        folder.close().map_err(|error| chain(&error))?;
        take(cell, &kept, stop);
        match kept.all_failed {
            Some(all) => Err(format!("all {} requests failed, most with {}: {}", all.count, all.class, all.example)),
            None => Ok(()),
        }
    }

    /// Whether a cell failed in the sweep that is gone on with.
    fn failed_before(&self, place: usize) -> bool {
        let cell = &self.report.cells[place];
        let previous = self.options.previous.iter().flat_map(|report| &report.cells);
        let names = |it: &SweptCell| (it.target.clone(), it.workload.clone(), it.load.clone());
        previous.into_iter().any(|old| names(old) == names(cell) && old.status == CellStatus::Failed)
    }

    /// Measures what a prompt's length costs.
    pub(super) fn prefill(&mut self, config: &RunConfig, plan: Plan, place: usize, path: &Path) -> Result<(), String> {
        let folder = folder(path, None, config).map_err(|error| chain(&error))?;
        let (events, _unheard) = channel();
        let Self { report, tell, stop, .. } = self;
        let cell = &report.cells[place];
        let mut ask = ByRuns::new(config.clone(), &events, stop);
        let measured = match measure(&mut ask, plan, &mut |point| tell(SweepEvent::Length { cell, point })) {
            Ok(measured) => measured,
            Err(MeasureError::Fit(_) | MeasureError::Refused { .. }) if stop.asked() > Asked::Nothing => {
                report.cells[place].status = CellStatus::Interrupted;
                return Ok(());
            }
            Err(MeasureError::Ask(error)) => return Err(chain(&error)),
            Err(MeasureError::Fit(error)) => return Err(chain(&error)),
            Err(error @ MeasureError::Refused { .. }) => return Err(chain(&error)),
        };
        let file = measured.to_file(ask.target().cloned(), None);
        let written = folder.write(RunFile::Config, config_yaml(config, None).as_bytes());
        let written = written.and_then(|()| folder.write(RunFile::PrefillProfile, file.to_json().as_bytes()));
        written.and_then(|()| folder.close()).map_err(|error| chain(&error))?;
        let cell = &mut report.cells[place];
        cell.profiled(&file, asked(plan));
        cell.status = if measured.interrupted { CellStatus::Interrupted } else { CellStatus::Done };
        Ok(())
    }
}

/// The folder of a search: gone on with, or begun anew. What lies there otherwise was not done, or was measured otherwise.
fn folder(path: &Path, before: Option<&CapacityFile>, config: &RunConfig) -> Result<RunFolder, FolderError> {
    let privacy = if config.save_text { Privacy::Private } else { Privacy::AsUmask };
    match before {
        Some(_) => RunFolder::reopen(path),
        None => RunFolder::create(path, Overwrite::Replace, privacy),
    }
}

fn take(cell: &mut SweptCell, kept: &Kept, stop: &Stop) {
    cell.searched(&kept.file);
    if matches!(kept.found.answer, Answer::NotYet { .. }) {
        cell.objectives = Some(ObjectivesOfCell::Undecided);
    }
    let by_client = match &kept.found.answer {
        Answer::Capacity(capacity) => capacity.bounded_by == BoundedBy::Client,
        Answer::ClientTooSlow => true,
        Answer::NoLoadHolds | Answer::Unstable(_) | Answer::NotYet { .. } => false,
    };
    cell.verdict = Some(if by_client { Verdict::Bottleneck } else { Verdict::Ok });
    cell.status = if stop.asked() > Asked::Nothing { CellStatus::Interrupted } else { CellStatus::Done };
}
