//! Walks the plan ahead of time, on a thread of its own: prompts are made, bodies serialised, and handed to the workers'
//! queues before their instant comes. Knows no connection and no clock.

use std::sync::Arc;

use metron_units::Tokens;
use metron_wire::{RequestShape, Target};
use metron_workload::{Load, Plan, PlanDigest, PlannedPhase, PlannedRequest, PromptError, Prompts};
use serde_json::{Map, Value};

use crate::queue::{Closed, Queue};
use crate::worker::Job;

/// What a job takes besides its texts, about.
const JOB_BYTES: usize = 256;

/// What all requests of a run have in common.
pub(crate) struct Feeder {
    pub(crate) plan: Plan,
    pub(crate) prompts: Prompts,
    pub(crate) target: Arc<Target>,
    pub(crate) model: String,
    pub(crate) extra: Option<Map<String, Value>>,
    pub(crate) texts: KeepTexts,
    /// One for all workers, or one for each.
    pub(crate) queues: Arc<[Arc<Queue<Job>>]>,
}

/// Whether prompts are kept in the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeepTexts {
    Yes,
    No,
}

/// What became of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Fed {
    /// Requests of the plan: for one without end, those that were made.
    pub(crate) warmup: u64,
    pub(crate) measured: u64,
    /// Of the whole plan; `None` if the run ended before it.
    pub(crate) digest: Option<PlanDigest>,
    /// Lengths that were drawn out of bounds and moved to the nearer one.
    pub(crate) clamped: u64,
}

impl Feeder {
    /// Feeds until the plan is over or nothing more is wanted. Of an open loop the rest is then counted.
    ///
    /// # Errors
    /// If a prompt cannot be made.
    pub(crate) fn feed(mut self) -> Result<Fed, PromptError> {
        let mut fed = Fed::default();
        let mut digest = PlanDigest::default();
        let mut wanted = true;
        while let Some(request) = self.plan.next() {
            fed.count(&request);
            if wanted {
                let job = self.job(request, &mut digest)?;
                wanted = self.push(job).is_ok();
            }
            if !wanted && matches!(self.plan.config().load, Load::Closed { .. }) {
                break;
            }
        }
        for queue in self.queues.iter() {
            queue.finish();
        }
        Ok(Fed { digest: wanted.then_some(digest), clamped: self.plan.clamped(), ..fed })
    }

    fn job(&self, request: PlannedRequest, digest: &mut PlanDigest) -> Result<Job, PromptError> {
        let prompt = self.prompts.text(request.id, request.input_tokens)?;
        digest.add(&request, &prompt);
        let shape = RequestShape {
            model: &self.model,
            prompt: &prompt,
            max_tokens: Tokens::get(request.output_tokens),
            extra: self.extra.as_ref(),
        };
        let body = self.target.endpoint().dialect().body(&shape);
        let kept = (self.texts == KeepTexts::Yes).then_some(prompt);
        let bytes = JOB_BYTES + body.len() + kept.as_ref().map_or(0, String::len);
        Ok(Job { request, prepared: self.target.prepare(body), prompt: kept, bytes })
    }

    fn push(&self, job: Job) -> Result<(), Closed> {
        let turn = usize::try_from(job.request.id % self.queues.len() as u64).expect("less than a length");
        let bytes = job.bytes;
        self.queues[turn].push(job, bytes)
    }
}

impl Fed {
    fn count(&mut self, request: &PlannedRequest) {
        match request.phase {
            PlannedPhase::Warmup => self.warmup += 1,
            PlannedPhase::Measured | PlannedPhase::ByClock => self.measured += 1,
        }
    }
}
