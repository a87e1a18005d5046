//! `metron workload save`: a run's plan as a file, which `--trace` sends again.

use metron_runner::RunConfig;
use metron_runner::preview::{Preview, Texts};
use metron_workload::SaveError;

use metron_results::folder::Overwrite;

use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::SaveFlags;
use crate::speak;

/// Writes the plan, and prints how many requests it has and their digest.
///
/// # Errors
/// If the plan has no end, or the file cannot be written.
pub(super) fn run(flags: &SaveFlags, config: &RunConfig) -> Result<Exit, Failure> {
    let preview = Preview::of(config).map_err(|error| super::preview::refused(&error))?;
    let texts = if flags.without_prompts { Texts::Left } else { Texts::Kept };
    let overwrite = if flags.run.output.force { Overwrite::Replace } else { Overwrite::Refuse };
    let saved = super::whole_file::write(&flags.out, overwrite, |out| {
        preview.save(texts, out).map_err(|error| {
            let (message, hint) = (chain(&error), error.hint());
            match error {
                SaveError::Endless => Failure::usage(message, hint),
                SaveError::Write(_) | SaveError::Say(_) => Failure::could_not_run(message, hint),
            }
        })
    })?;
    speak::result(&format!("{} requests, digest {}\n", saved.requests, saved.digest))?;
    speak::aside(format!("wrote {}; send it again with --trace", speak::shown(&flags.out)));
    Ok(Exit::Done)
}
