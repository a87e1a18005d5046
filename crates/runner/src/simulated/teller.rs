//! What the requests of a run in virtual time say, as far as somebody needs it: rows with texts, the plan's digest, and what a
//! prefix cache may find. Asked in the plan's order. Knows no engine.

use metron_units::Share;
use metron_workload::trace::Shared;
use metron_workload::{Plan, PlanDigest, PlannedRequest};

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
    /// What it shares with others.
    pub(super) shared: Shared,
}

impl Teller {
    pub(super) fn new(composer: Composer, texts: KeepTexts) -> Self {
        let keeps = texts == KeepTexts::Yes;
        let digest = (!is_surely_too_long(&composer.plan)).then(PlanDigest::default);
        Self { composer, keeps, digest, told: 0 }
    }

    /// The same, for a run whose plan nobody compares: then no prompt need be made for its digest.
    pub(super) fn without_digest(self) -> Self {
        Self { digest: None, ..self }
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
        Ok(Told { request, prompt, shared })
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

/// Whether a plan of known requests has more tokens than a digest is made of: then no prompt need be made in vain.
fn is_surely_too_long(plan: &Plan) -> bool {
    let (limit, pattern) = (plan.config().limit, plan.pattern());
    let (Some(requests), None) = (limit.requests, limit.duration) else { return false };
    if pattern.has_sessions() || pattern.replay.is_some() {
        return false;
    }
    let mut left = MOST_FOR_A_DIGEST;
    (0..requests).any(|k| match left.checked_sub(plan.lengths(k).input_tokens.get()) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    })
}
