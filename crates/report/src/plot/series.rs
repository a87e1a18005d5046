//! What is drawn: named series and reference lines, as a caller gives them. Knows no drawing.

/// A named series of points.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub(super) name: String,
    pub(super) mark: Mark,
    pub(super) look: Look,
    pub(super) metric: Option<&'static str>,
    pub(super) labels: Vec<String>,
}

/// How points are drawn. Each is (x, y), or (x, low, high). A point that is not finite leaves a gap in a line.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// Straight from point to point.
    Line(Vec<(f64, f64)>),
    /// A value holds until the next one: counts over time, shares of a sample.
    Steps(Vec<(f64, f64)>),
    /// Each for itself.
    Dots(Vec<(f64, f64)>),
    /// From zero to each value; several series of bars stand side by side.
    Bars(Vec<(f64, f64)>),
    /// What lies between low and high, along the axis.
    Band(Vec<(f64, f64, f64)>),
    /// From low to high at each point: an interval.
    Spans(Vec<(f64, f64, f64)>),
    /// The same to the right: (y, low, high).
    Across(Vec<(f64, f64, f64)>),
}

/// How a series looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// By its place among the named series that are not faint.
    ByPlace,
    /// As the one of that place: colour, dashes, shape.
    Like(usize),
    /// Grey and dashed: what was promised or published, not what was seen.
    Faint,
}

impl Series {
    /// A series; one without a name has no place in the legend.
    pub fn new(name: impl Into<String>, mark: Mark) -> Self {
        Self { name: name.into(), mark, look: Look::ByPlace, metric: None, labels: Vec::new() }
    }

    /// Points joined by straight lines.
    pub fn line(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self::new(name, Mark::Line(points))
    }

    /// Points whose value holds until the next one.
    pub fn steps(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self::new(name, Mark::Steps(points))
    }

    /// Points each for itself.
    pub fn dots(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self::new(name, Mark::Dots(points))
    }

    /// Bars.
    pub fn bars(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self::new(name, Mark::Bars(points))
    }

    /// Looks as the series of that place, counted from 0 among those that have a name and are not faint: a band around a line.
    #[must_use]
    pub fn like(self, place: usize) -> Self {
        Self { look: Look::Like(place), ..self }
    }

    /// Grey and dashed: what was promised or published, not what was seen.
    #[must_use]
    pub fn faint(self) -> Self {
        Self { look: Look::Faint, ..self }
    }

    /// Shows the metric of this name, which the catalogue explains.
    #[must_use]
    pub fn of_metric(self, metric: &'static str) -> Self {
        Self { metric: Some(metric), ..self }
    }

    /// Its points have names of their own, one for each.
    #[must_use]
    pub fn labelled(self, labels: Vec<String>) -> Self {
        Self { labels, ..self }
    }

    /// Whether it is one of those that are told apart by colour.
    pub(super) fn has_place(&self) -> bool {
        !self.name.is_empty() && self.look != Look::Faint
    }
}

impl Mark {
    /// Each point's x with the lowest and the highest value that is drawn there.
    pub(super) fn extents(&self) -> Vec<(f64, f64, f64)> {
        match self {
            Self::Line(points) | Self::Steps(points) | Self::Dots(points) | Self::Bars(points) => {
                points.iter().map(|&(x, y)| (x, y, y)).collect()
            }
            Self::Band(points) | Self::Spans(points) => points.clone(),
            Self::Across(points) => points.iter().flat_map(|&(y, low, high)| [(low, y, y), (high, y, y)]).collect(),
        }
    }

    /// What the page's script calls it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Line(_) => "line",
            Self::Steps(_) => "steps",
            Self::Dots(_) => "dots",
            Self::Bars(_) => "bars",
            Self::Band(_) => "band",
            Self::Spans(_) => "spans",
            Self::Across(_) => "across",
        }
    }

    /// Whether it lies under the others.
    pub(super) fn is_ground(&self) -> bool {
        match self {
            Self::Band(_) | Self::Bars(_) => true,
            Self::Line(_) | Self::Steps(_) | Self::Dots(_) | Self::Spans(_) | Self::Across(_) => false,
        }
    }
}

/// A value to compare with: a dashed line across the plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    pub(super) name: String,
    pub(super) at: At,
}

/// Where a reference lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum At {
    X(f64),
    Y(f64),
}

impl Reference {
    /// A vertical line at `x`.
    pub fn x(name: impl Into<String>, x: f64) -> Self {
        Self { name: name.into(), at: At::X(x) }
    }

    /// A horizontal line at `y`.
    pub fn y(name: impl Into<String>, y: f64) -> Self {
        Self { name: name.into(), at: At::Y(y) }
    }
}
