//! `metron plot DIR NAME`: one plot of a run, a capacity, a sweep, a prefill profile or a comparison as a file for a paper, or as the
//! numbers that it shows.

use std::fmt::Display;
use std::path::Path;

use metron_report::course::{EngineCourse, NAMES, Named, plots_of_streams};
use metron_report::html;
use metron_report::plot::Size;
use metron_results::capacity::{self, CapacityFile};
use metron_results::compare::{self, CompareOptions, CompareReport, compare};
use metron_results::folder::{Overwrite, RunFile};
use metron_results::prefill_profile::{self, PrefillProfileFile};
use metron_results::sweep::{self, SweepReport};
use metron_results::version::understood;
use serde::Deserialize;

use super::score;
use crate::exit::Exit;
use crate::failure::{Failure, nearest};
use crate::flags::{PlotFlags, RecordedDeadlineFlags};
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
    let plots = if flags.against.is_empty() {
        let Some(plots) = of_file(&flags.folder)? else { return of_run(flags) };
        plots
    } else {
        of_runs(flags)?
    };
    let names: Vec<&str> = plots.iter().map(|named| named.name.as_str()).collect();
    if names.is_empty() {
        return Err(nothing_to_draw(flags));
    }
    let place = names.iter().position(|name| *name == flags.name).ok_or_else(|| no_such(flags, &names))?;
    Ok(plots.into_iter().nth(place).expect("it was found there"))
}

/// Of one run's folder.
fn of_run(flags: &PlotFlags) -> Result<Named, Failure> {
    let summary = page::summary_of(&flags.folder)?;
    if !NAMES.contains(&flags.name.as_str()) {
        return Err(no_such(flags, &NAMES));
    }
    let seen = page::look(&flags.folder, &summary)?;
    let mut plots = seen.course.plots(&summary, &seen.server);
    plots.extend(plots_of_streams(&seen.streams));
    plots.extend(seen.engine.iter().flat_map(EngineCourse::plots));
    plots.into_iter().find(|named| named.name == flags.name).ok_or_else(|| nothing_to_draw(flags))
}

/// Of several runs, compared as `metron compare` does where nothing else is said.
fn of_runs(flags: &PlotFlags) -> Result<Vec<Named>, Failure> {
    let score = score::options(&RecordedDeadlineFlags::default(), Vec::new())?;
    let options = CompareOptions { score, bounds: Vec::new() };
    let against: Vec<&Path> = flags.against.iter().map(AsRef::as_ref).collect();
    let comparing =
        compare(&flags.folder, &against, &options).map_err(|error| Failure::usage(&error, error.hint.clone()))?;
    Ok(html::compare_plots(&comparing))
}

fn no_such(flags: &PlotFlags, names: &[&str]) -> Failure {
    let near = nearest(&flags.name, names.iter().copied()).unwrap_or(names[0]);
    let message = format!("no plot `{}`; there are {}", flags.name, names.join(", "));
    let against = if flags.against.is_empty() { "" } else { " --against RUN" };
    Failure::usage(message, format!("metron plot DIR {near}{against} --out {near}.svg"))
}

fn nothing_to_draw(flags: &PlotFlags) -> Failure {
    let message = format!("there is nothing to draw `{}` of in `{}`", flags.name, flags.folder.display());
    Failure::could_not_run(message, "open its report.html to see what it has")
}

/// The files that have plots of their own, by the names that they have in a folder.
const FILES: [&str; 4] =
    [RunFile::Capacity.name(), RunFile::Sweep.name(), RunFile::PrefillProfile.name(), "compare.json"];

/// What every file of metron's says of itself.
#[derive(Deserialize)]
struct Schema {
    schema: String,
}

/// The plots of such a file, or of the one in a folder; `None` of a run.
fn of_file(given: &Path) -> Result<Option<Vec<Named>>, Failure> {
    let inside = || FILES.iter().map(|name| given.join(name)).find(|path| path.exists());
    let Some(path) = given.is_file().then(|| given.to_owned()).or_else(inside) else { return Ok(None) };
    let wrong = |reason: &dyn Display| {
        let hint = "DIR is the folder of a run, a capacity, a sweep or a prefill profile, or compare.json";
        Failure::usage(format!("`{}` has no plots: {reason}", path.display()), hint)
    };
    let text = std::fs::read_to_string(&path).map_err(|error| wrong(&error))?;
    let Schema { schema } = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    let is = |known: &'static str| understood(&schema, known).is_ok();
    let plots = if is(capacity::SCHEMA) {
        CapacityFile::from_json(&text).map(|file| html::capacity_plots(&file))
    } else if is(sweep::SCHEMA) {
        serde_json::from_str(&text).map(|report: SweepReport| html::sweep_plots(&report))
    } else if is(prefill_profile::SCHEMA) {
        PrefillProfileFile::from_json(&text).map(|file| html::prefill_plots(&file))
    } else if is(compare::SCHEMA) {
        serde_json::from_str(&text).map(|report: CompareReport| html::difference_plots(&report))
    } else {
        return Err(wrong(&format!("nothing is drawn of schema `{schema}`")));
    };
    plots.map(Some).map_err(|error| wrong(&error))
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
