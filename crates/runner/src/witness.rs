//! Who sees a run's requests while it runs, and may end it: a search that has its verdict, a figure that is known well enough.
//! Knows no reason.

use std::ops::ControlFlow;

use metron_metrics::RequestRecord;
use metron_results::event::InFlight;

/// Sees each request of a run as it ends, warm-up included.
///
/// In virtual time it is asked at the very instant at which a request ends, so that a run that it ends is the same each time. Over a
/// network it is asked on the recorder's thread, away from the workers; a few more requests may leave before its word is heard.
pub trait Witness: Send {
    /// One more request is over. To break ends the run: nothing more is sent, and what is in flight is awaited or dropped. It is
    /// then asked no more.
    fn see(&mut self, record: &RequestRecord) -> ControlFlow<InFlight>;
}
