//! The live view of a run on a terminal: it reads the run's events and the keyboard, draws, and hands wishes back. It never
//! waits for the run, and the run never waits for it: events come over a channel that takes everything at once.
//!
//! `board` is what is known, `draw` what is seen of it, `terminal` the screen and its way back to what it was.

mod board;
mod draw;
mod keys;
mod terminal;

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use metron_results::event::RunEvent;

use crate::style::Style;
use board::Board;
pub use keys::Wish;
use terminal::Screen;

/// How long a key press may wait to be seen.
const KEYS: Duration = Duration::from_millis(50);
/// The smallest screen that shows everything that matters.
pub const SMALLEST: (u16, u16) = (60, 15);

/// Whether a live view can be had here: stderr and the keyboard are a terminal's, which is large enough, knows how to move a
/// cursor, and belongs to this program and not to one in front of it. `term` is the environment's `TERM`.
#[must_use]
pub fn fits(term: Option<&std::ffi::OsStr>) -> bool {
    let dumb = term.is_none_or(|term| term.is_empty() || term == "dumb");
    !dumb
        && terminal::is_ours()
        && terminal::size().is_some_and(|(wide, high)| wide >= SMALLEST.0 && high >= SMALLEST.1)
}

/// Follows a run until its events end. `wish` hears what the user wants of it; afterwards what was said on the way stands on
/// `out`, for the screen that showed it is gone.
///
/// A screen that cannot be had or is lost ends the drawing and nothing else. The most requests that were seen in flight at once.
pub fn follow(events: &Receiver<RunEvent>, style: Style, wish: impl Fn(Wish), mut out: impl Write) -> u64 {
    let mut board = Board::default();
    let mut screen = Screen::Unopened;
    loop {
        let mut changed = match events.recv_timeout(KEYS) {
            Ok(event) => {
                board.see(&event);
                // Opened by the first word of how it stands: a run that fails at once, or is over at once, needs no screen.
                if matches!(event, RunEvent::Progress(_)) {
                    screen.open();
                }
                true
            }
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        for event in events.try_iter() {
            board.see(&event);
            changed = true;
        }
        for pressed in screen.pressed() {
            if let Some(wished) = board.press(pressed) {
                wish(wished);
            }
            changed = true;
        }
        if changed {
            screen.draw(|frame| draw::draw(frame, &board, style));
        }
    }
    screen.close();
    for line in board.said() {
        let _nobody_reads = writeln!(out, "{line}");
    }
    board.most_in_flight()
}

#[cfg(test)]
mod tests;
