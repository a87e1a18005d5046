//! `metron prefill`: lengths are measured one after the other, beside a load if asked, and leave prefill-profile.json and a table.

use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use clap::ArgMatches;
use metron_report::progress::Detail;
use metron_report::{console, html};
use metron_results::event::RunEvent;
use metron_results::folder::{Overwrite, Privacy, RunFile, RunFolder, RunName};
use metron_runner::search::prefill::{ByRuns, MeasureError, Measured, measure as measured, with_new_prompts};
use metron_runner::{Options, Output, RunConfig, RunError, Stop};

use super::run;
use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::{Background, OutputFlags, PrefillFlags, ProfileFlags};
use crate::told::Told;
use crate::view::View;
use crate::{run_config, searched, signals, speak};

/// Measures, and leaves the profile's folder.
///
/// # Errors
/// If nothing could be measured, or the file could not be written.
pub(super) fn measure(given: &ArgMatches) -> Result<Exit, Failure> {
    let flags: PrefillFlags = run::settled(given)?;
    let PrefillFlags { target, profile: asked, workload, timeouts, output } = flags;
    let config = run_config::of_prefill(target, workload, timeouts)?;
    let name = output.name.clone().unwrap_or_else(|| RunName::made_of("prefill"));
    let path = run::path_of(&output, &name);
    let overwrite = if output.force { Overwrite::Replace } else { Overwrite::Refuse };
    let folder = RunFolder::create(&path, overwrite, Privacy::AsUmask).map_err(|error| run::refused(error.into()))?;
    let stop = Stop::new();
    signals::hand_to(stop.clone())
        .map_err(|error| Failure::could_not_run(format!("no signal can be taken: {error}"), ""))?;
    let found = with_background(&config, &asked, &output, &stop);
    let (found, target) = match found {
        Ok(found) => found,
        Err(failure) => {
            folder.abandon();
            return Err(failure);
        }
    };
    let file = found.to_file(target, asked.background.map(|load| load.to_string()));
    let Measured { refused, interrupted, .. } = found;
    let not_kept = |error: metron_results::storage::StorageError| Failure::could_not_run(chain(&error), error.hint());
    folder.write(RunFile::PrefillProfile, file.to_json().as_bytes()).map_err(not_kept)?;
    if output.json {
        speak::result(&file.to_json())?;
    } else {
        speak::result(&console::prefill_table(&file, speak::style_of_stdout()))?;
    }
    folder.write(RunFile::Report, html::prefill_report(&file).as_bytes()).map_err(not_kept)?;
    folder.close().map_err(not_kept)?;
    if !refused.is_empty() {
        let lengths: Vec<String> = refused.iter().map(u64::to_string).collect();
        speak::aside(format!("warning: prompts of {} tokens got no answer and are in no figure", lengths.join(", ")));
    }
    let file = speak::shown(&path.join(RunFile::PrefillProfile.name()));
    speak::aside(format!("results in {file}; metron run --prefill-profile {file} --ttft-slack 300ms uses it"));
    Ok(if interrupted { Exit::Interrupted } else { Exit::Done })
}

type Found = (Measured, Option<metron_results::summary::Target>);

fn with_background(
    config: &RunConfig,
    asked: &ProfileFlags,
    output: &OutputFlags,
    stop: &Stop,
) -> Result<Found, Failure> {
    let background = asked.background.map(|load| Beside::start(config, load)).transpose()?;
    let (events, seen) = channel();
    let quiet = View::by_lines(output)? == Detail::Quiet;
    // A run of one length is short: what is shown is each length as it is done, and warnings never twice.
    let watcher = std::thread::spawn(move || warnings(&seen));
    let mut ask = ByRuns::new(config.clone(), &events, stop);
    let found = measured(&mut ask, searched::profile(asked), &mut |point| {
        if !quiet {
            speak::aside(console::length_line(point));
        }
    });
    let target = ask.target().cloned();
    drop(events);
    watcher.join().expect("the view of warnings does not panic");
    background.map(Beside::end).transpose()?;
    match found {
        Ok(found) => Ok((found, target)),
        Err(MeasureError::Ask(error)) => Err(run::refused(error)),
        Err(MeasureError::Fit(_) | MeasureError::Refused { .. })
            if stop.asked() > metron_runner::stop::Asked::Nothing =>
        {
            Err(Failure::interrupted("interrupted before there was enough for a curve"))
        }
        Err(MeasureError::Fit(error)) => Err(Failure::could_not_run(error, "")),
        Err(error @ MeasureError::Refused { answered, .. }) => {
            let hint = answered.map_or_else(String::new, |(least, most)| format!("--prompt-tokens {least}..{most}"));
            Err(Failure::could_not_run(error, hint))
        }
    }
}

fn warnings(events: &std::sync::mpsc::Receiver<RunEvent>) {
    let mut told = Told::default();
    for event in events {
        let is_new = told.is_new(&event);
        if let RunEvent::Warning(warning) = event
            && is_new
        {
            speak::aside(format!("warning: {}", metron_report::escape::terminal(&warning.to_string())));
        }
    }
}

/// A run beside the one that measures.
struct Beside {
    stop: Stop,
    thread: JoinHandle<Result<(), RunError>>,
}

impl Beside {
    /// Starts it. It goes on until it is ended.
    fn start(config: &RunConfig, load: Background) -> Result<Self, Failure> {
        if config.url.starts_with("sim:") {
            let message = "--background needs a server that two runs share, and each run has a sim: of its own";
            return Err(Failure::usage(message, "metron sim --port 8000, and --url http://127.0.0.1:8000"));
        }
        let (rate, users) = match load {
            Background::Rate(rate) => (Some(rate), None),
            Background::Users(users) => (None, Some(users)),
        };
        let arrivals = rate.map(|_| "poisson".to_owned());
        let day = metron_units::Nanos::from_secs(24 * 3_600);
        let config =
            RunConfig { rate, arrivals, concurrency: users, requests: None, duration: Some(day), ..config.clone() };
        let config = with_new_prompts(config);
        let stop = Stop::new();
        let asked = stop.clone();
        let conduct = move || {
            let (events, _unheard): (Sender<RunEvent>, _) = channel();
            let options = Options { name: "background".to_owned(), command: Vec::new(), output: Output::None };
            metron_runner::run(&config, options, &events, &asked).map(|_| ())
        };
        let thread = std::thread::Builder::new().name("background".to_owned()).spawn(conduct);
        Ok(Self { stop, thread: thread.map_err(|error| Failure::could_not_run(error, ""))? })
    }

    fn end(self) -> Result<(), Failure> {
        self.stop.now();
        let ended = self.thread.join().expect("a run catches its own panics");
        match ended {
            Ok(()) | Err(RunError::Interrupted) => Ok(()),
            Err(error) => Err(run::refused(error)),
        }
    }
}
