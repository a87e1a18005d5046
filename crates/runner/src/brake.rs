//! Ends a run from within: what was asked from without, a disk that takes no more, a worker that fell. Knows no reason.

use std::sync::Arc;

use crate::queue::Queue;
use crate::stop::{Asked, Stop};
use crate::worker::Job;

/// Stops dispatching at once and, if asked, drops what is in flight. Clones are one brake.
#[derive(Debug, Clone)]
pub(crate) struct Brake {
    stop: Stop,
    queues: Arc<[Arc<Queue<Job>>]>,
}

impl Brake {
    pub(crate) fn new(queues: Arc<[Arc<Queue<Job>>]>) -> Self {
        Self { stop: Stop::new(), queues }
    }

    /// Nothing more is dispatched.
    pub(crate) fn drain(&self) {
        self.apply(Asked::Drain);
    }

    /// Nothing more is dispatched, and what is in flight is dropped.
    pub(crate) fn now(&self) {
        self.apply(Asked::Now);
    }

    /// Does what was asked elsewhere.
    pub(crate) fn apply(&self, asked: Asked) {
        match asked {
            Asked::Nothing => return,
            Asked::Drain => self.stop.drain(),
            Asked::Now => self.stop.now(),
        }
        for queue in self.queues.iter() {
            queue.close();
        }
    }

    /// Whether every request has had its turn, or will have none.
    pub(crate) fn nothing_left(&self) -> bool {
        self.queues.iter().all(|queue| queue.is_over())
    }

    /// Waits until at least `least` was applied.
    pub(crate) async fn reaches(&self, least: Asked) {
        self.stop.reaches(least).await;
    }
}
