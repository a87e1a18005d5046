//! A run in virtual time: the simulated engine goes from event to event, and nobody waits. The same plan, records, files and
//! figures as of a run over a socket. Knows no socket, no timer and no thread.
//!
//! The run's epoch is virtual zero, and so is the plan's: a request of an open loop leaves at its planned instant, exactly.
//! `requests.parquet` therefore holds nothing of the wall clock; its epoch is 1970. What a run took in real time is in none
//! of its figures, and `instrument` is null: no client was there to be trusted or not.

mod answered;
mod drive;
mod flights;
mod named;
mod talks;
mod teller;
mod turns;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::Sender;

use metron_results::event::{RunEvent, RunPhase};
use metron_results::folder::RunFolder;
use metron_results::timeline::TimelineWriter;
use metron_sim::Spec;
use metron_sim::words::DEFAULT_MODEL;
use metron_units::Nanos;
use metron_wire::{Clock, Dialect};
use metron_workload::{Load, Plan, Warmup};

use crate::RunConfig;
use crate::close::{Closing, close};
use crate::conduct::Crew;
use crate::error::RunError;
use crate::facts::{Epoch, Named, facts};
use crate::feeder::KeepTexts;
use crate::finished::Finished;
use crate::gate::Gate;
use crate::in_process::not_kept;
use crate::live::Live;
use crate::prepared::{begin_journal, requests_of};
use crate::preview::template;
use crate::recorder::{Intake, Keep};
use crate::resolve::Resolved;
use crate::run::{Options, tell};
use crate::script::{Composer, Script};
use crate::sessions::Sessions;
use crate::stop::Stop;
use crate::witness::Witness;
use answered::Answers;
use drive::Drive;
use teller::Teller;
use turns::Turns;

/// A run in virtual time that may begin.
pub(crate) struct Simulated<'a> {
    pub(crate) config: &'a RunConfig,
    pub(crate) resolved: &'a Resolved,
    pub(crate) spec: &'a Spec,
    pub(crate) options: Options,
    pub(crate) events: &'a Sender<RunEvent>,
    pub(crate) stop: &'a Stop,
}

impl Simulated<'_> {
    /// Runs it to its end.
    pub(crate) fn conduct(
        self,
        folder: Option<RunFolder>,
        witness: Option<&mut dyn Witness>,
    ) -> Result<Finished, RunError> {
        let plan = self.resolved.whole_plan();
        let texts = if self.config.save_text { KeepTexts::Yes } else { KeepTexts::No };
        let teller = Teller::new(self.composer(&plan)?, texts);
        // What leaves nothing is held against no other run.
        let teller = if folder.is_some() { teller } else { teller.without_digest() };
        let facts = facts(self.config, self.resolved, self.named(), Epoch::virtual_zero(Clock::start()));
        let path = folder.as_ref().map(|folder| folder.path().to_owned());
        let timeline = folder.as_ref().filter(|_| self.spec.has_iterations());
        let timeline = timeline.map(|folder| TimelineWriter::of_run(folder, facts.epoch_unix_ns).map_err(not_kept));
        let timeline = timeline.transpose()?;
        let keep = folder.map(|folder| begin_journal(folder, &facts, self.config, None)).transpose()?;
        tell(self.events, RunEvent::Started { facts: Box::new(facts.clone()), folder: path });
        let gate = Arc::new(Gate::of(&plan, self.config.max_in_flight, Nanos::ZERO));
        let keep = keep.unwrap_or_else(|| Keep::Memory(Vec::new()));
        let intake = self.intake(&plan, &gate, keep, facts.planned, witness);
        let sessions = Arc::new(Sessions::default());
        let turns = Turns::new(plan.clone(), teller, self.config.max_in_flight, Arc::clone(&sessions));
        let has_warmup = self.resolved.plan.warmup != Warmup::None;
        let phase = if has_warmup { RunPhase::Warmup } else { RunPhase::Measured };
        tell(self.events, RunEvent::PhaseBegan { phase, at: Nanos::ZERO });
        let kinds = self.resolved.kinds.clone();
        let drive = Drive::new(self.spec, turns, gate, intake, (self.answers(), kinds), self.events.clone());
        let drive = drive.keeping(timeline);
        let driven = drive.until_done(self.stop)?;
        tell(self.events, RunEvent::PhaseBegan { phase: RunPhase::Settling, at: driven.ended });
        let closing = Closing {
            facts,
            plan: &plan,
            fed: driven.fed,
            crew: Crew { asked: driven.asked, ..Crew::default() },
            opening_took: None,
            recorded: driven.recorded,
            ended: driven.ended,
            scraped: None,
            telemetry: None,
            dispatched: &AtomicU64::new(driven.dispatched),
            sessions: &sessions,
            sim_lag: None,
            time: self.resolved.time,
        };
        close(closing, self.events)
    }

    fn answers(&self) -> Answers {
        Answers { timeouts: self.resolved.timeouts }
    }

    /// What the plan's requests say, which nobody is sent.
    fn composer(&self, plan: &Plan) -> Result<Composer, RunError> {
        let prompts = self.resolved.prompts(self.config.seed)?;
        Ok(Composer {
            script: Script::new(plan.clone(), prompts, self.resolved.script.clone()).under(template(self.config)),
            plan: plan.clone(),
            dialect: self.resolved.spoken,
            shaping: self.resolved.shaping(self.config, self.model(), self.resolved.extra.clone()),
        })
    }

    fn model(&self) -> String {
        self.config.model.clone().unwrap_or_else(|| DEFAULT_MODEL.to_owned())
    }

    fn named(&self) -> Named {
        Named {
            name: self.options.name.clone(),
            command: self.options.command.clone(),
            model: self.model(),
            url: self.resolved.simulated_url(self.spec),
            endpoint: self.resolved.dialect.unwrap_or(Dialect::Chat).name(),
            unstreamed: false,
        }
    }

    fn intake<'w>(
        &self,
        plan: &Plan,
        gate: &Arc<Gate>,
        keep: Keep,
        planned: Option<u64>,
        witness: Option<&'w mut dyn Witness>,
    ) -> Intake<'w> {
        let in_all = planned.and_then(|measured| Some(measured + requests_of(self.resolved.plan.warmup)?));
        let alone = !self.resolved.pattern.has_sessions();
        let held_back = self.config.max_in_flight.filter(|_| alone).map(|_| plan.clone());
        let live = Live::new(Nanos::ZERO, in_all, Arc::clone(gate), held_back);
        Intake::new(keep, live, self.config.max_in_flight, self.events.clone(), witness)
    }
}

/// Whether the requests of a plan that is cut short are known all the same.
fn is_open(plan: &Plan) -> bool {
    matches!(plan.config().load, Load::Open { .. })
}
