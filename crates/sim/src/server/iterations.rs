//! Hands iterations to whoever keeps them, some at a time, so that the event loop pays one send for many. Knows no file.

use std::sync::mpsc::Sender;

use crate::engine::Iteration;

/// Iterations that are handed over together.
const TOGETHER: usize = 256;

/// Iterations on their way out.
#[derive(Debug)]
pub(super) struct Iterations {
    waiting: Vec<Iteration>,
    to: Option<Sender<Vec<Iteration>>>,
}

impl Iterations {
    pub(super) fn new(to: Option<Sender<Vec<Iteration>>>) -> Self {
        Self { waiting: Vec::new(), to }
    }

    pub(super) fn see(&mut self, iteration: Iteration) {
        if self.to.is_some() {
            self.waiting.push(iteration);
            if self.waiting.len() >= TOGETHER {
                self.hand_over();
            }
        }
    }

    /// Hands over the last ones, and lets go: whoever keeps them knows that no more will come.
    pub(super) fn close(mut self) {
        self.hand_over();
    }

    fn hand_over(&mut self) {
        let iterations = std::mem::replace(&mut self.waiting, Vec::with_capacity(TOGETHER));
        if let Some(to) = &self.to
            && to.send(iterations).is_err()
        {
            // Nobody listens any more.
            self.to = None;
        }
    }
}
