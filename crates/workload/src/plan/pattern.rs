//! What a plan may have beyond its plain configuration. Knows no draw.

use metron_units::{Nanos, Tokens};

use super::cancel::Cancellation;
use super::config::{Arrivals, Load, PlanConfig, PlanError};
use super::mix::{Class, Mix};
use super::replay::Replay;
use super::session::Sessions;
use crate::arrivals::curve::Curve;
use crate::dist::Dist;
use crate::dist::joint::JointLengths;
use crate::prefix::PrefixGroups;

/// What a plan may have beyond its plain configuration; nothing by default.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pattern {
    /// How the rate of an open loop changes with time.
    pub curve: Option<Curve>,
    /// A trace, whose instants ([`Arrivals::Recorded`]) or lengths ([`LengthSource::Recorded`]) are taken. The plan ends with it.
    pub replay: Option<Replay>,
    /// Where lengths come from.
    pub lengths: LengthSource,
    /// How long a user waits after an answer before the next request: of a closed loop, or of a session.
    pub think_time: Option<Dist<Nanos>>,
    /// What prompts have in common.
    pub prefixes: Option<PrefixGroups>,
    /// Conversations of several requests; none if each request stands alone.
    pub sessions: Option<Sessions>,
    /// Classes of requests; empty if they are all of one kind.
    pub mix: Mix,
    /// How users give up; empty if all of them wait.
    pub cancellations: Vec<Cancellation>,
}

/// Where lengths come from.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum LengthSource {
    /// Each from its own distribution.
    #[default]
    Separate,
    /// Both from one.
    Together(JointLengths),
    /// Request k has those of the trace's k-th; what the trace does not say is drawn from the distributions.
    Recorded,
}

/// The beginning that a request's prompt shares with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// Whose beginning it is.
    pub group: u64,
    /// How many tokens it has.
    pub tokens: Tokens,
}

impl Pattern {
    /// Whether some requests wait for the answer to another.
    #[must_use]
    pub fn has_sessions(&self) -> bool {
        self.sessions.is_some() || self.replay.as_ref().is_some_and(|replay| replay.sessions() > 0)
    }

    /// The mix's classes, and behind them those that only the trace names.
    pub(super) fn classes(&self) -> Vec<Class> {
        let of_trace = self.replay.iter().flat_map(|replay| replay.classes());
        let new = of_trace.filter(|name| self.mix.number(name).is_none());
        let named = new.map(|name| Class { name: name.to_string(), ..Class::default() });
        self.mix.classes().iter().cloned().chain(named).collect()
    }

    /// Which of the [classes](Self::classes) the trace's class of this number is.
    pub(super) fn class_number(&self, of_trace: u32) -> Option<u32> {
        let names = self.replay.as_ref()?.classes();
        let k = usize::try_from(of_trace).ok()?;
        let name = names.get(k)?;
        let place = self.mix.number(name).unwrap_or_else(|| {
            let new = names[..k].iter().filter(|name| self.mix.number(name).is_none()).count();
            self.mix.classes().len() + new
        });
        u32::try_from(place).ok()
    }

    /// Whether it makes sense with `config`.
    pub(super) fn check(&self, config: &PlanConfig) -> Result<(), PlanError> {
        if self.lengths == LengthSource::Recorded && self.replay.is_none() {
            return Err(PlanError::NotRecorded("lengths"));
        }
        if self.cancellations.iter().map(|way| way.share().get()).sum::<f64>() > 1.0 + f64::EPSILON {
            return Err(PlanError::TooManyLeave);
        }
        if self.sessions.is_some() && self.replay.is_some() {
            return Err(PlanError::RecordedTurns);
        }
        let Load::Open { rate, arrivals } = config.load else {
            return match self.curve {
                Some(_) => Err(PlanError::TwoCurves("a closed loop has no rate, and a curve is one of rates")),
                None => Ok(()),
            };
        };
        match arrivals {
            Arrivals::Recorded => {
                if self.replay.as_ref().is_none_or(|replay| !replay.has_instants()) {
                    return Err(PlanError::NotRecorded("instants"));
                }
                self.alone(config, "recorded instants are bent by a ramp or a curve")?;
            }
            Arrivals::OnOff { .. } => self.alone(config, "bursts stand beside a ramp or a curve")?,
            Arrivals::Poisson
            | Arrivals::Constant
            | Arrivals::Gamma { .. }
            | Arrivals::Weibull { .. }
            | Arrivals::Jitter { .. } => {}
        }
        let Some(curve) = &self.curve else { return Ok(()) };
        if config.ramp_up > Nanos::ZERO {
            return Err(PlanError::TwoCurves("a ramp stands beside a curve"));
        }
        match curve.rate() {
            Some(own) if own != rate => Err(PlanError::TwoRates { rate, curve: own }),
            Some(_) | None => Ok(()),
        }
    }

    fn alone(&self, config: &PlanConfig, what: &'static str) -> Result<(), PlanError> {
        match self.curve.is_none() && config.ramp_up == Nanos::ZERO {
            true => Ok(()),
            false => Err(PlanError::TwoCurves(what)),
        }
    }
}
