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
    /// Along the left: where, and the text.
    pub(super) y_labels: Vec<(f64, String)>,
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
        let widest = y.ticks().iter().map(|(_, tick)| text::width(tick)).fold(0.0, f64::max);
        let y_title = text::FONT_SIZE;
        let left = LINE + GAP + widest + GAP;
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
        frame.y_labels = frame.labels_beside();
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
        let ticks = self.x.ticks();
        let room = (self.right - self.left) / ticks.len().max(1) as f64 - GAP;
        let lines = |tick: &str| match scale {
            Scale::Categories(_) => text::wrap(tick, room),
            Scale::Linear | Scale::Log => vec![tick.to_owned()],
        };
        let labels: Vec<(f64, Vec<String>)> =
            ticks.iter().filter_map(|(value, tick)| Some((self.x_at(*value)?, lines(tick)))).collect();
        let wide = |lines: &[String]| lines.iter().map(|line| text::width(line)).fold(0.0, f64::max);
        let extents: Vec<(f64, f64)> = labels.iter().map(|(at, lines)| (*at, wide(lines))).collect();
        thinned(labels, &extents)
    }

    fn labels_beside(&self) -> Vec<(f64, String)> {
        let labels: Vec<(f64, String)> =
            self.y.ticks().iter().filter_map(|(value, tick)| Some((self.y_at(*value)?, tick.clone()))).collect();
        let extents: Vec<(f64, f64)> = labels.iter().map(|(at, _)| (*at, text::FONT_SIZE)).collect();
        thinned(labels, &extents)
    }
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
    let apart = |stride: usize| {
        let kept: Vec<(f64, f64)> = extents.iter().copied().step_by(stride).collect();
        kept.windows(2).all(|pair| (pair[1].0 - pair[0].0).abs() >= (pair[0].1 + pair[1].1) / 2.0 + 2.0)
    };
    let stride = (1..extents.len().max(2)).find(|stride| apart(*stride)).unwrap_or(extents.len().max(1));
    labels.into_iter().step_by(stride).collect()
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
