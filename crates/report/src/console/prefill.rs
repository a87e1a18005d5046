//! What `metron prefill` says: a line for each length as it is done, and the table at the end.

use metron_results::prefill_profile::{Curve, Point, PrefillProfileFile};

use super::columns::Columns;
use super::section;
use crate::figure::Scale;
use crate::style::Style;
use crate::{escape, figure};

/// One length that is done, as a line.
#[must_use]
pub fn length_line(point: &Point) -> String {
    let median = at(point, "p50");
    format!(
        "{} prompt tokens: {}{} ({})",
        point.prompt_tokens,
        median.map_or_else(|| "-".to_owned(), |median| Scale::of_time(median).with_unit(median)),
        half_width(point).map_or_else(String::new, |half| format!(" ±{:.1} %", half * 100.0)),
        figure::count(point.samples, "request")
    )
}

/// The profile as a person reads it. Ends with a line end; safe for a terminal.
#[must_use]
pub fn prefill_table(file: &PrefillProfileFile, style: Style) -> String {
    let mut rows = Columns::default();
    rows.push(["Prompt tokens", "median", "±", "p90", "max", "requests", "outliers", "failed"].map(str::to_owned));
    for point in &file.points {
        let time = |name| at(point, name).map_or_else(|| "-".to_owned(), |it| Scale::of_time(it).with_unit(it));
        let half = half_width(point).map_or_else(|| "-".to_owned(), |half| format!("{:.1} %", half * 100.0));
        let counts = [point.samples, point.outliers, point.failed].map(|count| count.to_string());
        rows.push(
            [point.prompt_tokens.to_string(), time("p50"), half, time("p90"), time("max")].into_iter().chain(counts),
        );
    }
    let beside = file
        .background
        .as_deref()
        .map_or_else(|| "on an idle server".to_owned(), |load| format!("beside a load of {}", escape::terminal(load)));
    let points = section(&format!("TTFT against prompt length, {beside}"), rows.lines(), style);
    let [least, most] = file.valid;
    let fit = [
        style.strong(&formula(&file.fit.curve)),
        format!(
            "within {:.1} % of each median, and of each one that the fit was not told; valid from {least} to {most} tokens",
            file.fit.max_relative_error * 100.0
        ),
    ];
    format!("{}\n\n{}\n", points.join("\n"), fit.join("\n"))
}

fn at(point: &Point, name: &str) -> Option<f64> {
    point.ttft_s.get(name).copied()
}

/// Half the median's interval over the median.
fn half_width(point: &Point) -> Option<f64> {
    let [low, high] = point.median_ci95?;
    at(point, "p50").filter(|median| *median > 0.0).map(|median| (high - low) / 2.0 / median)
}

fn formula(curve: &Curve) -> String {
    match curve {
        Curve::Linear([a, b]) => format!("linear: {:.3} ms + {:.3} us a token", a * 1e3, b * 1e6),
        Curve::Quadratic([a, b, c]) => {
            format!("quadratic: {:.3} ms + {:.3} us n + {:.3} ns n^2, n tokens", a * 1e3, b * 1e6, c * 1e9)
        }
        Curve::Piecewise(knots) => format!("piecewise: straight between {} knots", knots.len()),
    }
}
