//! Conversations: several requests of one user, each of which holds what was said before it. Knows no text and no clock.
//!
//! The plan holds the turns of a session one after the other, with ids of their own. Only the first has an instant: when a
//! later one leaves depends on the answer before it, and on how long the user thinks.

use metron_units::{Share, Tokens};

use crate::dist::{Count, Dist};
use crate::random::{Stream, generator, unit};

/// How many turns sessions have.
#[derive(Debug, Clone, PartialEq)]
pub struct Sessions {
    /// The turns of a session whose user stays to its end; 0 counts as 1.
    pub turns: Dist<Count>,
    /// The share of users who leave for good after a turn that is not their last.
    pub abandon: Share,
}

/// A request's place in its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Which session, from 0.
    pub session: u64,
    /// Which of its turns, from 0.
    pub turn: u32,
    /// How many of the prompt's tokens were said in the turns before, answers of the length that was asked for.
    pub history: Tokens,
}

/// How many turns a session has, and why no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// At least one.
    pub turns: u32,
    /// Whether the user leaves before the end.
    pub abandoned: bool,
}

impl Sessions {
    /// The length of session `session` if its user's turns follow `turns`.
    pub(super) fn length(&self, turns: &Dist<Count>, seed: u64, session: u64) -> Length {
        self.left(drawn(turns, seed, session), seed, session)
    }

    /// The length of session `session`, of which a file has `recorded` turns: no more than those are sent.
    pub(super) fn bounded(&self, recorded: u32, seed: u64, session: u64) -> Length {
        self.left(recorded.min(drawn(&self.turns, seed, session)), seed, session)
    }

    /// What is left of so many turns where users leave.
    fn left(&self, turns: u32, seed: u64, session: u64) -> Length {
        if self.abandon == Share::NONE {
            return Length { turns, abandoned: false };
        }
        let mut rng = generator(seed, Stream::Abandons, session);
        let left_after = (1..turns).find(|_| unit(&mut rng) < self.abandon.get());
        Length { turns: left_after.unwrap_or(turns), abandoned: left_after.is_some() }
    }
}

fn drawn(turns: &Dist<Count>, seed: u64, session: u64) -> u32 {
    let drawn = match turns.constant() {
        Some(drawn) => drawn,
        None => turns.draw(&mut generator(seed, Stream::Turns, session)),
    };
    u32::try_from(drawn.get().max(1)).expect("a count ends at a million")
}

/// The rest of the session that the walk is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    pub(super) turn: Turn,
    /// Turns that are still to come.
    pub(super) left: u32,
    pub(super) phase: super::PlannedPhase,
    pub(super) class: Option<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(turns: &str, abandon: f64) -> Sessions {
        Sessions { turns: turns.parse().unwrap(), abandon: Share::new(abandon).unwrap() }
    }

    fn lengths(of: &Sessions, sessions: u64) -> Vec<Length> {
        (0..sessions).map(|session| of.length(&of.turns, 5, session)).collect()
    }

    #[test]
    fn a_session_has_as_many_turns_as_are_drawn_and_one_at_least() {
        assert!(lengths(&sessions("3", 0.0), 5).iter().all(|length| length.turns == 3 && !length.abandoned));
        assert!(lengths(&sessions("0", 0.0), 5).iter().all(|length| length.turns == 1));
        let drawn = lengths(&sessions("uniform:1..4", 0.0), 4_000);
        for turns in 1..=4 {
            let count = drawn.iter().filter(|length| length.turns == turns).count();
            // Four standard deviations of a binomial count about a thousand.
            assert!((890..=1_110).contains(&count), "{count} of {turns} turns");
        }
    }

    #[test]
    fn users_leave_after_each_turn_but_the_last_as_often_as_is_asked() {
        let drawn = lengths(&sessions("3", 0.2), 10_000);
        let share = |turns| drawn.iter().filter(|length| length.turns == turns).count() as f64 / 10_000.0;
        assert!((share(1) - 0.2).abs() < 0.016 && (share(2) - 0.16).abs() < 0.016, "{} {}", share(1), share(2));
        assert!(drawn.iter().all(|length| length.abandoned == (length.turns < 3)));
        assert!(lengths(&sessions("3", 1.0), 9).iter().all(|length| length.turns == 1 && length.abandoned));
    }
}
