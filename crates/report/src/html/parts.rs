//! The parts of a run on the page: a table of classes with their objectives, a table of turns.

use maud::{Markup, html};
use metron_results::Summary;

use super::sections;
use crate::parts::{self, COLUMNS, Part};

pub(super) fn of_run(summary: &Summary) -> Markup {
    let (classes, turns) = (parts::classes(summary), parts::turns(summary));
    html! {
        @if !classes.is_empty() {
            h2 { "Classes" }
            (table(&classes))
            @for (name, class) in &summary.classes {
                @if !class.objectives.is_empty() {
                    p { "Objectives of " b { (name) } }
                    (sections::objective_table(&class.objectives))
                }
            }
        }
        @if !turns.is_empty() {
            h2 { "Sessions" }
            @if let Some(words) = parts::sessions(summary) { p { (words) "." } }
            (table(&turns))
        }
    }
}

fn table(parts: &[Part]) -> Markup {
    html! {
        div.scroll {
            table {
                tr { th { "" } @for column in COLUMNS { th { (column) } } }
                @for part in parts {
                    tr { td { (part.name) } @for cell in &part.cells { td { (cell) } } }
                }
            }
        }
    }
}
