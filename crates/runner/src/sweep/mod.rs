//! A sweep: every target under every workload and every load, one run or one search a cell.
//!
//! A target may bring the command that starts its engine: it is started once, before its first cell that is to be measured,
//! and stopped after its last. What fails stands in the report with its reason, and the rest goes on. `sweep.json` is written
//! after every cell, so that a sweep that was stopped, however it was, goes on where it ended.

mod cell;
mod engine;
mod guard;
mod health;
mod progress;
mod searches;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use metron_results::Summary;
use metron_results::folder::{Overwrite, RunFile, RunFolder};
use metron_results::storage::StorageError;
use metron_results::summary::Verdict;
use metron_results::sweep::{CellStatus, SCHEMA, SweepReport, SweptCell, SweptTarget};
use metron_units::Nanos;

use crate::error::{RunError, chain};
use crate::stop::{Asked, Stop};
use crate::{Finished, Options, Output, RunConfig};
pub use cell::{Cell, Measurement};
use engine::Engine;
pub use health::check_url;
pub use progress::SweepEvent;

/// What is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// What it is called.
    pub name: String,
    /// Whom, each with its cells.
    pub targets: Vec<Target>,
}

/// One that is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// A name that can be a folder's.
    pub name: String,
    /// How its engine is started; `None` if it is there already, or simulated.
    pub engine: Option<EngineCommand>,
    /// What is measured of it, in this order.
    pub cells: Vec<Cell>,
}

/// How an engine is started and stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineCommand {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Variables besides metron's own.
    pub env: BTreeMap<String, String>,
    /// Where it is started.
    pub cwd: Option<PathBuf>,
    /// What answers with a status of 200 to 299 once it is ready: `http://host:port/path`.
    pub health: String,
    /// How long that may take.
    pub start_timeout: Nanos,
    /// How long it may take to end after SIGTERM, before SIGKILL.
    pub stop_grace: Nanos,
}

/// Makes report.html of a finished run's folder; `None` where that fails: a sweep goes on without the page.
pub type Page<'a> = &'a dyn Fn(&Path, &Summary) -> Option<String>;

/// What a sweep is told besides what it measures.
pub struct SweepOptions<'a> {
    /// The command line, secrets left out.
    pub command: Vec<String>,
    /// Makes the page of each run.
    pub page: Page<'a>,
    /// A sweep of the same folder that was stopped.
    pub previous: Option<SweepReport>,
}

/// Measures every cell that is not measured yet. Blocks until the sweep is over, or was asked to end.
///
/// # Errors
/// If `sweep.json` cannot be written. What fails in a cell is no error.
pub fn sweep(
    sweep: &Sweep,
    folder: &RunFolder,
    options: &SweepOptions<'_>,
    tell: &mut dyn FnMut(SweepEvent<'_>),
    stop: &Stop,
) -> Result<SweepReport, StorageError> {
    let mut going = Going { sweep, folder, options, tell, stop, report: beginning(sweep), place: 0, log_before: 0 };
    going.keep_what_is_done();
    going.write()?;
    for target in &sweep.targets {
        going.target(target)?;
    }
    Ok(going.report)
}

/// The report before anything was measured.
fn beginning(sweep: &Sweep) -> SweepReport {
    let cells = sweep.targets.iter().flat_map(|target| {
        target.cells.iter().map(|cell| SweptCell {
            kind: cell.measured.kind(),
            ..SweptCell::pending(&target.name, &cell.workload, &cell.load)
        })
    });
    SweepReport {
        schema: SCHEMA.to_owned(),
        name: sweep.name.clone(),
        metron_version: env!("CARGO_PKG_VERSION").to_owned(),
        targets: sweep.targets.iter().map(Target::told).collect(),
        cells: cells.collect(),
    }
}

impl Target {
    /// As the report tells it.
    fn told(&self) -> SweptTarget {
        let Some(engine) = &self.engine else {
            return SweptTarget { name: self.name.clone(), ..SweptTarget::default() };
        };
        let shown = |(name, value): (&String, &String)| {
            let secret = metron_wire::is_secret_name(name);
            (name.clone(), if secret { format!("${{{name}}}") } else { value.clone() })
        };
        SweptTarget {
            name: self.name.clone(),
            command: Some(engine.argv.clone()),
            cwd: engine.cwd.as_ref().map(|cwd| cwd.display().to_string()),
            env: engine.env.iter().map(shown).collect(),
            log: Some(format!("{}/{LOG}", self.name)),
        }
    }
}

/// The engine's log, in its target's folder.
const LOG: &str = "engine.log";

/// A sweep on its way.
struct Going<'a> {
    sweep: &'a Sweep,
    folder: &'a RunFolder,
    options: &'a SweepOptions<'a>,
    tell: &'a mut dyn FnMut(SweepEvent<'_>),
    stop: &'a Stop,
    report: SweepReport,
    /// The place of the next cell in the report.
    place: usize,
    /// How long the engine's log was before it was started: what an earlier one said.
    log_before: u64,
}

impl Going<'_> {
    /// Takes over the cells of the sweep before that were measured as this one would measure them.
    fn keep_what_is_done(&mut self) {
        let Some(previous) = &self.options.previous else { return };
        let measured = self.sweep.targets.iter().flat_map(|target| &target.cells).map(|cell| &cell.measured);
        for (cell, measured) in self.report.cells.iter_mut().zip(measured) {
            let told = |report: &SweepReport| report.targets.iter().find(|target| target.name == cell.target).cloned();
            if told(previous) != self.sweep.targets.iter().find(|t| t.name == cell.target).map(Target::told) {
                continue;
            }
            let same = |old: &&SweptCell| {
                (&old.target, &old.workload, &old.load) == (&cell.target, &cell.workload, &cell.load)
            };
            let Some((old, run)) = previous.cells.iter().find(same).and_then(|old| Some((old, old.run.as_ref()?)))
            else {
                continue;
            };
            if measured.is_in(&self.folder.path().join(run), old) {
                cell.clone_from(old);
            }
        }
    }

    /// Measures what is left of a target.
    fn target(&mut self, target: &Target) -> Result<(), StorageError> {
        let mut engine = None;
        // One that would not start is not started again for each cell: that may take its time every time.
        let mut unstarted: Option<String> = None;
        for cell in &target.cells {
            let place = self.place;
            self.place += 1;
            if self.report.cells[place].status == CellStatus::Done {
                (self.tell)(SweepEvent::Kept { cell: &self.report.cells[place] });
                continue;
            }
            if self.stop.asked() != Asked::Nothing {
                continue;
            }
            let began = unstarted.take().map_or_else(|| self.ensure(target, &mut engine), Err);
            (self.tell)(SweepEvent::Measuring { cell: &self.report.cells[place], place, of: self.report.cells.len() });
            match began {
                Ok(()) => self.measure(target, cell, place, &mut engine),
                Err(reason) => {
                    self.fail(target, place, reason.clone());
                    unstarted = Some(reason);
                }
            }
            (self.tell)(SweepEvent::Over { cell: &self.report.cells[place] });
            self.report.mark_front();
            self.write()?;
        }
        if let Some(engine) = engine {
            (self.tell)(SweepEvent::Stopping { target: &target.name });
            engine.stop();
        }
        Ok(())
    }

    /// Sees to it that the target's engine runs.
    fn ensure(&mut self, target: &Target, engine: &mut Option<Engine>) -> Result<(), String> {
        let Some(command) = &target.engine else { return Ok(()) };
        if engine.as_mut().is_some_and(|engine| engine.exited().is_none()) {
            return Ok(());
        }
        // What is left of the group of one that ended by itself goes before the next one comes.
        if let Some(gone) = engine.take() {
            gone.stop();
        }
        (self.tell)(SweepEvent::Starting { target: &target.name });
        let log = self.log(target);
        self.log_before = engine::length(&log);
        health::ensure_free(command, self.stop).map_err(|error| error.to_string())?;
        let mut started = Engine::start(command, &log, self.stop).map_err(|error| {
            format!("the engine cannot be started: `{}`: {error}", command.argv.first().map_or("", String::as_str))
        })?;
        health::wait(&mut started, command, self.stop).map_err(|error| error.to_string())?;
        *engine = Some(started);
        Ok(())
    }

    fn log(&self, target: &Target) -> PathBuf {
        self.folder.path().join(&target.name).join(LOG)
    }

    fn measure(&mut self, target: &Target, cell: &Cell, place: usize, engine: &mut Option<Engine>) {
        let run = format!("{}/{}/{}", target.name, cell.workload, cell.load);
        self.report.cells[place].run = Some(run.clone());
        let path = self.folder.path().join(run);
        let outcome = match &cell.measured {
            Measurement::Run(config) => {
                self.run(config, format!("{}-{}-{}", target.name, cell.workload, cell.load), place, path)
            }
            Measurement::Capacity(search) => self.capacity(search, place, &path),
            Measurement::Prefill(config, plan) => self.prefill(config, *plan, place, &path),
        };
        let exited = engine.as_mut().and_then(Engine::exited);
        match (outcome, exited) {
            (_, Some(status)) => self.fail(target, place, format!("the engine ended in the middle of it ({status})")),
            (Err(reason), None) => self.fail(target, place, reason),
            (Ok(()), None) => {}
        }
    }

    /// Measures a cell that is one run.
    fn run(&mut self, config: &RunConfig, name: String, place: usize, path: PathBuf) -> Result<(), String> {
        // What lies there was not done, or was measured otherwise.
        let output = Output::Folder { path, overwrite: Overwrite::Replace };
        let options = Options { name, command: self.options.command.clone(), output };
        let (events, _unheard) = channel();
        match crate::run(config, options, &events, self.stop) {
            Ok(finished) => self.take(finished, place),
            Err(RunError::Interrupted) => {
                self.report.cells[place].status = CellStatus::Interrupted;
                Ok(())
            }
            Err(error) => Err(chain(&error)),
        }
    }

    /// Takes a run's figures into its cell and closes its folder.
    fn take(&mut self, mut finished: Finished, place: usize) -> Result<(), String> {
        let cell = &mut self.report.cells[place];
        cell.measured(&finished.summary);
        cell.status = if finished.interrupted { CellStatus::Interrupted } else { CellStatus::Done };
        if let Some(folder) = finished.folder.take() {
            if let Some(page) = (self.options.page)(folder.path(), &finished.summary) {
                folder.write(RunFile::Report, page.as_bytes()).map_err(|error| chain(&error))?;
            }
            folder.finish().map_err(|error| chain(&error))?;
        }
        match finished.all_failed() {
            Some(all) if !finished.interrupted => {
                Err(format!("all {} requests failed, most with {}: {}", all.count, all.class, all.example))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn fail(&mut self, target: &Target, place: usize, reason: String) {
        let interrupted = self.stop.asked() != Asked::Nothing;
        let log_tail =
            if target.engine.is_some() { engine::last_lines(&self.log(target), self.log_before) } else { Vec::new() };
        let cell = &mut self.report.cells[place];
        // Whoever asked for the end knows why.
        cell.status = if interrupted { CellStatus::Interrupted } else { CellStatus::Failed };
        cell.reason = Some(reason);
        cell.log_tail = log_tail;
    }

    fn write(&self) -> Result<(), StorageError> {
        let mut text = serde_json::to_string_pretty(&self.report).expect("a report is plain values with text keys");
        text.push('\n');
        self.folder.write(RunFile::Sweep, text.as_bytes())
    }
}

/// Whether a measured cell cannot be trusted, since this client was the bottleneck.
#[must_use]
pub fn client_bound(cell: &SweptCell) -> bool {
    cell.verdict == Some(Verdict::Bottleneck)
}
