//! Walks the plan ahead of time, on a thread of its own: prompts are made, bodies serialised, and handed to the workers'
//! queues before their instant comes. Knows no connection and no clock.

use std::sync::Arc;

use metron_units::Share;
use metron_wire::Target;
use metron_workload::{Load, Plan, PlanDigest, PlannedPhase, PlannedRequest};

use crate::asked::AskedFor;
use crate::queue::{Closed, Queue};
use crate::script::{Composed, Composer, ScriptError, TraceFileError};
use crate::worker::Job;

/// What a job takes besides its texts, about.
const JOB_BYTES: usize = 256;

/// What all requests of a run have in common.
pub(crate) struct Feeder {
    pub(crate) plan: Plan,
    /// Of the same plan.
    pub(crate) composer: Composer,
    pub(crate) target: Arc<Target>,
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
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Fed {
    /// Requests of the plan: for one without end, those that were made.
    pub(crate) warmup: u64,
    pub(crate) measured: u64,
    /// Of the whole plan; `None` if the run ended before it.
    pub(crate) digest: Option<PlanDigest>,
    /// Lengths that were drawn out of bounds and moved to the nearer one.
    pub(crate) clamped: u64,
    /// What the plan asks for.
    pub(crate) asked: AskedFor,
    /// What a prefix cache that never forgets could have answered of all prompt tokens; `None` where no prompts were made.
    pub(crate) reuse: Option<Share>,
}

impl Feeder {
    /// Feeds until the plan is over or nothing more is wanted. Of an open loop the rest is then counted.
    ///
    /// # Errors
    /// If a prompt cannot be made, or the trace no longer says what it said.
    pub(crate) fn feed(mut self) -> Result<Fed, ScriptError> {
        let mut fed = Fed::default();
        let mut digest = PlanDigest::default();
        let mut wanted = true;
        let mut next = self.plan.next();
        while let Some(request) = next {
            fed.count(&request);
            let mut later = Vec::new();
            next = self.plan.next();
            // The turns of a session follow its first, and go to whoever sends that.
            while let Some(turn) = next.filter(|turn| !turn.is_first()) {
                fed.count(&turn);
                later.push(turn);
                next = self.plan.next();
            }
            if wanted {
                let job = self.job(request, &later, &mut digest)?;
                wanted = self.push(job).is_ok();
            }
            if !wanted && matches!(self.plan.config().load, Load::Closed { .. }) {
                break;
            }
        }
        for queue in self.queues.iter() {
            queue.finish();
        }
        if let Some(source) = self.plan.fault() {
            return Err(TraceFileError::Fault { source }.into());
        }
        let reuse = self.composer.script.reuse();
        Ok(Fed { digest: wanted.then_some(digest), clamped: self.plan.clamped(), reuse, ..fed })
    }

    fn job(
        &mut self,
        request: PlannedRequest,
        later: &[PlannedRequest],
        digest: &mut PlanDigest,
    ) -> Result<Job, ScriptError> {
        let (Composed { prompt, body, class, headers }, talk) = match request.turn {
            None => (self.composer.compose(&request, digest)?, None),
            Some(_) => {
                let (first, talk) = self.composer.compose_session(&request, later, self.texts, digest)?;
                (first, Some(Box::new(talk)))
            }
        };
        let kept = (self.texts == KeepTexts::Yes).then_some(prompt);
        let ahead = talk.as_ref().map_or(0, |talk| talk.bytes());
        Ok(Job {
            request,
            kind: self.composer.shaping.kinds.of(&self.plan, &request),
            bytes: JOB_BYTES + body.len() + kept.as_ref().map_or(0, String::len) + ahead,
            prepared: self.target.prepare_with(class, &headers, body),
            prompt: kept,
            leave: self.plan.leave(&request),
            think: self.composer.think(&request, later.first()),
            talk,
        })
    }

    fn push(&self, job: Job) -> Result<(), Closed> {
        let turn = usize::try_from(job.request.id % self.queues.len() as u64).expect("less than a length");
        let bytes = job.bytes;
        self.queues[turn].push(job, bytes)
    }
}

impl Fed {
    pub(crate) fn count(&mut self, request: &PlannedRequest) {
        self.asked.add(request);
        match request.phase {
            PlannedPhase::Warmup => self.warmup += 1,
            PlannedPhase::Measured | PlannedPhase::ByClock => self.measured += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use metron_units::{Nanos, Rate};
    use metron_wire::{Dialect, Endpoint, Http, Redirects, TargetSettings, Timeouts, TlsSettings};
    use metron_workload::{Arrivals, Limit, PlanConfig, Prompts, Tokenizer, Warmup};

    use super::*;
    use crate::kind::Kinds;
    use crate::queue::Bound;
    use crate::resolve::Carried;
    use crate::script::{Script, Shaping};

    fn target() -> Arc<Target> {
        let settings = TargetSettings {
            endpoint: Endpoint::resolve("http://localhost:1", None).expect("an address"),
            headers: Vec::new(),
            tls: TlsSettings::default(),
            timeouts: Timeouts::default(),
            redirects: Redirects::Reported,
            http: Http::One,
        };
        Arc::new(Target::new(settings).expect("no certificates"))
    }

    fn feeder(load: Load, requests: u64, queues: usize, texts: KeepTexts) -> Feeder {
        let plan = Plan::new(PlanConfig {
            seed: 0,
            load,
            limit: Limit { requests: Some(requests), duration: None },
            warmup: Warmup::Requests(2),
            ramp_up: Nanos::ZERO,
            input_tokens: "uniform:1..64".parse().expect("lengths"),
            output_tokens: "4".parse().expect("lengths"),
        });
        let bound = Bound { jobs: 64, bytes: 1 << 20 };
        let plan = plan.expect("a plan");
        let prompts = Prompts::new(&Tokenizer::default(), 0).expect("prompts");
        let script = Script::new(plan.clone(), prompts, None);
        let deadlines = metron_metrics::Deadlines { ttft: Nanos::ZERO, tbt: Nanos::from_millis(1) };
        let shaping = Shaping {
            model: "m".to_owned(),
            extra: None,
            kinds: Kinds { deadlines: deadlines.into(), classes: Vec::new() },
            classes: Vec::new(),
            carried: Carried::default(),
            session_header: None,
            agent: false,
            tracing: None,
        };
        let composer = Composer { plan: plan.clone(), script, dialect: Dialect::Chat, shaping };
        Feeder {
            composer,
            plan,
            target: target(),
            texts,
            queues: (0..queues).map(|_| Arc::new(Queue::new(bound))).collect(),
        }
    }

    fn open() -> Load {
        Load::Open { rate: Rate::per_second(100.0).expect("a rate"), arrivals: Arrivals::Poisson }
    }

    async fn taken(queue: &Queue<Job>) -> Vec<Job> {
        let mut jobs = Vec::new();
        while let Some((job, ())) = queue.pop(|_| Some(())).await {
            jobs.push(job);
        }
        jobs
    }

    #[tokio::test]
    async fn each_queue_gets_its_share_of_the_ids_in_order() {
        let feeder = feeder(open(), 10, 3, KeepTexts::No);
        let queues = Arc::clone(&feeder.queues);
        let fed = feeder.feed().expect("prompts");
        assert_eq!((fed.warmup, fed.measured), (2, 10));
        for (k, queue) in queues.iter().enumerate() {
            let ids: Vec<u64> = taken(queue).await.iter().map(|job| job.request.id).collect();
            assert_eq!(ids, (k as u64..12).step_by(3).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn prompts_are_kept_only_if_asked() {
        for (texts, kept) in [(KeepTexts::Yes, true), (KeepTexts::No, false)] {
            let feeder = feeder(open(), 3, 1, texts);
            let queues = Arc::clone(&feeder.queues);
            feeder.feed().expect("prompts");
            assert!(taken(&queues[0]).await.iter().all(|job| job.prompt.is_some() == kept));
        }
    }

    #[test]
    fn the_digest_is_of_the_plan_and_not_of_its_queues() {
        let digest = |queues| feeder(open(), 30, queues, KeepTexts::No).feed().expect("prompts").digest;
        assert!(digest(1).is_some());
        assert_eq!(digest(1), digest(4));
    }

    #[test]
    fn of_an_open_loop_that_is_stopped_the_rest_is_counted_and_a_closed_one_ends() {
        let closed = Load::Closed { concurrency: 2 };
        for (load, counted) in [(open(), 1_000), (closed, 0)] {
            let feeder = feeder(load, 1_000, 1, KeepTexts::No);
            feeder.queues[0].close();
            let fed = feeder.feed().expect("prompts");
            assert_eq!((fed.measured, fed.digest), (counted, None));
        }
    }
}
