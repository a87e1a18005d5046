//! What runs along an axis: title, scale and range, as a caller says them. Knows no drawing.

use super::ruler;

/// An axis. Its range holds all that is drawn unless [`from`](Self::from) and [`to`](Self::to) say otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub(super) title: String,
    pub(super) scale: Scale,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    pub(super) ticks: Option<Vec<f64>>,
}

/// How values lie along an axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    Log,
    Categories(Vec<String>),
}

impl Axis {
    /// Equal steps. Begins at zero unless a value lies below, or it is told to.
    pub fn linear(title: impl Into<String>) -> Self {
        Self::new(title.into(), Scale::Linear)
    }

    /// Equal ratios. What is not above zero has no place on it and is left out.
    pub fn log(title: impl Into<String>) -> Self {
        Self::new(title.into(), Scale::Log)
    }

    /// Names side by side, or one above the other: category k stands at k, counted from 0, from the left or from below.
    pub fn categories<N: Into<String>>(title: impl Into<String>, names: impl IntoIterator<Item = N>) -> Self {
        Self::new(title.into(), Scale::Categories(names.into_iter().map(Into::into).collect()))
    }

    fn new(title: String, scale: Scale) -> Self {
        Self { title, scale, low: None, high: None, ticks: None }
    }

    /// Begins at `low` exactly. What lies before it is cut off.
    #[must_use]
    pub fn from(self, low: f64) -> Self {
        Self { low: Some(low), ..self }
    }

    /// Of equal ratios: begins at 1, 2 or 5 times the power of ten that is next below `low`, which is above zero. What lies before it
    /// is cut off.
    #[must_use]
    pub fn from_below(self, low: f64) -> Self {
        self.from(ruler::round_below(low, &ruler::ONE_TWO_FIVE))
    }

    /// Ends at `high` exactly. What lies behind it is cut off.
    #[must_use]
    pub fn to(self, high: f64) -> Self {
        Self { high: Some(high), ..self }
    }

    /// Has its marks at `ticks` and nowhere else; those outside its range are left out.
    #[must_use]
    pub fn ticks(self, ticks: impl IntoIterator<Item = f64>) -> Self {
        Self { ticks: Some(ticks.into_iter().collect()), ..self }
    }
}
