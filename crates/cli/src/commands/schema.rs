//! `metron schema NAME`: the JSON Schema of a file that metron writes, on stdout.

use metron_results::summary::SCHEMAS;

use crate::exit::Exit;
use crate::failure::{Failure, nearest};
use crate::flags::SchemaFlags;
use crate::speak;

/// Prints the schema.
///
/// # Errors
/// If there is none of that name, or stdout cannot be written.
pub(super) fn run(flags: &SchemaFlags) -> Result<Exit, Failure> {
    let known = SCHEMAS.iter().map(|schema| schema.name);
    let Some(schema) = metron_results::schema(&flags.name) else {
        let names: Vec<&str> = known.clone().collect();
        let message = format!("no schema `{}`; there are {}", flags.name, names.join(", "));
        let near = nearest(&flags.name, known).or(names.first().copied()).unwrap_or_default();
        return Err(Failure::usage(message, format!("metron schema {near}")));
    };
    speak::json(&schema)?;
    Ok(Exit::Done)
}
