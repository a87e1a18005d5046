//! The only place that writes to stdout and stderr. stdout holds the result and nothing else; stderr everything else.

use std::fmt;
use std::io::{self, Write as _};
use std::path::Path;

use metron_report::{Style, escape};
use serde::Serialize;

use crate::failure::Failure;

/// Writes the result. A reader that went away has what it wanted; it is no error.
///
/// # Errors
/// If stdout cannot be written for another reason, such as a full disk behind it.
pub(crate) fn result(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::could_not_run(format!("cannot write to stdout: {error}"), ""))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Says something beside the result, on a line of its own. Nobody may be listening: that stops nothing.
pub(crate) fn aside(line: impl fmt::Display) {
    let _nobody_listens = writeln!(io::stderr().lock(), "{line}");
}

/// Writes the result as one JSON object, for scripts.
///
/// # Errors
/// As for [`result`].
pub(crate) fn json(object: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(object).expect("what metron writes is JSON");
    result(&format!("{text}\n"))
}

/// How stdout may be written.
pub(crate) fn style_of_stdout() -> Style {
    Style::fitting(&io::stdout(), std::env::var_os("NO_COLOR").as_deref())
}

/// How stderr may be written.
pub(crate) fn style_of_stderr() -> Style {
    Style::fitting(&io::stderr(), std::env::var_os("NO_COLOR").as_deref())
}

/// A path as it may be shown: its name may hold anything.
pub(crate) fn shown(path: &Path) -> String {
    escape::terminal(&path.display().to_string())
}
