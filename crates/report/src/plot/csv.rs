//! What is drawn, as numbers: one row a point. Knows no drawing.

use super::Plot;
use super::axis::Scale;
use super::series::{At, Mark};

/// A row's cells behind the series' name.
struct Row {
    x: String,
    y: Option<f64>,
    ends: Option<(f64, f64)>,
}

pub(super) fn of(plot: &Plot) -> String {
    let has_ends = plot.series.iter().any(|series| matches!(series.mark, Mark::Band(_) | Mark::Spans(_)));
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |mut cells: Vec<String>| {
        cells.truncate(if has_ends { 5 } else { 3 });
        table.write_record(cells).expect("memory takes every row, and all have as many cells");
    };
    write(["series", &plot.x.title, &plot.y.title, "low", "high"].map(str::to_owned).to_vec());
    for series in &plot.series {
        for Row { x, y, ends } in rows(plot, &series.mark) {
            let (low, high) = ends.unzip();
            write(vec![series.name.clone(), x, cell(y), cell(low), cell(high)]);
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
    let name = |x: f64| match &plot.x.scale {
        Scale::Categories(names) => names.get(x.round() as usize).cloned().unwrap_or_else(|| x.to_string()),
        Scale::Linear | Scale::Log => cell(Some(x)),
    };
    match mark {
        Mark::Line(points) | Mark::Steps(points) | Mark::Dots(points) | Mark::Bars(points) => {
            points.iter().map(|&(x, y)| Row { x: name(x), y: Some(y), ends: None }).collect()
        }
        Mark::Band(points) | Mark::Spans(points) => {
            points.iter().map(|&(x, low, high)| Row { x: name(x), y: None, ends: Some((low, high)) }).collect()
        }
    }
}

/// What is not known is empty.
fn cell(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string())
}
