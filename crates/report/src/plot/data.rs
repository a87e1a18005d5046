//! What is drawn, for the page's script: one JSON object a plot, with no more digits than are seen. Knows no drawing.

use serde::Serialize;

use super::axis::{Axis, Scale};
use super::ruler::Ruler;
use super::series::{At, Mark, Series};
use super::tone::Tone;
use super::{Plot, frame};

#[derive(Serialize)]
struct Drawn<'a> {
    caption: &'a str,
    x: Along<'a>,
    y: Along<'a>,
    series: Vec<Points<'a>>,
    references: Vec<Beside<'a>>,
}

#[derive(Serialize)]
struct Along<'a> {
    title: &'a str,
    log: bool,
    low: f64,
    high: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    names: Option<&'a [String]>,
}

/// One series: y, or low and high, at each x; or low and high at each y. What is not finite is null: a gap.
#[derive(Serialize)]
struct Points<'a> {
    name: &'a str,
    mark: &'static str,
    /// Its colour's number; -1 for what is faint.
    tone: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    words: &'static str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    labels: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    x: Vec<Option<f64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    y: Vec<Option<f64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    low: Vec<Option<f64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    high: Vec<Option<f64>>,
}

#[derive(Serialize)]
struct Beside<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<f64>,
}

/// The object; `words` explain a metric by its name.
pub(super) fn of(plot: &Plot, words: fn(&str) -> &'static str) -> String {
    let (x, y) = frame::rulers(plot);
    let tones = Tone::of_all(&plot.series);
    let references = plot.references.iter().map(|reference| {
        let (x, y) = match reference.at {
            At::X(x) => (Some(x), None),
            At::Y(y) => (None, Some(y)),
        };
        Beside { name: &reference.name, x, y }
    });
    let drawn = Drawn {
        caption: &plot.caption,
        x: along(&plot.x, &x),
        y: along(&plot.y, &y),
        series: plot.series.iter().zip(tones).map(|(series, tone)| points(series, tone, words)).collect(),
        references: references.collect(),
    };
    serde_json::to_string(&drawn).expect("a plot is plain values with text keys")
}

fn along<'a>(axis: &'a Axis, ruler: &Ruler) -> Along<'a> {
    let (low, high) = ruler.ends();
    let names = match &axis.scale {
        Scale::Categories(names) => Some(names.as_slice()),
        Scale::Linear | Scale::Log => None,
    };
    Along { title: &axis.title, log: axis.scale == Scale::Log, low, high, names }
}

fn points<'a>(series: &'a Series, tone: Tone, words: fn(&str) -> &'static str) -> Points<'a> {
    let column = |values: &mut dyn Iterator<Item = f64>| values.map(seen).collect::<Vec<_>>();
    let (x, y, low, high) = match &series.mark {
        Mark::Line(points) | Mark::Steps(points) | Mark::Dots(points) | Mark::Bars(points) => (
            column(&mut points.iter().map(|point| point.0)),
            column(&mut points.iter().map(|point| point.1)),
            Vec::new(),
            Vec::new(),
        ),
        Mark::Band(points) | Mark::Spans(points) => (
            column(&mut points.iter().map(|point| point.0)),
            Vec::new(),
            column(&mut points.iter().map(|point| point.1)),
            column(&mut points.iter().map(|point| point.2)),
        ),
        Mark::Across(points) => (
            Vec::new(),
            column(&mut points.iter().map(|point| point.0)),
            column(&mut points.iter().map(|point| point.1)),
            column(&mut points.iter().map(|point| point.2)),
        ),
    };
    Points {
        name: &series.name,
        mark: series.mark.name(),
        tone: tone.number(),
        words: series.metric.map_or("", words),
        labels: &series.labels,
        x,
        y,
        low,
        high,
    }
}

/// Six digits: a screen has fewer pixels.
fn seen(value: f64) -> Option<f64> {
    value.is_finite().then(|| format!("{value:.5e}").parse().expect("a number that was written is one"))
}
