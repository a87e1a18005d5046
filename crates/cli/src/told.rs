//! What a search over many runs has told already: each run notices the same anew.

use std::mem::{Discriminant, discriminant};

use metron_results::event::{RunEvent, Warning};

/// The kinds of notes so far; their numbers differ from run to run.
#[derive(Debug, Default)]
pub(crate) struct Told {
    warnings: Vec<Discriminant<Warning>>,
    notes: Vec<Discriminant<RunEvent>>,
}

impl Told {
    /// Whether an event tells what no run before it told. Of progress each does.
    pub(crate) fn is_new(&mut self, event: &RunEvent) -> bool {
        match event {
            RunEvent::Warning(warning) => is_first(&mut self.warnings, discriminant(warning)),
            RunEvent::Identified { .. } | RunEvent::TemplateMeasured { .. } => {
                is_first(&mut self.notes, discriminant(event))
            }
            _ => true,
        }
    }
}

fn is_first<T: PartialEq>(known: &mut Vec<T>, it: T) -> bool {
    let new = !known.contains(&it);
    if new {
        known.push(it);
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_of_one_kind_is_told_once_and_progress_always() {
        let mut told = Told::default();
        let identified = || RunEvent::Identified { endpoint: "chat".to_owned(), why: "it says so".to_owned() };
        let warning = |tokens| RunEvent::TemplateMeasured { tokens };
        assert!(
            told.is_new(&identified())
                && told.is_new(&warning(1))
                && told.is_new(&RunEvent::Warning(Warning::Insecure))
        );
        assert!(!told.is_new(&identified()) && !told.is_new(&warning(2)));
        assert!(!told.is_new(&RunEvent::Warning(Warning::Insecure)));
        let begun =
            RunEvent::PhaseBegan { phase: metron_results::event::RunPhase::Measured, at: metron_units::Nanos::ZERO };
        assert!(told.is_new(&begun) && told.is_new(&begun));
    }
}
