//! A plan written to a file, which read back is the same plan. Knows no format's bytes.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

use metron_units::Nanos;

use super::{Load, Plan, PlannedRequest};
use crate::digest::{Further, PlanDigest};
use crate::trace::write::{WriteError, Writer};
use crate::trace::{Content, Shared, TraceFormat, TraceRequest};

/// What a request says, as a saved plan has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wording {
    /// What is written of it: nothing but lengths where the seed makes the same prompt again.
    pub content: Content,
    /// The beginning that it shares with others.
    pub shared: Shared,
    /// How many images its trace says that it has, and does not have itself.
    pub images: u32,
    /// All of it as one text, for the digest.
    pub whole: String,
    /// What its body holds besides, for the digest.
    pub carried: Vec<u8>,
    /// Its deadlines for the first token and between tokens, where they are its own.
    pub held_to: [Option<Nanos>; 2],
}

/// What was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// How many requests.
    pub requests: u64,
    /// The digest of the plan, prompts included.
    pub digest: PlanDigest,
}

/// Why a plan cannot be saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// It has no end.
    #[error("the plan has no end of its own: only the run's clock would end it")]
    Endless,
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What a request says is not to be had.
    #[error(transparent)]
    Say(Box<dyn Error + Send + Sync>),
}

impl SaveError {
    /// What could be typed instead; empty if there is no good guess.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Endless => "--requests 100",
            Self::Write(_) | Self::Say(_) => "",
        }
    }
}

impl Plan {
    /// Whether the plan ends by itself.
    #[must_use]
    pub fn has_end(&self) -> bool {
        let limit = self.config.limit;
        match self.config.load {
            _ if self.pattern.replay.as_ref().is_some_and(|replay| replay.end().is_some()) => true,
            Load::Open { .. } => limit.requests.is_some() || limit.duration.is_some(),
            Load::Closed { .. } => {
                limit.requests.is_some() && self.left_to_clock().is_none_or(|left| left.requests.is_none())
            }
        }
    }

    /// Writes what is left of the plan as JSON lines: instant, lengths, and of what `say` says of each request its shared
    /// beginning and its content. The lines read back as a [`Trace`](crate::trace::Trace); replayed under the same phases,
    /// and the same seed where contents are left out, they are the same plan, with the same digest.
    ///
    /// # Errors
    /// If the plan has no end, `say` fails, or the bytes cannot be written.
    pub fn save<E: Error + Send + Sync + 'static>(
        self,
        mut say: impl FnMut(&PlannedRequest) -> Result<Wording, E>,
        out: impl Write,
    ) -> Result<Saved, SaveError> {
        if !self.has_end() {
            return Err(SaveError::Endless);
        }
        let mut saving = Saving { writer: Writer::new(TraceFormat::Metron, out)?, next: 0, ahead: BTreeMap::new() };
        let mut digest = PlanDigest::default();
        let mut plan = self;
        let mut next = plan.next();
        while let Some(first) = next {
            let mut turns = vec![first];
            next = plan.next();
            while let Some(turn) = next.filter(|turn| !turn.is_first()) {
                turns.push(turn);
                next = plan.next();
            }
            for (k, request) in turns.iter().enumerate() {
                let Wording { content, shared, images, whole, carried, held_to } =
                    say(request).map_err(|error| SaveError::Say(error.into()))?;
                let class = plan.class(request).map(|class| class.name.clone());
                let further = Further { class: class.as_deref(), leave: plan.leave(request), body: &carried };
                digest.add_with(request, &whole, &further);
                let before = k.checked_sub(1).map(|before| &turns[before]);
                let line = line(&plan, request, before, &turns);
                let [ttft_deadline, tbt_deadline] = held_to;
                let line = TraceRequest { class, shared, content, images, ttft_deadline, tbt_deadline, ..line };
                saving.add(request.id, line)?;
            }
        }
        if let Some(fault) = plan.fault() {
            return Err(SaveError::Say(fault.into()));
        }
        let requests = saving.finish()?;
        Ok(Saved { requests, digest })
    }
}

/// A request without what it says; `turns` are all of its session.
fn line(
    plan: &Plan,
    request: &PlannedRequest,
    before: Option<&PlannedRequest>,
    turns: &[PlannedRequest],
) -> TraceRequest {
    let PlannedRequest { intended, input_tokens, output_tokens, turn, .. } = *request;
    let in_all = u32::try_from(turns.len()).ok();
    // Where an instant says when a turn leaves, nobody waits besides.
    let delay = before.filter(|_| intended.is_none()).map(|before| plan.pause(before, request));
    TraceRequest {
        at: intended,
        input_tokens: Some(input_tokens),
        output_tokens: Some(output_tokens),
        session: turn.map(|turn| turn.session.to_string()),
        turn: turn.map(|turn| turn.turn),
        turns: in_all.filter(|_| turn.is_some()),
        abandoned: request.is_first() && in_all.is_some_and(|in_all| plan.abandons(request, in_all)),
        delay: delay.filter(|&delay| delay > Nanos::ZERO),
        leave: plan.leave(request),
        ..TraceRequest::default()
    }
}

/// Writes requests in the order of their ids, which a plan of conversations is not in.
struct Saving<W: Write> {
    writer: Writer<W>,
    next: u64,
    ahead: BTreeMap<u64, TraceRequest>,
}

impl<W: Write> Saving<W> {
    fn add(&mut self, id: u64, line: TraceRequest) -> Result<(), WriteError> {
        self.ahead.insert(id, line);
        while let Some(line) = self.ahead.remove(&self.next) {
            self.writer.write(&line)?;
            self.next += 1;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<u64, WriteError> {
        for line in self.ahead.values() {
            self.writer.write(line)?;
        }
        let requests = self.writer.written();
        self.writer.finish()?;
        Ok(requests)
    }
}

#[cfg(test)]
mod tests {
    use metron_units::Rate;

    use super::*;
    use crate::plan::{Arrivals, LengthSource, Limit, Pattern, PlanConfig, Prefix, Reading, Replay, Warmup};
    use crate::prompt::{PromptError, Prompts};
    use crate::tokenizer::Tokenizer;
    use crate::trace::{Trace, TraceOptions};

    #[derive(Clone, Copy, PartialEq)]
    enum Texts {
        Left,
        Kept,
    }

    /// Saves a plan with the prompts that it makes.
    fn saved(plan: &Plan, texts: Texts, out: impl Write) -> Result<Saved, SaveError> {
        let prompts = prompts();
        let say = |request: &PlannedRequest| {
            let prefix = plan.prefix(request.id, request.input_tokens);
            let mut whole = String::new();
            prompts.write_after(prefix, request.id, request.input_tokens, &mut whole)?;
            let content = if texts == Texts::Kept { Content::Prompt(whole.clone()) } else { Content::Lengths };
            Ok::<_, PromptError>(Wording { content, shared: Shared::of(prefix), whole, ..Wording::default() })
        };
        plan.clone().save(say, out)
    }

    fn config(load: Load) -> PlanConfig {
        PlanConfig {
            seed: 3,
            load,
            limit: Limit { requests: Some(50), duration: None },
            warmup: Warmup::Requests(5),
            ramp_up: Nanos::ZERO,
            input_tokens: "uniform:1..50".parse().unwrap(),
            output_tokens: "uniform:1..400".parse().unwrap(),
        }
    }

    fn open() -> Load {
        Load::Open { rate: Rate::per_second(10.0).unwrap(), arrivals: Arrivals::Poisson }
    }

    fn prompts() -> Prompts {
        Prompts::new(&Tokenizer::default(), 3).unwrap()
    }

    fn read(bytes: &[u8]) -> Trace {
        Trace::read(std::io::Cursor::new(bytes.to_vec()), TraceOptions::default()).unwrap()
    }

    /// The plan that a saved one is, read back.
    fn replayed(bytes: &[u8], load: Load) -> Plan {
        let replay = Replay::read(read(bytes), Reading::default()).unwrap();
        let load = match load {
            Load::Open { .. } => replay.load().unwrap(),
            closed @ Load::Closed { .. } => closed,
        };
        let pattern = Pattern { replay: Some(replay), lengths: LengthSource::Recorded, ..Pattern::default() };
        Plan::patterned(config(load), pattern).unwrap()
    }

    #[test]
    fn a_saved_plan_reads_back_to_the_same_digest() {
        for load in [open(), Load::Closed { concurrency: 4 }] {
            let plan = Plan::new(config(load.clone())).unwrap();
            let mut file = Vec::new();
            let done = saved(&plan, Texts::Left, &mut file).unwrap();
            assert_eq!(done.requests, 55);
            assert_eq!(done.digest, crate::digest::of_plan(plan, &prompts()).unwrap());
            let back = crate::digest::of_plan(replayed(&file, load), &prompts()).unwrap();
            assert_eq!(back, done.digest);
        }
    }

    #[test]
    fn kept_prompts_and_beginnings_are_those_of_the_plan() {
        let pattern = Pattern { prefixes: Some("groups:3,20,1".parse().unwrap()), ..Pattern::default() };
        let plan = Plan::patterned(config(open()), pattern).unwrap();
        let mut file = Vec::new();
        let done = saved(&plan, Texts::Kept, &mut file).unwrap();
        let mut digest = PlanDigest::default();
        for (request, read) in plan.clone().zip(read(&file)) {
            let read = read.unwrap();
            let Content::Prompt(prompt) = &read.content else { panic!("no prompt in {read:?}") };
            digest.add(&request, prompt);
            let Shared::Group { group, tokens } = read.shared else { panic!("no beginning in {read:?}") };
            assert_eq!(plan.prefix(request.id, request.input_tokens), Some(Prefix { group, tokens }));
        }
        assert_eq!(digest, done.digest);
        assert_eq!(done.digest, crate::digest::of_plan(plan, &prompts()).unwrap());
        assert_eq!(done.digest.to_string(), "2ea88961d32d8bf95f4787e30e378b085531e1cc78ce199dd8e3319af72b050e");
    }

    #[test]
    fn a_plan_that_only_the_clock_ends_is_refused() {
        let by_clock = PlanConfig {
            limit: Limit { requests: None, duration: Some(Nanos::from_secs(1)) },
            ..config(Load::Closed { concurrency: 1 })
        };
        let endless = PlanConfig { limit: Limit { requests: None, duration: None }, ..config(open()) };
        let warm =
            PlanConfig { warmup: Warmup::Duration(Nanos::from_secs(1)), ..config(Load::Closed { concurrency: 1 }) };
        for config in [by_clock, endless, warm] {
            let refused = saved(&Plan::new(config).unwrap(), Texts::Left, Vec::new()).unwrap_err();
            assert!(matches!(refused, SaveError::Endless) && refused.hint() == "--requests 100");
        }
    }

    #[test]
    fn a_full_disk_is_told() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let refused = saved(&Plan::new(config(open())).unwrap(), Texts::Left, Full).unwrap_err();
        assert!(matches!(refused, SaveError::Write(WriteError::Write(_))));
    }
}
