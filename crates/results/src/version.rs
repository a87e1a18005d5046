//! Versions of what is written. A file names its schema as `metron.summary/1`; the number rises only when an older program
//! would misread the file. Fields and columns are added under the same number, and a reader passes over those it does not know.

/// A file of a newer program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is of schema {found}, and this metron understands up to {known}; take the metron that wrote it")]
pub struct NewerSchema {
    /// As the file says.
    pub found: String,
    /// What is understood.
    pub known: &'static str,
}

/// Whether a file of schema `found` can be read by a program that knows `known` and everything older.
///
/// # Errors
/// If it is newer, or of another kind.
///
/// ```
/// use metron_results::version::understood;
/// assert!(understood("metron.summary/1", "metron.summary/2").is_ok());
/// assert!(understood("metron.summary/2", "metron.summary/1").is_err());
/// ```
pub fn understood(found: &str, known: &'static str) -> Result<(), NewerSchema> {
    let parts = |schema: &str| {
        let (kind, number) = schema.rsplit_once('/')?;
        Some((kind.to_owned(), number.parse::<u32>().ok()?))
    };
    match (parts(found), parts(known)) {
        (Some((kind, number)), Some((own, most))) if kind == own && number <= most => Ok(()),
        _ => Err(NewerSchema { found: found.to_owned(), known }),
    }
}
