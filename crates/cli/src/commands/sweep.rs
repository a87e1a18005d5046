//! `metron sweep FILE`: every target under every workload and load, one table and one report.

use std::path::{Path, PathBuf};

use metron_report::{console, html};
use metron_results::Summary;
use metron_results::folder::{FolderError, Overwrite, Privacy, RunFile, RunFolder, RunName};
use metron_results::sweep::{CellStatus, ObjectivesOfCell, SCHEMA, SweepReport};
use metron_results::version::understood;
use metron_runner::Stop;
use metron_runner::stop::Asked;
use metron_runner::sweep::{SweepEvent, SweepOptions, client_bound, sweep};

use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::SweepFlags;
use crate::{command_line, layers, page, signals, speak};

/// Measures, and leaves a folder with everything in it.
///
/// # Errors
/// If the file is none, or the folder cannot be written. What fails in a cell is in the table.
pub(super) fn run(flags: &SweepFlags) -> Result<Exit, Failure> {
    let plan = layers::sweep(&flags.file)?;
    let name: RunName = plan.name.parse().expect("a sweep's name was checked");
    let path = flags.output.clone().unwrap_or_else(|| super::run::default_folder(&name));
    let (folder, previous) = open(&path, flags)?;
    let stop = Stop::new();
    signals::hand_to(stop.clone())
        .map_err(|error| Failure::could_not_run(format!("no signal can be taken: {error}"), ""))?;
    let arguments = std::iter::once("metron".into()).chain(std::env::args_os().skip(1));
    let of_run = |folder: &Path, summary: &Summary| page::of(folder, summary).ok();
    let options = SweepOptions { command: command_line::masked(arguments), page: &of_run, previous };
    let style = speak::style_of_stderr();
    let mut tell = |event: SweepEvent<'_>| {
        if let Some(line) = line(&event).filter(|_| !flags.quiet) {
            speak::aside(style.faint(&metron_report::escape::terminal(&line)));
        }
        if let SweepEvent::Over { cell } = event
            && !flags.quiet
        {
            speak::aside(console::swept_cell(cell, style));
        }
    };
    let report = sweep(&plan, &folder, &options, &mut tell, &stop).map_err(not_kept)?;
    if flags.json {
        speak::json(&report)?;
    } else {
        speak::result(&console::sweep_table(&report, speak::style_of_stdout()))?;
    }
    folder.write(RunFile::Report, html::sweep_report(&report).as_bytes()).map_err(not_kept)?;
    let folder = folder.close().map_err(not_kept)?;
    let interrupted = stop.asked() != Asked::Nothing;
    let last = if interrupted { "interrupted, --resume goes on; " } else { "" };
    let folder = speak::shown(&folder);
    speak::aside(format_args!("{last}results in {folder}, open {folder}/report.html"));
    let cut = interrupted.then_some(Exit::Interrupted);
    Ok(Exit::first_of(verdict(&report).into_iter().chain(cut)))
}

/// The sweep's folder, and what an earlier sweep left in it.
fn open(path: &Path, flags: &SweepFlags) -> Result<(RunFolder, Option<SweepReport>), Failure> {
    let file = path.join(RunFile::Sweep.name());
    if flags.resume && file.exists() {
        let report = earlier(&file)?;
        let folder = RunFolder::reopen(path).map_err(|error| refused(&error))?;
        return Ok((folder, Some(report)));
    }
    let overwrite = if flags.force { Overwrite::Replace } else { Overwrite::Refuse };
    let folder = RunFolder::create(path, overwrite, Privacy::AsUmask).map_err(|error| refused(&error))?;
    Ok((folder, None))
}

fn earlier(file: &PathBuf) -> Result<SweepReport, Failure> {
    let unreadable = |reason: String| {
        Failure::could_not_run(format!("cannot go on with `{}`: {reason}", file.display()), "--force begins again")
    };
    let text = std::fs::read_to_string(file).map_err(|error| unreadable(error.to_string()))?;
    let report: SweepReport = serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
    understood(&report.schema, SCHEMA).map_err(|newer| unreadable(newer.to_string()))?;
    Ok(report)
}

fn refused(error: &FolderError) -> Failure {
    match error {
        FolderError::HoldsRun { .. } => Failure::usage(
            error,
            "--resume to go on with it, --force to begin again, or --output DIR for another folder",
        ),
        FolderError::Storage(storage) => Failure::could_not_run(chain(error), storage.hint()),
        error => Failure::usage(error, error.hint()),
    }
}

fn not_kept(error: metron_results::storage::StorageError) -> Failure {
    let hint = error.hint();
    Failure::could_not_run(chain(&error), hint)
}

/// What is told of the sweep's way; the end of a cell is told by the console.
fn line(event: &SweepEvent<'_>) -> Option<String> {
    let name = |cell: &metron_results::sweep::SweptCell| format!("{}, {}, {}", cell.target, cell.workload, cell.load);
    Some(match event {
        SweepEvent::Starting { target } => format!("starting the engine of {target}"),
        SweepEvent::Measuring { cell, place, of } => format!("[{}/{of}] {}", place + 1, name(cell)),
        SweepEvent::Kept { cell } => format!("kept {}", name(cell)),
        SweepEvent::Stopping { target } => format!("stopping the engine of {target}"),
        SweepEvent::Probed { number, probe, unit, .. } => format!("  {}", console::probe_line(*number, probe, unit)),
        SweepEvent::Length { point, .. } => format!("  {}", console::length_line(point)),
        SweepEvent::Over { .. } => return None,
    })
}

/// Every exit code that fits what was measured.
fn verdict(report: &SweepReport) -> Vec<Exit> {
    let mut fitting = Vec::new();
    for cell in &report.cells {
        match cell.status {
            CellStatus::Failed => fitting.push(Exit::CouldNotRun),
            CellStatus::Done if client_bound(cell) => fitting.push(Exit::ClientBound),
            CellStatus::Done | CellStatus::Pending | CellStatus::Interrupted => {}
        }
        if matches!(cell.objectives, Some(ObjectivesOfCell::Missed | ObjectivesOfCell::Undecided)) {
            fitting.push(Exit::Missed);
        }
    }
    fitting
}
