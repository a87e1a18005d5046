//! What the servers said of themselves, in a line or two.

use metron_results::Summary;

use super::wrap;
use crate::style::Style;
use crate::{escape, figure, reading};

pub(super) fn lines(summary: &Summary, style: Style) -> Vec<String> {
    let Some(server) = &summary.server else { return Vec::new() };
    let families = if server.families.is_empty() { "no known metric".to_owned() } else { server.families.join(", ") };
    let mut lines = vec![format!("{}  {}", style.strong("Server"), escape::terminal(&families))];
    let figures = server.figures.iter().filter_map(|(name, of)| {
        let show = |value: f64| figure::in_unit(value, if of.unit == "requests" { "" } else { &of.unit });
        let (mean, max) = (of.mean?, of.max?);
        Some(format!("{} {} (at most {})", escape::terminal(reading::of_server(name)), show(mean), show(max)))
    });
    let mut said: Vec<String> = figures.collect();
    said.extend(
        server.energy_per_output_token_j.map(|joules| format!("{} J per output token", figure::number(joules))),
    );
    let failed: u64 = server.sources.iter().map(|source| source.failed).sum();
    if failed > 0 {
        said.push(format!("{} failed", figure::count(failed, "scrape")));
    }
    if !said.is_empty() {
        lines.extend(wrap(&said.join(", "), 2));
    }
    lines
}
