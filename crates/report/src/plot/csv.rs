//! What is drawn, as numbers: one row a point. Knows no drawing.

use super::Plot;
use super::axis::Scale;
use super::series::{At, Mark};

/// A row's cells behind the series' name.
struct Row {
    x: String,
    y: String,
    ends: Option<(f64, f64)>,
}

pub(super) fn of(plot: &Plot) -> String {
    let has_ends =
        plot.series.iter().any(|series| matches!(series.mark, Mark::Band(_) | Mark::Spans(_) | Mark::Across(_)));
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |mut cells: Vec<String>| {
        cells.truncate(if has_ends { 5 } else { 3 });
        table.write_record(cells).expect("memory takes every row, and all have as many cells");
    };
    write(["series", &plot.x.title, &plot.y.title, "low", "high"].map(str::to_owned).to_vec());
    for series in &plot.series {
        for Row { x, y, ends } in rows(plot, &series.mark) {
            let (low, high) = ends.unzip();
            write(vec![series.name.clone(), x, y, cell(low), cell(high)]);
        }
    }
    for reference in &plot.references {
        let (x, y) = match reference.at {
            At::X(x) => (Some(x), None),
            At::Y(y) => (None, Some(y)),
        };
        write(vec![reference.name.clone(), cell(x), cell(y), String::new(), String::new()]);
    }
    let bytes = table.into_inner().expect("memory is flushed");
    String::from_utf8(bytes).expect("rows of text are text")
}

fn rows(plot: &Plot, mark: &Mark) -> Vec<Row> {
    let (x, y) = (|value| place(&plot.x.scale, value), |value| place(&plot.y.scale, value));
    match mark {
        Mark::Line(points) | Mark::Steps(points) | Mark::Dots(points) | Mark::Bars(points) => {
            points.iter().map(|point| Row { x: x(point.0), y: y(point.1), ends: None }).collect()
        }
        Mark::Band(points) | Mark::Spans(points) => {
            let row = |&(at, low, high)| Row { x: x(at), y: String::new(), ends: Some((low, high)) };
            points.iter().map(row).collect()
        }
        Mark::Across(points) => {
            let row = |&(at, low, high)| Row { x: String::new(), y: y(at), ends: Some((low, high)) };
            points.iter().map(row).collect()
        }
    }
}

/// A place along an axis; of names the one that stands there.
fn place(scale: &Scale, value: f64) -> String {
    match scale {
        Scale::Categories(names) => names.get(value.round() as usize).cloned().unwrap_or_else(|| value.to_string()),
        Scale::Linear | Scale::Log => cell(Some(value)),
    }
}

/// What is not known is empty.
fn cell(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string())
}
