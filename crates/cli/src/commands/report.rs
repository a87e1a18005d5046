//! `metron report DIR`: a finished run's page again, and its table.

use metron_report::console;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::ReportFlags;
use crate::{page, speak};

/// Reads the folder, writes report.html and prints the table.
///
/// # Errors
/// If the folder holds no finished run, or the page cannot be written.
pub(super) fn run(flags: &ReportFlags) -> Result<Exit, Failure> {
    let summary = page::summary_of(&flags.folder)?;
    page::write(&flags.folder, &summary)?;
    speak::result(&console::table(&summary, speak::style_of_stdout()))?;
    speak::aside(format_args!("wrote {}", speak::shown(&flags.folder.join("report.html"))));
    Ok(Exit::Done)
}
