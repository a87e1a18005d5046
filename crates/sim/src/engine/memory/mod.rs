//! The KV memory of one instance: blocks of tokens, handed out, shared and taken back. Knows sequences, no scheduler.

mod free_list;
mod prefix_cache;

use free_list::FreeList;
use prefix_cache::{Content, Owner, PrefixCache};

use super::sequence::Sequence;

/// One block of KV memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BlockId(u32);

impl BlockId {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Whether full blocks can be found again by what they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrefixCaching {
    On,
    Off,
}

/// The size of an instance's memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MemorySize {
    pub(crate) blocks: u32,
    pub(crate) block_size: u32,
}

impl MemorySize {
    /// Blocks that hold `tokens`.
    pub(crate) fn need(self, tokens: u64) -> u64 {
        tokens.div_ceil(u64::from(self.block_size))
    }
}

/// How the memory of one instance is used at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUse {
    /// All blocks there are.
    pub blocks: u64,
    /// Those that may be handed out.
    pub free: u64,
    /// Those that at least one sequence holds, counted one by one.
    pub held: u64,
}

/// What a lookup found: the first `blocks` blocks of a sequence, of which nobody uses `unused` at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) blocks: u64,
    pub(crate) unused: u64,
}

#[derive(Debug)]
pub(crate) struct Memory {
    size: MemorySize,
    free: FreeList,
    users: Vec<u32>,
    cache: Option<PrefixCache>,
}

impl Memory {
    pub(crate) fn new(size: MemorySize, caching: PrefixCaching) -> Self {
        Self {
            size,
            free: FreeList::full(size.blocks),
            users: vec![0; size.blocks as usize],
            cache: (caching == PrefixCaching::On).then(|| PrefixCache::new(size.blocks)),
        }
    }

    pub(crate) fn need(&self, tokens: u64) -> u64 {
        self.size.need(tokens)
    }

    pub(crate) fn block_size(&self) -> u64 {
        u64::from(self.size.block_size)
    }

    pub(crate) fn blocks(&self) -> u64 {
        u64::from(self.size.blocks)
    }

    pub(crate) fn free(&self) -> u64 {
        u64::from(self.free.len())
    }

    pub(crate) fn used(&self) -> MemoryUse {
        let held = self.users.iter().filter(|&&users| users > 0).count() as u64;
        MemoryUse { blocks: self.blocks(), free: self.free(), held }
    }

    /// Hands out blocks until `held` covers `tokens`. The caller has seen that enough are free.
    pub(crate) fn cover(&mut self, held: &mut Vec<BlockId>, tokens: u64) {
        // A product, since a division for each token would be felt.
        while held.len() as u64 * u64::from(self.size.block_size) < tokens {
            let block = self.free.take_head().expect("the scheduler looked at the free blocks before it took any");
            if let Some(cache) = &mut self.cache {
                cache.forget(block);
            }
            self.users[block.index()] = 1;
            held.push(block);
        }
    }

    /// Takes all blocks of a sequence back; those that nobody else uses go to the tail, last block first.
    pub(crate) fn release(&mut self, held: &mut Vec<BlockId>) {
        for block in held.drain(..).rev() {
            let users = &mut self.users[block.index()];
            *users -= 1;
            if *users == 0 {
                self.free.put_tail(block);
            }
        }
    }

    /// The longest run of known blocks from the sequence's start that leaves at least one token to compute.
    pub(crate) fn find(&self, sequence: &Sequence) -> Found {
        let mut found = Found { blocks: 0, unused: 0 };
        let Some(cache) = &self.cache else { return found };
        let most = (sequence.length() - 1) / u64::from(self.size.block_size);
        while found.blocks < most {
            let Some(block) = cache.find(self.content(sequence, found.blocks as usize)) else { break };
            found.blocks += 1;
            found.unused += u64::from(self.users[block.index()] == 0);
        }
        found
    }

    /// Gives a sequence that holds nothing the blocks that [`Memory::find`] found for it: their tokens count as computed.
    pub(crate) fn adopt(&mut self, sequence: &mut Sequence, found: Found) {
        for place in 0..found.blocks as usize {
            let content = self.content(sequence, place);
            let cache = self.cache.as_ref().expect("without a cache nothing is found");
            let block = cache.find(content).expect("nothing was taken since the lookup");
            if self.users[block.index()] == 0 {
                self.free.leave(block);
            }
            self.users[block.index()] += 1;
            sequence.held.push(block);
        }
        sequence.computed = found.blocks * u64::from(self.size.block_size);
    }

    /// The blocks that `tokens` more computed tokens fill are known from now on.
    pub(crate) fn learn(&mut self, sequence: &Sequence, tokens: u64) {
        if self.cache.is_none() {
            return;
        }
        let block_size = u64::from(self.size.block_size);
        for place in sequence.computed / block_size..(sequence.computed + tokens) / block_size {
            let content = self.content(sequence, place as usize);
            if let Some(cache) = &mut self.cache {
                cache.learn(content, sequence.held[place as usize]);
            }
        }
    }

    fn content(&self, sequence: &Sequence, place: usize) -> Content {
        let end = (place as u64 + 1) * u64::from(self.size.block_size);
        let owner = match (sequence.names.get(place), sequence.shared) {
            (Some(&name), _) => Owner::All(name),
            (None, Some(shared)) if end <= shared.tokens.get().min(sequence.prompt) => Owner::Group(shared.group),
            _ => Owner::Request(sequence.id.get()),
        };
        Content { owner, place }
    }
}
