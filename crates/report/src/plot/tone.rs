//! How series are told apart: by colour for those who see it, by dashes, shapes and shades for those who print in grey.

use super::series::{Look, Series};

/// Okabe and Ito's colours, which the colour-blind tell apart, those first whose greys differ most.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#7a5c00"];
const DASHES: [&str; 4] = ["none", "7 3", "2 2.5", "9 3 2 3"];
/// How much of its colour a bar shows: neighbours differ in grey too.
const SHADES: [&str; 4] = ["0.9", "0.35", "0.65", "0.12"];
/// For what was promised or published.
const FAINT: &str = "#6e6e6e";
/// For what was promised or published.
const FAINT_DASHES: &str = "5 4";

/// The outline of a dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Circle,
    Square,
    Triangle,
    Diamond,
}

/// What one series looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Numbered(usize),
    Faint,
}

impl Tone {
    /// The tone of each of `all`, in order.
    pub(super) fn of_all(all: &[Series]) -> Vec<Self> {
        let mut named = 0;
        let tone = |series: &Series| {
            let place = named;
            named += usize::from(series.has_place());
            match series.look {
                Look::ByPlace => Self::Numbered(place),
                Look::Like(other) => Self::Numbered(other),
                Look::Faint => Self::Faint,
            }
        };
        all.iter().map(tone).collect()
    }

    /// The class by which a style sheet of the reader's can colour it.
    pub(super) fn class(self) -> String {
        match self {
            Self::Numbered(k) => format!("tone-{}", k % COLOURS.len()),
            Self::Faint => "tone-faint".to_owned(),
        }
    }

    /// Its number among the colours; -1 for what is faint.
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Numbered(k) => k as i64,
            Self::Faint => -1,
        }
    }

    pub(super) fn colour(self) -> &'static str {
        match self {
            Self::Numbered(k) => COLOURS[k % COLOURS.len()],
            Self::Faint => FAINT,
        }
    }

    pub(super) fn dashes(self) -> &'static str {
        match self {
            Self::Numbered(k) => DASHES[k % DASHES.len()],
            Self::Faint => FAINT_DASHES,
        }
    }

    pub(super) fn shade(self) -> &'static str {
        match self {
            Self::Numbered(k) => SHADES[k % SHADES.len()],
            Self::Faint => "0.25",
        }
    }

    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Numbered(k) => [Shape::Circle, Shape::Square, Shape::Triangle, Shape::Diamond][k % 4],
            Self::Faint => Shape::Diamond,
        }
    }
}
