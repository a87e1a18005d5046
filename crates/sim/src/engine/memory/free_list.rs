//! The blocks that nobody uses, in the order in which they will be taken. Knows nothing of contents.

use super::BlockId;

/// A ring of links with a sentinel behind the last block: taking the head, putting at the tail and leaving from the middle
/// (a found block that nobody used) are all constant time.
#[derive(Debug)]
pub(super) struct FreeList {
    next: Vec<u32>,
    previous: Vec<u32>,
    sentinel: u32,
    len: u32,
}

impl FreeList {
    /// All of `blocks`, lowest first.
    pub(super) fn full(blocks: u32) -> Self {
        let ring = blocks + 1;
        Self {
            next: (0..ring).map(|block| (block + 1) % ring).collect(),
            previous: (0..ring).map(|block| (block + ring - 1) % ring).collect(),
            sentinel: blocks,
            len: blocks,
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.len
    }

    pub(super) fn take_head(&mut self) -> Option<BlockId> {
        let head = BlockId(self.next[self.sentinel as usize]);
        (self.len > 0).then(|| {
            self.leave(head);
            head
        })
    }

    pub(super) fn put_tail(&mut self, BlockId(block): BlockId) {
        let tail = self.previous[self.sentinel as usize];
        self.link(tail, block);
        self.link(block, self.sentinel);
        self.len += 1;
    }

    /// `block` must be in the list.
    pub(super) fn leave(&mut self, BlockId(block): BlockId) {
        self.link(self.previous[block as usize], self.next[block as usize]);
        self.len -= 1;
    }

    fn link(&mut self, first: u32, second: u32) {
        self.next[first as usize] = second;
        self.previous[second as usize] = first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(mut list: FreeList) -> Vec<u32> {
        std::iter::from_fn(|| list.take_head()).map(|BlockId(block)| block).collect()
    }

    #[test]
    fn blocks_are_taken_from_the_head_and_put_at_the_tail() {
        let mut list = FreeList::full(4);
        assert_eq!(list.take_head(), Some(BlockId(0)));
        assert_eq!(list.take_head(), Some(BlockId(1)));
        list.put_tail(BlockId(1));
        list.leave(BlockId(2));
        assert_eq!(list.len(), 2);
        assert_eq!(drained(list), [3, 1]);
    }

    #[test]
    fn an_empty_list_gives_nothing_and_fills_again() {
        let mut list = FreeList::full(1);
        assert_eq!(list.take_head(), Some(BlockId(0)));
        assert_eq!(list.take_head(), None);
        list.put_tail(BlockId(0));
        assert_eq!(drained(list), [0]);
    }
}
