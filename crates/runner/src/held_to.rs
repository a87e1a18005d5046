//! What each request is held to: one deadline for all first tokens, or what a prefill profile gives for the prompt's length, and a
//! slack upon it. METRICS.md, *Deadlines*. Reads no file.

use std::sync::Arc;

use metron_metrics::Deadlines;
use metron_results::score::ByPrompt;
use metron_units::{Nanos, Tokens};

use crate::search::prefill::Profile;

/// Gives each request its deadlines.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldTo {
    first: First,
    tbt: Nanos,
}

#[derive(Debug, Clone, PartialEq)]
enum First {
    Constant(Nanos),
    Profile { profile: Arc<Profile>, slack: Nanos },
}

impl From<Deadlines> for HeldTo {
    fn from(deadlines: Deadlines) -> Self {
        Self { first: First::Constant(deadlines.ttft), tbt: deadlines.tbt }
    }
}

impl HeldTo {
    /// Of requests whose first token may take what `profile` says and `slack` more.
    #[must_use]
    pub fn profile(profile: Arc<Profile>, slack: Nanos, tbt: Nanos) -> Self {
        Self { first: First::Profile { profile, slack }, tbt }
    }

    /// What was said: of a profile the slack upon it stands for the first token's deadline.
    #[must_use]
    pub fn stated(&self) -> Deadlines {
        let ttft = match &self.first {
            First::Constant(ttft) | First::Profile { slack: ttft, .. } => *ttft,
        };
        Deadlines { ttft, tbt: self.tbt }
    }

    /// The deadlines of a request whose prompt was planned to have so many tokens. Beyond what a profile was measured for its curve is
    /// followed on.
    #[must_use]
    pub fn of(&self, planned: Tokens) -> Deadlines {
        let ttft = match &self.first {
            First::Constant(ttft) => *ttft,
            First::Profile { profile, slack } => profile.extrapolate(planned).ttft.saturating_add(*slack),
        };
        Deadlines { ttft, tbt: self.tbt }
    }
}

/// What recorded requests are held to by a profile: no further than it was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Profiled {
    /// TTFT by the prompt's length.
    pub profile: Profile,
    /// What the first token may take beyond it.
    pub slack: Nanos,
}

impl ByPrompt for Profiled {
    fn deadline(&self, prompt: Tokens) -> Result<Nanos, String> {
        let alone = self.profile.at(prompt).map_err(|outside| outside.to_string())?;
        Ok(alone.saturating_add(self.slack))
    }
}
