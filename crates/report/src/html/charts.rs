//! A plot on the page: its data, from which the page's script draws it, and behind it the same as a table for whoever cannot see
//! it, or runs no script.

use maud::{Markup, PreEscaped, html};

use super::figures::sentence;
use crate::course::Named;

/// Rows of a plot's table: what a person reads.
const ROWS: usize = 24;

/// Plots side by side, each with its table.
pub(super) fn charts<'a>(plots: impl IntoIterator<Item = &'a Named>) -> Markup {
    html! { div.plots { @for named in plots { (chart(named)) } } }
}

/// The plot with its table, and the name by which it is had as a file.
pub(super) fn chart(named: &Named) -> Markup {
    // A `<` in the text of a script could end it.
    let data = named.plot.data(sentence).replace('<', "\\u003c");
    html! {
        div.plotted {
            figure.chart {
                figcaption { (named.plot.caption) }
                div.drawing role="img" aria-label=(named.plot.caption) {}
                script type="application/json" { (PreEscaped(data)) }
            }
            (table(named))
        }
    }
}

/// Rows of CSV as a table, folded up; of a long one every so many.
fn table(named: &Named) -> Markup {
    let rows = named.plot.csv();
    let mut read = csv::ReaderBuilder::new().has_headers(false).from_reader(rows.as_bytes());
    let mut rows: Vec<csv::StringRecord> = read.records().map_while(Result::ok).collect();
    let heads = if rows.is_empty() { csv::StringRecord::new() } else { rows.remove(0) };
    let every = rows.len().div_ceil(ROWS).max(1);
    html! {
        details.data {
            summary { "As a table" @if every > 1 { " (one point in " (every) ")" } }
            p.faint { "As a file: " code { (named.command()) } }
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
