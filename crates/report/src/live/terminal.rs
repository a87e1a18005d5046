//! The terminal's second screen: taken when there is something to draw, given back on every way out, a panic's too. Knows
//! nothing of what is drawn.

use std::io::{self, IsTerminal as _, Stderr, stderr, stdin};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size as terminal_size,
};
use ratatui::crossterm::{cursor, event, execute};
use ratatui::{Frame, Terminal};

use super::keys::Pressed;

/// Whether the terminal is as this module makes it: what a panic, on whatever thread, has to undo.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether keys and screen are a terminal's, and this program is the one in front of it: one in the background that asks for
/// keys is stopped by the system.
pub(super) fn is_ours() -> bool {
    stdin().is_terminal() && stderr().is_terminal() && is_in_front()
}

#[cfg(unix)]
fn is_in_front() -> bool {
    rustix::termios::tcgetpgrp(stderr()).is_ok_and(|front| front == rustix::process::getpgrp())
}

#[cfg(not(unix))]
fn is_in_front() -> bool {
    true
}

/// Columns and rows.
pub(super) fn size() -> Option<(u16, u16)> {
    terminal_size().ok()
}

/// A terminal whose second screen is ours; it is given back on drop.
pub(super) struct Taken {
    terminal: Terminal<CrosstermBackend<Stderr>>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        restore();
    }
}

/// The screen of one run.
pub(super) enum Screen {
    /// Not asked for yet.
    Unopened,
    /// Ours.
    Open(Box<Taken>),
    /// Given back, or not to be had: nothing more is drawn.
    Closed,
}

impl Screen {
    /// Takes the screen, once.
    pub(super) fn open(&mut self) {
        if matches!(self, Self::Unopened) {
            *self = take().map_or(Self::Closed, |taken| Self::Open(Box::new(taken)));
        }
    }

    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) {
        let Self::Open(taken) = self else { return };
        // A panic elsewhere gave the screen back: its message must stay readable.
        if !TAKEN.load(Ordering::SeqCst) || taken.terminal.draw(picture).is_err() {
            self.close();
        }
    }

    /// What was pressed since the last time; does not wait.
    pub(super) fn pressed(&mut self) -> Vec<Pressed> {
        let mut pressed = Vec::new();
        if !matches!(self, Self::Open(_)) {
            return pressed;
        }
        while event::poll(Duration::ZERO).unwrap_or(false) {
            let Ok(event) = event::read() else { break };
            pressed.extend(Pressed::of(&event));
        }
        pressed
    }

    /// Gives the screen back. Idempotent.
    pub(super) fn close(&mut self) {
        *self = Self::Closed;
    }
}

fn take() -> io::Result<Taken> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
    });
    TAKEN.store(true, Ordering::SeqCst);
    let taken = enable_raw_mode()
        .and_then(|()| execute!(stderr(), EnterAlternateScreen, cursor::Hide))
        .and_then(|()| Terminal::new(CrosstermBackend::new(stderr())));
    match taken {
        Ok(terminal) => Ok(Taken { terminal }),
        Err(error) => {
            restore();
            Err(error)
        }
    }
}

fn restore() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let _gone = execute!(stderr(), LeaveAlternateScreen, cursor::Show);
        let _gone = disable_raw_mode();
    }
}
