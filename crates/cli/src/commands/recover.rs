//! `metron recover DIR`: finishes the folder of a run that was killed, from its journal.

use metron_report::console;
use metron_results::recover::{Recovery, recover};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::RecoverFlags;
use crate::{page, speak};

/// Writes what the run would have written, and prints its table.
///
/// # Errors
/// If there is nothing to recover, or it cannot be written.
pub(super) fn run(flags: &RecoverFlags) -> Result<Exit, Failure> {
    let recovered = recover(&flags.folder).map_err(|error| {
        let hint = error.hint();
        Failure::could_not_run(crate::failure::chain(&error), hint)
    })?;
    page::write(&flags.folder, &recovered.summary)?;
    speak::result(&console::table(&recovered.summary, speak::style_of_stdout()))?;
    speak::aside(outcome(&recovered.recovery, &speak::shown(&flags.folder)));
    Ok(Exit::Done)
}

fn outcome(recovery: &Recovery, folder: &str) -> String {
    match recovery {
        Recovery::AlreadyFinished => format!("{folder} was finished already; report.html was written again"),
        Recovery::FromJournal { rows, in_flight, damage } => {
            let lost = in_flight.map_or_else(String::new, |n| format!(", {n} were in flight when it ended"));
            let damage = damage.as_ref().map_or_else(String::new, |damage| format!("; the journal is {damage}"));
            format!("recovered {rows} requests of {folder}{lost}{damage}")
        }
    }
}
