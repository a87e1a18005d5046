//! `orca`: iteration-level scheduling. Whoever runs decodes, and in the same iteration newcomers are computed whole.

use super::Step;
use super::static_batch::{Reservation, decode_all};

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Orca(pub(crate) Reservation);

impl Orca {
    pub(super) fn form_batch(&self, step: &mut Step<'_>) {
        decode_all(step);
        self.0.admit(step);
    }
}
