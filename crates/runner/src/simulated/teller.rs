//! What the requests of a run in virtual time say, as far as somebody needs it: rows with texts, the plan's digest, and what a
//! prefix cache may find. Asked in the plan's order. Knows no engine.

use metron_units::Share;
use metron_workload::trace::Shared;
use metron_workload::{PlanDigest, PlannedRequest, Prefix};

use crate::feeder::KeepTexts;
use crate::script::{Composer, ScriptError};

/// Prompts of so many tokens in all are made for the digest's sake: about a second's work. Beyond them it is not known.
const MOST_FOR_A_DIGEST: u64 = 64 << 20;

/// Tells what requests say.
pub(super) struct Teller {
    composer: Composer,
    /// Whether rows have texts.
    keeps: bool,
    digest: Option<PlanDigest>,
    told: u64,
}

/// One request of the plan, with what is needed of its words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) request: PlannedRequest,
    /// If texts are kept.
    pub(super) prompt: Option<String>,
    /// The beginning that it shares with others.
    pub(super) prefix: Option<Prefix>,
}

impl Teller {
    pub(super) fn new(composer: Composer, texts: KeepTexts) -> Self {
        let keeps = texts == KeepTexts::Yes;
        Self { composer, keeps, digest: Some(PlanDigest::default()), told: 0 }
    }

    /// Tells of the plan's next request.
    ///
    /// # Errors
    /// If a prompt cannot be made, or the trace no longer says what it said.
    pub(super) fn tell(&mut self, request: PlannedRequest) -> Result<Told, ScriptError> {
        self.told = self.told.saturating_add(request.own_tokens().get());
        if self.told > MOST_FOR_A_DIGEST {
            self.digest = None;
        }
        let (prompt, shared) = match &mut self.digest {
            None if !self.keeps => (None, self.composer.script.shares(&request)?),
            digest => {
                let mut aside = PlanDigest::default();
                let said = self.composer.tell(&request, digest.as_mut().unwrap_or(&mut aside))?;
                (Some(said.prompt).filter(|_| self.keeps), said.shared)
            }
        };
        let prefix = match shared {
            Shared::Group { group, tokens } => Some(Prefix { group, tokens }),
            // The engine's cache knows beginnings by one name, and blocks have many.
            Shared::Nothing | Shared::Blocks { .. } => None,
        };
        Ok(Told { request, prompt, prefix })
    }

    /// Of what is left nobody is told: there is no digest of the whole.
    pub(super) fn forgo(&mut self) {
        self.digest = None;
    }

    pub(super) fn digest(&self) -> Option<PlanDigest> {
        self.digest
    }

    pub(super) fn reuse(&self) -> Option<Share> {
        self.composer.script.reuse()
    }
}
