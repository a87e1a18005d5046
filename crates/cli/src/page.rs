//! `report.html` of a finished folder: its summary, its configuration, its least fluid requests.

use std::path::Path;

use metron_report::html::{self, EngineCourse, Extras, Worst};
use metron_results::Summary;
use metron_results::folder::{RunFile, RunFolder};
use metron_results::rows::read_rows;
use metron_results::timeline::for_each_iteration;

use crate::failure::{Failure, chain};

/// Rows that are looked through for the least fluid ones; of a longer run the page shows its figures alone.
const MOST_ROWS: u64 = 1_000_000;

/// The summary of the run in `folder`.
///
/// # Errors
/// If there is none, or it cannot be read.
pub(crate) fn summary_of(folder: &Path) -> Result<Summary, Failure> {
    let path = folder.join(RunFile::Summary.name());
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let hint = if folder.join(RunFile::Journal.name()).exists() {
            format!("metron recover '{}'", folder.display())
        } else {
            "name a run's folder: metron-runs/...".to_owned()
        };
        Failure::could_not_run(format!("cannot read `{}`: {error}", path.display()), hint)
    })?;
    Summary::from_json(&text)
        .map_err(|error| Failure::could_not_run(format!("`{}` is no summary of a run: {error}", path.display()), ""))
}

/// The page of the run in `folder`.
///
/// # Errors
/// If its rows cannot be read.
pub(crate) fn of(folder: &Path, summary: &Summary) -> Result<String, Failure> {
    let config = std::fs::read_to_string(folder.join(RunFile::Config.name())).ok();
    let streams = least_fluid(folder)?;
    let engine = engine(folder)?;
    Ok(html::report(summary, Extras { config: config.as_deref(), streams: &streams, engine: engine.as_ref() }))
}

/// Writes the page of the finished run in `folder` again.
///
/// # Errors
/// If its rows cannot be read, the folder is in use, or the page cannot be written.
pub(crate) fn write(folder: &Path, summary: &Summary) -> Result<(), Failure> {
    let page = of(folder, summary)?;
    let opened = RunFolder::reopen(folder).map_err(|error| {
        let hint = error.hint();
        Failure::could_not_run(chain(&error), hint)
    })?;
    let written = opened.write(RunFile::Report, page.as_bytes()).and_then(|()| opened.close());
    written.map(|_| ()).map_err(|error| {
        let hint = error.hint();
        Failure::could_not_run(chain(&error), hint)
    })
}

/// What a simulated engine did, if it did it in iterations.
fn engine(folder: &Path) -> Result<Option<EngineCourse>, Failure> {
    let path = folder.join(RunFile::Engine.name());
    if !path.exists() {
        return Ok(None);
    }
    let mut course = EngineCourse::default();
    for_each_iteration(&path, |iteration| course.see(iteration))
        .map_err(|error| Failure::could_not_run(chain(&error), ""))?;
    Ok(Some(course))
}

fn least_fluid(folder: &Path) -> Result<Vec<metron_metrics::RequestRecord>, Failure> {
    let unreadable = |error: &dyn std::error::Error| Failure::could_not_run(chain(error), "");
    let rows = read_rows(&folder.join(RunFile::Rows.name())).map_err(|error| unreadable(&error))?;
    let mut worst = Worst::default();
    if rows.rows() <= MOST_ROWS {
        for row in rows {
            worst.see(&row.map_err(|error| unreadable(&error))?);
        }
    }
    Ok(worst.requests())
}
