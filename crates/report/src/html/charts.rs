//! A plot on the page: the drawing, and behind it the same as a table for whoever cannot see it.

use maud::{Markup, html};

use crate::plot::Plot;

/// Rows of a plot's table: what a person reads.
const ROWS: usize = 24;

/// The plot with its table.
pub(super) fn chart(plot: &Plot) -> Markup {
    html! {
        div.chart {
            (plot.figure())
            (table(&plot.csv()))
        }
    }
}

/// Rows of CSV as a table, folded up; of a long one every so many.
fn table(rows: &str) -> Markup {
    let mut read = csv::ReaderBuilder::new().has_headers(false).from_reader(rows.as_bytes());
    let mut rows: Vec<csv::StringRecord> = read.records().map_while(Result::ok).collect();
    let heads = if rows.is_empty() { csv::StringRecord::new() } else { rows.remove(0) };
    let every = rows.len().div_ceil(ROWS).max(1);
    html! {
        details.data {
            summary { "As a table" @if every > 1 { " (one point in " (every) ")" } }
            div.scroll {
                table {
                    tr { @for head in &heads { th { (head) } } }
                    @for row in rows.iter().step_by(every) {
                        tr { @for cell in row { td { (shortened(cell)) } } }
                    }
                }
            }
        }
    }
}

/// A number with as many digits as mean something.
fn shortened(cell: &str) -> String {
    match cell.parse::<f64>() {
        Ok(number) if cell.len() > 8 => {
            let digits = if number.abs() >= 100.0 { 1 } else { 4 };
            format!("{number:.digits$}")
        }
        Ok(_) | Err(_) => cell.to_owned(),
    }
}
