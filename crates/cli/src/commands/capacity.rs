//! `metron capacity`: the flags become a search, the search probes, and capacity.json, a table and an exit code.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use clap::ArgMatches;
use metron_report::console;
use metron_report::progress::{Detail, Progress};
use metron_results::capacity::{CapacityFile, SCHEMA, Search};
use metron_results::event::RunEvent;
use metron_results::folder::{Overwrite, Privacy, RunFile, RunFolder, RunName};
use metron_runner::search::capacity::{self, Answer, BoundedBy, Budget, Found, Probe, Settings};
use metron_runner::search::{Demand, Ending, Files, Load, LoadUnit, Runs, RunsSettings};
use metron_runner::stop::Asked;
use metron_runner::{RunConfig, Stop, config_yaml};
use metron_units::Nanos;

use super::run;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::{CapacityFlags, Searched};
use crate::view::View;
use crate::{metrics_port, plan, signals, speak};

/// The time that the probes may take, unless said otherwise. In virtual time nobody waits.
const BUDGET: Nanos = Nanos::from_secs(30 * 60);
/// Requests over all probes that no honest search needs.
const MOST_REQUESTS: u64 = 20_000_000;
/// Users to begin with, where nothing is known.
const USERS: f64 = 8.0;

/// Searches, and leaves the search's folder.
///
/// # Errors
/// If the search could not be, or its file could not be written.
pub(super) fn search(given: &ArgMatches) -> Result<Exit, Failure> {
    let flags: CapacityFlags = run::settled(given)?;
    let unit = unit(&flags)?;
    let config = plan::resolve(&flags.run)?;
    let demands = demands(&flags)?;
    let name = flags.run.output.name.clone().unwrap_or_else(|| RunName::made_of("capacity"));
    let path = run::path_of(&flags.run.output, &name);
    let stop = Stop::new();
    signals::hand_to(stop.clone())
        .map_err(|error| Failure::could_not_run(format!("no signal can be taken: {error}"), ""))?;
    let (events, seen) = channel();
    let seen = metrics_port::serve(flags.run.observe.metrics_port, seen)?;
    let detail = View::by_lines(&flags.run.output)?;
    let watcher = std::thread::spawn(move || watch(&seen, detail));
    let command = run::command_line();
    let of_runs = |files| RunsSettings {
        config: config.clone(),
        unit,
        demands: demands.clone(),
        files,
        command: command.clone(),
    };
    let refused = |error: metron_runner::resolve::ConfigError| Failure::usage(&error, error.hint.clone());
    let runs = Runs::new(of_runs(Files::Nowhere), &events, &stop).map_err(refused)?;
    let before = if flags.search.resume { Some(previous(&path, &config, &demands)?) } else { None };
    let folder = open(&path, &flags, &config)?;
    let runs = if runs.is_virtual() {
        runs
    } else {
        Runs::new(of_runs(Files::In(path.clone())), &events, &stop).map_err(refused)?
    };
    let settings = settings(&flags, unit, before.as_ref(), &runs)?;
    let mut log = Log {
        folder: &folder,
        path: &path,
        demands: &demands,
        settings,
        quiet: flags.run.output.quiet,
        file: empty(&demands, &settings),
    };
    let probes = log.take_up(before)?;
    let mut runs = runs.after(probes.len());
    let mut kept = Ok(());
    let found = capacity::search(&mut runs, &demands, &settings, probes, &mut |runs: &Runs<'_>, probe| {
        if kept.is_ok() {
            kept = log.probe(runs, probe);
        }
    });
    let all_failed = runs.never_answered().cloned();
    drop(events);
    watcher.join().expect("the progress view does not panic");
    let found = found.map_err(run::refused)?;
    kept?;
    let file = log.end(&found)?;
    folder.close().map_err(|error| Failure::could_not_run(chain(&error), error.hint()))?;
    if flags.run.output.json {
        speak::result(&file.to_json())?;
    } else {
        speak::result(&console::capacity_table(&file, speak::style_of_stdout()))?;
    }
    if let Some(all) = all_failed {
        let text = format!("error: all {} requests failed, most with {}: {}", all.count, all.class, all.example);
        speak::aside(metron_report::escape::terminal(&text));
        return Ok(Exit::CouldNotRun);
    }
    speak::aside(format!("results in {}", speak::shown(&path.join(RunFile::Capacity.name()))));
    Ok(exit(&found, stop.asked()))
}

fn exit(found: &Found, asked: Asked) -> Exit {
    match &found.answer {
        _ if asked > Asked::Nothing => Exit::Interrupted,
        Answer::Capacity(capacity) if capacity.bounded_by == BoundedBy::Client => Exit::ClientBound,
        Answer::Capacity(_) => Exit::Done,
        Answer::ClientTooSlow => Exit::ClientBound,
        Answer::NoLoadHolds | Answer::Unstable(_) | Answer::NotYet { .. } => Exit::Missed,
    }
}

/// What is searched for; what a probe decides by itself is refused.
fn unit(flags: &CapacityFlags) -> Result<LoadUnit, Failure> {
    let load = &flags.run.load;
    let each_probes_own = [
        ("--requests", load.requests.is_some(), "--budget 20m"),
        ("--until", load.until.is_some(), "--precision 5%"),
        ("--duration", load.duration.is_some(), "--budget 20m"),
        ("--ramp-up", load.ramp_up.is_some(), "--warmup 10s"),
        ("--max-in-flight", load.max_in_flight.is_some(), "--concurrency 8"),
    ];
    if let Some((flag, _, hint)) = each_probes_own.iter().find(|(_, given, _)| *given) {
        return Err(Failure::usage(
            format!("{flag} is no setting of a search: each probe is as long as its verdict needs"),
            *hint,
        ));
    }
    match (flags.search.search, load.rate.is_some(), load.concurrency.is_some()) {
        (Some(Searched::Rate), _, true) => {
            Err(Failure::usage("--concurrency is no rate to begin with", "--search concurrency"))
        }
        (Some(Searched::Concurrency), true, _) => {
            Err(Failure::usage("--rate is no number of users to begin with", "--search rate"))
        }
        (Some(Searched::Concurrency), ..) | (None, false, true) => Ok(LoadUnit::ConcurrentRequests),
        (Some(Searched::Rate), ..) | (None, ..) => Ok(LoadUnit::RequestsPerSecond),
    }
}

fn demands(flags: &CapacityFlags) -> Result<Vec<Demand>, Failure> {
    let slo = &flags.run.objectives.slo;
    if slo.is_empty() {
        return Err(Failure::usage(
            "a capacity is the load at which objectives hold: --slo is missing",
            "--slo 'p99 ttft <= 500ms'",
        ));
    }
    slo.iter().map(|objective| Demand::of(*objective).map_err(|error| Failure::usage(error, ""))).collect()
}

/// The file of the search that is taken up, if it is of the same search.
fn previous(path: &Path, config: &RunConfig, demands: &[Demand]) -> Result<CapacityFile, Failure> {
    let read = |file: RunFile| {
        let file = path.join(file.name());
        std::fs::read_to_string(&file).map_err(|error| {
            let message = format!("cannot read `{}`: {error}", file.display());
            Failure::usage(message, "--resume goes on with the search in the folder of --output DIR")
        })
    };
    let file = CapacityFile::from_json(&read(RunFile::Capacity)?).map_err(|error| {
        Failure::usage(format!("`{}` holds no capacity.json of metron: {error}", path.display()), "")
    })?;
    let lines = |text: &str| text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
    let (there, here) = (lines(&read(RunFile::Config)?), lines(&config_yaml(config, None)));
    let other = |message: String| Failure::usage(message, "without --resume a new search begins");
    if let Some(line) =
        here.iter().find(|line| !there.contains(line)).or(there.iter().find(|line| !here.contains(line)))
    {
        return Err(other(format!("the search in `{}` is another: `{line}` is not a setting of both", path.display())));
    }
    if file.objectives != objectives(demands) {
        return Err(other(format!(
            "the search in `{}` is another: its objectives are {}",
            path.display(),
            file.objectives.join(", ")
        )));
    }
    Ok(file)
}

fn open(path: &Path, flags: &CapacityFlags, config: &RunConfig) -> Result<RunFolder, Failure> {
    let privacy = if config.save_text { Privacy::Private } else { Privacy::AsUmask };
    let overwrite = if flags.run.output.force { Overwrite::Replace } else { Overwrite::Refuse };
    let opened =
        if flags.search.resume { RunFolder::reopen(path) } else { RunFolder::create(path, overwrite, privacy) };
    let folder = opened.map_err(|error| run::refused(error.into()))?;
    let not_kept = |error: metron_results::storage::StorageError| Failure::could_not_run(chain(&error), error.hint());
    folder.write(RunFile::Config, config_yaml(config, None).as_bytes()).map_err(not_kept)?;
    Ok(folder)
}

fn settings(
    flags: &CapacityFlags,
    unit: LoadUnit,
    before: Option<&CapacityFile>,
    runs: &Runs<'_>,
) -> Result<Settings, Failure> {
    let (least, most) = flags.search.range.unwrap_or(match unit {
        LoadUnit::RequestsPerSecond => (0.01, 10_000.0),
        LoadUnit::ConcurrentRequests => (1.0, 4_096.0),
    });
    let load = &flags.run.load;
    let again = before.and_then(|file| file.search.loads[0].parse().ok());
    let given = load.rate.map(|rate| rate.get()).or(load.concurrency.map(f64::from));
    let start = match (again, given, unit) {
        (Some(start), ..) | (None, Some(start), _) => start,
        (None, None, LoadUnit::ConcurrentRequests) => USERS,
        // Where the server is full: an overload is told in fewer seconds than a load that holds.
        (None, None, LoadUnit::RequestsPerSecond) => runs.saturation().map_err(run::refused)?,
    };
    let load = |load: f64| Load::new(load).map(|load| unit.nearest(load));
    let bounds = load(start.clamp(least, most)).zip(load(least)).zip(load(most));
    let ((start, least), most) = bounds.ok_or_else(|| Failure::usage("a load must be above zero", "--range 1..50"))?;
    let time = flags.search.budget.unwrap_or(if runs.is_virtual() { Nanos::MAX } else { BUDGET });
    let budget = Budget { requests: MOST_REQUESTS, time };
    let seed = flags.run.workload.seed;
    Ok(Settings { unit, start, least, most, precision: flags.search.precision, budget, seed })
}

fn objectives(demands: &[Demand]) -> Vec<String> {
    demands.iter().map(|demand| demand.objective().to_string()).collect()
}

/// A file before the first probe.
fn empty(demands: &[Demand], settings: &Settings) -> CapacityFile {
    CapacityFile {
        schema: SCHEMA.to_owned(),
        objectives: objectives(demands),
        capacity: None,
        bounded_by: None,
        answer: String::new(),
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

/// Keeps capacity.json, and says how the search goes.
struct Log<'a> {
    folder: &'a RunFolder,
    path: &'a Path,
    demands: &'a [Demand],
    settings: Settings,
    quiet: bool,
    file: CapacityFile,
}

impl Log<'_> {
    /// Goes on from a file's probes.
    fn take_up(&mut self, before: Option<CapacityFile>) -> Result<Vec<Probe>, Failure> {
        let Some(before) = before else { return Ok(Vec::new()) };
        let Search { unit, loads, seed, .. } = &before.search;
        if (unit, loads, seed) != (&self.file.search.unit, &self.file.search.loads, &self.file.search.seed) {
            let message = "the search that is there goes over other loads, or has another seed";
            return Err(Failure::usage(message, format!("--range {}..{} --seed {seed}", loads[1], loads[2])));
        }
        let probes = capacity::probes_of(&before.probes)
            .ok_or_else(|| Failure::usage(format!("`{}` holds a probe that is none", self.path.display()), ""))?;
        (self.file.probes, self.file.target) = (before.probes, before.target);
        Ok(probes)
    }

    /// One more probe.
    fn probe(&mut self, runs: &Runs<'_>, probe: &Probe) -> Result<(), Failure> {
        // What was cut off is played again: its figures would depend on when that was.
        if probe.ending == Ending::Interrupted {
            return Ok(());
        }
        let played = runs.played().last();
        let named = |folder: &PathBuf| folder.strip_prefix(self.path).unwrap_or(folder).display().to_string();
        let run = played.and_then(|run| run.folder.as_ref()).map(named);
        self.file.probes.push(capacity::written(probe, played, run, self.demands));
        self.file.target = played.map(|run| run.target.clone());
        if !self.quiet {
            let number = self.file.probes.len();
            speak::aside(console::probe_line(number, &self.file.probes[number - 1], self.settings.unit.name()));
        }
        let probes = capacity::probes_of(&self.file.probes).expect("they were written a moment ago");
        self.write(&capacity::so_far(&probes, self.demands, &self.settings), &probes, Progressed::GoesOn)
    }

    fn write(&mut self, answer: &Answer, probes: &[Probe], progressed: Progressed) -> Result<(), Failure> {
        let unit = self.settings.unit;
        (self.file.capacity, self.file.bounded_by) = capacity::capacity_of(answer, unit, self.demands);
        self.file.answer = capacity::outcome(answer, unit, self.demands, probes);
        self.file.finished = progressed == Progressed::IsOver;
        self.file.wall_s = self.file.probes.iter().map(|probe| probe.duration_s).sum();
        let text = self.file.to_json();
        let written = self.folder.write(RunFile::Capacity, text.as_bytes());
        written.map_err(|error| Failure::could_not_run(chain(&error), error.hint()))
    }

    fn end(mut self, found: &Found) -> Result<CapacityFile, Failure> {
        let cut_off = found.probes.last().is_some_and(|probe| probe.ending == Ending::Interrupted);
        self.write(&found.answer, &found.probes, if cut_off { Progressed::GoesOn } else { Progressed::IsOver })?;
        Ok(self.file)
    }
}

/// Whether a search that is written has more to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progressed {
    GoesOn,
    IsOver,
}

/// A view for each run.
fn watch(events: &Receiver<RunEvent>, detail: Detail) {
    let new = || Progress::new(detail, speak::style_of_stderr(), std::io::stderr());
    let mut progress = new();
    for event in events {
        if matches!(event, RunEvent::Started { .. }) {
            progress.end();
            progress = new();
        }
        progress.show(&event);
    }
    progress.end();
}
