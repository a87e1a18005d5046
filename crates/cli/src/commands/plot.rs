//! `metron plot DIR NAME`: one plot of a run, a capacity, a sweep or a prefill profile as a file for a paper, or as the numbers that
//! it shows.

use std::path::Path;

use metron_report::course::{NAMES, Named, plots_of_streams};
use metron_report::html;
use metron_report::plot::Size;
use metron_results::capacity::CapacityFile;
use metron_results::folder::{Overwrite, RunFile};
use metron_results::prefill_profile::PrefillProfileFile;
use metron_results::sweep::SweepReport;

use crate::exit::Exit;
use crate::failure::{Failure, nearest};
use crate::flags::PlotFlags;
use crate::{file_out, page, speak};

/// Pixels of a picture that no paper needs.
const MOST_PIXELS: u64 = 100_000_000;

/// What a file's name ends with says what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Svg,
    Png,
    Csv,
}

/// Writes the plot.
///
/// # Errors
/// If there is no plot of that name, the folder lacks what it takes, or the file cannot be written.
pub(super) fn run(flags: &PlotFlags) -> Result<Exit, Failure> {
    let kind = kind(flags)?;
    let Named { plot, .. } = named(flags)?;
    let size = Size { width: flags.width, height: flags.height };
    let bytes = match kind {
        Kind::Svg => plot.svg(size).into_bytes(),
        Kind::Png => plot.png(size, flags.scale),
        Kind::Csv => plot.csv().into_bytes(),
    };
    match &flags.out {
        None => speak::result(&String::from_utf8_lossy(&bytes))?,
        Some(path) => {
            let overwrite = if flags.force { Overwrite::Replace } else { Overwrite::Refuse };
            file_out::write(path, overwrite, |out| {
                out.write_all(&bytes).map_err(|error| Failure::could_not_run(error, ""))
            })?;
            speak::aside(format_args!("wrote {}: {}", speak::shown(path), plot.caption));
        }
    }
    Ok(Exit::Done)
}

fn named(flags: &PlotFlags) -> Result<Named, Failure> {
    if let Some(plots) = of_searches(&flags.folder)? {
        return found(flags, plots)?.ok_or_else(|| nothing_to_draw(flags));
    }
    if !NAMES.contains(&flags.name.as_str()) {
        return Err(no_such(flags, &NAMES));
    }
    let summary = page::summary_of(&flags.folder)?;
    let seen = page::look(&flags.folder, &summary)?;
    let mut plots = seen.course.plots(&summary, &seen.server);
    plots.extend(plots_of_streams(&seen.streams));
    plots.into_iter().find(|named| named.name == flags.name).ok_or_else(|| nothing_to_draw(flags))
}

/// The one that is asked for; `None` if there are none at all.
fn found(flags: &PlotFlags, plots: Vec<Named>) -> Result<Option<Named>, Failure> {
    let names: Vec<String> = plots.iter().map(|named| named.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match plots.into_iter().find(|named| named.name == flags.name) {
        None if !names.is_empty() => Err(no_such(flags, &names)),
        found => Ok(found),
    }
}

fn no_such(flags: &PlotFlags, names: &[&str]) -> Failure {
    let near = nearest(&flags.name, names.iter().copied()).unwrap_or(names[0]);
    let message = format!("no plot `{}`; there are {}", flags.name, names.join(", "));
    Failure::usage(message, format!("metron plot DIR {near} --out {near}.svg"))
}

fn nothing_to_draw(flags: &PlotFlags) -> Failure {
    let message = format!("there is nothing to draw `{}` of in this folder", flags.name);
    Failure::could_not_run(message, "open its report.html to see what it has")
}

/// The plots of a folder that is no run's; `None` for a run's.
fn of_searches(folder: &Path) -> Result<Option<Vec<Named>>, Failure> {
    let read = |file: RunFile| {
        let path = folder.join(file.name());
        path.exists().then(|| std::fs::read_to_string(&path).map(|text| (path.clone(), text)))
    };
    let unreadable = |error: std::io::Error| Failure::could_not_run(error, "");
    let other = |path: &Path, error: serde_json::Error| {
        Failure::could_not_run(format!("`{}` is not what its name says: {error}", path.display()), "")
    };
    if let Some(read) = read(RunFile::Capacity) {
        let (path, text) = read.map_err(unreadable)?;
        let file = CapacityFile::from_json(&text).map_err(|error| other(&path, error))?;
        return Ok(Some(html::capacity_plots(&file)));
    }
    if let Some(read) = read(RunFile::Sweep) {
        let (path, text) = read.map_err(unreadable)?;
        let report: SweepReport = serde_json::from_str(&text).map_err(|error| other(&path, error))?;
        return Ok(Some(html::sweep_plots(&report)));
    }
    if let Some(read) = read(RunFile::PrefillProfile) {
        let (path, text) = read.map_err(unreadable)?;
        let file = PrefillProfileFile::from_json(&text).map_err(|error| other(&path, error))?;
        return Ok(Some(html::prefill_plots(&file)));
    }
    Ok(None)
}

fn kind(flags: &PlotFlags) -> Result<Kind, Failure> {
    let Some(path) = &flags.out else { return Ok(Kind::Svg) };
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => Ok(Kind::Svg),
        Some("csv") => Ok(Kind::Csv),
        Some("png") => {
            let pixels = u64::from(flags.width * flags.scale) * u64::from(flags.height * flags.scale);
            if pixels <= MOST_PIXELS {
                return Ok(Kind::Png);
            }
            let message = format!(
                "{} million pixels are more than the {} that a picture may have",
                pixels / 1_000_000,
                MOST_PIXELS / 1_000_000
            );
            Err(Failure::usage(message, "--scale 1, or an .svg, which has none"))
        }
        Some(_) | None => {
            let message = format!("`{}` ends in none of .svg, .png, .csv", speak::shown(path));
            Err(Failure::usage(message, format!("--out {}.svg", flags.name)))
        }
    }
}
