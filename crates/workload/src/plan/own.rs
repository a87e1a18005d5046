//! What a trace says of one request, where a plan's other parts would else decide. Knows no format.

use metron_units::Nanos;

use super::cancel::Leave;

/// What a trace says of one request; nothing of one that no trace has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Own {
    /// Which of the plan's [classes](super::Plan::classes).
    pub class: Option<u32>,
    /// Its deadline for the first token.
    pub ttft_deadline: Option<Nanos>,
    /// Its deadline between tokens.
    pub tbt_deadline: Option<Nanos>,
    /// How long its user waits after the answer to the turn before.
    pub delay: Option<Nanos>,
    /// When its user gives it up.
    pub leave: Option<Leave>,
    /// Whether its user leaves the session before its end.
    pub abandons: bool,
}
