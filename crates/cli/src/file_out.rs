//! A file that a command writes where the user says: never over another one by accident, and whole or not at all.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

use metron_results::folder::Overwrite;

use crate::failure::Failure;
use crate::speak;

/// Writes `path` by `write`.
///
/// # Errors
/// If a file is there, or it cannot be written; what was begun is removed again.
pub(crate) fn write(
    path: &Path,
    overwrite: Overwrite,
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let refused = |error: std::io::Error| {
        let message = format!("cannot write `{}`: {error}", speak::shown(path));
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => Failure::usage(message, "--force replaces it"),
            _ => Failure::could_not_run(message, "name another file: --out FILE"),
        }
    };
    let file = match overwrite {
        Overwrite::Replace => File::create(path),
        Overwrite::Refuse => OpenOptions::new().write(true).create_new(true).open(path),
    };
    let mut file = BufWriter::new(file.map_err(refused)?);
    let written = write(&mut file).and_then(|()| file.flush().map_err(refused));
    if written.is_err() {
        // A half of a file would be taken for a whole one.
        let _gone = std::fs::remove_file(path);
    }
    written
}
