//! Open files: each connection is one. Raised to what the run needs where that is allowed. Knows no server.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the program has open besides connections: files, timers, poll sets, libraries.
const OWN: u64 = 40;

/// What was done about the limit of open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descriptors {
    /// It was enough.
    Enough,
    /// It was raised for this process.
    Raised {
        /// From so many.
        from: u64,
        /// To so many.
        to: u64,
    },
}

/// The limit is too low, and this process may not raise it so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{connections} connections need {needs} open files, and this process may have {has}")]
pub struct TooFewDescriptors {
    /// Connections at once.
    pub connections: u64,
    /// Files for them and for the program itself.
    pub needs: u64,
    /// The hard limit.
    pub has: u64,
}

impl TooFewDescriptors {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        format!("ulimit -n {} (as root: ulimit -Hn {0}), or lower the load", self.needs.next_power_of_two())
    }
}

/// Makes room for so many connections at once; `ends`: how many of each connection's ends are in this process.
///
/// # Errors
/// If the hard limit is lower.
pub fn ensure_descriptors(connections: u64, ends: u64) -> Result<Descriptors, TooFewDescriptors> {
    let limit = getrlimit(Resource::Nofile);
    match decide(connections, ends, limit.current, limit.maximum)? {
        Decision::Enough => Ok(Descriptors::Enough),
        Decision::Raise { from, to } => {
            let raised = Rlimit { current: Some(to), maximum: limit.maximum };
            let refused = TooFewDescriptors { connections, needs: needs(connections, ends), has: from };
            setrlimit(Resource::Nofile, raised).map_err(|_| refused)?;
            Ok(Descriptors::Raised { from, to })
        }
    }
}

/// Makes room for as many connections as this process may have, where nobody knows how many it will take.
pub fn ensure_most_descriptors() {
    /// What is taken of a limit without end.
    const MOST: u64 = 1 << 20;
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(MOST).min(MOST);
    if limit.current.is_some_and(|current| current < most) {
        // If it is refused, the run has what it had, and what it lacks is told as this host's fault.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum });
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Enough,
    Raise { from: u64, to: u64 },
}

fn needs(connections: u64, ends: u64) -> u64 {
    connections.saturating_mul(ends).saturating_add(OWN)
}

/// `None` is no limit.
fn decide(connections: u64, ends: u64, soft: Option<u64>, hard: Option<u64>) -> Result<Decision, TooFewDescriptors> {
    let needs = needs(connections, ends);
    match (soft, hard) {
        (None, _) => Ok(Decision::Enough),
        (Some(soft), _) if soft >= needs => Ok(Decision::Enough),
        (Some(_), Some(hard)) if hard < needs => Err(TooFewDescriptors { connections, needs, has: hard }),
        (Some(from), Some(hard)) => Ok(Decision::Raise { from, to: hard.min(needs.next_power_of_two()) }),
        (Some(from), None) => Ok(Decision::Raise { from, to: needs.next_power_of_two() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_that_is_allowed_is_taken_and_never_less_than_before() {
        let before = getrlimit(Resource::Nofile).current;
        ensure_most_descriptors();
        let after = getrlimit(Resource::Nofile);
        assert!(before.is_none() || after.current >= before);
        assert!(after.current.is_none_or(|now| now >= after.maximum.unwrap_or(1 << 20).min(1 << 20)));
    }

    #[test]
    fn a_limit_that_suffices_is_left_alone() {
        assert_eq!(decide(8, 1, Some(48), Some(48)), Ok(Decision::Enough));
        assert_eq!(decide(1 << 40, 1, None, None), Ok(Decision::Enough));
    }

    #[test]
    fn a_limit_is_raised_as_far_as_it_has_to_be_and_may_be() {
        assert_eq!(decide(1024, 1, Some(1024), Some(4096)), Ok(Decision::Raise { from: 1024, to: 2048 }));
        assert_eq!(decide(1024, 1, Some(32), Some(1100)), Ok(Decision::Raise { from: 32, to: 1100 }));
        assert_eq!(decide(1024, 2, Some(32), None), Ok(Decision::Raise { from: 32, to: 4096 }));
    }

    #[test]
    fn what_the_hard_limit_forbids_is_refused_with_what_to_type() {
        let refused = decide(1024, 1, Some(32), Some(32)).expect_err("32 are too few");
        assert_eq!(refused, TooFewDescriptors { connections: 1024, needs: 1064, has: 32 });
        assert!(refused.hint().starts_with("ulimit -n 2048"), "{}", refused.hint());
        assert!(decide(u64::MAX, 2, Some(32), Some(1 << 20)).is_err());
    }
}
