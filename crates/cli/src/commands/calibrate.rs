//! `metron calibrate`: how right this client is on this machine, and up to which load. Saved for later runs to compare with.

use std::path::Path;

use clap::{CommandFactory as _, FromArgMatches as _};
use metron_report::{console, escape};
use metron_results::calibration::Calibration;
use metron_runner::Stop;
use metron_runner::calibration::{CalibrationError, Settings, Told, calibrate};

use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::{CalibrateFlags, Cli, Command};
use crate::{run_config, saved_calibration, signals, speak};

/// Calibrates, prints what was found and saves it.
///
/// # Errors
/// If a load could not be measured, or the file could not be written.
pub(super) fn run(flags: &CalibrateFlags) -> Result<Exit, Failure> {
    let path = flags.output.clone().map_or_else(saved_calibration::path, Ok)?;
    let stop = Stop::new();
    signals::hand_to(stop.clone())
        .map_err(|error| Failure::could_not_run(format!("no signal can be taken: {error}"), ""))?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::could_not_run(format!("where this program lies is not known: {error}"), ""))?;
    let client = defaults()?;
    let settings = Settings { program, streams: flags.streams.clone(), rounds: flags.rounds, client };
    let quiet = flags.quiet;
    let mut told = |told: Told<'_>| {
        if !quiet {
            speak::aside(escape::terminal(&line(&told)));
        }
    };
    let calibration = calibrate(&settings, &stop, &mut told).map_err(failure)?;
    save(&path, &calibration)?;
    if flags.json {
        speak::json(&calibration)?;
    } else {
        speak::result(&console::calibration_table(&calibration, speak::style_of_stdout()))?;
    }
    speak::aside(format!("saved in {}; runs on this machine compare their load with it", speak::shown(&path)));
    Ok(Exit::Done)
}

/// A run with nothing but defaults: how the client runs when nobody says otherwise.
fn defaults() -> Result<metron_runner::RunConfig, Failure> {
    let matches = Cli::command().get_matches_from(["metron", "run", "--url", "sim:"]);
    match Cli::from_arg_matches(&matches).expect("a default command line is one").command {
        Command::Run(flags) => run_config::resolve(&flags),
        _ => unreachable!("`run` was asked for"),
    }
}

fn line(told: &Told<'_>) -> String {
    match told {
        Told::Measuring { streams } => format!("measuring at {streams} streams"),
        Told::Measured(point) => {
            let rate = point.tokens_per_s.map_or_else(String::new, |rate| format!(" at {rate:.0} tokens/s"));
            format!("  {} tokens{rate}", point.tokens)
        }
        Told::Skipped { streams, why } => format!("  {streams} streams cannot be had here: {}", chain(*why)),
    }
}

fn save(path: &Path, calibration: &Calibration) -> Result<(), Failure> {
    let written = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    written
        .and_then(|()| std::fs::write(path, calibration.to_json()))
        .map_err(|error| Failure::could_not_run(format!("cannot write `{}`: {error}", path.display()), "--output FILE"))
}

fn failure(error: CalibrationError) -> Failure {
    let message = chain(&error);
    match error {
        CalibrationError::Interrupted => Failure::interrupted(message),
        CalibrationError::Run { source, .. } | CalibrationError::Nothing(source) => {
            Failure::could_not_run(message, source.hint())
        }
        CalibrationError::System { .. } => Failure::could_not_run(message, ""),
    }
}
