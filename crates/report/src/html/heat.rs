//! A heat map as inline SVG: how many requests that were sent at each time waited how long. Colours come from the page's style
//! sheet; a cell says its count in words.

use maud::{Markup, html};

use crate::course::Heat;
use crate::figure;

const WIDTH: f64 = 640.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 40.0;
const ROW: f64 = 16.0;
/// Columns of the map's table.
const TABLE_COLUMNS: usize = 10;
/// Marks along the time axis.
const MARKS: usize = 6;

/// The map as a figure of the page.
pub(super) fn map(heat: &Heat) -> Markup {
    let (columns, rows) = (heat.counts.len(), heat.rows.len());
    let height = TOP + ROW * rows as f64 + BOTTOM;
    let wide = (WIDTH - LEFT - RIGHT) / columns as f64;
    let caption = "The first token's wait over time: how many of the requests sent at each time waited how long";
    let top = |row: usize| TOP + ROW * (rows - 1 - row) as f64;
    html! {
        div.plotted {
            figure {
                figcaption { (caption) }
                svg.heat viewBox={"0 0 " (WIDTH) " " (height)} role="img" aria-label=(caption) font-size="12" {
                    @for (row, (low, _)) in heat.rows.iter().enumerate() {
                        text.tick x=(LEFT - 6.0) y=(top(row) + ROW + 4.0) text-anchor="end" { (figure::time(*low)) }
                    }
                    text.tick x=(LEFT - 6.0) y=(TOP + 4.0) text-anchor="end" {
                        (figure::time(heat.rows.last().map_or(0.0, |(_, high)| *high)))
                    }
                    @for (column, counts) in heat.counts.iter().enumerate() {
                        @for (row, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                            rect x={(fixed(LEFT + wide * column as f64))} y=(fixed(top(row))) width=(fixed(wide)) height=(ROW)
                                fill-opacity=(shade(count, heat.most)) {
                                title { (words(heat, column, row, count)) }
                            }
                        }
                    }
                    @for mark in 0..=MARKS {
                        @let share = mark as f64 / MARKS as f64;
                        text.tick x=(fixed(LEFT + share * (WIDTH - LEFT - RIGHT))) y=(height - BOTTOM + 16.0) text-anchor="middle" {
                            (format!("{:.0}", share * heat.column_s * columns as f64))
                        }
                    }
                    text.axis x=(f64::midpoint(LEFT, WIDTH - RIGHT)) y=(height - 6.0) text-anchor="middle" { "seconds since the start" }
                }
            }
            p.legend { "Strongest colour: " (figure::count(u64::from(heat.most), "request")) " of one wait in one column." }
            (table(heat))
        }
    }
}

/// The map in numbers, with fewer columns.
fn table(heat: &Heat) -> Markup {
    let together = heat.counts.len().div_ceil(TABLE_COLUMNS).max(1);
    let columns: Vec<&[Vec<u32>]> = heat.counts.chunks(together).collect();
    let wide = heat.column_s * together as f64;
    html! {
        details.data {
            summary { "As a table" }
            div.scroll {
                table {
                    tr { th { "TTFT" } @for k in 0..columns.len() { th { "from " (figure::time(wide * k as f64)) } } }
                    @for (row, (low, high)) in heat.rows.iter().enumerate().rev() {
                        tr {
                            td { (figure::time(*low)) " to " (figure::time(*high)) }
                            @for column in &columns { td { (column.iter().map(|counts| counts[row]).sum::<u32>()) } }
                        }
                    }
                }
            }
        }
    }
}

/// A cell in words.
fn words(heat: &Heat, column: usize, row: usize, count: u32) -> String {
    let (low, high) = heat.rows[row];
    let from = heat.column_s * column as f64;
    format!(
        "{} sent from {from:.1} s to {:.1} s waited {} to {}",
        figure::count(u64::from(count), "request"),
        from + heat.column_s,
        figure::time(low),
        figure::time(high)
    )
}

/// One request must be seen, and many must stand out.
fn shade(count: u32, most: u32) -> String {
    format!("{:.2}", 0.15 + 0.85 * (f64::from(count) / f64::from(most.max(1))).sqrt())
}

fn fixed(pixels: f64) -> String {
    format!("{pixels:.1}")
}
