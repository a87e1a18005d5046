//! Series as SVG elements, in a frame that is laid out. Colours stand in attributes, which a page's style sheet outranks.

use maud::{Markup, html};

use super::Plot;
use super::frame::{Frame, Item, Key, SAMPLE};
use super::series::{Look, Mark, Series};
use super::tone::{Shape, Tone};

/// Of the room between two bars' middles, what a group of bars takes.
const GROUP: f64 = 0.78;
/// Half the width of a dot.
const DOT: f64 = 3.5;
/// Half the width of a span's ends.
const CAP: f64 = 4.0;

/// A place in pixels.
type Pixel = (f64, f64);

/// The bars that stand side by side: which series, and how wide they are together along x.
pub(super) struct Bars {
    series: Vec<usize>,
    wide: f64,
}

impl Bars {
    pub(super) fn of(plot: &Plot) -> Self {
        let are_bars = |(_, series): &(usize, &Series)| matches!(series.mark, Mark::Bars(_));
        let bars: Vec<(usize, &Series)> = plot.series.iter().enumerate().filter(are_bars).collect();
        let mut at: Vec<f64> = bars.iter().flat_map(|(_, bars)| bars.mark.extents()).map(|(x, _, _)| x).collect();
        at.sort_by(f64::total_cmp);
        let least = at.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > 0.0).fold(f64::INFINITY, f64::min);
        let wide = GROUP * if least.is_finite() { least } else { 1.0 };
        Self { series: bars.into_iter().map(|(k, _)| k).collect(), wide }
    }

    fn one(&self) -> f64 {
        self.wide / self.series.len().max(1) as f64
    }

    /// How far along x the middle of a series's bars lies from the group's. A series that looks like bars lies where they do.
    fn offset(&self, plot: &Plot, index: usize) -> f64 {
        let bars = match plot.series[index].look {
            Look::Like(place) => plot.series.iter().enumerate().filter(|(_, it)| it.has_place()).nth(place),
            Look::ByPlace | Look::Faint => None,
        };
        let index = bars.map_or(index, |(k, _)| k);
        let slot = self.series.iter().position(|k| *k == index);
        slot.map_or(0.0, |slot| (slot as f64 + 0.5) * self.one() - self.wide / 2.0)
    }
}

/// One series.
pub(super) fn series(plot: &Plot, index: usize, bars: &Bars, frame: &Frame, tone: Tone) -> Markup {
    let offset = bars.offset(plot, index);
    let at = |x: f64, y: f64| Some((frame.x_at(x + offset)?, frame.y_at(y)?));
    let all = |points: &[(f64, f64)]| points.iter().map(|&(x, y)| at(x, y)).collect::<Vec<_>>();
    let pairs = |points: &[(f64, f64, f64)]| {
        points.iter().filter_map(|&(x, low, high)| Some((at(x, low)?, at(x, high)?))).collect::<Vec<_>>()
    };
    let name = &plot.series[index].name;
    match &plot.series[index].mark {
        Mark::Line(points) => stroke(name, &joined(&all(points), Join::Straight), tone),
        Mark::Steps(points) => stroke(name, &joined(&all(points), Join::Steps), tone),
        Mark::Dots(points) => html! { @for (x, y) in all(points).into_iter().flatten() { (dot(x, y, tone)) } },
        Mark::Spans(points) => {
            let span = |((x, low), (_, high)): (Pixel, Pixel)| {
                let (left, right) = (fixed(x - CAP), fixed(x + CAP));
                format!(
                    "M{left} {low}H{right}M{x} {low}V{high}M{left} {high}H{right}",
                    x = fixed(x),
                    low = fixed(low),
                    high = fixed(high)
                )
            };
            whiskers(pairs(points).into_iter().map(span).collect(), tone)
        }
        Mark::Across(points) => {
            let span = |&(y, low, high): &(f64, f64, f64)| {
                let (low, high, y) = (fixed(frame.x_at(low)?), fixed(frame.x_at(high)?), frame.y_at(y)?);
                let (top, bottom, y) = (fixed(y - CAP), fixed(y + CAP), fixed(y));
                Some(format!("M{low} {top}V{bottom}M{low} {y}H{high}M{high} {top}V{bottom}"))
            };
            whiskers(points.iter().filter_map(span).collect(), tone)
        }
        Mark::Band(points) => band(&pairs(points), tone),
        Mark::Bars(points) => {
            let base = frame.y_at(frame.y.base()).unwrap_or(frame.bottom);
            let half = bars.one() / 2.0;
            let bar = |&(x, y): &(f64, f64)| {
                let (left, right) = (frame.x_at(x + offset - half)?, frame.x_at(x + offset + half)?);
                Some(rectangle(left + 1.0, right - 1.0, base, frame.y_at(y)?, tone))
            };
            html! { @for bar in points.iter().filter_map(bar) { (bar) } }
        }
    }
}

/// A legend's key: a sample of what it stands for, and its name.
pub(super) fn key(plot: &Plot, tones: &[Tone], key: &Key) -> Markup {
    let (left, right, middle) = (key.x, key.x + SAMPLE, key.x + SAMPLE / 2.0);
    let across = format!("M{} {}H{}", fixed(left), fixed(key.y), fixed(right));
    html! {
        @match key.of {
            Item::Reference(place) => (reference(&across, place)),
            Item::Series(index) => {
                @let tone = tones[index];
                @match plot.series[index].mark {
                    Mark::Line(_) | Mark::Steps(_) => (stroke("", &across, tone)),
                    Mark::Dots(_) | Mark::Spans(_) | Mark::Across(_) => (dot(middle, key.y, tone)),
                    Mark::Band(_) => (band(&[((left, key.y + 5.0), (left, key.y - 5.0)), ((right, key.y + 5.0), (right, key.y - 5.0))], tone)),
                    Mark::Bars(_) => (rectangle(left + 6.0, right - 2.0, key.y + 5.0, key.y - 5.0, tone)),
                }
            }
        }
        text.key fill="#1a1a1a" x=(fixed(right + 6.0)) y=(fixed(key.y + 4.0)) { (key.name) }
    }
}

/// A value to compare with; `place` among such values tells them apart.
pub(super) fn reference(path: &str, place: usize) -> Markup {
    let dashes = ["3 3", "8 3", "1.2 2.4"][place % 3];
    html! { path.reference fill="none" stroke="#1a1a1a" stroke-width="1" stroke-dasharray=(dashes) d=(path) {} }
}

/// How points are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    Straight,
    Steps,
}

fn stroke(name: &str, path: &str, tone: Tone) -> Markup {
    html! {
        path class={"line " (tone.class())} fill="none" stroke=(tone.colour()) stroke-width="1.8" stroke-linejoin="round" stroke-dasharray=(tone.dashes()) d=(path) {
            @if !name.is_empty() { title { (name) } }
        }
    }
}

/// A path through `points`, with a gap where one has no place, and without those that a reader cannot tell from the one before.
fn joined(points: &[Option<Pixel>], join: Join) -> String {
    let mut path = String::new();
    let mut before: Option<(String, String)> = None;
    for point in points {
        let next = point.map(|(x, y)| (fixed(x), fixed(y)));
        match (&before, &next) {
            (Some(before), Some(next)) if before == next => {}
            (Some((x, _)), Some((to, y))) if join == Join::Steps && x == to => path.push_str(&format!("V{y}")),
            (Some((_, y)), Some((x, to))) if join == Join::Steps && y == to => path.push_str(&format!("H{x}")),
            (Some(_), Some((x, y))) if join == Join::Steps => path.push_str(&format!("H{x}V{y}")),
            (Some(_), Some((x, y))) => path.push_str(&format!("L{x} {y}")),
            (None, Some((x, y))) => path.push_str(&format!("M{x} {y}")),
            (_, None) => {}
        }
        before = next;
    }
    path
}

fn band(edges: &[(Pixel, Pixel)], tone: Tone) -> Markup {
    let forth = edges.iter().map(|(low, _)| *low);
    let back = edges.iter().rev().map(|(_, high)| *high);
    let path: Vec<Option<Pixel>> = forth.chain(back).map(Some).collect();
    html! { path class={"band " (tone.class())} stroke="none" fill=(tone.colour()) fill-opacity="0.18" d={ (joined(&path, Join::Straight)) "Z" } {} }
}

fn whiskers(path: String, tone: Tone) -> Markup {
    html! { path class={"span " (tone.class())} fill="none" stroke=(tone.colour()) stroke-width="1.3" d=(path) {} }
}

fn rectangle(left: f64, right: f64, base: f64, end: f64, tone: Tone) -> Markup {
    let (top, bottom) = (base.min(end), base.max(end));
    html! {
        rect class={"bar " (tone.class())} fill=(tone.colour()) fill-opacity=(tone.shade()) stroke=(tone.colour()) stroke-width="1.2" x=(fixed(left)) y=(fixed(top)) width=(fixed((right - left).max(1.0))) height=(fixed(bottom - top)) {}
    }
}

fn dot(x: f64, y: f64, tone: Tone) -> Markup {
    let path = match tone.shape() {
        Shape::Circle => {
            format!("M{} {}a{DOT} {DOT} 0 1 0 {d} 0a{DOT} {DOT} 0 1 0 -{d} 0Z", fixed(x - DOT), fixed(y), d = 2.0 * DOT)
        }
        Shape::Square => format!("M{} {}h6v6h-6Z", fixed(x - 3.0), fixed(y - 3.0)),
        Shape::Triangle => format!("M{} {}h8l-4 -7Z", fixed(x - 4.0), fixed(y + 3.5)),
        Shape::Diamond => format!("M{} {}l4 -4l4 4l-4 4Z", fixed(x - 4.0), fixed(y)),
    };
    html! { path class={"dot " (tone.class())} fill=(tone.colour()) stroke="none" d=(path) {} }
}

/// A tenth of a pixel is more than anyone sees.
pub(super) fn fixed(pixels: f64) -> String {
    let text = format!("{pixels:.1}");
    let short = text.strip_suffix(".0").unwrap_or(&text);
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}
