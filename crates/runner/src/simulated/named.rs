//! What an engine's blocks of a prompt are called where the trace has names for the prompt's own. Knows no text: the names of the
//! trace stand for it.

use std::hash::{DefaultHasher, Hasher};

use metron_sim::engine::BlockName;
use metron_units::Tokens;

/// The names of the full blocks of `block` tokens in a prompt of `prompt` tokens, of which `ids` name `size` each, from the first
/// on. A block is named by all that lies before its end, as a server names it that reads the text; what no id covers has no name.
pub(super) fn named(ids: &[u64], size: Tokens, prompt: Tokens, block: u64) -> Vec<BlockName> {
    let size = size.get().max(1);
    let covered = prompt.get().min(size.saturating_mul(ids.len() as u64));
    let mut hasher = DefaultHasher::new();
    let (mut ids, mut read) = (ids.iter(), 0);
    let ends = (1..=covered / block.max(1)).map(|place| place * block);
    ends.map(|end| {
        while read < end {
            ids.next().into_iter().for_each(|id| hasher.write_u64(*id));
            read += size;
        }
        let mut upto = hasher.clone();
        upto.write_u64(end);
        BlockName::new(upto.finish())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many blocks of 16 tokens the two have in common, and how many each has, ids naming 24 tokens.
    #[track_caller]
    fn check(one: (&[u64], u64), other: (&[u64], u64), expected: (usize, usize, usize)) {
        let [one, other] = [one, other].map(|(ids, prompt)| named(ids, Tokens::new(24), Tokens::new(prompt), 16));
        let in_common = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
        assert_eq!((in_common, one.len(), other.len()), expected);
        assert!(one[in_common..].iter().all(|name| !other.contains(name)), "what comes after a difference differs");
    }

    #[test]
    fn prompts_have_the_blocks_in_common_that_their_names_begin_with() {
        // 48 tokens in common are three blocks; a block that reaches into another name is another.
        check((&[1, 2, 3], 72), (&[1, 2, 4], 72), (3, 4, 4));
        check((&[1, 2], 48), (&[1, 3], 48), (1, 3, 3));
        check((&[1, 2], 48), (&[2, 1], 48), (0, 3, 3));
        // What the last name covers ends with the prompt, and what lies behind all of them has no name.
        check((&[1, 2], 40), (&[1, 2], 1_000), (2, 2, 3));
        check((&[], 40), (&[1], 15), (0, 0, 0));
    }
}
