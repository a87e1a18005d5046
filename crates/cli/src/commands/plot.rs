//! `metron plot DIR NAME`: one plot of a run as a file for a paper, or as the numbers that it shows.

use metron_report::course::{NAMES, Named};
use metron_report::plot::Size;
use metron_results::folder::Overwrite;

use crate::exit::Exit;
use crate::failure::{Failure, nearest};
use crate::flags::PlotFlags;
use crate::{file_out, page, speak};

/// What a file's name ends with says what it holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Svg,
    Csv,
}

/// Writes the plot.
///
/// # Errors
/// If there is no plot of that name, the run lacks what it takes, or the file cannot be written.
pub(super) fn run(flags: &PlotFlags) -> Result<Exit, Failure> {
    let kind = kind(flags)?;
    if !NAMES.contains(&flags.name.as_str()) {
        let near = nearest(&flags.name, NAMES.iter().copied()).unwrap_or(NAMES[0]);
        let message = format!("no plot `{}`; there are {}", flags.name, NAMES.join(", "));
        return Err(Failure::usage(message, format!("metron plot DIR {near} --out {near}.svg")));
    }
    let summary = page::summary_of(&flags.folder)?;
    let seen = page::look(&flags.folder, &summary)?;
    let plots = seen.course.plots(&summary, &seen.server);
    let Some(Named { plot, .. }) = plots.into_iter().find(|named| named.name == flags.name) else {
        let message = format!("this run has nothing to draw `{}` of", flags.name);
        return Err(Failure::could_not_run(message, "open its report.html to see what it has"));
    };
    let text = match kind {
        Kind::Svg => plot.svg(Size { width: flags.width, height: flags.height }),
        Kind::Csv => plot.csv(),
    };
    match &flags.out {
        None => speak::result(&text)?,
        Some(path) => {
            let overwrite = if flags.force { Overwrite::Replace } else { Overwrite::Refuse };
            file_out::write(path, overwrite, |out| {
                out.write_all(text.as_bytes()).map_err(|error| Failure::could_not_run(error, ""))
            })?;
            speak::aside(format_args!("wrote {}: {}", speak::shown(path), plot.caption));
        }
    }
    Ok(Exit::Done)
}

fn kind(flags: &PlotFlags) -> Result<Kind, Failure> {
    let Some(path) = &flags.out else { return Ok(Kind::Svg) };
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => Ok(Kind::Svg),
        Some("csv") => Ok(Kind::Csv),
        Some(_) | None => {
            let message = format!("`{}` ends in neither .svg nor .csv", speak::shown(path));
            Err(Failure::usage(message, format!("--out {}.svg", flags.name)))
        }
    }
}
