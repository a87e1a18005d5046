//! What the server did: counts, lateness, and the truth log. Knows no socket.

use std::io;

use hdrhistogram::Histogram;
use metron_units::{Nanos, Tokens};

use super::{Lag, Report};
use crate::truth::{Record, TruthWriter, What};

/// Something whose bytes wait for the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) request: u64,
    pub(super) port: u16,
    /// When it is due.
    pub(super) due: Nanos,
    pub(super) part: Part,
}

/// Which part of an answer a mark stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Token(u64),
    End,
}

#[derive(Debug)]
pub(super) struct Ledger {
    report: Report,
    lag: Histogram<u64>,
    log: Option<TruthWriter>,
}

/// Lateness above this counts as this.
const LONGEST_LAG: Nanos = Nanos::from_secs(3_600);

impl Ledger {
    pub(super) fn new(log: Option<TruthWriter>) -> Self {
        let lag = Histogram::new_with_bounds(1, LONGEST_LAG.get(), 3).expect("these bounds are valid");
        Self { report: Report::default(), lag, log }
    }

    pub(super) fn connected(&mut self) {
        self.report.connections += 1;
    }

    pub(super) fn refused(&mut self) {
        self.report.refused += 1;
    }

    /// A request meets a fault that was planned for it.
    pub(super) fn met_fault(&mut self) {
        self.report.faults += 1;
    }

    pub(super) fn arrived(&mut self, request: u64, port: u16, at: Nanos, output: Tokens) {
        self.report.requests += 1;
        self.log(What::Arrived, request, port, at, at, output.get());
    }

    pub(super) fn cancelled(&mut self, request: u64, port: u16, at: Nanos) {
        self.report.cancelled += 1;
        self.log(What::Cancelled, request, port, at, at, 0);
    }

    /// The kernel took the last byte of what `mark` stands for, in a call that began at `at`.
    pub(super) fn handed(&mut self, mark: Mark, at: Nanos) {
        let Mark { request, port, due, part } = mark;
        match part {
            Part::Token(index) => {
                self.report.tokens += 1;
                self.lag.saturating_record(at.saturating_sub(due).get());
                self.log(What::Token, request, port, at, due, index);
            }
            Part::End => {
                self.report.completed += 1;
                self.log(What::Finished, request, port, at, due, 0);
            }
        }
    }

    /// Lets the log's records go to its file. To be called where no token is due.
    pub(super) fn hand_over(&mut self) {
        if let Some(log) = &mut self.log {
            log.hand_over();
        }
    }

    /// Closes the log: what there was to tell.
    pub(super) fn close(self) -> io::Result<Report> {
        if let Some(log) = self.log {
            log.finish()?;
        }
        let quantile = |q: f64| Nanos::new(self.lag.value_at_quantile(q));
        let lag = Lag { p50: quantile(0.5), p99: quantile(0.99), max: Nanos::new(self.lag.max()) };
        Ok(Report { lag: (!self.lag.is_empty()).then_some(lag), ..self.report })
    }

    fn log(&mut self, what: What, request: u64, port: u16, at: Nanos, due: Nanos, index: u64) {
        if let Some(log) = &mut self.log {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            log.push(&Record { what, request, at, due, index, port });
        }
    }
}
