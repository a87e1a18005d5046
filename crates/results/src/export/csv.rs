//! One line a request, with a line of names: what spreadsheets read. Text from outside cannot become a formula.

use std::io::{self, Write};

use metron_metrics::{Outcome, RequestFigures, RequestRecord};
use metron_units::{Nanos, Share};

use super::{ExportError, Run};

/// The columns, named as in requests.parquet.
const COLUMNS: [&str; 20] = [
    "id",
    "intended_ns",
    "dispatched_ns",
    "finished_ns",
    "status",
    "error_class",
    "error_message",
    "finish_reason",
    "input_tokens",
    "output_tokens",
    "ttft_s",
    "ttft_from_schedule_s",
    "tpot_s",
    "e2e_latency_s",
    "ttft_deadline_ns",
    "tbt_deadline_ns",
    "missed",
    "total",
    "fluidity_index",
    "min_tbt_deadline_ns",
];

pub(super) fn write(run: &Run<'_>, out: &mut dyn Write) -> Result<(), ExportError> {
    let mut csv = ::csv::Writer::from_writer(out);
    csv.write_record(COLUMNS).map_err(io::Error::other)?;
    let target = run.target_miss_rate();
    run.each(|record| csv.write_record(line(record, target)).map_err(io::Error::other))?;
    csv.flush()?;
    Ok(())
}

fn line(record: &RequestRecord, target: Share) -> [String; COLUMNS.len()] {
    let figures = RequestFigures::of(record, target);
    let ns = |instant: Option<Nanos>| instant.map_or_else(String::new, |instant| instant.get().to_string());
    let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
    let s = |time: Option<Nanos>| number(time.map(Nanos::as_secs_f64));
    let (class, message) = match &record.outcome {
        Outcome::Failed(failure) => (failure.class.name().to_owned(), text(&failure.message)),
        Outcome::Completed | Outcome::Cancelled => (String::new(), String::new()),
    };
    let misses =
        |of: fn(metron_metrics::Misses) -> u64| figures.misses.map_or_else(String::new, |all| of(all).to_string());
    [
        record.id.to_string(),
        ns(record.intended),
        ns(record.dispatched),
        ns(record.finished),
        record.status.map_or_else(String::new, |status| status.to_string()),
        class,
        message,
        record.finish_reason.as_deref().map_or_else(String::new, text),
        record.input_tokens.get().to_string(),
        record.output_tokens.get().to_string(),
        s(figures.ttft),
        s(figures.ttft_from_schedule),
        number(figures.tpot),
        s(figures.e2e_latency),
        record.deadlines.ttft.get().to_string(),
        record.deadlines.tbt.get().to_string(),
        misses(|all| all.missed),
        misses(|all| all.total),
        number(figures.fluidity_index),
        ns(figures.min_tbt_deadline),
    ]
}

/// Text that no spreadsheet computes: one that begins like a formula gets an apostrophe.
fn text(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_begins_like_a_formula_is_text() {
        assert_eq!(super::text("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
        assert_eq!(super::text("503 - loading"), "503 - loading");
    }
}
