//! What the live view knows: the run, how it stands, how it stood a while ago, and what was said. Knows no screen.

use std::collections::VecDeque;

use metron_results::event::{InFlight, RunEvent, RunPhase, Snapshot};
use metron_results::summary::Load;
use metron_units::Nanos;

use super::keys::{Pressed, Wish};
use crate::escape;
use crate::progress::{identified, interruption, template};

/// How many snapshots are kept: at two a second, two minutes.
const HISTORY: usize = 240;
/// Over which time a rate is taken, as far as the run goes back.
const RATE_OVER: Nanos = Nanos::from_secs(10);

/// What is known of a run.
#[derive(Debug, Default)]
pub(super) struct Board {
    now: Sight,
    /// What `p` holds still.
    frozen: Option<Box<Sight>>,
    said: Vec<String>,
    most_in_flight: u64,
    interrupts: u32,
}

/// What can be seen of a run at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Sight {
    /// Where requests go.
    pub(super) target: String,
    /// The model that is asked for.
    pub(super) model: Option<String>,
    /// Requests per second that an open loop asks for.
    pub(super) asked_rate: Option<f64>,
    /// Users of a closed loop.
    pub(super) users: Option<u32>,
    /// The phase; `None` before the first.
    pub(super) phase: Option<RunPhase>,
    /// How it stands.
    pub(super) snapshot: Snapshot,
    /// How it stood, oldest first; the last one is `snapshot`.
    pub(super) history: VecDeque<Snapshot>,
    /// The end that was asked for.
    pub(super) interrupted: Option<InFlight>,
    /// The last thing that was said.
    pub(super) note: Option<String>,
}

impl Board {
    /// One more event.
    pub(super) fn see(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Identified { endpoint, why } => self.say(identified(endpoint, why)),
            RunEvent::TemplateMeasured { tokens } => self.say(template(*tokens)),
            RunEvent::Started { facts, .. } => {
                self.now.target = escape::terminal(&facts.run.target.url);
                self.now.model = facts.run.target.model.as_deref().map(escape::terminal);
                match &facts.run.load {
                    Load::Open { rate, .. } => self.now.asked_rate = *rate,
                    Load::Closed { concurrency, .. } => self.now.users = Some(*concurrency),
                }
            }
            RunEvent::PhaseBegan { phase, .. } => self.now.phase = Some(*phase),
            RunEvent::Progress(snapshot) => {
                self.most_in_flight = self.most_in_flight.max(snapshot.in_flight);
                self.now.advance(snapshot);
            }
            RunEvent::Warning(warning) => self.say(format!("warning: {}", escape::terminal(&warning.to_string()))),
            RunEvent::Interrupted { in_flight, .. } => {
                self.now.interrupted = Some(*in_flight);
                self.say(interruption(*in_flight).to_owned());
            }
            RunEvent::Finished(_) => {}
        }
    }

    /// One more key; what the run is to hear of it.
    pub(super) fn press(&mut self, pressed: Pressed) -> Option<Wish> {
        match pressed {
            Pressed::Drain => Some(Wish::Drain),
            Pressed::Stop => Some(Wish::Stop),
            Pressed::Interrupt => {
                self.interrupts += 1;
                Some(if self.interrupts == 1 { Wish::Drain } else { Wish::Stop })
            }
            Pressed::Freeze => {
                self.frozen = if self.frozen.is_some() { None } else { Some(Box::new(self.now.clone())) };
                None
            }
            Pressed::Resized => None,
        }
    }

    /// What is to be drawn.
    pub(super) fn shown(&self) -> &Sight {
        self.frozen.as_deref().unwrap_or(&self.now)
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// The most requests that were seen in flight at once.
    pub(super) fn most_in_flight(&self) -> u64 {
        self.most_in_flight
    }

    /// Everything that was said, in order, safe for a terminal.
    pub(super) fn said(&self) -> &[String] {
        &self.said
    }

    fn say(&mut self, line: String) {
        self.now.note = Some(line.clone());
        self.said.push(line);
    }
}

impl Sight {
    fn advance(&mut self, snapshot: &Snapshot) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(snapshot.clone());
        self.snapshot = snapshot.clone();
    }

    /// Requests sent per second, of late; `None` before two snapshots.
    pub(super) fn sent_rate(&self) -> Option<f64> {
        let since = self.snapshot.elapsed.saturating_sub(RATE_OVER);
        let then = self.history.iter().find(|then| then.elapsed >= since)?;
        let span = self.snapshot.elapsed.saturating_sub(then.elapsed).as_secs_f64();
        (span > 0.0).then(|| self.snapshot.dispatched.saturating_sub(then.dispatched) as f64 / span)
    }

    /// How far the run is, from 0 to 1; `None` if nothing says.
    pub(super) fn part(&self) -> Option<f64> {
        let (done, of) = crate::progress::extent(&self.snapshot);
        let bounded = self.snapshot.planned.is_some() || self.snapshot.ends_at.is_some();
        (bounded && of > 0).then(|| (done as f64 / of as f64).min(1.0))
    }

    /// How long it may still take, at the pace until now.
    pub(super) fn left(&self) -> Option<Nanos> {
        let elapsed = self.snapshot.elapsed;
        match (self.snapshot.planned, self.snapshot.ends_at) {
            (None, Some(end)) => Some(end.saturating_sub(elapsed)),
            (Some(_), _) | (None, None) => {
                let part = self.part().filter(|part| *part > 0.0)?;
                Nanos::from_secs_f64(elapsed.as_secs_f64() * (1.0 - part) / part)
            }
        }
    }
}
