//! The lines of AIPerf's `profile_export.jsonl` (level records): one request each, every metric with its unit.

use std::io::Write;

use metron_metrics::{RequestFigures, RequestRecord};
use metron_units::Nanos;
use serde_json::{Map, Value, json};

use super::json::{milliseconds, value};
use super::{ExportError, Run, failure};

pub(super) fn write(run: &Run<'_>, out: &mut dyn Write) -> Result<(), ExportError> {
    let mut number = 0_u64;
    run.each(|record| {
        value(out, &line(run, record, number))?;
        number += 1;
        out.write_all(b"\n")
    })
}

fn line(run: &Run<'_>, record: &RequestRecord, number: u64) -> Value {
    let wall = |instant: Option<Nanos>| instant.map(|instant| run.epoch_unix_ns.saturating_add(instant.get()));
    let error = failure(record).map(|message| json!({"code": record.status, "type": "error", "message": message}));
    json!({
        "metadata": {
            "session_num": number,
            "x_request_id": record.id.to_string(),
            "conversation_id": record.session.map(|session| session.to_string()),
            "turn_index": record.turn.unwrap_or(0),
            "credit_issued_ns": wall(record.intended),
            "request_start_ns": wall(record.dispatched),
            "request_ack_ns": wall(record.headers),
            "request_end_ns": wall(record.finished),
            "worker_id": "metron",
            "benchmark_phase": "profiling",
            "was_cancelled": false,
        },
        "metrics": if error.is_some() { Map::new() } else { metrics(record) },
        "error": error,
    })
}

fn metrics(record: &RequestRecord) -> Map<String, Value> {
    let figures = RequestFigures::but_minimum(record);
    let mut metrics = Map::new();
    let mut put = |name: &str, value: Option<Value>, unit: &str| {
        if let Some(value) = value {
            metrics.insert(name.to_owned(), json!({"value": value, "unit": unit}));
        }
    };
    let ms = |time: Option<Nanos>| time.map(|time| json!(milliseconds(time)));
    put("request_latency", ms(figures.e2e_latency), "ms");
    put("input_sequence_length", Some(json!(record.input_tokens.get())), "tokens");
    put("output_sequence_length", Some(json!(figures.seen_tokens)), "tokens");
    if record.streamed {
        put("time_to_first_token", ms(figures.ttft), "ms");
        put("time_to_first_output_token", ms(figures.time_to_first_answer_token), "ms");
        let gaps: Vec<f64> = record.chunk_gaps().map(milliseconds).collect();
        put("inter_chunk_latency", (!gaps.is_empty()).then(|| json!(gaps)), "ms");
        put("inter_token_latency", figures.tpot.map(|seconds| json!(seconds * 1e3)), "ms");
    }
    metrics
}
