//! What a client counts of its connections. It opens none.

/// The connections of a client so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ConnectionCounts {
    /// Connections to the target that were opened.
    pub opened: u64,
    /// Those of them that speak HTTP/2.
    pub http2: u64,
    /// Those of them that were opened ahead of their use.
    pub ahead: u64,
    /// Requests that were the first on a connection opened ahead: they did not wait for it.
    pub warm: u64,
}

impl std::ops::AddAssign for ConnectionCounts {
    fn add_assign(&mut self, more: Self) {
        self.opened += more.opened;
        self.http2 += more.http2;
        self.ahead += more.ahead;
        self.warm += more.warm;
    }
}
