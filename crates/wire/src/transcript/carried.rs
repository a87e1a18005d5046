//! How many tokens the stream itself says that its chunks carry: listed one by one, or by a usage that runs with the events.

/// How many tokens the stream itself says that its chunks carry.
#[derive(Default)]
pub(super) struct Carried {
    /// From what it is known, decided by the first bearing chunk.
    source: Option<Source>,
    /// The running usage's last total.
    total: u64,
    /// Tokens of events without text: they belong to the next bearing chunk.
    waiting: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The events list their tokens.
    Listed,
    /// A usage that runs with the events.
    RunningUsage,
    /// Nothing, or something that a later chunk lacked.
    Unknown,
}

impl Carried {
    /// Takes note of one event; returns the tokens that it brings by each way of knowing, not yet given to a chunk.
    pub(super) fn event(&mut self, listed: Option<u64>, total: Option<u64>) -> Brought {
        let growth = total.map(|total| {
            let growth = total.saturating_sub(self.total);
            self.total = self.total.max(total);
            growth
        });
        let brought = Brought { listed, growth };
        self.waiting = self.waiting.saturating_add(brought.by(self.source).unwrap_or(0));
        brought
    }

    /// The event bears a chunk: what that carries, if the stream says so.
    pub(super) fn chunk(&mut self, brought: Brought) -> Option<u32> {
        if self.source.is_none() {
            self.source = Some(match brought {
                Brought { listed: Some(listed @ 1..), .. } => {
                    // Lists come with their text: what a usage counted before this is no part of them.
                    self.waiting = listed;
                    Source::Listed
                }
                Brought { growth: Some(_), .. } => Source::RunningUsage,
                Brought { growth: None, .. } => Source::Unknown,
            });
        }
        if brought.by(self.source).is_none() {
            self.source = Some(Source::Unknown);
            return None;
        }
        u32::try_from(std::mem::take(&mut self.waiting)).ok()
    }

    /// Whether no chunk has lacked its tokens.
    pub(super) fn is_known(&self) -> bool {
        self.source != Some(Source::Unknown)
    }

    /// Tokens that belong to the next bearing chunk.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }
}

/// The tokens of one event.
#[derive(Clone, Copy)]
pub(super) struct Brought {
    listed: Option<u64>,
    growth: Option<u64>,
}

impl Brought {
    fn by(self, source: Option<Source>) -> Option<u64> {
        match source {
            Some(Source::Listed) => self.listed,
            Some(Source::RunningUsage) | None => self.growth,
            Some(Source::Unknown) => None,
        }
    }
}
