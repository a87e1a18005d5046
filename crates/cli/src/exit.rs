//! The exit codes: all of them, and which one wins. Scripts rely on these numbers.

/// How the program ended, as its caller sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Exit {
    /// Done, and every objective held.
    Done = 0,
    /// Could not run: server unreachable, disk full, every request failed.
    CouldNotRun = 1,
    /// Wrong usage: the user's input, and only that.
    Usage = 2,
    /// Ran, but an objective was missed or is undecided.
    Missed = 3,
    /// Ran, but this client was the bottleneck.
    ClientBound = 4,
    /// Interrupted; the results are written.
    Interrupted = 130,
}

impl Exit {
    /// Of several that fit, the one that is told: 130, then 1, 4, 3. (Usage ends before anything else can.)
    pub(crate) fn first_of(fitting: impl IntoIterator<Item = Self>) -> Self {
        fitting.into_iter().min_by_key(|exit| exit.rank()).unwrap_or(Self::Done)
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Usage => 0,
            Self::Interrupted => 1,
            Self::CouldNotRun => 2,
            Self::ClientBound => 3,
            Self::Missed => 4,
            Self::Done => 5,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::Exit::{ClientBound, CouldNotRun, Done, Interrupted, Missed, Usage};
    use super::*;

    #[test]
    fn the_gravest_of_several_is_told() {
        assert_eq!(Exit::first_of([]), Done);
        assert_eq!(Exit::first_of([Missed, ClientBound]), ClientBound);
        assert_eq!(Exit::first_of([Missed, CouldNotRun, ClientBound]), CouldNotRun);
        assert_eq!(Exit::first_of([Missed, CouldNotRun, Interrupted]), Interrupted);
    }

    #[test]
    fn the_numbers_are_those_that_scripts_know() {
        let numbers = [Done, CouldNotRun, Usage, Missed, ClientBound, Interrupted].map(|exit| exit as u8);
        assert_eq!(numbers, [0, 1, 2, 3, 4, 130]);
    }
}
