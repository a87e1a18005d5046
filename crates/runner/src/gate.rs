//! Which phase a request belongs to when its turn comes, and when no more may be sent: what the plan leaves to the run's
//! clock. Shared by all workers, asked once a request. Knows no connection.

use std::sync::atomic::{AtomicU64, Ordering};

use metron_metrics::Phase;
use metron_units::Nanos;
use metron_workload::{LeftToClock, Load, Plan, PlannedPhase, PlannedRequest, Warmup};

/// Not known yet.
const UNKNOWN: u64 = u64::MAX;

/// Decides at each request's turn.
#[derive(Debug)]
pub(crate) struct Gate {
    /// When the plan's time begins, on the run's clock.
    origin: Nanos,
    left: LeftToClock,
    beyond: Beyond,
    is_closed: bool,
    measured_from: AtomicU64,
    /// The planned instant of the last request of a warm-up by count, on the run's clock; at first the origin.
    last_warmup: AtomicU64,
    /// Measured requests that were let through, where they are counted here.
    let_through: AtomicU64,
}

/// What becomes of a request of an open loop whose turn comes after the run's duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// Its instant lay within, and only this client was late: it is sent.
    Sent,
    /// A bound of requests in flight held it back: it is not.
    NotSent,
}

/// What becomes of a request whose turn has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is sent.
    Go(Phase),
    /// It is not sent, nor is any other.
    Over,
}

impl Gate {
    /// Of a plan whose time begins at `origin`; a bound of requests in flight may hold some back.
    pub(crate) fn of(plan: &Plan, max_in_flight: Option<u32>, origin: Nanos) -> Self {
        match plan.config().load {
            Load::Closed { .. } => Self::closed(origin, plan.left_to_clock()),
            Load::Open { .. } => {
                let warmup = match plan.config().warmup {
                    Warmup::Duration(time) => Some(time),
                    Warmup::None | Warmup::Requests(_) => None,
                };
                let beyond = if max_in_flight.is_some() { Beyond::NotSent } else { Beyond::Sent };
                Self::open(origin, warmup, plan.config().limit.duration, beyond)
            }
        }
    }

    /// Of a closed loop.
    pub(crate) fn closed(origin: Nanos, left: Option<LeftToClock>) -> Self {
        let left = left.unwrap_or(LeftToClock { warmup: None, requests: None, duration: None });
        Self { is_closed: true, ..Self::new(origin, left, Beyond::NotSent) }
    }

    /// Of an open loop, whose warm-up and measured phase last so long, where time bounds them.
    pub(crate) fn open(origin: Nanos, warmup: Option<Nanos>, duration: Option<Nanos>, beyond: Beyond) -> Self {
        Self::new(origin, LeftToClock { warmup, requests: None, duration }, beyond)
    }

    fn new(origin: Nanos, left: LeftToClock, beyond: Beyond) -> Self {
        let known = left.warmup.map_or(UNKNOWN, |warmup| origin.saturating_add(warmup).get());
        Self {
            origin,
            left,
            beyond,
            is_closed: false,
            measured_from: AtomicU64::new(known),
            last_warmup: AtomicU64::new(origin.get()),
            let_through: AtomicU64::new(0),
        }
    }

    /// The turn of a request of this phase has come at `now`.
    pub(crate) fn turn(&self, planned: PlannedPhase, now: Nanos) -> Turn {
        let phase = match planned {
            PlannedPhase::Warmup => Phase::Warmup,
            PlannedPhase::Measured => Phase::Measured,
            PlannedPhase::ByClock => match self.left.warmup {
                Some(warmup) if now <= self.origin.saturating_add(warmup) => Phase::Warmup,
                Some(_) | None => Phase::Measured,
            },
        };
        if phase == Phase::Warmup {
            return Turn::Go(phase);
        }
        let from = self.begin_measured(now);
        if self.left.duration.is_some_and(|most| now.saturating_sub(from) >= most) {
            return Turn::Over;
        }
        if self.left.requests.is_some_and(|most| self.let_through.fetch_add(1, Ordering::Relaxed) >= most) {
            return Turn::Over;
        }
        Turn::Go(phase)
    }

    /// The turn of a request of an open loop, which its plan gave an instant: only where a bound held it back may it come
    /// after the run's duration, and is not sent then.
    pub(crate) fn open_turn(&self, request: &PlannedRequest, now: Nanos) -> Turn {
        let at = self.origin.saturating_add(request.intended.unwrap_or_default());
        match request.phase {
            PlannedPhase::Warmup => {
                self.last_warmup.fetch_max(at.get(), Ordering::Relaxed);
                Turn::Go(Phase::Warmup)
            }
            PlannedPhase::Measured | PlannedPhase::ByClock => {
                self.begin_measured(Nanos::new(self.last_warmup.load(Ordering::Relaxed)));
                let is_beyond = self.ends_at().is_some_and(|end| now > end);
                if is_beyond && self.beyond == Beyond::NotSent { Turn::Over } else { Turn::Go(Phase::Measured) }
            }
        }
    }

    /// The turn of a later request of a session has come, which has no instant: nothing is sent once the run's duration is over.
    pub(crate) fn later_turn(&self, planned: PlannedPhase, now: Nanos) -> Turn {
        if self.is_closed {
            return self.turn(planned, now);
        }
        match planned {
            PlannedPhase::Warmup => Turn::Go(Phase::Warmup),
            PlannedPhase::Measured | PlannedPhase::ByClock => match self.ends_at() {
                Some(end) if now > end => Turn::Over,
                Some(_) | None => Turn::Go(Phase::Measured),
            },
        }
    }

    /// When the measured phase began, once it is known.
    pub(crate) fn measured_from(&self) -> Option<Nanos> {
        Some(self.measured_from.load(Ordering::Relaxed)).filter(|&from| from != UNKNOWN).map(Nanos::new)
    }

    /// The first measured request leaves; returns when the phase began, which may have been another's doing.
    fn begin_measured(&self, now: Nanos) -> Nanos {
        match self.measured_from.compare_exchange(UNKNOWN, now.get(), Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => now,
            Err(earlier) => Nanos::new(earlier),
        }
    }

    /// When dispatching ends at the latest, once it is known.
    pub(crate) fn ends_at(&self) -> Option<Nanos> {
        Some(self.measured_from()?.saturating_add(self.left.duration?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Nanos = Nanos::from_secs(1);

    fn ms(ms: u64) -> Nanos {
        ORIGIN + Nanos::from_millis(ms)
    }

    fn gate(warmup: Option<u64>, requests: Option<u64>, duration: Option<u64>) -> Gate {
        let left = LeftToClock {
            warmup: warmup.map(Nanos::from_millis),
            requests,
            duration: duration.map(Nanos::from_millis),
        };
        Gate::closed(ORIGIN, Some(left))
    }

    #[test]
    fn what_leaves_within_the_warm_ups_time_is_warm_up() {
        let gate = gate(Some(100), None, None);
        assert_eq!(gate.turn(PlannedPhase::ByClock, ms(0)), Turn::Go(Phase::Warmup));
        assert_eq!(gate.turn(PlannedPhase::ByClock, ms(100)), Turn::Go(Phase::Warmup));
        assert_eq!(gate.turn(PlannedPhase::ByClock, ms(101)), Turn::Go(Phase::Measured));
        assert_eq!(gate.measured_from(), Some(ms(100)));
    }

    #[test]
    fn the_duration_counts_from_the_warm_ups_end() {
        let gate = gate(Some(100), None, Some(50));
        assert_eq!(gate.turn(PlannedPhase::ByClock, ms(149)), Turn::Go(Phase::Measured));
        assert_eq!(gate.turn(PlannedPhase::ByClock, ms(150)), Turn::Over);
        assert_eq!(gate.ends_at(), Some(ms(150)));
    }

    #[test]
    fn without_a_warm_up_by_time_it_counts_from_the_first_measured_request() {
        let gate = gate(None, None, Some(50));
        assert_eq!(gate.turn(PlannedPhase::Warmup, ms(10)), Turn::Go(Phase::Warmup));
        assert_eq!(gate.ends_at(), None);
        assert_eq!(gate.turn(PlannedPhase::Measured, ms(30)), Turn::Go(Phase::Measured));
        assert_eq!(gate.turn(PlannedPhase::Measured, ms(79)), Turn::Go(Phase::Measured));
        assert_eq!(gate.turn(PlannedPhase::Measured, ms(80)), Turn::Over);
    }

    #[test]
    fn the_count_is_never_passed_by_one_however_many_ask_at_once() {
        let gate = gate(Some(0), Some(1_000), None);
        let let_through: usize = std::thread::scope(|scope| {
            let ask =
                || (0..500).filter(|_| gate.turn(PlannedPhase::ByClock, ms(1)) == Turn::Go(Phase::Measured)).count();
            let asking: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            asking.into_iter().map(|asking| asking.join().expect("no panic")).sum()
        });
        assert_eq!(let_through, 1_000);
    }

    fn request(phase: PlannedPhase, at: u64) -> PlannedRequest {
        let tokens = metron_units::Tokens::new(1);
        PlannedRequest {
            id: 0,
            phase,
            intended: Some(Nanos::from_millis(at)),
            input_tokens: tokens,
            output_tokens: tokens,
            turn: None,
            own: metron_workload::Own::default(),
        }
    }

    #[test]
    fn an_open_loop_counts_its_duration_from_its_last_warm_up_instant() {
        let gate = Gate::open(ORIGIN, None, Some(Nanos::from_millis(50)), Beyond::NotSent);
        assert_eq!(gate.open_turn(&request(PlannedPhase::Warmup, 20), ms(0)), Turn::Go(Phase::Warmup));
        assert_eq!(gate.open_turn(&request(PlannedPhase::Measured, 70), ms(70)), Turn::Go(Phase::Measured));
        assert_eq!(gate.open_turn(&request(PlannedPhase::Measured, 70), ms(71)), Turn::Over);
        assert_eq!(gate.measured_from(), Some(ms(20)));
    }

    #[test]
    fn what_only_this_client_made_late_is_still_sent() {
        let gate = Gate::open(ORIGIN, Some(Nanos::from_millis(10)), Some(Nanos::from_millis(50)), Beyond::Sent);
        assert_eq!(gate.open_turn(&request(PlannedPhase::Measured, 60), ms(61)), Turn::Go(Phase::Measured));
        assert_eq!((gate.measured_from(), gate.ends_at()), (Some(ms(10)), Some(ms(60))));
    }

    #[test]
    fn a_plan_that_says_everything_leaves_nothing_to_decide() {
        let gate = Gate::closed(ORIGIN, None);
        assert_eq!(gate.turn(PlannedPhase::Measured, ms(1 << 40)), Turn::Go(Phase::Measured));
        assert_eq!(gate.ends_at(), None);
    }
}
