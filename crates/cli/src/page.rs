//! `report.html` of a finished folder: its summary, its configuration, and what is drawn of its rows, which are read once.

use std::panic::resume_unwind;
use std::path::Path;

use metron_metrics::RequestRecord;
use metron_report::course::{Course, EngineCourse};
use metron_report::html::{self, Extras, Worst};
use metron_results::Summary;
use metron_results::folder::{RunFile, RunFolder};
use metron_results::rows::read_rows;
use metron_results::server_metrics::{Curve, read_curves};
use metron_results::timeline::for_each_iteration;
use metron_units::Nanos;

use crate::failure::{Failure, chain};

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
    let seen = look(folder, summary)?;
    let extras = Extras {
        config: config.as_deref(),
        streams: &seen.streams,
        engine: seen.engine.as_ref(),
        course: Some(&seen.course),
        server: &seen.server,
    };
    Ok(html::report(summary, extras))
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
    for_each_iteration(&path, |iteration| course.see(iteration)).map_err(|error| unreadable(&error))?;
    Ok(Some(course))
}

/// What is drawn of a run besides its summary.
pub(crate) struct Seen {
    /// The least fluid requests.
    pub(crate) streams: Vec<RequestRecord>,
    /// All of them, binned.
    pub(crate) course: Course,
    /// What the servers said of themselves.
    pub(crate) server: Vec<Curve>,
    /// What the simulated engine did.
    pub(crate) engine: Option<EngineCourse>,
}

/// Reads the rows of the run in `folder` once, what its servers said, and what its engine did.
///
/// # Errors
/// If any of them cannot be read.
pub(crate) fn look(folder: &Path, summary: &Summary) -> Result<Seen, Failure> {
    std::thread::scope(|scope| {
        // As long a file as the rows are: it is read beside them.
        let engine = scope.spawn(|| engine(folder));
        let (streams, course) = rows(folder, summary)?;
        let path = folder.join(RunFile::ServerMetrics.name());
        let server =
            if path.exists() { read_curves(&path).map_err(|error| unreadable(&error))?.curves() } else { Vec::new() };
        let engine = engine.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        Ok(Seen { streams, course, server, engine })
    })
}

/// The least fluid requests, and all of them, binned.
fn rows(folder: &Path, summary: &Summary) -> Result<(Vec<RequestRecord>, Course), Failure> {
    let duration = summary.run.duration_s.and_then(Nanos::from_secs_f64).unwrap_or_default();
    let (mut worst, mut course) = (Worst::default(), Course::new(duration));
    for row in read_rows(&folder.join(RunFile::Rows.name())).map_err(|error| unreadable(&error))? {
        let row = row.map_err(|error| unreadable(&error))?;
        worst.see(&row);
        course.see(&row);
    }
    Ok((worst.requests(), course))
}

fn unreadable(error: &dyn std::error::Error) -> Failure {
    Failure::could_not_run(chain(error), "")
}
