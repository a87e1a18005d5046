//! What the servers said of themselves, on the page: a table of the measured phase. The curves are drawn over time.

use maud::{Markup, html};
use metron_results::summary::ServerFigures;

use crate::{figure, reading};

pub(super) fn section(server: Option<&ServerFigures>) -> Markup {
    html! {
        @if let Some(server) = server {
            h2 { "What the server says" }
            p {
                @if server.families.is_empty() { "No metric of a known meaning. " } @else { "By " (server.families.join(", ")) ". " }
                "All samples are in server.parquet."
            }
            @if !server.figures.is_empty() {
                div.scroll {
                    table {
                        tr { th { "" } th { "mean" } th { "highest" } }
                        @for (name, of) in &server.figures {
                            @let show = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| figure::in_unit(value, &of.unit));
                            tr { td { (reading::of_server(name)) } td { (show(of.mean)) } td { (show(of.max)) } }
                        }
                    }
                }
            }
            @if let Some(joules) = server.energy_j {
                p {
                    (figure::number(joules)) " J were drawn"
                    @if let Some(each) = server.energy_per_output_token_j { ", " b { (figure::number(each)) " J per output token" } }
                    "."
                }
            }
            @for source in &server.sources {
                p.faint { (source.url) ": " (figure::count(source.scrapes, "scrape")) @if source.failed > 0 { ", " (source.failed) " failed" } }
            }
        }
    }
}
