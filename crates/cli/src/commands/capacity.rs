//! `metron capacity`: the flags become a search, the search probes, and capacity.json, a table and an exit code.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

use clap::ArgMatches;
use metron_report::progress::{Detail, Progress};
use metron_report::{console, html};
use metron_results::event::{RunEvent, Warning};
use metron_results::folder::{Overwrite, Privacy, RunFile, RunFolder, RunName};
use metron_runner::Stop;
use metron_runner::search::capacity::{Answer, BoundedBy, Found};
use metron_runner::search::{CapacitySearch, KeptError, OtherSearch, Surroundings};
use metron_runner::stop::Asked;

use super::run;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::CapacityFlags;
use crate::told::Told;
use crate::view::View;
use crate::{metrics_port, searched, signals, speak};

/// Searches, and leaves the search's folder.
///
/// # Errors
/// If the search could not be, or its file could not be written.
pub(super) fn search(given: &ArgMatches) -> Result<Exit, Failure> {
    let flags: CapacityFlags = run::settled(given)?;
    let search = searched::capacity(&flags)?;
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
    let around = Surroundings { command: &command, events: &events, stop: &stop };
    search.check(around).map_err(|error| Failure::usage(&error, error.hint.clone()))?;
    let before = if flags.search.resume { Some(search.previous(&path).map_err(another)?) } else { None };
    let folder = open(&path, &flags, &search)?;
    let kept = search.keep(&folder, before, around, &mut |file| {
        if let Some(probe) = file.probes.last().filter(|_| !flags.run.output.quiet) {
            speak::aside(console::probe_line(file.probes.len(), probe, &file.search.unit));
        }
    });
    drop(events);
    watcher.join().expect("the progress view does not panic");
    let kept = match kept {
        Ok(kept) => kept,
        Err(error) => {
            // An empty folder would stand in the way of the next attempt; one with probes is not empty.
            folder.abandon();
            return Err(refused(error));
        }
    };
    // What was found is said first; --resume writes the page again.
    if flags.run.output.json {
        speak::result(&kept.file.to_json())?;
    } else {
        speak::result(&console::capacity_table(&kept.file, speak::style_of_stdout()))?;
    }
    let written = folder.write(RunFile::Report, html::capacity_report(&kept.file).as_bytes());
    written.map_err(|error| Failure::could_not_run(chain(&error), error.hint()))?;
    folder.close().map_err(|error| Failure::could_not_run(chain(&error), error.hint()))?;
    if let Some(all) = kept.all_failed {
        let text = format!("error: all {} requests failed, most with {}: {}", all.count, all.class, all.example);
        speak::aside(metron_report::escape::terminal(&text));
        return Ok(Exit::CouldNotRun);
    }
    let folder = speak::shown(&path);
    speak::aside(format!("results in {folder}/{}, open {folder}/{}", RunFile::Capacity.name(), RunFile::Report.name()));
    Ok(exit(&kept.found, stop.asked()))
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

fn another(error: OtherSearch) -> Failure {
    Failure::usage(&error, error.hint.clone())
}

fn refused(error: KeptError) -> Failure {
    match error {
        KeptError::Config(error) => Failure::usage(&error, error.hint.clone()),
        KeptError::NoLoad => Failure::usage(error, "--range 1..50"),
        KeptError::Other(error) => another(error),
        KeptError::Run(error) => run::refused(error),
        KeptError::Storage(error) => Failure::could_not_run(chain(&error), error.hint()),
    }
}

fn open(path: &Path, flags: &CapacityFlags, search: &CapacitySearch) -> Result<RunFolder, Failure> {
    let privacy = if search.config.save_text { Privacy::Private } else { Privacy::AsUmask };
    let overwrite = if flags.run.output.force { Overwrite::Replace } else { Overwrite::Refuse };
    let opened =
        if flags.search.resume { RunFolder::reopen(path) } else { RunFolder::create(path, overwrite, privacy) };
    opened.map_err(|error| run::refused(error.into()))
}

/// A view for each run.
fn watch(events: &Receiver<RunEvent>, detail: Detail) {
    let new = || Progress::new(detail, speak::style_of_stderr(), std::io::stderr());
    let mut progress = new();
    let mut told = Told::default();
    // That TTFT rose in a probe is what a search looks for.
    let is_sought = |event: &RunEvent| matches!(event, RunEvent::Warning(Warning::Moved { .. }));
    for event in events {
        if is_sought(&event) || !told.is_new(&event) {
            continue;
        }
        if matches!(event, RunEvent::Started { .. }) {
            progress.end();
            progress = new();
        }
        progress.show(&event);
    }
    progress.end();
}
