//! How a run is told to end before its plan does. Knows no signal and no request.

use tokio::sync::watch;

/// How far the end of a run has been asked for. It only ever rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Asked {
    /// Not at all.
    #[default]
    Nothing,
    /// Send nothing more; what is in flight may end by itself, bounded by the timeouts.
    Drain,
    /// Drop what is in flight, too.
    Now,
}

/// Asks a run to end. Clones ask the same run; asking twice is asking once.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    asked: watch::Sender<Asked>,
}

impl Stop {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Send nothing more, and wait for what is in flight.
    pub fn drain(&self) {
        self.ask(Asked::Drain);
    }

    /// Send nothing more, and drop what is in flight.
    pub fn now(&self) {
        self.ask(Asked::Now);
    }

    /// What has been asked so far.
    #[must_use]
    pub fn asked(&self) -> Asked {
        *self.asked.borrow()
    }

    fn ask(&self, more: Asked) {
        self.asked.send_if_modified(|asked| {
            let rises = more > *asked;
            *asked = more.max(*asked);
            rises
        });
    }

    /// Waits until at least `least` has been asked, and says what was.
    pub(crate) async fn reaches(&self, least: Asked) -> Asked {
        let mut asked = self.asked.subscribe();
        let reached = asked.wait_for(|asked| *asked >= least).await;
        *reached.expect("this handle holds the sender")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_for_less_takes_nothing_back() {
        let stop = Stop::new();
        assert_eq!(stop.asked(), Asked::Nothing);
        stop.now();
        stop.drain();
        assert_eq!(stop.asked(), Asked::Now);
    }

    #[test]
    fn a_clone_asks_the_same_run() {
        let stop = Stop::new();
        stop.clone().drain();
        assert_eq!(stop.asked(), Asked::Drain);
    }

    #[tokio::test]
    async fn who_waits_for_the_end_is_woken_by_more_than_it_waits_for() {
        let stop = Stop::new();
        let waiting = stop.reaches(Asked::Drain);
        stop.now();
        assert_eq!(waiting.await, Asked::Now);
    }
}
