//! From event to event: turns, tokens, patience. At one instant turns come first, then what the engine does, then what
//! expires: who asks at the end of an iteration is there for the next one, and a token at its last moment still counts.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use metron_results::event::{InFlight, RunEvent, RunPhase};
use metron_results::timeline::TimelineWriter;
use metron_sim::Spec;
use metron_sim::schedule::{Arrival, Given, Inside, Schedule, What};
use metron_sim::spec::{Fault, Place};
use metron_units::{Nanos, Tokens};
use metron_wire::Clock;

use super::answered::{Answers, Ending};
use super::flights::{Flight, Flights};
use super::turns::{Taken, Turns};
use crate::conduct::FeedError;
use crate::error::RunError;
use crate::feeder::Fed;
use crate::gate::Gate;
use crate::in_process::not_kept;
use crate::kind::Kinds;
use crate::recorder::{Intake, Recorded, TICK};
use crate::resolve::ConfigError;
use crate::stop::{Asked, Stop};
use crate::timeline::row;

/// Steps between two looks at the world outside.
const UNWATCHED: u32 = 256;
/// Users who are answered so often in no time will be for ever: the run's duration never passes.
const MOST_IN_NO_TIME: u64 = 100_000;

/// A run at work.
pub(super) struct Drive<'w> {
    longest_prompt: Option<Tokens>,
    /// Of the engine's cache, if it has one.
    block_size: Option<u64>,
    spec: Spec,
    engine: Schedule,
    turns: Turns,
    gate: Arc<Gate>,
    flights: Flights,
    answers: Answers,
    kinds: Kinds,
    intake: Intake<'w>,
    events: Sender<RunEvent>,
    timeline: Option<TimelineWriter>,
    given: Vec<Given>,
    now: Nanos,
    dispatched: u64,
    /// Requests that ended at this instant, in which they were sent.
    in_no_time: u64,
    asked: Asked,
}

/// What a run left.
pub(super) struct Driven {
    pub(super) fed: Result<Fed, FeedError>,
    pub(super) recorded: Recorded,
    pub(super) ended: Nanos,
    pub(super) dispatched: u64,
    pub(super) asked: Asked,
}

/// What comes next.
enum Next {
    Turn(Nanos),
    Engine(Nanos),
    Expiry(Nanos),
}

impl<'w> Drive<'w> {
    pub(super) fn new(
        spec: &Spec,
        turns: Turns,
        gate: Arc<Gate>,
        intake: Intake<'w>,
        (answers, kinds): (Answers, Kinds),
        events: Sender<RunEvent>,
    ) -> Self {
        Self {
            longest_prompt: spec.longest_prompt(),
            block_size: spec.cached_block_size(),
            spec: spec.clone(),
            engine: Schedule::new(spec),
            turns,
            gate,
            flights: Flights::new(answers.timeouts),
            answers,
            kinds,
            intake,
            events,
            timeline: None,
            given: Vec::new(),
            now: Nanos::ZERO,
            dispatched: 0,
            in_no_time: 0,
            asked: Asked::Nothing,
        }
    }

    /// The same, writing the engine's iterations down.
    pub(super) fn keeping(self, timeline: Option<TimelineWriter>) -> Self {
        let engine = if timeline.is_some() { Schedule::watched(&self.spec) } else { self.engine };
        Self { engine, timeline, ..self }
    }

    /// Drives until nothing is left to send and nothing in flight, or it is stopped.
    pub(super) fn until_done(mut self, stop: &Stop) -> Result<Driven, RunError> {
        let mut watch = Watch::new();
        let mut unwatched = 0;
        while let Some(next) = self.next() {
            match next {
                Next::Turn(at) => {
                    self.pass_to(at);
                    self.take_turn()?;
                }
                Next::Engine(at) => {
                    self.pass_to(at);
                    self.engine.advance(at, &mut self.given);
                    self.hand_out()?;
                    self.write_iterations()?;
                }
                Next::Expiry(at) => {
                    self.pass_to(at);
                    self.expire()?;
                }
            }
            unwatched += 1;
            if unwatched == UNWATCHED {
                unwatched = 0;
                watch.look(&mut self, stop)?;
            }
        }
        self.timeline.take().map(TimelineWriter::finish).transpose().map_err(not_kept)?;
        let phase = RunPhase::Draining;
        let _ = self.events.send(RunEvent::PhaseBegan { phase, at: self.now });
        Ok(Driven {
            fed: self.turns.fed(),
            recorded: self.intake.finish(),
            ended: self.now,
            dispatched: self.dispatched,
            asked: self.asked,
        })
    }

    fn next(&mut self) -> Option<Next> {
        let turn = self.turns.next(self.flights.count()).map(|at| at.max(self.now));
        if turn.is_none() && self.flights.count() == 0 {
            return None;
        }
        let engine = self.engine.next();
        let first = turn.into_iter().chain(engine).min();
        // Of equal instants a turn stands first, and an expiry last.
        Some(match (self.flights.next_expiry(first), turn, engine) {
            (Some(at), _, _) => Next::Expiry(at),
            (None, Some(at), engine) if engine.is_none_or(|engine| at <= engine) => Next::Turn(at),
            (None, _, Some(at)) => Next::Engine(at),
            (None, _, None) => return None,
        })
    }

    fn pass_to(&mut self, at: Nanos) {
        if at > self.now {
            self.now = at;
            self.in_no_time = 0;
        }
    }

    fn take_turn(&mut self) -> Result<(), RunError> {
        let Some(taken) = self.turns.take(self.now, &self.gate)? else { return Ok(()) };
        let Taken { request, phase, prompt, beginning, prompt_tokens, held_back } = taken;
        let number = self.dispatched;
        self.dispatched += 1;
        if held_back {
            self.intake.held_back();
        }
        let output = self.spec.answer_tokens(Some(request.output_tokens));
        let room = usize::try_from(output.get()).unwrap_or(0).min(1 << 16);
        let fault = self.spec.faults.of(number);
        let plan = self.turns.whole();
        let flight = Flight {
            number,
            request,
            kind: self.kinds.of(plan, &request),
            phase,
            dispatched: self.now,
            prompt_tokens,
            leave: plan.leave(&request),
            output,
            fault,
            prompt,
            chunks: Vec::with_capacity(room),
        };
        if let Some(longest) = self.longest_prompt.filter(|&longest| prompt_tokens > longest) {
            let message = format!("the model takes at most {longest} tokens, the prompt has {prompt_tokens}");
            return self.land(flight, Ending::NotTaken(400, message));
        }
        match fault {
            Some(Fault::TooManyRequests { .. }) => {
                return self.land(flight, Ending::NotTaken(429, "a planned fault: too many requests".to_owned()));
            }
            Some(Fault::Unavailable) => {
                return self
                    .land(flight, Ending::NotTaken(503, "a planned fault: the server is overloaded".to_owned()));
            }
            Some(_) | None => {}
        }
        self.flights.take_off(flight);
        let names = self.block_size.map_or_else(Vec::new, |block| beginning.blocks(prompt_tokens, block));
        let arrival = Arrival { request: number, at: self.now, prompt: prompt_tokens, output, shared: None };
        self.engine.arrive_named(arrival, names, &mut self.given);
        self.hand_out()
    }

    /// Hands out what the engine gave.
    fn hand_out(&mut self) -> Result<(), RunError> {
        // What is cut short leaves the engine, which may thereby give something to others.
        while !self.given.is_empty() {
            let mut given = std::mem::take(&mut self.given);
            for Given { request, at, what } in given.drain(..) {
                let Some(ending) = self.receive(request, at, what) else { continue };
                if let Some(flight) = self.flights.land(request) {
                    self.land(flight, ending)?;
                }
            }
            if self.given.is_empty() {
                self.given = given;
                break;
            }
        }
        Ok(())
    }

    /// A request is given something: how that ends it, if it does.
    fn receive(&mut self, request: u64, at: Nanos, what: What) -> Option<Ending> {
        let (index, last) = match what {
            What::Token { index, last } => (index, last),
            What::Refused(refusal) => return Some(Ending::GivenUp(refusal.to_string())),
        };
        let Some(fault) = self.flights.mishap(request, Place { index, last }) else {
            let enough = self.flights.token(request, at);
            if enough && !last {
                self.engine.cancel(request, at, &mut self.given);
                return Some(Ending::Dropped);
            }
            return last.then_some(Ending::Whole);
        };
        let ending = match fault {
            Fault::Reset | Fault::Truncate => Ending::Cut,
            Fault::Chunking => Ending::Broken,
            Fault::Error => Ending::GivenUp("a planned fault".to_owned()),
            // Its patience ends it.
            Fault::Stall => return None,
            Fault::TooManyRequests { .. } | Fault::Unavailable | Fault::Usage => return None,
            Fault::Pause { .. } | Fault::Drip { .. } => unreachable!("refused in virtual time"),
        };
        self.engine.cancel(request, at, &mut self.given);
        Some(ending)
    }

    fn write_iterations(&mut self) -> Result<(), RunError> {
        let Some(timeline) = &mut self.timeline else { return Ok(()) };
        for inside in self.engine.inside() {
            if let Inside::Iteration(iteration) = inside {
                timeline.write(&row(&iteration, Nanos::ZERO)).map_err(not_kept)?;
            }
        }
        Ok(())
    }

    fn expire(&mut self) -> Result<(), RunError> {
        let Some((flight, impatience)) = self.flights.expire() else { return Ok(()) };
        self.engine.cancel(flight.number, self.now, &mut self.given);
        self.land(flight, Ending::TimedOut(impatience))?;
        self.hand_out()
    }

    fn land(&mut self, flight: Flight, ending: Ending) -> Result<(), RunError> {
        self.in_no_time += u64::from(flight.dispatched == self.now);
        if self.in_no_time > MOST_IN_NO_TIME && self.turns.are_endless() {
            let message = "the engine answers in no time at all, so that it never passes";
            return Err(ConfigError::new("duration", message, "--requests 1000").into());
        }
        let (request, given) = (flight.request, flight.chunks.len() as u64);
        let (how, length) = (ending.how(given), (flight.prompt_tokens, given));
        let record = self.answers.record(flight, ending, self.now);
        let said = self.intake.add(record, self.now);
        self.turns.freed(&request, how, length, self.now);
        match said {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(InFlight::Awaited) => self.stop_sending(Asked::Drain),
            ControlFlow::Break(InFlight::Dropped) => self.stop_sending(Asked::Now),
        }
    }

    fn stop_as_asked(&mut self, asked: Asked) -> Result<(), RunError> {
        self.asked = asked;
        let in_flight = if asked == Asked::Now { InFlight::Dropped } else { InFlight::Awaited };
        let _ = self.events.send(RunEvent::Interrupted { at: self.now, in_flight });
        self.stop_sending(asked)
    }

    fn stop_sending(&mut self, asked: Asked) -> Result<(), RunError> {
        self.turns.stop();
        if asked == Asked::Now {
            for flight in self.flights.land_all() {
                self.land(flight, Ending::Dropped)?;
            }
        }
        Ok(())
    }
}

/// The world outside: its clock, and who asks the run to end.
struct Watch {
    clock: Clock,
    next_tick: Nanos,
}

impl Watch {
    fn new() -> Self {
        Self { clock: Clock::start(), next_tick: TICK }
    }

    fn look(&mut self, drive: &mut Drive<'_>, stop: &Stop) -> Result<(), RunError> {
        let asked = stop.asked();
        if asked > drive.asked {
            drive.stop_as_asked(asked)?;
        }
        if drive.intake.is_refused() {
            drive.stop_sending(Asked::Now)?;
        }
        let now = self.clock.now();
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            drive.intake.tick(drive.dispatched, drive.now);
        }
        Ok(())
    }
}
