//! A search for the highest load that leaves a folder: config.yaml, and capacity.json after each probe, so that one that was cut
//! off can go on. Prints nothing; which statistics it rests on is [`capacity`]'s business.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;

use metron_results::capacity::{CapacityFile, SCHEMA, Search};
use metron_results::event::RunEvent;
use metron_results::folder::{RunFile, RunFolder};
use metron_results::storage::StorageError;
use metron_units::{Nanos, Share};

use super::capacity::{self, Answer, Budget, Found, Probe, Settings};
use super::demand::Demand;
use super::prober::{Ending, Load, LoadUnit};
use super::runs::{Files, Runs, RunsSettings};
use crate::config_file::is_of;
use crate::resolve::ConfigError;
use crate::{AllFailed, RunConfig, RunError, Stop, config_yaml};

/// The time that the probes may take, unless said otherwise. In virtual time nobody waits.
const BUDGET: Nanos = Nanos::from_secs(30 * 60);
/// Requests over all probes that no honest search needs.
const MOST_REQUESTS: u64 = 20_000_000;
/// Users to begin with, where nothing is known.
const USERS: f64 = 8.0;

/// What is searched for, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct CapacitySearch {
    /// The configuration of each run. Its rate, or its users, is the first load; its length and its seed are each probe's own.
    pub config: RunConfig,
    /// What the load is counted in.
    pub unit: LoadUnit,
    /// What a load must hold.
    pub demands: Vec<Demand>,
    /// The lowest and the highest load to try; `None`: what servers do.
    pub range: Option<(f64, f64)>,
    /// How narrow the interval must be: half its width over the capacity.
    pub precision: Share,
    /// The time that the probes may take; `None`: half an hour, or any in virtual time.
    pub budget: Option<Nanos>,
}

/// What a search that is over left.
#[derive(Debug)]
pub struct Kept {
    /// As capacity.json tells it.
    pub file: CapacityFile,
    /// What it found.
    pub found: Found,
    /// The failures, if no request of any probe was answered.
    pub all_failed: Option<AllFailed>,
}

/// What keeps a search from being.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// A setting cannot mean what it says.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The load to begin with, or its bounds, is none.
    #[error("a load must be above zero")]
    NoLoad,
    /// The folder's search cannot be gone on with.
    #[error(transparent)]
    Other(#[from] OtherSearch),
    /// A probe could not be played.
    #[error(transparent)]
    Run(#[from] RunError),
    /// capacity.json cannot be written.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What lies in a folder is no search that this one goes on with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OtherSearch {
    message: String,
    /// What could be typed instead; empty if there is no good guess.
    pub hint: String,
}

impl OtherSearch {
    fn new(message: String, hint: &str) -> Self {
        Self { message, hint: hint.to_owned() }
    }
}

/// What a search needs of its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The command line, secrets left out, as each probe's summary shows it.
    pub command: &'a [String],
    /// Hears of each probe's run.
    pub events: &'a Sender<RunEvent>,
    /// Ends the search.
    pub stop: &'a Stop,
}

impl CapacitySearch {
    /// Checks what can be checked before anything is sent.
    ///
    /// # Errors
    /// A setting that cannot mean what it says.
    pub fn check(&self, around: Surroundings<'_>) -> Result<(), ConfigError> {
        let runs = Runs::new(self.of_runs(Files::Nowhere, around.command), around.events, around.stop);
        runs.map(|_| ()).map_err(|error| match error.flag {
            // Of the rate it says what nobody gave: a load of the search's own.
            "rate" if self.config.arrivals.is_some() => {
                let message = "these say what rate they have, and it is the rate that is searched for";
                ConfigError::new("arrivals", message, "--arrivals poisson")
            }
            _ => error,
        })
    }

    /// The file of the search in the folder at `path`, if it is this one, cut off or over.
    ///
    /// # Errors
    /// If there is none, or it is another.
    pub fn previous(&self, path: &Path) -> Result<CapacityFile, OtherSearch> {
        let read = |file: RunFile| {
            let file = path.join(file.name());
            std::fs::read_to_string(&file).map_err(|error| {
                let message = format!("cannot read `{}`: {error}", file.display());
                OtherSearch::new(message, "--resume goes on with the search in the folder of --output DIR")
            })
        };
        let file = CapacityFile::from_json(&read(RunFile::Capacity)?).map_err(|error| {
            OtherSearch::new(format!("`{}` holds no capacity.json of metron: {error}", path.display()), "")
        })?;
        let there = read(RunFile::Config)?;
        let other = |message: String| OtherSearch::new(message, "--force in place of --resume begins a new search");
        if !is_of(&there, &self.config) {
            let here = config_yaml(&self.config, None);
            let settings = |text| str::lines(text).filter(|line| !line.starts_with('#')).collect::<Vec<_>>();
            let (there, here) = (settings(&there), settings(&here));
            let mut alone = here
                .iter()
                .filter(|line| !there.contains(line))
                .chain(there.iter().filter(|line| !here.contains(line)));
            let which = alone.next().map_or_else(String::new, |line| format!(": `{line}` is not a setting of both"));
            return Err(other(format!("the search in `{}` is another{which}", path.display())));
        }
        if file.objectives != self.objectives() {
            let there = file.objectives.join(", ");
            return Err(other(format!("the search in `{}` is another: its objectives are {there}", path.display())));
        }
        let [_, least, most] = &file.search.loads;
        let here = self.bounds().map(|(least, most)| [least, most].map(|load| load.get().to_string()));
        if file.search.unit != self.unit.name() || here.is_none_or(|here| here != [least.clone(), most.clone()]) {
            let message = "the search that is there goes over other loads".to_owned();
            return Err(OtherSearch::new(message, &format!("--range {least}..{most}")));
        }
        Ok(file)
    }

    /// Searches. `before` is what [`previous`](Self::previous) gave, for a search that goes on; `told` hears of the file after each
    /// probe.
    ///
    /// # Errors
    /// What keeps the search from being, or from going on.
    pub fn keep(
        &self,
        folder: &RunFolder,
        before: Option<CapacityFile>,
        around: Surroundings<'_>,
        told: &mut dyn FnMut(&CapacityFile),
    ) -> Result<Kept, KeptError> {
        let new = |files| Runs::new(self.of_runs(files, around.command), around.events, around.stop);
        let mut runs = new(Files::Nowhere)?;
        if !runs.is_virtual() {
            runs = new(Files::In(folder.path().to_owned()))?;
        }
        let settings = self.settings(before.as_ref(), &runs)?;
        let mut log = Log { folder, search: self, settings, file: self.empty(&settings) };
        let probes = log.take_up(before)?;
        let mut runs = runs.after(probes.len());
        let mut kept = Ok(());
        let found = capacity::search(&mut runs, &self.demands, &settings, probes, &mut |runs: &Runs<'_>, probe| {
            // What was cut off is played again: its figures would depend on when that was.
            if kept.is_ok() && probe.ending != Ending::Interrupted {
                kept = log.probe(runs, probe);
                told(&log.file);
            }
        });
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                // What the last probe saw of a server on its way down is no part of an answer.
                if runs.saw_it_go() {
                    log.forget_last()?;
                }
                return Err(error.into());
            }
        };
        kept?;
        let all_failed = runs.never_answered().cloned();
        Ok(Kept { file: log.end(&found)?, found, all_failed })
    }

    fn of_runs(&self, files: Files, command: &[String]) -> RunsSettings {
        RunsSettings {
            config: self.config.clone(),
            unit: self.unit,
            demands: self.demands.clone(),
            files,
            command: command.to_vec(),
        }
    }

    /// The lowest and the highest load to try; `None` where they are no loads.
    fn bounds(&self) -> Option<(Load, Load)> {
        let (least, most) = self.range.unwrap_or(match self.unit {
            LoadUnit::RequestsPerSecond => (0.01, 10_000.0),
            LoadUnit::ConcurrentRequests => (1.0, 4_096.0),
        });
        let load = |load: f64| Load::new(load).map(|load| self.unit.nearest(load));
        load(least).zip(load(most))
    }

    fn settings(&self, before: Option<&CapacityFile>, runs: &Runs<'_>) -> Result<Settings, KeptError> {
        let (least, most) = self.bounds().ok_or(KeptError::NoLoad)?;
        let again = before.and_then(|file| file.search.loads[0].parse().ok());
        let given = match self.unit {
            LoadUnit::RequestsPerSecond => self.config.rate.map(|rate| rate.get()),
            LoadUnit::ConcurrentRequests => self.config.concurrency.map(f64::from),
        };
        let start = match (again, given, self.unit) {
            (Some(start), ..) | (None, Some(start), _) => start,
            (None, None, LoadUnit::ConcurrentRequests) => USERS,
            // Where the server is full: an overload is told in fewer seconds than a load that holds.
            (None, None, LoadUnit::RequestsPerSecond) => runs.saturation()?,
        };
        let start = Load::new(start.clamp(least.get(), most.get())).ok_or(KeptError::NoLoad)?;
        let start = self.unit.nearest(start);
        let time = self.budget.unwrap_or(if runs.is_virtual() { Nanos::MAX } else { BUDGET });
        let budget = Budget { requests: MOST_REQUESTS, time };
        let seed = self.config.seed;
        Ok(Settings { unit: self.unit, start, least, most, precision: self.precision, budget, seed })
    }

    fn objectives(&self) -> Vec<String> {
        self.demands.iter().map(|demand| demand.objective().to_string()).collect()
    }

    /// A file before the first probe.
    fn empty(&self, settings: &Settings) -> CapacityFile {
        CapacityFile {
            schema: SCHEMA.to_owned(),
            objectives: self.objectives(),
            capacity: None,
            bounded_by: None,
            answer: String::new(),
            steadiness: None,
            finished: false,
            target: None,
            search: Search {
                unit: settings.unit.name().to_owned(),
                loads: [settings.start, settings.least, settings.most].map(|load| load.get().to_string()),
                precision: settings.precision.get(),
                seed: settings.seed,
            },
            probes: Vec::new(),
            wall_s: 0.0,
        }
    }
}

/// Keeps capacity.json.
struct Log<'a> {
    folder: &'a RunFolder,
    search: &'a CapacitySearch,
    settings: Settings,
    file: CapacityFile,
}

impl Log<'_> {
    /// Goes on from a file's probes.
    fn take_up(&mut self, before: Option<CapacityFile>) -> Result<Vec<Probe>, OtherSearch> {
        let Some(before) = before else { return Ok(Vec::new()) };
        let probes = capacity::probes_of(&before.probes).ok_or_else(|| {
            OtherSearch::new(format!("`{}` holds a probe that is none", self.folder.path().display()), "")
        })?;
        (self.file.probes, self.file.target) = (before.probes, before.target);
        Ok(probes)
    }

    /// One more probe.
    fn probe(&mut self, runs: &Runs<'_>, probe: &Probe) -> Result<(), StorageError> {
        let played = runs.played().last();
        let path = self.folder.path();
        let named = |folder: &PathBuf| folder.strip_prefix(path).unwrap_or(folder).display().to_string();
        let run = played.and_then(|run| run.folder.as_ref()).map(named);
        self.file.probes.push(capacity::written(probe, played, run, &self.search.demands));
        self.file.target = played.map(|run| run.target.clone());
        self.write_so_far()
    }

    /// What is known from the file's probes alone.
    fn write_so_far(&mut self) -> Result<(), StorageError> {
        let probes = capacity::probes_of(&self.file.probes).expect("they were written before");
        let answer = capacity::so_far(&probes, &self.search.demands, &self.settings);
        self.write(&answer, &probes, Progressed::GoesOn)
    }

    fn write(&mut self, answer: &Answer, probes: &[Probe], progressed: Progressed) -> Result<(), StorageError> {
        let (unit, demands) = (self.settings.unit, &self.search.demands);
        (self.file.capacity, self.file.bounded_by) = capacity::capacity_of(answer, unit, demands);
        self.file.steadiness = capacity::steadiness(answer, probes, demands, &self.settings);
        self.file.answer = capacity::outcome(answer, unit, demands, probes);
        // While it goes on nothing is left undone yet.
        if progressed == Progressed::IsOver
            && let Some(undone) = self.file.steadiness.and_then(capacity::left_undone)
        {
            self.file.answer = format!("{}; {undone}", self.file.answer);
        }
        self.file.finished = progressed == Progressed::IsOver;
        self.file.wall_s = self.file.probes.iter().map(|probe| probe.duration_s).sum();
        // Without a probe there is nothing to go on with.
        self.folder.write(RunFile::Config, config_yaml(&self.search.config, None).as_bytes())?;
        self.folder.write(RunFile::Capacity, self.file.to_json().as_bytes())
    }

    /// Takes the last probe back: --resume plays it again.
    fn forget_last(&mut self) -> Result<(), StorageError> {
        if self.file.probes.pop().is_none() {
            return Ok(());
        }
        self.write_so_far()
    }

    fn end(mut self, found: &Found) -> Result<CapacityFile, StorageError> {
        let cut_off = found.probes.last().is_some_and(|probe| probe.ending == Ending::Interrupted);
        if cut_off {
            // The probe that was cut off is played again, and has no say until then.
            self.write_so_far()?;
        } else {
            self.write(&found.answer, &found.probes, Progressed::IsOver)?;
        }
        Ok(self.file)
    }
}

/// Whether a search that is written has more to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progressed {
    GoesOn,
    IsOver,
}
