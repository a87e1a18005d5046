//! What keys mean. Knows no screen.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What the user wants of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Send nothing more, and wait for what is in flight.
    Drain,
    /// Drop what is in flight, too.
    Stop,
}

/// What happened at the terminal, as far as the view cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pressed {
    /// `q`.
    Drain,
    /// `Q`.
    Stop,
    /// `p`.
    Freeze,
    /// Ctrl-C, which is no signal while keys are read one by one: once it drains, twice it stops.
    Interrupt,
    /// The screen has another size: it is to be drawn again.
    Resized,
}

impl Pressed {
    /// `None` for what means nothing here.
    pub(super) fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Resize(..) => Some(Self::Resized),
            Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) => match code {
                KeyCode::Char('c') if modifiers.contains(KeyModifiers::CONTROL) => Some(Self::Interrupt),
                KeyCode::Char('q') => Some(Self::Drain),
                KeyCode::Char('Q') => Some(Self::Stop),
                KeyCode::Char('p' | 'P') => Some(Self::Freeze),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Pressed> {
        Pressed::of(&Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn small_and_large_q_are_two_wishes() {
        assert_eq!(key(KeyCode::Char('q'), KeyModifiers::NONE), Some(Pressed::Drain));
        assert_eq!(key(KeyCode::Char('Q'), KeyModifiers::SHIFT), Some(Pressed::Stop));
    }

    #[test]
    fn control_c_is_an_interrupt_and_c_alone_is_nothing() {
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Pressed::Interrupt));
        assert_eq!(key(KeyCode::Char('c'), KeyModifiers::NONE), None);
    }
}
