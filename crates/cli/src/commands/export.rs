//! `metron export DIR --to SHAPE`: a run in the shape of another tool, or of a build server.

use std::io::{BufWriter, Write};
use std::path::Path;

use metron_report::ci;
use metron_results::Summary;
use metron_results::export::{ExportError, Run, Shape};
use metron_results::folder::{Overwrite, RunFile};

use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::{ExportFlags, ExportShape};
use crate::{file_out, page, speak};

/// Writes it to stdout or to a file that is not there yet.
///
/// # Errors
/// If the folder holds no finished run, or what is written to says no.
pub(super) fn run(flags: &ExportFlags) -> Result<Exit, Failure> {
    let summary = page::summary_of(&flags.folder)?;
    match &flags.out {
        None => {
            let mut bytes = BufWriter::new(std::io::stdout().lock());
            if let Err(error) = write(&flags.folder, &summary, flags.to, &mut bytes)
                && !error.reader_left
            {
                return Err(error.failure);
            }
        }
        Some(path) => {
            let overwrite = if flags.force { Overwrite::Replace } else { Overwrite::Refuse };
            file_out::write(path, overwrite, |out| {
                write(&flags.folder, &summary, flags.to, out).map_err(|error| error.failure)
            })?;
            speak::aside(format_args!("wrote {}", speak::shown(path)));
        }
    }
    Ok(Exit::Done)
}

/// What went wrong, and whether only the reader of stdout went away.
struct NotWritten {
    failure: Failure,
    reader_left: bool,
}

impl From<ExportError> for NotWritten {
    fn from(error: ExportError) -> Self {
        let reader_left = matches!(&error, ExportError::Write(error) if error.kind() == std::io::ErrorKind::BrokenPipe);
        Self { failure: Failure::could_not_run(chain(&error), ""), reader_left }
    }
}

fn write(folder: &Path, summary: &Summary, to: ExportShape, out: &mut dyn Write) -> Result<(), NotWritten> {
    let rows = folder.join(RunFile::Rows.name());
    let rows = |shape, out: &mut dyn Write| {
        let run = Run::open(summary, &rows).map_err(ExportError::from)?;
        run.write(shape, out)
    };
    match to {
        ExportShape::Junit => out.write_all(ci::junit(summary).as_bytes()).map_err(ExportError::from)?,
        ExportShape::Github => out.write_all(ci::github(summary).as_bytes()).map_err(ExportError::from)?,
        ExportShape::Csv => rows(Shape::Csv, out)?,
        ExportShape::Vllm => rows(Shape::Vllm, out)?,
        ExportShape::Aiperf => rows(Shape::Aiperf, out)?,
        ExportShape::Guidellm => rows(Shape::GuideLlm, out)?,
    }
    Ok(out.flush().map_err(ExportError::from)?)
}
