//! Line plots as inline SVG: no script, no file beside the page. Colours come from the page's style sheet.

use maud::{Markup, html};

use super::axis::Axis;

/// A plot: lines over two axes, with the words a reader needs.
#[derive(Debug, Clone)]
pub(super) struct Plot {
    /// What is to be seen, as a sentence.
    pub(super) caption: String,
    /// What runs to the right, with its unit.
    pub(super) x_label: String,
    /// What runs upwards, with its unit.
    pub(super) y_label: String,
    /// The axis to the right.
    pub(super) x: Axis,
    /// The axis upwards.
    pub(super) y: Axis,
    /// At most four lines.
    pub(super) lines: Vec<Line>,
}

/// One line of a plot.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// What the legend calls it.
    pub(super) name: String,
    /// From left to right.
    pub(super) points: Vec<(f64, f64)>,
    /// How the points are joined.
    pub(super) join: Join,
}

/// How the points of a line are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Join {
    /// Straight from point to point.
    Straight,
    /// A value holds until the next one: counts over time.
    Steps,
    /// Straight and dashed: what was promised, not what was seen.
    Promise,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;

impl Plot {
    /// The plot as a figure of the page.
    pub(super) fn draw(&self) -> Markup {
        html! {
            figure {
                figcaption { (self.caption) }
                svg viewBox={"0 0 " (WIDTH) " " (HEIGHT)} role="img" aria-label=(self.caption) {
                    (self.grid())
                    @for (k, line) in self.lines.iter().enumerate() {
                        path class={"line line-" (k % 4) (dash(line.join))} fill="none" stroke="currentColor" d=(self.path(line)) {
                            title { (line.name) }
                        }
                    }
                }
                @if self.lines.len() > 1 {
                    p.legend {
                        @for (k, line) in self.lines.iter().enumerate() {
                            span.key { span class={"swatch swatch-" (k % 4) (dash(line.join))} {} (line.name) }
                        }
                    }
                }
            }
        }
    }

    fn grid(&self) -> Markup {
        html! {
            @for (value, text) in self.y.ticks() {
                @let y = self.y_at(value);
                line.grid stroke="currentColor" stroke-opacity="0.15" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(fixed(y)) y2=(fixed(y)) {}
                text.tick x=(LEFT - 6.0) y=(fixed(y + 4.0)) text-anchor="end" { (text) }
            }
            @for (value, text) in self.x.ticks() {
                text.tick x=(fixed(self.x_at(value))) y=(HEIGHT - BOTTOM + 16.0) text-anchor="middle" { (text) }
            }
            text.axis x=(fixed((LEFT + WIDTH - RIGHT) / 2.0)) y=(HEIGHT - 6.0) text-anchor="middle" { (self.x_label) }
            text.axis transform={"translate(12 " (fixed((TOP + HEIGHT - BOTTOM) / 2.0)) ") rotate(-90)"} text-anchor="middle" {
                (self.y_label)
            }
        }
    }

    fn path(&self, line: &Line) -> String {
        let mut path = String::new();
        for (k, &(x, y)) in line.points.iter().enumerate() {
            let (x, y) = (fixed(self.x_at(x)), fixed(self.y_at(y)));
            match (k, line.join) {
                (0, _) => path.push_str(&format!("M{x} {y}")),
                (_, Join::Steps) => path.push_str(&format!("H{x}V{y}")),
                (_, Join::Straight | Join::Promise) => path.push_str(&format!("L{x} {y}")),
            }
        }
        path
    }

    fn x_at(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn y_at(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - TOP - BOTTOM)
    }
}

const fn dash(join: Join) -> &'static str {
    match join {
        Join::Straight | Join::Steps => "",
        Join::Promise => " promise",
    }
}

/// A tenth of a pixel is more than anyone sees.
fn fixed(pixels: f64) -> String {
    format!("{pixels:.1}")
}
