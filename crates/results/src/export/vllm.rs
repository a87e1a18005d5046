//! The object of vLLM's `bench serve --save-detailed`: parallel arrays by request, and the figures that its dashboards read.
//!
//! A gap is a chunk's, as vLLM's are. Failed requests stand in the arrays with a TTFT of 0 and no gaps.

use std::io::Write;

use metron_metrics::{RequestFigures, RequestRecord};
use metron_units::Nanos;
use serde_json::{Map, Value, json};

use super::json::{array, seconds, value};
use super::{ExportError, Run, failure};
use crate::summary::{Figure, Load};

pub(super) fn write(run: &Run<'_>, out: &mut dyn Write) -> Result<(), ExportError> {
    let mut scalars = scalars(run);
    scalars.extend(figures(run));
    out.write_all(b"{")?;
    for (key, scalar) in &scalars {
        value(out, key)?;
        out.write_all(b": ")?;
        value(out, scalar)?;
        out.write_all(b",\n")?;
    }
    let of = |record: &RequestRecord| RequestFigures::but_minimum(record);
    key(out, "input_lens", "")?;
    array(run, out, |record| Some(record.input_tokens.get()))?;
    key(out, "output_lens", ",\n")?;
    array(run, out, |record| Some(if failure(record).is_some() { 0 } else { record.seen_tokens() }))?;
    key(out, "ttfts", ",\n")?;
    array(run, out, |record| Some(if failure(record).is_some() { 0.0 } else { of(record).ttft.map_or(0.0, seconds) }))?;
    key(out, "itls", ",\n")?;
    array(run, out, |record| Some(gaps(record).into_iter().map(seconds).collect::<Vec<f64>>()))?;
    key(out, "start_times", ",\n")?;
    // A request without a connection left at no time; the arrays are parallel, so it stands at the run's beginning.
    array(run, out, |record| Some(record.dispatched.map_or(0.0, seconds)))?;
    key(out, "generated_texts", ",\n")?;
    array(run, out, |record| Some(record.texts.as_ref().map_or(String::new(), |texts| texts.answer.clone())))?;
    key(out, "errors", ",\n")?;
    array(run, out, |record| Some(failure(record).unwrap_or_default()))?;
    out.write_all(b"}\n")?;
    Ok(())
}

fn key(out: &mut dyn Write, name: &str, before: &str) -> std::io::Result<()> {
    write!(out, "{before}\"{name}\": ")
}

/// Between the chunks of an answer that has some.
fn gaps(record: &RequestRecord) -> Vec<Nanos> {
    if failure(record).is_some() || !record.streamed { Vec::new() } else { record.chunk_gaps().collect() }
}

fn scalars(run: &Run<'_>) -> Map<String, Value> {
    let summary = run.summary;
    let target = &summary.run.target;
    let (rate, concurrency) = match &summary.run.load {
        Load::Open { rate, max_in_flight, .. } => (rate.map_or(json!("inf"), |rate| json!(rate)), *max_in_flight),
        Load::Closed { concurrency, .. } => (json!("inf"), Some(*concurrency)),
    };
    let fields = json!({
        "date": summary.run.started_at,
        "endpoint_type": if target.endpoint == "completions" { "openai" } else { "openai-chat" },
        "label": summary.run.name,
        "model_id": target.model,
        "tokenizer_id": null,
        "num_prompts": summary.requests.completed + summary.requests.failed,
        "request_rate": rate,
        "burstiness": 1.0,
        "max_concurrency": concurrency,
        "duration": summary.run.duration_s,
        "completed": summary.requests.completed,
        "failed": summary.requests.failed,
        "total_input_tokens": summary.tokens.input,
        "total_output_tokens": summary.tokens.output,
        "metron_run_id": summary.run.id,
    });
    match fields {
        Value::Object(fields) => fields,
        _ => unreachable!("an object was written above"),
    }
}

/// The percentiles by vLLM's names, in milliseconds.
fn figures(run: &Run<'_>) -> Map<String, Value> {
    let mut figures = Map::new();
    let metrics = &run.summary.metrics;
    for (ours, theirs) in [
        ("request_throughput", "request_throughput"),
        ("output_token_throughput", "output_throughput"),
        ("total_token_throughput", "total_token_throughput"),
    ] {
        if let Some(Figure::Value(figure)) = metrics.get(ours) {
            figures.insert(theirs.to_owned(), json!(figure.value));
        }
    }
    for (ours, theirs) in [("ttft", "ttft"), ("tpot", "tpot"), ("inter_chunk_latency", "itl"), ("e2e_latency", "e2el")]
    {
        let Some(Figure::Distribution(figure)) = metrics.get(ours) else { continue };
        let quantiles = &figure.quantiles;
        for (name, seconds) in
            [("mean", quantiles.mean), ("median", quantiles.p50), ("std", quantiles.std), ("p99", quantiles.p99)]
        {
            figures.insert(format!("{name}_{theirs}_ms"), json!(seconds.map(|seconds| seconds * 1e3)));
        }
    }
    figures
}
