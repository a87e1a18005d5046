//! A file that is written whole or not at all. Knows no content.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use metron_results::folder::Overwrite;

use crate::failure::Failure;

/// Writes to a neighbour of `path` and, once `write` is done, renames it. A file that is there is replaced only if
/// that was asked.
///
/// # Errors
/// If the file is there, it cannot be written, or `write` fails; nothing is left behind then.
pub(super) fn write<T>(
    path: &Path,
    overwrite: Overwrite,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let shown = path.display();
    if overwrite == Overwrite::Refuse && path.exists() {
        return Err(Failure::usage(format!("`{shown}` is there already"), "--force replaces it"));
    }
    let part = part(path);
    let not_written = |error: io::Error| Failure::could_not_run(format!("cannot write `{shown}`: {error}"), "");
    let mut out = BufWriter::new(File::create(&part).map_err(not_written)?);
    let written = write(&mut out).and_then(|written| {
        out.flush().and_then(|()| out.get_ref().sync_all()).map_err(not_written)?;
        fs::rename(&part, path).map_err(not_written)?;
        Ok(written)
    });
    written.inspect_err(|_| {
        // What is wrong is told already; a part that stays is only litter.
        let _ = fs::remove_file(&part);
    })
}

fn part(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    path.with_file_name(name)
}
