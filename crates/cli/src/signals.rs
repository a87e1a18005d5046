//! Ctrl-C and its kin. In a run the first one asks to stop sending and to drain, the second to end now; what is there is
//! written either way. SIGTERM and SIGHUP mean the same as SIGINT.

use std::io;

use metron_runner::Stop;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

const INTERRUPTS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// Hands interrupts to `stop` for as long as the program lives.
///
/// # Errors
/// If the system lets no handler be set, or gives no thread.
pub(crate) fn hand_to(stop: Stop) -> io::Result<()> {
    let mut signals = Signals::new(INTERRUPTS)?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut arrived = signals.forever();
        if arrived.next().is_some() {
            stop.drain();
        }
        for _ in arrived {
            stop.now();
        }
    })?;
    Ok(())
}

/// An interrupt that is waited for.
pub(crate) struct Interrupt(Signals);

impl Interrupt {
    /// Takes interrupts from here on; one that comes before the wait is not lost.
    ///
    /// # Errors
    /// If the system lets no handler be set.
    pub(crate) fn listen() -> io::Result<Self> {
        Signals::new(INTERRUPTS).map(Self)
    }

    /// Returns once one has come.
    pub(crate) fn wait(mut self) {
        self.0.forever().next();
    }
}
