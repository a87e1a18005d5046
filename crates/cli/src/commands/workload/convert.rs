//! `metron workload convert IN OUT --to FORMAT`: a trace in another format. What the format cannot hold is told.

use metron_workload::trace::write::{WriteError, convert};

use metron_results::folder::Overwrite;

use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::ConvertFlags;
use crate::speak;

/// Reads the one and writes the other.
///
/// # Errors
/// If a line of the trace cannot be read, a request lacks what the format must have, or the file cannot be written.
pub(super) fn run(flags: &ConvertFlags) -> Result<Exit, Failure> {
    let trace = super::open(&flags.from, &flags.reading)?;
    let shown = speak::shown(&flags.from);
    let of = trace.format();
    let overwrite = if flags.force { Overwrite::Replace } else { Overwrite::Refuse };
    let converted = super::whole_file::write(&flags.out, overwrite, |out| {
        let converted = convert(trace, flags.to, out).map_err(|error| {
            let message = format!("`{shown}`: {}", chain(&error));
            match error {
                WriteError::Write(_) => Failure::could_not_run(message, ""),
                WriteError::OnlyRead(_) | WriteError::Lacks { .. } => Failure::usage(message, ""),
            }
        })?;
        match &converted.faults.first {
            Some(first) => {
                let more = converted.faults.count - 1;
                Err(Failure::usage(format!("`{shown}`: {} (and {more} more)", chain(first)), first.hint()))
            }
            None => Ok(converted),
        }
    })?;
    for (field, count) in &converted.lost {
        speak::aside(format!("warning: {} holds no {field}, which {count} requests have", flags.to));
    }
    speak::aside(format!(
        "wrote {} requests of {shown} ({of}) as {} to {}",
        converted.written,
        flags.to,
        speak::shown(&flags.out)
    ));
    Ok(Exit::Done)
}
