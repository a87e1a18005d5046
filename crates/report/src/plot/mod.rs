//! Plots, from named series to files: [`Plot::svg`] is a file for a paper, fit to be printed in grey, [`Plot::png`] the same in
//! pixels, [`Plot::csv`] what was drawn, as numbers. On a page the plots are drawn by its script, from the same series.
//!
//! ```
//! use metron_report::plot::{Axis, Plot, Reference, Series, Size, cdf};
//!
//! let waits = [0.2, 0.3, 0.5, 2.0];
//! let plot = Plot {
//!     caption: "How long requests waited".to_owned(),
//!     x: Axis::log("wait, s"),
//!     y: Axis::linear("requests, %").to(100.0),
//!     series: vec![Series::steps("vllm", cdf(&waits))],
//!     references: vec![Reference::x("deadline, 0.3 s", 0.3)],
//! };
//! assert!(plot.svg(Size::PAPER).starts_with("<svg"));
//! assert!(plot.csv().starts_with("series,\"wait, s\",\"requests, %\"\n"));
//! ```
//!
//! No browser, no font of the machine's. Knows no metric: a caller says what runs along an axis, and in which unit.

mod axis;
mod cdf;
mod csv;
mod data;
mod frame;
mod marks;
mod png;
mod ruler;
mod series;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod tone;

pub use axis::Axis;
pub use cdf::cdf;
pub use series::{Mark, Reference, Series};

/// A plot: series over two axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// What is to be seen, as a sentence. Not drawn: it stands beside the plot, and is what a screen reader says.
    pub caption: String,
    /// What runs to the right.
    pub x: Axis,
    /// What runs upwards.
    pub y: Axis,
    /// What is drawn. Bands and bars lie under lines and dots.
    pub series: Vec<Series>,
    /// Values to compare with.
    pub references: Vec<Reference>,
}

/// The size of a plot in pixels, or in whatever the reader scales them to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// To the right.
    pub width: u32,
    /// Downwards.
    pub height: u32,
}

impl Size {
    /// A figure in a column of a paper.
    pub const PAPER: Self = Self { width: 600, height: 400 };
}

impl Plot {
    /// A stand-alone SVG file: black on white, colours that the colour-blind tell apart, dashes and shapes that tell them apart
    /// in grey. The same plot gives the same bytes.
    #[must_use]
    pub fn svg(&self, size: Size) -> String {
        svg::file(self, size).into_string()
    }

    /// What is drawn, as CSV: one row for each point, with the axes' titles as names of the columns; `low` and `high` for
    /// bands and spans. References are rows of their own with one of the two coordinates.
    #[must_use]
    pub fn csv(&self) -> String {
        csv::of(self)
    }

    /// The same drawing as a PNG, with `scale` of its pixels to each of the drawing's: 3 is fit for print.
    #[must_use]
    pub fn png(&self, size: Size, scale: u32) -> Vec<u8> {
        png::of(self, size, scale)
    }

    /// What is drawn, as JSON for the page's script; `words` explain a metric by its name.
    pub(crate) fn data(&self, words: fn(&str) -> &'static str) -> String {
        data::of(self, words)
    }
}
