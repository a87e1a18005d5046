//! Versions of what is written. A file names its schema as `metron.summary/1`; the number rises only when an older program
//! would misread the file. Fields and columns are added under the same number, and a reader passes over those it does not know.

/// A file of a newer program, or of another kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is of schema {found}, {}", against(.found, .known))]
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
    match (parts(found), parts(known)) {
        (Some((kind, number)), Some((own, most))) if kind == own && number <= most => Ok(()),
        _ => Err(NewerSchema { found: found.to_owned(), known }),
    }
}

/// What a schema is of, and its number.
fn parts(schema: &str) -> Option<(&str, u32)> {
    let (kind, number) = schema.rsplit_once('/')?;
    Some((kind, number.parse().ok()?))
}

/// Why a file of schema `found` is not read, and what to do.
fn against(found: &str, known: &str) -> String {
    let kinds = [found, known].map(|schema| parts(schema).map(|(kind, _)| kind));
    if kinds[0] == kinds[1] {
        format!("and this metron understands up to {known}; take the metron that wrote it")
    } else {
        format!("where {known} belongs; is it another file of a run?")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_file_and_one_of_another_kind_are_told_apart() {
        let told = |found| understood(found, "metron.summary/1").expect_err("refused").to_string();
        assert_eq!(
            told("metron.summary/2"),
            "it is of schema metron.summary/2, and this metron understands up to metron.summary/1; take the metron that wrote it"
        );
        for other in ["metron.engine/1", "x", ""] {
            assert!(told(other).ends_with(", where metron.summary/1 belongs; is it another file of a run?"), "{other}");
        }
    }
}
