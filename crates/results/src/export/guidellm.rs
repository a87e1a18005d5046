//! The report of GuideLLM's `benchmark`: one benchmark, its requests by outcome, wall-clock instants in seconds.

use std::io::Write;

use metron_metrics::{RequestFigures, RequestRecord};
use metron_units::Nanos;
use serde_json::{Value, json};

use super::json::{array, milliseconds, value};
use super::{ExportError, Run, failure};
use crate::summary::Load;

pub(super) fn write(run: &Run<'_>, out: &mut dyn Write) -> Result<(), ExportError> {
    let summary = run.summary;
    let (kind, streams, rate) = match &summary.run.load {
        Load::Closed { concurrency, .. } => ("concurrent", Some(*concurrency), None),
        Load::Open { rate, arrivals, .. } => (arrivals.as_str(), None, *rate),
    };
    let metadata = json!({"version": 1, "metron_version": summary.run.metron_version});
    let config = json!({
        "id_": summary.run.id,
        "strategy": {"type_": kind, "streams": streams, "rate": rate},
        "backend": {"target": summary.run.target.url, "model": summary.run.target.model},
    });
    out.write_all(b"{\"metadata\": ")?;
    value(out, &metadata)?;
    out.write_all(b", \"benchmarks\": [{\"type_\": \"generative_benchmark\", \"config\": ")?;
    value(out, &config)?;
    out.write_all(b", \"duration\": ")?;
    value(out, &summary.run.duration_s)?;
    out.write_all(b", \"requests\": {\"successful\": ")?;
    array(run, out, |record| failure(record).is_none().then(|| request(run, record)))?;
    out.write_all(b", \"errored\": ")?;
    array(run, out, |record| failure(record).is_some().then(|| request(run, record)))?;
    out.write_all(b", \"incomplete\": []}}]}\n")?;
    Ok(())
}

fn request(run: &Run<'_>, record: &RequestRecord) -> Value {
    let figures = RequestFigures::but_minimum(record);
    let wall =
        |instant: Option<Nanos>| instant.map(|instant| run.epoch_unix_ns.saturating_add(instant.get()) as f64 / 1e9);
    let error = failure(record);
    let first = record.chunks.first().map(|chunk| chunk.arrived);
    let last = record.chunks.last().map(|chunk| chunk.arrived);
    let answered = error.is_none();
    let late = record.intended.zip(record.dispatched).map(|(intended, dispatched)| dispatched.saturating_sub(intended));
    json!({
        "request_id": record.id.to_string(),
        "prompt_tokens": record.input_tokens.get(),
        "output_tokens": answered.then_some(figures.seen_tokens),
        "request_latency": figures.e2e_latency.map(Nanos::as_secs_f64),
        "time_to_first_token_ms": figures.ttft.filter(|_| answered).map(milliseconds),
        "inter_token_latency_ms": figures.tpot.map(|seconds| seconds * 1e3),
        "time_per_output_token_ms": figures.normalized_latency.map(|seconds| seconds * 1e3),
        "request_dispatch_delay": late.map(Nanos::as_secs_f64),
        "info": {
            "error": error,
            "timings": {
                "targeted_start": wall(record.intended),
                "request_start": wall(record.dispatched),
                "first_token_iteration": wall(first),
                "last_token_iteration": wall(last),
                "token_iterations": record.chunks.len(),
                "request_end": wall(record.finished),
            },
        },
    })
}
