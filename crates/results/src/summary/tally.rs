//! From a run's rows to its summary: the one way there, for a run that ends and for one that is recovered.

use std::collections::BTreeMap;

use metron_metrics::accounts::{Accounts, Breach, Closing};
use metron_metrics::objective::ObjectiveError;
use metron_metrics::{RequestFigures, RequestRecord, Summariser, SummaryOptions};
use metron_units::Nanos;

use super::of_figures::{acceptance_curve, metrics};
use super::parting::{NotSent, Parts};
use super::{Instrument, Objective, Requests, Run, SCHEMA, Sessions, Summary, TokenCounts, Trend};
use crate::RunFacts;

/// Takes in a run's rows. Keeps no row, but the samples that exact quantiles need.
#[derive(Debug)]
pub struct Tally {
    facts: RunFacts,
    summariser: Summariser,
    accounts: Accounts,
    parts: Parts,
    last: Nanos,
}

/// What is known at a run's end besides its rows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ending {
    /// Requests of the measured phase whose turn never came.
    pub not_sent: u64,
    /// Requests of the warm-up whose turn never came.
    pub warmup_not_sent: u64,
    /// The end of the run on the clock of its rows; if unknown, their last instant.
    pub ended: Option<Nanos>,
    /// How far the client can be trusted, if it was observed.
    pub instrument: Option<Instrument>,
    /// Of `not_sent`, how many are of each class of a mix.
    pub not_sent_of_class: BTreeMap<String, u64>,
    /// Of `not_sent`, why turns of sessions were not.
    pub not_sent_because: BTreeMap<String, u64>,
    /// What became of the sessions, if the run had any.
    pub sessions: Option<Sessions>,
}

impl Tally {
    /// A tally without rows.
    ///
    /// # Errors
    /// If one of the facts' objectives is none.
    pub fn new(facts: RunFacts) -> Result<Self, Box<ObjectiveError>> {
        let objectives =
            facts.objectives.iter().map(|text| text.parse().map_err(Box::new)).collect::<Result<_, _>>()?;
        let options = SummaryOptions { target_miss_rate: facts.target_miss_rate, objectives };
        let (summariser, parts) = (Summariser::new(options), Parts::new(&facts)?);
        Ok(Self { facts, summariser, accounts: Accounts::default(), parts, last: Nanos::ZERO })
    }

    /// Takes in a row of either phase.
    pub fn add(&mut self, record: &RequestRecord) {
        self.add_figured(record, &RequestFigures::of(record, self.facts.target_miss_rate));
    }

    /// The same, where the row's figures for the run's target are known already.
    pub fn add_figured(&mut self, record: &RequestRecord, figures: &RequestFigures) {
        self.accounts.add(record);
        self.summariser.add_figured(record, figures);
        self.parts.add(record, figures);
        let arrived = record.chunks.last().map(|chunk| chunk.arrived);
        for instant in [record.finished, arrived, record.dispatched].into_iter().flatten() {
            self.last = self.last.max(instant);
        }
    }

    /// How many requests of each class of a mix had their turn so far, the warm-up apart.
    pub fn dispatched_of_class(&self) -> impl Iterator<Item = (String, u64)> {
        self.parts.dispatched_of_class()
    }

    /// The summary of a run that came to its end.
    ///
    /// # Errors
    /// If the accounts do not balance.
    pub fn close(self, ending: Ending) -> Result<Summary, Breach> {
        let closing = Closing {
            planned: self.facts.planned,
            not_sent: ending.not_sent,
            lost: 0,
            warmup_not_sent: ending.warmup_not_sent,
            ended: ending.ended,
        };
        let summary = self.sum_up(closing, ending.instrument, &ending.not_sent_of_class)?;
        let requests = Requests { not_sent_because: ending.not_sent_because, ..summary.requests };
        Ok(Summary { requests, sessions: ending.sessions, ..summary })
    }

    /// The summary of a run that was killed. What its rows do not account for is lost: `in_flight` requests, where the plan
    /// does not tell.
    ///
    /// # Errors
    /// If the rows do not balance among themselves.
    pub fn close_killed(self, in_flight: Option<u64>) -> Result<Summary, Breach> {
        let recorded = self.accounts.counts().dispatched;
        let lost = match self.facts.planned {
            Some(planned) => planned.saturating_sub(recorded),
            None => in_flight.unwrap_or(0),
        };
        // How many of the warm-up were lost is not known, and so neither is the plan's last id.
        let closing = Closing { planned: self.facts.planned, lost, warmup_not_sent: u64::MAX, ..Closing::default() };
        self.sum_up(closing, None, &NotSent::new())
    }

    fn sum_up(
        mut self,
        closing: Closing,
        instrument: Option<Instrument>,
        not_sent: &NotSent,
    ) -> Result<Summary, Breach> {
        let ended = closing.ended.unwrap_or(self.last);
        let accounts = self.accounts.close(closing)?;
        let figures = self.summariser.finish();
        Ok(Summary {
            until: Vec::new(),
            schema: SCHEMA.to_owned(),
            deadlines: self.facts.deadline_settings(),
            run: Run { duration_s: Some(ended.as_secs_f64()), ..self.facts.run.clone() },
            requests: Requests::from(&accounts),
            tokens: TokenCounts::from(&accounts.counts),
            metrics: metrics(&figures),
            tbt_acceptance_curve: acceptance_curve(&figures),
            ttft_trend: figures.ttft_trend.map(|moved| Trend { early: moved.early, late: moved.late }),
            objectives: figures.objectives.iter().map(Objective::from).collect(),
            classes: self.parts.classes(&self.facts, not_sent),
            sessions: None,
            turns: self.parts.turns(),
            load: None,
            instrument,
            connections: None,
            server: None,
            telemetry: None,
        })
    }
}
