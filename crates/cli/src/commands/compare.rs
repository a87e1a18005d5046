//! `metron compare BASELINE RUN...`: what runs differ by, and whether that is more than may be.

use std::path::Path;

use metron_report::{console, html};
use metron_results::compare::{CompareOptions, compare};

use super::score;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::CompareFlags;
use crate::speak;

/// Reads the runs and prints what they differ by.
///
/// # Errors
/// If a file cannot be read or compared.
pub(super) fn run(flags: &CompareFlags) -> Result<Exit, Failure> {
    let score = score::options(&flags.deadlines, Vec::new())?;
    let options = CompareOptions { score, bounds: flags.fail_if.clone() };
    let runs: Vec<&Path> = flags.runs.iter().map(AsRef::as_ref).collect();
    let comparing =
        compare(&flags.baseline, &runs, &options).map_err(|error| Failure::usage(&error, error.hint.clone()))?;
    if let Some(path) = &flags.output {
        write_page(path, &html::compare_report(&comparing))?;
    }
    if flags.json {
        speak::json(&comparing.report)?;
    } else {
        speak::result(&console::compare_table(&comparing.report, speak::style_of_stdout()))?;
    }
    if let Some(path) = &flags.output {
        speak::aside(format_args!("wrote {}", speak::shown(path)));
    }
    let bounds = comparing.report.comparisons.iter().flat_map(|comparison| &comparison.bounds);
    Ok(Exit::first_of(bounds.filter(|bound| bound.fails()).map(|_| Exit::Missed)))
}

/// Puts the page where it was asked for: whole, or as it was before. What is no page of ours is not replaced.
fn write_page(path: &Path, page: &str) -> Result<(), Failure> {
    let failed =
        |error: std::io::Error| Failure::could_not_run(format!("cannot write `{}`: {error}", path.display()), "");
    match std::fs::read(path) {
        Ok(there) if !there.is_empty() && !there.windows(MADE_BY.len()).any(|word| word == MADE_BY) => {
            let message = format!("`{}` is there and is no page of metron's", path.display());
            return Err(Failure::usage(message, "--output comparison.html"));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    std::fs::write(&part, page).and_then(|()| std::fs::rename(&part, path)).map_err(failed)
}

/// What every page's title begins with.
const MADE_BY: &[u8] = b"<title>metron: ";
