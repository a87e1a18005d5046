//! What a sweep tells of its way. Says nothing itself.

use metron_results::capacity::Probe;
use metron_results::prefill_profile::Point;
use metron_results::sweep::SweptCell;

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum SweepEvent<'a> {
    /// The engine of a target is being started.
    Starting {
        /// The target's name.
        target: &'a str,
    },
    /// A cell is being measured.
    Measuring {
        /// Which.
        cell: &'a SweptCell,
        /// Its place, from 0.
        place: usize,
        /// Of how many.
        of: usize,
    },
    /// A probe of a search for the highest load has ended.
    Probed {
        /// The search's cell.
        cell: &'a SweptCell,
        /// The probe's number, from 1.
        number: usize,
        /// The probe.
        probe: &'a Probe,
        /// What its load is counted in.
        unit: &'a str,
    },
    /// A prompt's length has been measured.
    Length {
        /// The profile's cell.
        cell: &'a SweptCell,
        /// What was measured.
        point: &'a Point,
    },
    /// A cell had been measured before, and is kept.
    Kept {
        /// Which.
        cell: &'a SweptCell,
    },
    /// A cell is over: measured, failed or cut short.
    Over {
        /// Which, with what it found.
        cell: &'a SweptCell,
    },
    /// The engine of a target is being stopped.
    Stopping {
        /// The target's name.
        target: &'a str,
    },
}
