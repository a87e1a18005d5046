//! One shard's part of a plan. Knows no host.

/// Part `index` of `of` equal parts: the requests whose id leaves `index` when divided by `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// The whole plan.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Part `index` of `of`, counted from 0; `None` unless `index` < `of`.
    #[must_use]
    pub const fn new(index: u32, of: u32) -> Option<Self> {
        if index < of { Some(Self { index, of }) } else { None }
    }

    /// Which part.
    #[must_use]
    pub const fn index(self) -> u32 {
        self.index
    }

    /// Of how many parts.
    #[must_use]
    pub const fn of(self) -> u32 {
        self.of
    }

    /// Whether the thing numbered `k`, a request or a user, belongs to this part.
    #[must_use]
    pub fn holds(self, k: u64) -> bool {
        k % u64::from(self.of) == u64::from(self.index)
    }
}
