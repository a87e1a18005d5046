//! A run that may begin: its threads, what they share, and in which order they start. Knows no flag.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use metron_results::RunFacts;
use metron_results::event::{RunEvent, RunPhase};
use metron_results::folder::{RunFile, RunFolder};
use metron_results::recorder::Recorder as Journal;
use metron_units::Nanos;
use metron_wire::{Clock, Target};
use metron_workload::{Load, Plan, Shard, Warmup};
use serde_json::{Map, Value};

use crate::RunConfig;
use crate::brake::Brake;
use crate::close::{Closing, close};
use crate::conduct::{Crew, Feeding, Watch, shares};
use crate::config_file::config_yaml;
use crate::error::{NotKept, RunError};
use crate::facts::{Epoch, Named, facts};
use crate::feeder::{Feeder, KeepTexts};
use crate::finished::Finished;
use crate::gate::Gate;
use crate::in_process::InProcess;
use crate::live::Live;
use crate::preview::template;
use crate::queue::{Bound, Queue};
use crate::recorder::{Intake, Keep, Recorded, Recorder};
use crate::resolve::{Resolved, Server};
use crate::run::{Options, tell};
use crate::scrape::{Scrape, Source};
use crate::script::{Composer, Script, Shaping};
use crate::sessions::Sessions;
use crate::settle::Settler;
use crate::stop::Stop;
use crate::telemetry::{Collector, Outlet, Scope, Telemetry, TraceKey};
use crate::witness::Witness;
use crate::worker::{Ended, Job, Pace, Ready, Work};

/// What is ready to be sent at once, over all queues: a tenth of a second at 20,000 requests a second, or a hundred prompts
/// of 100,000 tokens.
const READY: Bound = Bound { jobs: 2_048, bytes: 64 << 20 };
/// Ready before the first request leaves, so that the plan's first instants are met.
const READY_AT_START: usize = 64;
/// What long prompts may take of the time before a run; the run then begins with fewer of them ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// A run that may begin.
pub(crate) struct Prepared<'a> {
    pub(crate) config: &'a RunConfig,
    pub(crate) resolved: &'a Resolved,
    pub(crate) target: Arc<Target>,
    /// Whom to ask for their own metrics meanwhile.
    pub(crate) scraped: Vec<Source>,
    /// Who is told of each request.
    pub(crate) collector: Option<Collector>,
    pub(crate) model: String,
    pub(crate) options: Options,
    pub(crate) events: &'a Sender<RunEvent>,
    pub(crate) stop: &'a Stop,
}

/// What the threads of a run share.
struct Stage {
    clock: Clock,
    origin: Nanos,
    gate: Arc<Gate>,
    queues: Arc<[Arc<Queue<Job>>]>,
    brake: Brake,
    dispatched: Arc<AtomicU64>,
    sessions: Arc<Sessions>,
}

impl Prepared<'_> {
    /// Runs it to its end, and with it the engine of this process that it asks, if it does.
    pub(crate) fn conduct(
        self,
        folder: Option<RunFolder>,
        mut engine: Option<InProcess>,
        witness: Option<&mut dyn Witness>,
    ) -> Result<Finished, RunError> {
        let plan = self.resolved.whole_plan();
        let queues = self.queues();
        let brake = Brake::new(Arc::clone(&queues));
        let tracing = self.collector.as_ref().map(|_| TraceKey::unique());
        let feeder = self.feeder(&plan, &queues, tracing)?;
        let feeding = Feeding::start(feeder, brake.clone())?;
        let patience = PATIENCE / u32::try_from(queues.len()).expect("at most one queue a worker");
        for queue in queues.iter() {
            queue.wait_for(READY_AT_START, patience);
        }
        let clock = Clock::start();
        let ready = self.ready(clock).inspect_err(|_| brake.drain())?;
        let opening_took = ready.took;
        let facts = facts(self.config, self.resolved, self.named(), Epoch::of(clock));
        let started = RunEvent::Started {
            facts: Box::new(facts.clone()),
            folder: folder.as_ref().map(|folder| folder.path().to_owned()),
        };
        if let Some(engine) = &mut engine {
            engine.keep_iterations(folder.as_ref(), clock).inspect_err(|_| brake.drain())?;
        }
        let model = matches!(self.resolved.server, Server::Network { .. }).then_some(self.model.as_str());
        let keep = folder.map(|folder| begin_journal(folder, &facts, self.config, model)).transpose();
        let keep = keep.inspect_err(|_| brake.drain())?;
        let scrape = self.scrape(clock, keep.as_ref()).inspect_err(|_| brake.drain())?;
        let telemetry = self.telemetry(tracing, &facts).inspect_err(|_| brake.drain())?;
        let (telemetry, outlet) = telemetry.unzip();
        tell(self.events, started);
        // From here on the plan's time runs: all that takes time before the first request is done.
        let origin = clock.now();
        let gate = Arc::new(Gate::of(&plan, self.config.max_in_flight, origin));
        let stage = Stage { clock, origin, gate, queues, brake, dispatched: Arc::default(), sessions: Arc::default() };
        let keep = keep.unwrap_or_else(|| Keep::Memory(Vec::new()));
        let recorder = self.recorder(&stage, &plan, keep, facts.planned, (witness, outlet));
        let (crew, recorded) = self.threads(&stage, &plan, recorder, ready).inspect_err(|_| stage.brake.now())?;
        let ended = clock.now();
        tell(self.events, RunEvent::PhaseBegan { phase: RunPhase::Settling, at: ended });
        let fed = feeding.end();
        let sim_lag = engine.map(InProcess::end).transpose()?.flatten();
        let scraped = scrape.map(Scrape::end);
        let telemetry = telemetry.map(Telemetry::end);
        let measured_from = stage.gate.measured_from().unwrap_or(origin);
        close(
            Closing {
                facts,
                plan: &plan,
                fed,
                crew,
                opening_took,
                recorded,
                ended,
                scraped: scraped.map(|scraped| (scraped, measured_from)),
                telemetry,
                dispatched: &stage.dispatched,
                sessions: &stage.sessions,
                sim_lag,
                time: self.resolved.time,
            },
            self.events,
        )
    }

    /// What walks the plan and composes its requests.
    fn feeder(
        &self,
        plan: &Plan,
        queues: &Arc<[Arc<Queue<Job>>]>,
        tracing: Option<TraceKey>,
    ) -> Result<Feeder, RunError> {
        let prompts = self.resolved.prompts(self.config.seed)?;
        Ok(Feeder {
            composer: Composer {
                script: Script::new(plan.clone(), prompts, self.resolved.script.clone()).under(template(self.config)),
                dialect: self.target.endpoint().dialect(),
                plan: plan.clone(),
                shaping: Shaping { tracing, ..self.resolved.shaping(self.config, self.model.clone(), self.extra()) },
            },
            plan: plan.clone(),
            target: Arc::clone(&self.target),
            texts: if self.config.save_text { KeepTexts::Yes } else { KeepTexts::No },
            queues: Arc::clone(queues),
        })
    }

    /// What is laid over each body: that the answer is to come whole, if that is asked, and what the user says.
    fn extra(&self) -> Option<Map<String, Value>> {
        let whole = self.config.no_stream.then(|| self.target.endpoint().dialect().whole()).flatten();
        match (whole, &self.resolved.extra) {
            (Some(mut whole), said) => {
                whole.extend(said.iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
                Some(whole)
            }
            (None, said) => said.clone(),
        }
    }

    /// Asks servers for their metrics from now on.
    fn scrape(&self, clock: Clock, keep: Option<&Keep>) -> Result<Option<Scrape>, RunError> {
        let kept = if self.scraped.is_empty() { None } else { keep };
        let writer = kept.map(Keep::server_metrics).transpose();
        let writer =
            writer.map_err(|error| RunError::NotKept { rescued: None, source: NotKept::Storage(error) })?.flatten();
        Ok(Scrape::start(self.scraped.clone(), clock, writer, self.events)?)
    }

    /// Tells a collector of each request from now on.
    fn telemetry(&self, tracing: Option<TraceKey>, facts: &RunFacts) -> Result<Option<(Telemetry, Outlet)>, RunError> {
        let Some((collector, key)) = self.collector.clone().zip(tracing) else { return Ok(None) };
        let scope = Scope {
            key,
            epoch_unix_ns: facts.epoch_unix_ns,
            run_id: facts.run.id.clone(),
            run_name: facts.run.name.clone(),
            model: self.model.clone(),
            endpoint: self.target.endpoint().dialect().name(),
            server: self.target.endpoint().server(),
            target_miss_rate: self.config.target_miss_rate,
        };
        Ok(Some(Telemetry::start(collector, scope, self.events)?))
    }

    /// Starts the workers, with the connections that are to be open before the first request.
    fn ready(&self, clock: Clock) -> Result<Ready, RunError> {
        Ready::start(&self.target, clock, self.resolved.workers, self.resolved.prewarm, self.stop)
    }

    /// One queue where the next free worker takes the next request; one for each worker where the plan alone decides.
    fn queues(&self) -> Arc<[Arc<Queue<Job>>]> {
        let shared = match self.resolved.plan.load {
            Load::Closed { .. } => true,
            Load::Open { .. } => self.config.max_in_flight.is_some(),
        };
        let queues = if shared { 1 } else { self.resolved.workers as usize };
        let bound = Bound { jobs: READY.jobs.div_ceil(queues), bytes: READY.bytes / queues };
        (0..queues).map(|_| Arc::new(Queue::new(bound))).collect()
    }

    /// The recorder on a thread that ends before this returns: what it was lent need not outlive the run.
    fn threads(
        &self,
        stage: &Stage,
        plan: &Plan,
        recorder: Recorder<'_>,
        ready: Ready,
    ) -> Result<(Crew, Recorded), RunError> {
        let folder = recorder.folder();
        let (ended, landed) = channel();
        std::thread::scope(|scope| {
            let record = move || recorder.record(&landed);
            let recorder =
                std::thread::Builder::new().name("metron-recorder".to_owned()).spawn_scoped(scope, record)?;
            let crew = self.crew(stage, plan, ended, ready);
            let recorded = recorder.join().map_err(|_| RunError::Panicked { folder })?;
            Ok((crew?, recorded))
        })
    }

    fn crew(&self, stage: &Stage, plan: &Plan, ended: Sender<Box<Ended>>, ready: Ready) -> Result<Crew, RunError> {
        let (tell, told) = tokio::sync::mpsc::unbounded_channel();
        let threads = ready.work(|worker| Work {
            target: Arc::clone(&self.target),
            clock: stage.clock,
            origin: stage.origin,
            gate: Arc::clone(&stage.gate),
            queue: shares(&stage.queues, worker as usize),
            brake: stage.brake.clone(),
            pace: self.pace(plan, worker),
            dispatched: Arc::clone(&stage.dispatched),
            sessions: Arc::clone(&stage.sessions),
            ended: ended.clone(),
            tell: tell.clone(),
        });
        // The recorder ends when nobody is left who could hand it anything.
        drop((ended, tell));
        let watch = Watch {
            clock: stage.clock,
            origin: stage.origin,
            gate: &stage.gate,
            brake: &stage.brake,
            stop: self.stop,
            workers: self.resolved.workers as usize,
            has_warmup: self.resolved.plan.warmup != Warmup::None,
            events: self.events,
        };
        let crew = watch.until_done(told).inspect_err(|_| stage.brake.now());
        for worker in threads {
            worker.join().expect("a worker catches its own panics");
        }
        Ok(crew?)
    }

    fn recorder<'w>(
        &self,
        stage: &Stage,
        plan: &Plan,
        keep: Keep,
        planned: Option<u64>,
        (witness, outlet): (Option<&'w mut dyn Witness>, Option<Outlet>),
    ) -> Recorder<'w> {
        let in_all = planned.and_then(|measured| Some(measured + requests_of(self.resolved.plan.warmup)?));
        // What of a session waits, and for whom, its plan does not say.
        let alone = !self.resolved.pattern.has_sessions();
        let held_back = self.config.max_in_flight.filter(|_| alone).map(|_| plan.clone());
        let settler = Settler { tokenizer: self.resolved.tokenizer.clone(), naming: self.resolved.naming };
        let live = Live::new(stage.origin, in_all, Arc::clone(&stage.gate), held_back);
        Recorder {
            clock: stage.clock,
            settler,
            intake: Intake::new(keep, live, self.config.max_in_flight, self.events.clone(), witness).showing(outlet),
            dispatched: Arc::clone(&stage.dispatched),
            brake: stage.brake.clone(),
        }
    }

    fn named(&self) -> Named {
        let endpoint = self.target.endpoint();
        Named {
            name: self.options.name.clone(),
            command: self.options.command.clone(),
            model: self.model.clone(),
            url: match &self.resolved.server {
                Server::Network { .. } => endpoint.url(),
                Server::Simulated(spec) => self.resolved.simulated_url(spec),
            },
            endpoint: endpoint.dialect().name(),
            unstreamed: self.config.no_stream || endpoint.dialect().is_always_whole(),
        }
    }

    fn pace(&self, plan: &Plan, worker: u32) -> Pace {
        let of = self.resolved.workers;
        match self.resolved.plan.load {
            Load::Open { .. } => {
                let slots = self.config.max_in_flight.map(|all| all / of + u32::from(worker < all % of));
                Pace::Open { slots }
            }
            Load::Closed { .. } => {
                let shard = Shard::new(worker, of).expect("a worker's number is below their count");
                Pace::Closed { begin: plan.shard(shard).users().map(|(_, begin)| begin).collect() }
            }
        }
    }
}

/// The journal is there, and can be written, before the first request.
pub(crate) fn begin_journal(
    folder: RunFolder,
    facts: &RunFacts,
    config: &RunConfig,
    model: Option<&str>,
) -> Result<Keep, RunError> {
    let not_kept = |source| RunError::NotKept { rescued: None, source: NotKept::Storage(source) };
    let journal = Journal::begin(folder, facts.clone()).map_err(not_kept)?;
    journal.write(RunFile::Config, config_yaml(config, model).as_bytes()).map_err(not_kept)?;
    Ok(Keep::Folder(Box::new(journal)))
}

/// How many requests a warm-up has, if that is known beforehand.
pub(crate) fn requests_of(warmup: Warmup) -> Option<u64> {
    match warmup {
        Warmup::None => Some(0),
        Warmup::Requests(requests) => Some(requests),
        Warmup::Duration(_) => None,
    }
}
