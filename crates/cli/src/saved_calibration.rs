//! The calibration of this machine, where it is saved, and a run's load beside it.

use std::path::PathBuf;

use metron_results::Summary;
use metron_results::calibration::{Calibration, Load};
use metron_results::event::Warning;
use metron_results::summary;
use metron_runner::calibration::{VERSION, this_host};

use crate::failure::Failure;

/// Where the calibration of this machine is saved unless told otherwise: below `$XDG_STATE_HOME`, else `~/.local/state`.
///
/// # Errors
/// If neither is known.
pub(crate) fn path() -> Result<PathBuf, Failure> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")));
    state.map(|state| state.join("metron/calibration.json")).ok_or_else(|| {
        Failure::usage(
            "neither HOME nor XDG_STATE_HOME says where to save the calibration",
            "--output calibration.json",
        )
    })
}

/// What to say of a run whose load went beyond what this machine was found to measure well. `streams`: the most that were
/// seen at once. Without a calibration of this machine there is nothing to compare with.
pub(crate) fn beyond(run: &Summary, streams: u64) -> Option<Warning> {
    run.instrument.as_ref()?;
    let text = std::fs::read_to_string(path().ok()?).ok()?;
    let calibration = Calibration::from_json(&text).ok().filter(|saved| saved.is_of(&this_host(), VERSION))?;
    let tokens_per_s = summary::value(&run.metrics, "output_token_throughput").map(|(rate, _)| rate);
    let streams = u32::try_from(streams).unwrap_or(u32::MAX);
    calibration.beyond(Load { streams, tokens_per_s }).map(|beyond| Warning::BeyondCalibration { beyond })
}
