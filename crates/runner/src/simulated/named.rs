//! What an engine's blocks of a prompt are called, where others may find them: those of a group's beginning, those that a trace has
//! names for, and those of a conversation, whose turns all begin alike. Knows no text: the names stand for it.

use std::hash::{DefaultHasher, Hash, Hasher};

use metron_sim::engine::BlockName;
use metron_units::Tokens;
use metron_workload::PlannedRequest;
use metron_workload::trace::Shared;

/// What a prompt begins with, or every prompt of a conversation until that is cut down and begins anew.
#[derive(Debug)]
pub(super) struct Beginning {
    /// The session, and which of its turns said it first; `None` of a request by itself.
    since: Option<(u64, u32)>,
    /// What others begin with too.
    shared: Shared,
    /// The length of the prompt that said it first.
    tokens: Tokens,
}

/// Whose tokens a name stands for.
#[derive(Debug, Clone, Copy, Hash)]
enum Whose {
    Group(u64),
    Trace,
    Session(u64, u32),
}

impl Beginning {
    /// That of a request which no words precede.
    pub(super) fn of(request: &PlannedRequest, shared: Shared) -> Self {
        let since = request.turn.map(|turn| (turn.session, turn.turn));
        Self { since, shared, tokens: request.own_tokens() }
    }

    /// The names of the full blocks of `block` tokens in a prompt of `prompt` tokens that begins so, from the first on. A block is
    /// named by all that lies before its end, as a server names it that reads the text. Of a request by itself, what it shares with
    /// nobody has no name.
    pub(super) fn blocks(&self, prompt: Tokens, block: u64) -> Vec<BlockName> {
        let block = block.max(1);
        let first = prompt.min(self.tokens).get();
        let mut names: Vec<BlockName> = match &self.shared {
            Shared::Group { group, tokens } => {
                ends(0, first.min(tokens.get()), block).map(|end| name(Whose::Group(*group), end)).collect()
            }
            Shared::Blocks { ids, size } => traced(ids, *size, first, block),
            Shared::Nothing => Vec::new(),
        };
        if let Some((session, turn)) = self.since {
            let named = names.len() as u64;
            names.extend(ends(named, prompt.get(), block).map(|end| name(Whose::Session(session, turn), end)));
        }
        names
    }
}

/// Where the full blocks within `tokens` end, behind the first `named`.
fn ends(named: u64, tokens: u64, block: u64) -> impl Iterator<Item = u64> {
    (named + 1..=tokens / block).map(move |place| place * block)
}

fn name(whose: Whose, end: u64) -> BlockName {
    let mut hasher = DefaultHasher::new();
    whose.hash(&mut hasher);
    upto(hasher, end)
}

fn upto(mut hasher: DefaultHasher, end: u64) -> BlockName {
    hasher.write_u64(end);
    BlockName::new(hasher.finish())
}

/// The names within the first `tokens` of a prompt, of which `ids` name `size` each.
fn traced(ids: &[u64], size: Tokens, tokens: u64, block: u64) -> Vec<BlockName> {
    let size = size.get().max(1);
    let covered = tokens.min(size.saturating_mul(ids.len() as u64));
    let mut hasher = DefaultHasher::new();
    Whose::Trace.hash(&mut hasher);
    let (mut ids, mut read) = (ids.iter(), 0);
    let ends = ends(0, covered, block);
    ends.map(|end| {
        while read < end {
            ids.next().into_iter().for_each(|id| hasher.write_u64(*id));
            read += size;
        }
        upto(hasher.clone(), end)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Option<(u64, u32)> = None;

    fn beginning(since: Option<(u64, u32)>, shared: &Shared, tokens: u64) -> Beginning {
        Beginning { since, shared: shared.clone(), tokens: Tokens::new(tokens) }
    }

    /// How many blocks of 16 tokens the two prompts of these lengths have in common, and how many of each have names.
    #[track_caller]
    fn check(one: (&Beginning, u64), other: (&Beginning, u64), expected: (usize, usize, usize)) {
        let [one, other] = [one, other].map(|(beginning, prompt)| beginning.blocks(Tokens::new(prompt), 16));
        let in_common = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
        assert_eq!((in_common, one.len(), other.len()), expected);
        assert!(one[in_common..].iter().all(|name| !other.contains(name)), "what comes after a difference differs");
    }

    #[track_caller]
    fn check_traced(one: (&[u64], u64), other: (&[u64], u64), expected: (usize, usize, usize)) {
        let [(one, first), (other, second)] = [one, other].map(|(ids, prompt)| {
            let shared = Shared::Blocks { ids: ids.to_vec(), size: Tokens::new(24) };
            (beginning(ALONE, &shared, prompt), prompt)
        });
        check((&one, first), (&other, second), expected);
    }

    #[test]
    fn prompts_have_the_blocks_in_common_that_their_names_begin_with() {
        // 48 tokens in common are three blocks; a block that reaches into another name is another.
        check_traced((&[1, 2, 3], 72), (&[1, 2, 4], 72), (3, 4, 4));
        check_traced((&[1, 2], 48), (&[1, 3], 48), (1, 3, 3));
        check_traced((&[1, 2], 48), (&[2, 1], 48), (0, 3, 3));
        // What the last name covers ends with the prompt, and what lies behind all of them has no name.
        check_traced((&[1, 2], 40), (&[1, 2], 1_000), (2, 2, 3));
        check_traced((&[], 40), (&[1], 15), (0, 0, 0));
    }

    #[test]
    fn a_conversation_begins_as_its_group_does_and_every_turn_as_the_one_before() {
        let group = |group| Shared::Group { group, tokens: Tokens::new(40) };
        let session = |since, of| beginning(Some(since), &group(of), 100);
        let first = session((1, 0), 3);
        check((&first, 100), (&first, 300), (6, 6, 18));
        check((&first, 300), (&session((2, 0), 3), 300), (2, 18, 18));
        check((&first, 300), (&session((2, 0), 4), 300), (0, 18, 18));
        check((&first, 300), (&beginning(ALONE, &group(3), 300), 300), (2, 18, 2));
        // Begun anew it has lost what it was, but for what its group has.
        check((&first, 300), (&session((1, 5), 3), 300), (2, 18, 18));
    }

    #[test]
    fn what_others_begin_with_ends_with_the_prompt_that_said_it() {
        let ids = Shared::Blocks { ids: vec![1, 2, 3], size: Tokens::new(24) };
        let [first, second] = [(1, 0), (2, 0)].map(|since| beginning(Some(since), &ids, 35));
        check((&first, 160), (&second, 160), (2, 10, 10));
    }
}
