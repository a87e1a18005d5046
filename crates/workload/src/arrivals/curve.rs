//! Rates that change with time by a known curve, and where on it the n-th arrival lies. Knows no gap's law.
//!
//! | text | meaning |
//! |---|---|
//! | `diurnal:24h,0.6` | the load's rate R times 1 + 0.6 sin(2 pi t / 24 h): up first. A third value, `diurnal:24h,0.6,18h`, is the time of day at the start |
//! | `steps:10s@5,20s@50` | 5/s for 10 s, then 50/s for 20 s, and on at the last rate |
//! | `cycle:10s@5,20s@50` | the same, over and over |
//! | `ramp:10s@5..50` | from 5/s to 50/s over 10 s, and on at the last rate |
//! | `curve:0s@5,10s@50,30s@20` | straight lines between points, and on at the last rate |
//!
//! All but `diurnal` say the rate themselves: [`Curve::rate`] is then the rate of the load. With a gap law at unit rate,
//! arrival k lies where the integral of the curve reaches the sum of the first k gaps; for Poisson gaps that is the
//! Poisson process of this rate.

use metron_units::{Nanos, Rate};

/// A rate that changes with time. Made by parsing; see the [module](self) for the texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve(pub(super) Shape);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Diurnal {
        period: Nanos,
        amplitude: f64,
        start: Nanos,
    },
    /// A rate for a time, one after another.
    Steps {
        steps: Vec<(Nanos, f64)>,
        repeats: bool,
    },
    /// Points of time and rate; `ramp` says by which name it was written.
    Lines {
        points: Vec<(Nanos, f64)>,
        ramp: bool,
    },
}

impl Curve {
    /// The rate that the curve says by itself, the mean over its length; `None` for one that is relative to the load's.
    #[must_use]
    pub fn rate(&self) -> Option<Rate> {
        let pieces = self.pieces()?;
        let end = pieces.last()?;
        let (seconds, arrivals) = (end.from_s + end.length_s, end.from_n + end.arrivals());
        // A curve of one point goes on at its rate.
        if seconds > 0.0 { Rate::per_second(arrivals / seconds) } else { Rate::per_second(end.rate) }
    }

    /// The curve's straight pieces; `None` for a sine.
    fn pieces(&self) -> Option<Vec<Piece>> {
        let (mut pieces, mut from_s, mut from_n) = (Vec::new(), 0.0, 0.0);
        let mut add = |length: Nanos, rate: f64, until: f64| {
            let length_s = length.as_secs_f64();
            let slope = if length_s > 0.0 { (until - rate) / length_s } else { 0.0 };
            let piece = Piece { from_s, from_n, length_s, rate, slope };
            from_s += length_s;
            from_n += piece.arrivals();
            pieces.push(piece);
        };
        match &self.0 {
            Shape::Diurnal { .. } => return None,
            Shape::Steps { steps, .. } => steps.iter().for_each(|&(length, rate)| add(length, rate, rate)),
            Shape::Lines { points, .. } => {
                points.windows(2).for_each(|pair| {
                    add(pair[1].0.saturating_sub(pair[0].0), pair[0].1, pair[1].1);
                });
                if let Some(&(_, last)) = points.last() {
                    add(Nanos::ZERO, last, last);
                }
            }
        }
        Some(pieces)
    }

    /// Where arrivals lie on it, for a load of mean `rate`.
    pub(crate) fn times(&self, rate: Rate) -> Times {
        match (&self.0, self.pieces()) {
            (&Shape::Diurnal { period, amplitude, start }, _) => Times::Sine(Sine::new(rate, period, amplitude, start)),
            (Shape::Steps { repeats: true, .. }, Some(pieces)) => Times::Straight { pieces, repeats: true },
            (_, pieces) => Times::Straight { pieces: pieces.unwrap_or_default(), repeats: false },
        }
    }
}

/// The times at which the mean number of arrivals reaches a number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Times {
    Sine(Sine),
    Straight { pieces: Vec<Piece>, repeats: bool },
}

impl Times {
    /// The instant at which `n` arrivals have come in the mean; `None` if that never happens within 584 years.
    pub(crate) fn instant(&self, n: f64) -> Option<Nanos> {
        Nanos::from_secs_f64(match self {
            Self::Sine(sine) => sine.seconds(n),
            Self::Straight { pieces, repeats: false } => straight(pieces, n)?,
            Self::Straight { pieces, repeats: true } => {
                let end = pieces.last()?;
                let (period, arrivals) = (end.from_s + end.length_s, end.from_n + end.arrivals());
                // What falls on the end of a round belongs to it.
                let rounds = ((n / arrivals).ceil() - 1.0).max(0.0);
                rounds * period + straight(pieces, (n - rounds * arrivals).clamp(0.0, arrivals))?.min(period)
            }
        })
    }
}

fn straight(pieces: &[Piece], n: f64) -> Option<f64> {
    // What falls on the end of a piece belongs to it, and nothing to a piece of silence.
    let at = pieces.partition_point(|piece| piece.from_n < n).saturating_sub(1);
    pieces.get(at)?.seconds(n - pieces[at].from_n)
}

/// A stretch of time over which the rate is a straight line; the last one goes on at the rate of its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Piece {
    from_s: f64,
    from_n: f64,
    length_s: f64,
    rate: f64,
    slope: f64,
}

impl Piece {
    fn arrivals(&self) -> f64 {
        self.length_s * (self.rate + self.slope * self.length_s / 2.0)
    }

    /// When `n` of its arrivals have come, from the curve's start; `None` where none ever comes.
    fn seconds(&self, n: f64) -> Option<f64> {
        // The root of rate t + slope t^2 / 2 = n in the form that does not cancel.
        let root = (self.rate * self.rate + 2.0 * self.slope * n).max(0.0).sqrt();
        let t = 2.0 * n / (self.rate + root);
        if n == 0.0 {
            return Some(self.from_s);
        }
        t.is_finite().then_some(self.from_s + t)
    }
}

/// A rate of R (1 + a sin(2 pi (t + s) / P)).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sine {
    per_second: f64,
    period_s: f64,
    amplitude: f64,
    phase: f64,
}

impl Sine {
    fn new(rate: Rate, period: Nanos, amplitude: f64, start: Nanos) -> Self {
        let period_s = period.as_secs_f64();
        let phase = std::f64::consts::TAU * (start.as_secs_f64() / period_s).fract();
        Self { per_second: rate.get(), period_s, amplitude, phase }
    }

    /// Whole periods are counted off, so the error does not grow; within one, Newton's steps are held in a bracket.
    fn seconds(&self, n: f64) -> f64 {
        let wanted = n / self.per_second;
        let periods = (wanted / self.period_s).floor();
        let rest = wanted - periods * self.period_s;
        let swing = self.amplitude * self.period_s / std::f64::consts::TAU;
        let angle = |t: f64| self.phase + std::f64::consts::TAU * t / self.period_s;
        let (mut low, mut high) = ((rest - 2.0 * swing).max(0.0), (rest + 2.0 * swing).min(self.period_s));
        let mut t = rest;
        for _ in 0..64 {
            let over = t + swing * (libm::cos(self.phase) - libm::cos(angle(t))) - rest;
            if over > 0.0 {
                high = t
            } else {
                low = t
            }
            let mut next = t - over / (1.0 + self.amplitude * libm::sin(angle(t)));
            if !(next > low && next < high) {
                next = f64::midpoint(low, high);
            }
            let step = (next - t).abs();
            t = next;
            // A tenth of the nanosecond to which instants are rounded.
            if step < 1e-10 {
                break;
            }
        }
        periods * self.period_s + t
    }
}
