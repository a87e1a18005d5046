//! Puts the turns of each conversation behind each other, in the order in which conversations begin. Knows no text and no time.
//!
//! In a file the turns of many conversations stand between each other, and a plan holds each conversation as a whole. So a request
//! that begins one waits here until all of its turns were read, and whatever stands between them waits with it: memory grows with
//! how far apart in the file the turns of one conversation stand, and not with the file.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::session::Sessions;

/// How many turns each conversation has, by [`key_of`] its name, where only the file's end tells it.
pub(super) type Counts = HashMap<u64, u32>;

/// What may be a turn.
pub(super) trait Turned {
    /// Of which conversation; `None` if it stands alone.
    fn key(&self) -> Option<u64>;
    /// How many turns that has, if it says so.
    fn turns(&self) -> Option<u32>;
}

/// How many turns of a conversation are sent, where that is bounded.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// By which turns are drawn, and who leaves before the end.
    pub sessions: Sessions,
    /// The seed of the draws.
    pub seed: u64,
}

/// A request in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed<T> {
    /// Its number in the order of the file, from 0, among those that are sent.
    pub(super) id: u64,
    pub(super) place: Option<Place>,
    pub(super) what: T,
}

/// Which turn of which conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) session: u64,
    pub(super) turn: u32,
    /// Whether its user leaves before the conversation's end.
    pub(super) abandoned: bool,
}

/// A conversation that is being gathered.
#[derive(Debug)]
struct Open<T> {
    session: u64,
    /// Turns in the file.
    in_file: u32,
    /// Turns that are sent.
    sent: u32,
    abandoned: bool,
    seen: u32,
    kept: Vec<(u64, T)>,
}

#[derive(Debug)]
enum Waiting<T> {
    Alone(u64, T),
    Begins(u64),
}

/// An iterator of requests in their places.
#[derive(Debug)]
pub(super) struct Together<I, T> {
    input: I,
    counts: Arc<Counts>,
    bound: Option<Bound>,
    waiting: VecDeque<Waiting<T>>,
    /// By session number.
    open: HashMap<u64, Open<T>>,
    /// The session that goes on under a key.
    at: HashMap<u64, u64>,
    out: VecDeque<Placed<T>>,
    ids: u64,
    sessions: u64,
    over: bool,
}

/// What a conversation is told apart by.
pub(super) fn key_of(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

impl<T: Turned, E, I: Iterator<Item = Result<T, E>>> Together<I, T> {
    pub(super) fn new(input: I, counts: Arc<Counts>, bound: Option<Bound>) -> Self {
        Self {
            input,
            counts,
            bound,
            waiting: VecDeque::new(),
            open: HashMap::new(),
            at: HashMap::new(),
            out: VecDeque::new(),
            ids: 0,
            sessions: 0,
            over: false,
        }
    }

    /// Takes in one more; `false` at the end.
    fn read(&mut self) -> Result<bool, E> {
        let Some(what) = self.input.next().transpose()? else {
            self.over = true;
            return Ok(false);
        };
        let Some(key) = what.key() else {
            let id = self.id();
            self.waiting.push_back(Waiting::Alone(id, what));
            return Ok(true);
        };
        let session = match self.at.get(&key) {
            Some(&session) => session,
            None => self.begin(key, &what),
        };
        let ids = self.ids;
        let Some(open) = self.open.get_mut(&session) else { return Ok(true) };
        open.seen += 1;
        let is_sent = open.seen <= open.sent;
        if is_sent {
            open.kept.push((ids, what));
        }
        let (is_over, is_given) = (open.seen >= open.in_file, open.kept.is_empty());
        self.ids += u64::from(is_sent);
        if is_over {
            self.at.remove(&key);
            // Its sent turns were given out before: nothing is left to wait for.
            if is_given {
                self.open.remove(&session);
            }
        }
        Ok(true)
    }

    fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids - 1
    }

    fn begin(&mut self, key: u64, what: &T) -> u64 {
        let session = self.sessions;
        self.sessions += 1;
        let in_file = what.turns().or(self.counts.get(&key).copied()).unwrap_or(1).max(1);
        let bounded = self.bound.as_ref().map(|bound| bound.sessions.bounded(in_file, bound.seed, session));
        let (sent, abandoned) = bounded.map_or((in_file, false), |length| (length.turns, length.abandoned));
        self.open.insert(session, Open { session, in_file, sent, abandoned, seen: 0, kept: Vec::new() });
        self.at.insert(key, session);
        self.waiting.push_back(Waiting::Begins(session));
        session
    }

    /// Gives out the conversation that is first in line, if all its turns are here.
    fn give(&mut self, session: u64) -> bool {
        let Some(open) = self.open.get_mut(&session) else { return true };
        if open.seen < open.sent && !self.over {
            return false;
        }
        let (session, abandoned) = (open.session, open.abandoned);
        let kept = std::mem::take(&mut open.kept);
        if open.seen >= open.in_file {
            self.open.remove(&session);
        }
        for (turn, (id, what)) in (0..).zip(kept) {
            self.out.push_back(Placed { id, place: Some(Place { session, turn, abandoned }), what });
        }
        true
    }
}

impl<T: Turned, E, I: Iterator<Item = Result<T, E>>> Iterator for Together<I, T> {
    type Item = Result<Placed<T>, E>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(placed) = self.out.pop_front() {
                return Some(Ok(placed));
            }
            match self.waiting.pop_front() {
                Some(Waiting::Alone(id, what)) => return Some(Ok(Placed { id, place: None, what })),
                Some(Waiting::Begins(session)) if self.give(session) => continue,
                Some(begins) => self.waiting.push_front(begins),
                None if self.over => return None,
                None => {}
            }
            if let Err(error) = self.read() {
                return Some(Err(error));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use metron_units::Share;

    use super::*;

    /// A letter for the conversation, `.` for none, and how many turns it says that has.
    impl Turned for (char, Option<u32>) {
        fn key(&self) -> Option<u64> {
            (self.0 != '.').then(|| key_of(&self.0.to_string()))
        }

        fn turns(&self) -> Option<u32> {
            self.1
        }
    }

    fn together(file: &str, counts: &[(char, u32)], bound: Option<Bound>) -> Vec<String> {
        let counts = counts.iter().map(|&(name, turns)| (key_of(&name.to_string()), turns)).collect();
        let rows = file.chars().map(|name| Ok::<_, Infallible>((name, None)));
        let placed = Together::new(rows, Arc::new(counts), bound).map(|placed| placed.unwrap());
        let short = |Placed { id, place, what: (name, _) }: Placed<(char, Option<u32>)>| match place {
            None => format!("{id}{name}"),
            Some(Place { session, turn, .. }) => format!("{id}{name}{session}/{turn}"),
        };
        placed.map(short).collect()
    }

    #[test]
    fn turns_come_behind_each_other_and_ids_are_the_file_s() {
        let placed = together("ab.ab.a", &[('a', 3), ('b', 2)], None);
        assert_eq!(placed, ["0a0/0", "3a0/1", "6a0/2", "1b1/0", "4b1/1", "2.", "5."]);
    }

    #[test]
    fn a_file_that_is_cut_gives_what_it_has() {
        assert_eq!(together("a.", &[('a', 3)], None), ["0a0/0", "1."]);
    }

    #[test]
    fn turns_beyond_a_bound_are_dropped_and_take_no_id() {
        let sessions = Sessions { turns: "2".parse().unwrap(), abandon: Share::NONE };
        let bound = Some(Bound { sessions, seed: 0 });
        let placed = together("aba.aab", &[('a', 4), ('b', 2)], bound);
        assert_eq!(placed, ["0a0/0", "2a0/1", "1b1/0", "4b1/1", "3."]);
    }

    #[test]
    fn a_name_that_comes_again_is_another_conversation() {
        let rows = [('a', Some(2)), ('a', Some(2)), ('a', Some(1)), ('b', Some(1))];
        let placed = Together::new(rows.into_iter().map(Ok::<_, Infallible>), Arc::default(), None);
        let sessions: Vec<_> = placed.map(|placed| placed.unwrap().place.unwrap().session).collect();
        assert_eq!(sessions, [0, 0, 1, 2]);
    }
}
