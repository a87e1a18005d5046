//! Where everything of a plot lies: margins as wide as their text, legend rows, labels that do not touch. Draws nothing.

use super::axis::Scale;
use super::ruler::Ruler;
use super::series::At;
use super::{Plot, Size, text};

/// Between two texts, and between text and what it belongs to.
const GAP: f64 = 8.0;
/// From one line of text to the next.
const LINE: f64 = 15.0;
/// The width of a legend's sample of a line.
pub(super) const SAMPLE: f64 = 26.0;
/// Of the plot's width, the most that names along the left may take.
const MOST_BESIDE: f64 = 0.34;
/// Between two keys of a legend.
const BETWEEN_KEYS: f64 = 18.0;

/// A plot laid out, in pixels from the upper left.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    pub(super) x: Ruler,
    pub(super) y: Ruler,
    /// Along the bottom: where, and the lines of text.
    pub(super) x_labels: Vec<(f64, Vec<String>)>,
    /// Along the left: where, and the lines of text.
    pub(super) y_labels: Vec<(f64, Vec<String>)>,
    /// The baselines of the axes' titles.
    pub(super) x_title: f64,
    pub(super) y_title: f64,
    pub(super) keys: Vec<Key>,
}

/// One key of the legend.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) of: Item,
    pub(super) name: String,
    /// The left end of its sample, and its middle.
    pub(super) x: f64,
    pub(super) y: f64,
}

/// What a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    Series(usize),
    Reference(usize),
}

impl Frame {
    pub(super) fn of(plot: &Plot, size: Size) -> Self {
        let (x, y) = rulers(plot);
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        let y_titled = if plot.y.title.is_empty() { 0.0 } else { LINE };
        let beside = |tick: &str| lines(&plot.y.scale, tick, width * MOST_BESIDE);
        let widest = y.ticks().iter().map(|(_, tick)| wide(&beside(tick))).fold(0.0, f64::max);
        let y_title = text::FONT_SIZE;
        let left = y_titled + GAP + widest + GAP;
        let last = x.ticks().last().map_or(0.0, |(_, tick)| text::width(tick) / 2.0);
        let is_named = matches!(plot.x.scale, Scale::Categories(_));
        let right = width - if is_named { GAP } else { last.max(GAP) + 4.0 };
        let (keys, rows) = legend(plot, left, width - GAP);
        let top = GAP + rows as f64 * (LINE + 3.0) + if rows > 0 { 4.0 } else { 0.0 };
        let mut frame = Self {
            left,
            right,
            top,
            bottom: 0.0,
            x,
            y,
            x_labels: Vec::new(),
            y_labels: Vec::new(),
            x_title: height - GAP + 2.0,
            y_title,
            keys,
        };
        frame.x_labels = frame.labels_below(&plot.x.scale);
        let lines = frame.x_labels.iter().map(|(_, lines)| lines.len()).max().unwrap_or(1);
        frame.bottom = frame.x_title - LINE - lines as f64 * LINE - GAP / 2.0;
        frame.y_labels = frame.labels_beside(beside);
        frame
    }

    /// The pixel of `value` along the bottom; outside the frame for what is cut off.
    pub(super) fn x_at(&self, value: f64) -> Option<f64> {
        self.x.place(value).map(|place| self.left + place * (self.right - self.left))
    }

    /// The pixel of `value` up the left.
    pub(super) fn y_at(&self, value: f64) -> Option<f64> {
        self.y.place(value).map(|place| self.bottom - place * (self.bottom - self.top))
    }

    fn labels_below(&self, scale: &Scale) -> Vec<(f64, Vec<String>)> {
        let room = (self.right - self.left) / self.x.ticks().len().max(1) as f64 - GAP;
        let label = |(value, tick): &(f64, String)| Some((self.x_at(*value)?, lines(scale, tick, room)));
        let sets = self.x.ticks_by_room().map(|ticks| ticks.iter().filter_map(label).collect());
        fitting(sets, wide)
    }

    fn labels_beside(&self, lines: impl Fn(&str) -> Vec<String>) -> Vec<(f64, Vec<String>)> {
        let label = |(value, tick): &(f64, String)| Some((self.y_at(*value)?, lines(tick)));
        let sets = self.y.ticks_by_room().map(|ticks| ticks.iter().filter_map(label).collect());
        fitting(sets, |lines| text::FONT_SIZE * lines.len() as f64)
    }
}

/// A tick's text: a name is broken to the room that it has.
fn lines(scale: &Scale, tick: &str, room: f64) -> Vec<String> {
    match scale {
        Scale::Categories(_) => text::wrap(tick, room),
        Scale::Linear | Scale::Log => vec![tick.to_owned()],
    }
}

/// The width of the widest line.
fn wide(lines: &[String]) -> f64 {
    lines.iter().map(|line| text::width(line)).fold(0.0, f64::max)
}

/// The first of `sets` whose labels do not touch each other; if there is none, so many of the last one as do not. `extent` is what a
/// label takes along its axis.
fn fitting(
    sets: impl Iterator<Item = Vec<(f64, Vec<String>)>>,
    extent: impl Fn(&[String]) -> f64,
) -> Vec<(f64, Vec<String>)> {
    let mut last = Vec::new();
    for labels in sets {
        let extents: Vec<(f64, f64)> = labels.iter().map(|(at, lines)| (*at, extent(lines))).collect();
        if apart(&extents, 1) {
            return labels;
        }
        last = thinned(labels, &extents);
    }
    last
}

pub(super) fn rulers(plot: &Plot) -> (Ruler, Ruler) {
    let extents: Vec<(f64, f64, f64)> = plot.series.iter().flat_map(|series| series.mark.extents()).collect();
    let beside = |pick: fn(At) -> Option<f64>| plot.references.iter().filter_map(move |reference| pick(reference.at));
    let along = beside(|at| if let At::X(x) = at { Some(x) } else { None });
    let up = beside(|at| if let At::Y(y) = at { Some(y) } else { None });
    let x = Ruler::of(&plot.x, extents.iter().map(|(x, _, _)| *x).chain(along));
    let y = Ruler::of(&plot.y, extents.iter().flat_map(|(_, low, high)| [*low, *high]).chain(up));
    (x, y)
}

/// Every n-th label, the least n at which neighbours do not touch. `extents` are (middle, width) of each.
fn thinned<T>(labels: Vec<T>, extents: &[(f64, f64)]) -> Vec<T> {
    let stride = (1..extents.len().max(2)).find(|stride| apart(extents, *stride)).unwrap_or(extents.len().max(1));
    labels.into_iter().step_by(stride).collect()
}

/// Whether no neighbours touch, where every n-th is kept.
fn apart(extents: &[(f64, f64)], stride: usize) -> bool {
    let kept: Vec<(f64, f64)> = extents.iter().copied().step_by(stride).collect();
    kept.windows(2).all(|pair| (pair[1].0 - pair[0].0).abs() >= (pair[0].1 + pair[1].1) / 2.0 + 2.0)
}

/// The keys of all that is named, in rows from `left` to `right`, and the number of rows. One lone name needs no key.
fn legend(plot: &Plot, left: f64, right: f64) -> (Vec<Key>, usize) {
    let series = plot.series.iter().enumerate().map(|(k, series)| (Item::Series(k), &series.name));
    let references = plot.references.iter().enumerate().map(|(k, reference)| (Item::Reference(k), &reference.name));
    let named: Vec<(Item, &String)> = series.chain(references).filter(|(_, name)| !name.is_empty()).collect();
    if named.len() < 2 {
        return (Vec::new(), 0);
    }
    let (mut keys, mut x, mut row) = (Vec::new(), left, 0);
    for (of, name) in named {
        let wide = SAMPLE + GAP + text::width(name);
        if x > left && x + wide > right {
            (x, row) = (left, row + 1);
        }
        let y = GAP + row as f64 * (LINE + 3.0) + LINE / 2.0;
        keys.push(Key { of, name: name.clone(), x, y });
        x += wide + BETWEEN_KEYS;
    }
    (keys, row + 1)
}
