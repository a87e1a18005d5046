//! What the system delivered per second.

use metron_results::Summary;

use super::columns::Columns;
use super::{interval, section};
use crate::style::Style;
use crate::{figure, reading};

const ROWS: [(&str, &str, &str); 4] = [
    ("request_throughput", "requests", "/s"),
    ("output_token_throughput", "output tokens", "/s"),
    ("total_token_throughput", "all tokens", "/s"),
    ("goodput", "good requests", "/s with every objective met"),
];

pub(super) fn lines(summary: &Summary, style: Style) -> Vec<String> {
    let mut rows = Columns::default();
    for (name, label, unit) in ROWS {
        if let Some((value, ci95)) = reading::value(&summary.metrics, name) {
            let interval = ci95.map_or_else(String::new, |ends| format!("  {}", interval(ends, figure::number)));
            rows.push_with_text([label.to_owned(), figure::number(value)], format!("{unit}{interval}"));
        }
    }
    let rows = rows.lines();
    if rows.is_empty() { rows } else { section("Throughput", rows, style) }
}
