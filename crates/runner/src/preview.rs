//! What a configuration would send, without a server: request by request, in the plan's order. Sends nothing.

use std::io::Write;

use metron_metrics::Deadlines;
use metron_units::{Nanos, Tokens};
use metron_workload::{Load, Plan, PlanDigest, PlannedRequest, SaveError, Saved, Wording};

use crate::RunConfig;
use crate::error::RunError;
use crate::resolve::Resolved;
pub use crate::script::Texts;
use crate::script::{Composed, Composer, Script, ScriptError};

/// What stands for the model's name where only the server knows it.
pub const UNKNOWN_MODEL: &str = "MODEL";

/// The requests that a run would send: an iterator.
#[derive(Debug)]
pub struct Preview {
    plan: Plan,
    composer: Composer,
    digest: PlanDigest,
}

/// One request that a run would send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Previewed {
    /// Its place in the plan: instant, lengths, phase.
    pub request: PlannedRequest,
    /// How long its user waits after the answer, in a closed loop.
    pub think: Nanos,
    /// Its prompt as one text.
    pub prompt: String,
    /// Its body, as it would go out; of a later turn of a session what it adds, since nobody knows the answers before it.
    pub body: Vec<u8>,
}

impl Preview {
    /// Of a configuration, whose files are read.
    ///
    /// # Errors
    /// What the user has to mend, or a tokenizer of which no prompts can be made.
    pub fn of(config: &RunConfig) -> Result<Self, RunError> {
        let variables = |name: &str| std::env::var(name).ok();
        let resolved = Resolved::of(config, &variables)?;
        let plan = resolved.whole_plan();
        let prompts = resolved.prompts(config.seed)?;
        let composer = Composer {
            script: Script::new(plan.clone(), prompts, resolved.script.clone()).under(template(config)),
            plan: plan.clone(),
            dialect: resolved.spoken,
            shaping: resolved.shaping(
                config,
                config.model.clone().unwrap_or_else(|| UNKNOWN_MODEL.to_owned()),
                resolved.extra.clone(),
            ),
        };
        Ok(Self { plan, composer, digest: PlanDigest::default() })
    }

    /// The plan as far as it is still to come.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether instants are the plan's, and not left to users.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.plan.config().load, Load::Open { .. })
    }

    /// The digest of the requests that were given so far.
    #[must_use]
    pub fn digest(&self) -> PlanDigest {
        self.digest
    }

    /// Writes the plan, from where it is, as a file that replayed is the same plan.
    ///
    /// # Errors
    /// If the plan has no end, a request has nothing to say, or the bytes cannot be written.
    pub fn save(self, texts: Texts, out: impl Write) -> Result<Saved, SaveError> {
        let Self { plan, mut composer, .. } = self;
        let run = composer.shaping.kinds.deadlines.stated();
        let say = |request: &PlannedRequest| -> Result<_, ScriptError> {
            let said = composer.script.say(request)?;
            let carried = composer.carried(request, &said);
            let Deadlines { ttft, tbt } = composer.shaping.kinds.of(&composer.plan, request).deadlines;
            let held_to = [(ttft, run.ttft), (tbt, run.tbt)].map(|(own, run)| Some(own).filter(|&own| own != run));
            Ok(Wording { carried, held_to, ..said.wording(texts) })
        };
        plan.save(say, out)
    }
}

impl Iterator for Preview {
    type Item = Result<Previewed, ScriptError>;

    fn next(&mut self) -> Option<Self::Item> {
        let request = self.plan.next()?;
        let think = self.plan.think_time(request.id);
        let composed = self.composer.compose(&request, &mut self.digest);
        Some(composed.map(|Composed { prompt, body, .. }| Previewed { request, think, prompt, body }))
    }
}

/// What the server is known to add to each prompt.
pub(crate) fn template(config: &RunConfig) -> Tokens {
    Tokens::new(config.template_tokens.unwrap_or(0))
}
