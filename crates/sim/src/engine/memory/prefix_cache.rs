//! Which blocks are known by what they hold. Knows no refcounts: a block stays known until it is taken for something else.

use std::collections::HashMap;

use super::super::request::BlockName;
use super::BlockId;

/// Whose tokens a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Owner {
    /// All requests of a group: the block lies wholly inside their shared prefix.
    Group(u64),
    /// Whoever has the same tokens from the start.
    All(BlockName),
    /// One request alone.
    Request(u64),
}

/// What a full block holds: the tokens at its place of the owner's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Content {
    pub(super) owner: Owner,
    pub(super) place: usize,
}

/// Two requests may compute the same content before either can find it: then both blocks are known, and the one known
/// longest is found. Those of one content form a chain in the order in which they became known.
#[derive(Debug)]
pub(super) struct PrefixCache {
    chains: HashMap<Content, Chain>,
    places: Vec<Option<Place>>,
}

#[derive(Debug, Clone, Copy)]
struct Chain {
    first: BlockId,
    last: BlockId,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    content: Content,
    earlier: Option<BlockId>,
    later: Option<BlockId>,
}

impl PrefixCache {
    pub(super) fn new(blocks: u32) -> Self {
        Self { chains: HashMap::new(), places: vec![None; blocks as usize] }
    }

    pub(super) fn find(&self, content: Content) -> Option<BlockId> {
        self.chains.get(&content).map(|chain| chain.first)
    }

    /// From now on `block` is found by `content`. It must not be known yet.
    pub(super) fn learn(&mut self, content: Content, block: BlockId) {
        let mut earlier = None;
        self.chains
            .entry(content)
            .and_modify(|chain| earlier = Some(std::mem::replace(&mut chain.last, block)))
            .or_insert(Chain { first: block, last: block });
        if let Some(before) = earlier {
            self.place(before).later = Some(block);
        }
        self.places[block.index()] = Some(Place { content, earlier, later: None });
    }

    /// `block` is about to hold something else.
    pub(super) fn forget(&mut self, block: BlockId) {
        let Some(Place { content, earlier, later }) = self.places[block.index()].take() else { return };
        if let Some(before) = earlier {
            self.place(before).later = later;
        }
        if let Some(after) = later {
            self.place(after).earlier = earlier;
        }
        match (earlier, later) {
            (None, None) => {
                self.chains.remove(&content);
            }
            (None, Some(after)) => self.chain(content).first = after,
            (Some(before), None) => self.chain(content).last = before,
            (Some(_), Some(_)) => {}
        }
    }

    fn place(&mut self, block: BlockId) -> &mut Place {
        self.places[block.index()].as_mut().expect("a chain links known blocks only")
    }

    fn chain(&mut self, content: Content) -> &mut Chain {
        self.chains.get_mut(&content).expect("a known block's content has a chain")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: Content = Content { owner: Owner::Group(7), place: 0 };

    #[test]
    fn the_block_known_longest_is_found_until_it_is_forgotten() {
        let mut cache = PrefixCache::new(4);
        for block in 0..4 {
            cache.learn(HELLO, BlockId(block));
        }
        for (forgotten, found) in [(2, Some(0)), (0, Some(1)), (3, Some(1)), (1, None)] {
            cache.forget(BlockId(forgotten));
            assert_eq!(cache.find(HELLO), found.map(BlockId));
        }
        cache.learn(HELLO, BlockId(3));
        assert_eq!(cache.find(HELLO), Some(BlockId(3)));
    }

    #[test]
    fn a_request_and_a_group_of_one_number_are_strangers() {
        let mut cache = PrefixCache::new(1);
        cache.learn(HELLO, BlockId(0));
        assert_eq!(cache.find(Content { owner: Owner::Request(7), place: 0 }), None);
        assert_eq!(cache.find(Content { place: 1, ..HELLO }), None);
    }
}
