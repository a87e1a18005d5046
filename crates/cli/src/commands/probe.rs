//! `metron probe`: what an endpoint is and does, on one page or as JSON.

use metron_report::console;
use metron_runner::Stop;
use metron_runner::probe::{ProbeConfig, ProbeError, probe};

use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::ProbeFlags;
use crate::{signals, speak};

/// Looks, and says what was seen. A server that answers badly has been looked at: the exit code says that it failed.
///
/// # Errors
/// If there is nothing to look at.
pub(super) fn run(flags: &ProbeFlags) -> Result<Exit, Failure> {
    let stop = Stop::new();
    signals::hand_to(stop.clone())
        .map_err(|error| Failure::could_not_run(format!("no signal can be taken: {error}"), ""))?;
    let report = probe(&config(flags), &stop).map_err(|error| refused(&error))?;
    if flags.json {
        speak::json(&report)?;
    } else {
        speak::result(&console::probe_page(&report, speak::style_of_stdout()))?;
    }
    Ok(if report.answer.outcome == "completed" { Exit::Done } else { Exit::CouldNotRun })
}

fn config(flags: &ProbeFlags) -> ProbeConfig {
    ProbeConfig {
        url: flags.url.clone(),
        model: flags.server.model.clone(),
        endpoint: flags.server.endpoint.clone(),
        api_key_env: flags.server.api_key_env.clone(),
        header: flags.server.header.clone(),
        insecure: flags.server.insecure,
        ca: flags.server.ca.clone(),
        timeout: flags.timeout,
        output_tokens: flags.output_tokens,
    }
}

fn refused(error: &ProbeError) -> Failure {
    match error {
        ProbeError::Config(config) => Failure::usage(config, config.hint.clone()),
        ProbeError::Interrupted => Failure::interrupted(error),
        ProbeError::Unreachable { .. } => {
            Failure::could_not_run(chain(error), "check that the server listens at --url")
        }
        ProbeError::Simulator(_) | ProbeError::System(_) => {
            Failure::could_not_run(chain(error), "raise ulimit -n and ulimit -u")
        }
    }
}
