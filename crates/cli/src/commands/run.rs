//! `metron run`: the flags' layers become a configuration, the configuration a run, the run its files, table and exit code.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::time::SystemTime;

use clap::ArgMatches;
use metron_report::console;
use metron_results::event::RunEvent;
use metron_results::folder::{self, FolderError, Overwrite, RunFile, RunName};
use metron_runner::{Finished, Objectives, Options, Output, RunError, Stop, Whose};
use metron_units::Nanos;

use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::{OutputFlags, RunFlags};
use crate::view::View;
use crate::{command_line, layers, metrics_port, page, run_config, saved_calibration, signals, speak};

/// Runs, and leaves everything that a run leaves.
///
/// # Errors
/// If the run could not be, or its files could not be written.
pub(super) fn run(given: &ArgMatches) -> Result<Exit, Failure> {
    let flags = settled::<RunFlags>(given)?;
    let config = run_config::resolve(&flags)?;
    let output = flags.output;
    let view = View::of(&output)?;
    let stop = Stop::new();
    signals::hand_to(stop.clone())
        .map_err(|error| Failure::could_not_run(format!("no signal can be taken: {error}"), ""))?;
    let (events, seen) = channel();
    let seen = metrics_port::serve(flags.observe.metrics_port, seen)?;
    let watcher = std::thread::spawn({
        let stop = stop.clone();
        move || view.watch(&seen, &stop)
    });
    let finished = conduct(&config, options(&output), events, &stop);
    let most_at_once = watcher.join().expect("the progress view does not panic");
    let mut finished = finished?;
    let kept = keep(&mut finished)?;
    let fitting = verdict(&finished);
    if output.json {
        speak::result(&format!("{}\n", finished.summary.to_json().trim_end()))?;
    } else {
        speak::result(&console::table(&finished.summary, speak::style_of_stdout()))?;
    }
    let streams = config.concurrency.map_or(most_at_once, u64::from);
    if let Some(warning) = saved_calibration::beyond(&finished.summary, streams) {
        speak::aside(format!("warning: {}", metron_report::escape::terminal(&warning.to_string())));
    }
    for until in &finished.summary.until {
        speak::aside(metron_report::escape::terminal(&until.to_string()));
    }
    speak::aside(last_words(&finished, kept.as_ref()));
    Ok(Exit::first_of(fitting))
}

/// The flags of all layers. What is nearly a setting is warned of.
///
/// # Errors
/// As for [`layers::settle`].
pub(super) fn settled<F: clap::Args>(given: &ArgMatches) -> Result<F, Failure> {
    let flags = layers::settle::<F>(given, std::env::vars_os())?;
    let names: Vec<String> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    for doubt in layers::doubts::<F>(names.iter().map(String::as_str)) {
        speak::aside(format!("warning: {}", metron_report::escape::terminal(&doubt)));
    }
    Ok(flags)
}

fn options(output: &OutputFlags) -> Options {
    let name = output.name.clone().unwrap_or_else(|| RunName::made_of("run"));
    let path = path_of(output, &name);
    let overwrite = if output.force { Overwrite::Replace } else { Overwrite::Refuse };
    Options { name: name.to_string(), command: command_line(), output: Output::Folder { path, overwrite } }
}

/// The command line as files keep it.
pub(super) fn command_line() -> Vec<String> {
    // The program by its name: where it lies is nobody's business.
    command_line::masked(std::iter::once("metron".into()).chain(std::env::args_os().skip(1)))
}

/// The folder that was named, or a new one for `name`.
pub(super) fn path_of(output: &OutputFlags, name: &RunName) -> PathBuf {
    output.output.clone().unwrap_or_else(|| default_folder(name))
}

/// Where something of that name goes unless a folder is named.
pub(super) fn default_folder(name: &RunName) -> PathBuf {
    free(folder::default_path(now_unix_ns(), name))
}

/// The path itself, or, where a run of the same second has it, the first of its kind that is free.
fn free(path: PathBuf) -> PathBuf {
    let numbered = |k: u32| path.with_file_name(format!("{}-{k}", path.file_name().unwrap_or_default().display()));
    if path.exists() { (2..).map(numbered).find(|path| !path.exists()).unwrap_or(path) } else { path }
}

/// The wall clock, for the folder's name and for nothing that is measured.
#[expect(clippy::disallowed_methods, reason = "a folder is named by the wall clock; no figure is made of it")]
fn now_unix_ns() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Nanos::from(since_1970).get()
}

/// The run itself. The sender goes with it: the watcher sees the end.
fn conduct(
    config: &metron_runner::RunConfig,
    options: Options,
    events: Sender<RunEvent>,
    stop: &Stop,
) -> Result<Finished, Failure> {
    metron_runner::run(config, options, &events, stop).map_err(refused)
}

/// Why there was no run.
pub(super) fn refused(error: RunError) -> Failure {
    let (message, hint) = (chain(&error), error.hint());
    match error {
        RunError::Interrupted => Failure::interrupted(message),
        error if is_usage(&error) => Failure::usage(message, hint),
        _ => Failure::could_not_run(message, hint),
    }
}

/// Whether the user asked for what cannot be. A folder that is taken is one of these: nothing is wrong with the disk.
fn is_usage(error: &RunError) -> bool {
    match error {
        RunError::Folder(FolderError::Storage(_)) => false,
        RunError::Folder(_) => true,
        error => error.whose() == Whose::Users,
    }
}

/// Adds the page to the run's files and gives the folder back.
fn keep(finished: &mut Finished) -> Result<Option<PathBuf>, Failure> {
    let Some(folder) = finished.folder.take() else { return Ok(None) };
    let not_kept = |error: metron_results::storage::StorageError| {
        let hint = error.hint();
        Failure::could_not_run(chain(&error), hint)
    };
    let page = page::of(folder.path(), &finished.summary)?;
    folder.write(RunFile::Report, page.as_bytes()).map_err(not_kept)?;
    folder.finish().map(Some).map_err(not_kept)
}

/// Every exit code that fits.
fn verdict(finished: &Finished) -> Vec<Exit> {
    let mut fitting = Vec::new();
    if finished.interrupted {
        fitting.push(Exit::Interrupted);
    }
    if finished.all_failed().is_some() {
        fitting.push(Exit::CouldNotRun);
    }
    if finished.client_bound() {
        fitting.push(Exit::ClientBound);
    }
    match finished.objectives() {
        Objectives::Held => {}
        Objectives::Missed | Objectives::Undecided => fitting.push(Exit::Missed),
    }
    fitting
}

/// What happened, where it is, what to do: the last line of stderr.
fn last_words(finished: &Finished, kept: Option<&PathBuf>) -> String {
    let folder = kept.map(|folder| speak::shown(folder));
    let place = folder.map_or_else(String::new, |folder| format!("results in {folder}, open {folder}/report.html"));
    match finished.all_failed() {
        Some(all) => {
            let message = format!("error: all {} requests failed, most with {}: {}", all.count, all.class, all.example);
            let message = metron_report::escape::terminal(&message);
            if place.is_empty() { message } else { format!("{message}\n{place}") }
        }
        None if finished.interrupted => format!("interrupted; {place}"),
        None => place,
    }
}
