//! The whole drawing: grid, axes, what is drawn, legend. One drawing for SVG and PNG.

use maud::{Markup, html};

use super::frame::Frame;
use super::marks::{self, Bars, fixed};
use super::series::At;
use super::tone::Tone;
use super::{Plot, Size, text};

/// Fonts that are everywhere, or look like those that are.
const FONTS: &str = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
const INK: &str = "#1a1a1a";
const RULE: &str = "#e2e2e2";
/// What stands on an edge is not cut in half.
const BLEED: f64 = 5.0;

/// A file of its own.
pub(super) fn file(plot: &Plot, size: Size) -> Markup {
    let Size { width, height } = size;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(width) height=(height) viewBox={"0 0 " (width) " " (height)} role="img" font-family=(FONTS) font-size=(text::FONT_SIZE) {
            title { (plot.caption) }
            rect width=(width) height=(height) fill="#ffffff" {}
            (drawing(plot, size))
        }
    }
}

fn drawing(plot: &Plot, size: Size) -> Markup {
    let frame = Frame::of(plot, size);
    let tones = Tone::of_all(&plot.series);
    let bars = Bars::of(plot);
    let (ground, above): (Vec<usize>, Vec<usize>) =
        (0..plot.series.len()).partition(|index| plot.series[*index].mark.is_ground());
    let (x, y) = (fixed(frame.left - BLEED), fixed(frame.top - BLEED));
    let (width, height) =
        (fixed(frame.right - frame.left + 2.0 * BLEED), fixed(frame.bottom - frame.top + 2.0 * BLEED));
    html! {
        (grid(&frame))
        // An inner svg cuts off what lies outside an axis's range, and needs no name that a second plot could take.
        svg x=(x) y=(y) width=(width) height=(height) viewBox={(x) " " (y) " " (width) " " (height)} overflow="hidden" {
            @for index in ground.into_iter().chain(above) { (marks::series(plot, index, &bars, &frame, tones[index])) }
            @for (k, reference) in plot.references.iter().enumerate() { (marks::reference(&across(&frame, reference.at), k)) }
        }
        (titles(plot, &frame))
        @for key in &frame.keys { (marks::key(plot, &tones, key)) }
    }
}

fn grid(frame: &Frame) -> Markup {
    let (left, right, top, bottom) = (fixed(frame.left), fixed(frame.right), fixed(frame.top), fixed(frame.bottom));
    html! {
        @for (y, lines) in &frame.y_labels {
            path.grid fill="none" stroke=(RULE) d={"M" (left) " " (fixed(*y)) "H" (right)} {}
            @for (k, line) in lines.iter().enumerate() {
                @let down = 4.0 + 13.0 * (k as f64 - (lines.len() - 1) as f64 / 2.0);
                text.tick fill=(INK) x=(fixed(frame.left - 6.0)) y=(fixed(y + down)) text-anchor="end" { (line) }
            }
        }
        @for (x, lines) in &frame.x_labels {
            path.tickmark fill="none" stroke=(INK) d={"M" (fixed(*x)) " " (bottom) "v4"} {}
            @for (k, line) in lines.iter().enumerate() {
                text.tick fill=(INK) x=(fixed(*x)) y=(fixed(frame.bottom + 17.0 + 15.0 * k as f64)) text-anchor="middle" { (line) }
            }
        }
        path.axisline fill="none" stroke=(INK) d={"M" (left) " " (top) "V" (bottom) "H" (right)} {}
    }
}

fn titles(plot: &Plot, frame: &Frame) -> Markup {
    let (across, up) = (f64::midpoint(frame.left, frame.right), f64::midpoint(frame.top, frame.bottom));
    html! {
        text.axis fill=(INK) x=(fixed(across)) y=(fixed(frame.x_title)) text-anchor="middle" { (plot.x.title) }
        text.axis fill=(INK) transform={"translate(" (fixed(frame.y_title)) " " (fixed(up)) ") rotate(-90)"} text-anchor="middle" { (plot.y.title) }
    }
}

/// The path of a reference line; none if it has no place.
fn across(frame: &Frame, at: At) -> String {
    let path = match at {
        At::X(x) => frame.x_at(x).map(|x| format!("M{} {}V{}", fixed(x), fixed(frame.bottom), fixed(frame.top))),
        At::Y(y) => frame.y_at(y).map(|y| format!("M{} {}H{}", fixed(frame.left), fixed(y), fixed(frame.right))),
    };
    path.unwrap_or_default()
}
