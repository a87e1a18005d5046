//! Which sequences the next iteration computes: one file per scheduler, each SIM.md's rule and nothing else. They know
//! queues, seats and memory; neither cost nor clock.

mod decode;
pub(crate) mod disaggregated;
mod orca;
mod sarathi;
mod static_batch;
mod step;
mod vllm;
mod vllm_v1;

pub(crate) use disaggregated::Disaggregated;
pub(crate) use orca::Orca;
pub(crate) use sarathi::Sarathi;
pub(crate) use static_batch::{Reservation, Static};
pub(crate) use step::Step;
pub(crate) use vllm::Vllm;
pub(crate) use vllm_v1::{AdmissionNeeds, VllmV1};

/// A scheduler of a single instance, with its parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scheduler {
    Static(Static),
    Orca(Orca),
    Vllm(Vllm),
    VllmV1(VllmV1),
    Sarathi(Sarathi),
}

impl Scheduler {
    /// Fills the instance's empty batch.
    pub(crate) fn form_batch(&self, step: &mut Step<'_>) {
        match self {
            Self::Static(scheduler) => scheduler.form_batch(step),
            Self::Orca(scheduler) => scheduler.form_batch(step),
            Self::Vllm(scheduler) => scheduler.form_batch(step),
            Self::VllmV1(scheduler) => scheduler.form_batch(step),
            Self::Sarathi(scheduler) => scheduler.form_batch(step),
        }
    }
}
