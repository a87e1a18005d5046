//! How much of all prompts a server could answer from a prefix cache that never forgets. Knows no format and no engine.
//!
//! The share is an upper bound of what any prefix cache can save: nothing is ever evicted, and what one request brought is
//! there for the next one at once. Memory is bounded: past [`MOST_NAMES`] distinct blocks, new ones are not remembered and
//! the share is a lower bound, which [`Reuse::is_complete`] tells.

use std::collections::{HashMap, HashSet};

use metron_units::{Share, Tokens};

use crate::plan::Plan;
use crate::trace::Shared;

/// How many distinct blocks and groups are remembered: some 200 MB.
pub const MOST_NAMES: usize = 8 << 20;

/// An infinite prefix cache that counts what it could have answered.
#[derive(Debug)]
pub struct Reuse {
    blocks: HashSet<u64>,
    /// The longest prefix of each group so far.
    groups: HashMap<u64, Tokens>,
    input: u64,
    reused: u64,
    is_complete: bool,
    most: usize,
}

impl Default for Reuse {
    fn default() -> Self {
        Self::bounded(MOST_NAMES)
    }
}

impl Reuse {
    /// As the default, remembering `most` names.
    #[must_use]
    pub fn bounded(most: usize) -> Self {
        Self { blocks: HashSet::new(), groups: HashMap::new(), input: 0, reused: 0, is_complete: true, most }
    }

    /// Sends a prompt of `input` tokens through the cache, and gives how many of them it held.
    pub fn add(&mut self, shared: &Shared, input: Tokens) -> Tokens {
        let reused = match shared {
            Shared::Nothing => 0,
            Shared::Blocks { ids, size } => self.blocks(ids).saturating_mul(size.get()),
            Shared::Group { group, tokens } => self.group(*group, (*tokens).min(input)),
        };
        let reused = reused.min(input.get());
        self.input = self.input.saturating_add(input.get());
        self.reused = self.reused.saturating_add(reused);
        Tokens::new(reused)
    }

    /// The same of a turn whose prompt begins with `history` tokens of its session, all of which the cache holds; what is shared
    /// comes behind them.
    pub fn add_after(&mut self, history: Tokens, shared: &Shared, input: Tokens) -> Tokens {
        let history = history.min(input);
        let reused = history + self.add(shared, Tokens::new(input.get() - history.get()));
        self.input = self.input.saturating_add(history.get());
        self.reused = self.reused.saturating_add(history.get());
        reused
    }

    /// How many blocks from the first on are known; all are remembered.
    fn blocks(&mut self, ids: &[u64]) -> u64 {
        let mut known = 0;
        let mut unbroken = true;
        for id in ids {
            let is_known = self.blocks.contains(id);
            if !is_known && self.has_room() {
                self.blocks.insert(*id);
            }
            unbroken &= is_known;
            known += u64::from(unbroken);
        }
        known
    }

    fn group(&mut self, group: u64, tokens: Tokens) -> u64 {
        match self.groups.get_mut(&group) {
            Some(longest) => {
                let reused = tokens.min(*longest);
                *longest = tokens.max(*longest);
                reused.get()
            }
            None => {
                if self.has_room() {
                    self.groups.insert(group, tokens);
                }
                0
            }
        }
    }

    fn has_room(&mut self) -> bool {
        let has_room = self.blocks.len() + self.groups.len() < self.most;
        self.is_complete &= has_room;
        has_room
    }

    /// The share of all input tokens that was in the cache; `None` before the first.
    #[must_use]
    pub fn share(&self) -> Option<Share> {
        Share::of(self.reused, self.input)
    }

    /// The tokens that were in the cache.
    #[must_use]
    pub fn reused(&self) -> Tokens {
        Tokens::new(self.reused)
    }

    /// Whether every block was remembered; if not, the share is a lower bound.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }
}

/// What a prefix cache could save of the prompts that a plan makes. Walks the plan; does not end for one without end.
#[must_use]
pub fn of_plan(plan: Plan) -> Reuse {
    let mut reuse = Reuse::default();
    let mut walked = plan;
    while let Some(request) = walked.next() {
        let prefix = walked.prefix(request.id, request.input_tokens);
        reuse.add(&Shared::of(prefix), request.input_tokens);
    }
    reuse
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(ids: &[u64]) -> Shared {
        Shared::Blocks { ids: ids.to_vec(), size: Tokens::new(16) }
    }

    fn check(reuse: &mut Reuse, shared: &Shared, input: u64, reused: u64) {
        assert_eq!(reuse.add(shared, Tokens::new(input)), Tokens::new(reused), "{shared:?}");
    }

    #[test]
    fn a_prefix_is_reused_up_to_the_first_new_block() {
        let mut reuse = Reuse::default();
        assert_eq!(reuse.share(), None);
        check(&mut reuse, &blocks(&[1, 2, 3]), 48, 0);
        check(&mut reuse, &blocks(&[1, 2, 9, 3]), 64, 32);
        check(&mut reuse, &blocks(&[1, 2, 3]), 40, 40);
        check(&mut reuse, &Shared::Nothing, 48, 0);
        assert_eq!(reuse.share(), Share::of(72, 200));
        assert!(reuse.is_complete());
    }

    #[test]
    fn a_group_is_reused_as_far_as_it_was_seen() {
        let mut reuse = Reuse::default();
        let group = |group, tokens| Shared::Group { group, tokens: Tokens::new(tokens) };
        check(&mut reuse, &group(1, 100), 300, 0);
        check(&mut reuse, &group(1, 200), 300, 100);
        check(&mut reuse, &group(1, 200), 150, 150);
        check(&mut reuse, &group(2, 200), 300, 0);
    }

    #[test]
    fn the_reuse_of_a_plan_is_all_but_the_first_beginning_of_each_group() {
        use metron_units::{Nanos, Rate};

        use crate::plan::{Arrivals, Limit, Load, Pattern, PlanConfig, Warmup};
        let config = PlanConfig {
            seed: 1,
            load: Load::Open { rate: Rate::per_second(1.0).unwrap(), arrivals: Arrivals::Poisson },
            limit: Limit { requests: Some(1000), duration: None },
            warmup: Warmup::None,
            ramp_up: Nanos::ZERO,
            input_tokens: "400".parse().unwrap(),
            output_tokens: "1".parse().unwrap(),
        };
        let plain = of_plan(Plan::new(config.clone()).unwrap());
        assert_eq!(plain.share(), Share::of(0, 1));
        let pattern = Pattern { prefixes: Some("groups:4,100".parse().unwrap()), ..Pattern::default() };
        let shared = of_plan(Plan::patterned(config, pattern).unwrap());
        assert_eq!(shared.share(), Share::of(996 * 100, 1000 * 400));
    }

    #[test]
    fn past_its_bound_the_share_says_that_it_is_a_lower_one() {
        let mut reuse = Reuse::bounded(2);
        check(&mut reuse, &blocks(&[1, 2, 3]), 48, 0);
        check(&mut reuse, &blocks(&[1, 2, 3]), 48, 32);
        assert!(!reuse.is_complete());
    }
}
