//! inference-perf's `per_request_lifecycle_metrics.json`: an array of requests with the time of each chunk.
//!
//! Traps. `output_token_times` are inference-perf's own reading; where the chunks themselves are kept, which of them bear
//! tokens is decided by our rule. Times are of a monotonic clock, in seconds.

use metron_units::Nanos;
use serde::Deserialize;
use serde_json::Value;

use super::bearing;
use super::input::Input;
use super::lines::gaps_of;
use super::number::{Count, Seconds};
use super::said::{Said, Times, failure, readings};
use super::{ForeignError, ForeignRun, Format, Precedence};

/// One request.
#[derive(Debug, Deserialize)]
struct Request {
    start_time: Seconds,
    info: Info,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    input_tokens: Option<Count>,
    output_tokens: Option<Count>,
    output_token_times: Option<Vec<Seconds>>,
    response_metrics: Option<ResponseMetrics>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResponseMetrics {
    output_tokens: Option<Count>,
    server_usage: Option<ServerUsage>,
    response_chunks: Option<Vec<String>>,
    chunk_times: Option<Vec<Seconds>>,
    output_token_times: Option<Vec<Seconds>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ServerUsage {
    completion_tokens: Option<Count>,
}

pub(super) fn read(input: &mut Input) -> Result<ForeignRun, ForeignError> {
    let path = input.path().to_owned();
    let requests: Vec<Request> = input.whole_value()?;
    let mut said = Vec::with_capacity(requests.len());
    for (k, request) in requests.into_iter().enumerate() {
        said.push(request.said().map_err(|reason| ForeignError::whole(&path, format!("request {k}: {reason}")))?);
    }
    let read = readings(said, Times::OfChunks).map_err(|(k, _)| {
        ForeignError::whole(&path, format!("request {k}: its times add up to more than 100 years"))
    })?;
    Ok(ForeignRun {
        format: Format::InferencePerf,
        readings: read.readings,
        averages: None,
        precedence: Precedence::CommandLine,
        instants: read.instants,
        notes: read.notes,
    })
}

impl Request {
    fn said(self) -> Result<Said, String> {
        let failed = self.error;
        let metrics = self.info.response_metrics.unwrap_or_default();
        let usage = metrics.server_usage.and_then(|usage| usage.completion_tokens);
        let output_tokens = usage.or(metrics.output_tokens).or(self.info.output_tokens);
        let times = bearing_times(metrics.chunk_times, metrics.response_chunks)?
            .or(metrics.output_token_times)
            .or(self.info.output_token_times);
        let gaps = match times {
            Some(times) => gaps_of(self.start_time, &times)?,
            None if failed.is_some() => Vec::<Nanos>::new(),
            None => return Err("it has neither chunk_times nor output_token_times".to_owned()),
        };
        Ok(Said {
            sent: Some(self.start_time.0),
            gaps,
            input_tokens: self.info.input_tokens.map(|count| count.0),
            output_tokens: output_tokens.map(|count| count.0),
            failure: failed.map(|error| failure(error.to_string())),
            ..Said::default()
        })
    }
}

/// The times of the chunks that bear tokens; `None` where the file does not keep the chunks beside their times.
fn bearing_times(times: Option<Vec<Seconds>>, chunks: Option<Vec<String>>) -> Result<Option<Vec<Seconds>>, String> {
    let (Some(times), Some(chunks)) = (times, chunks) else { return Ok(None) };
    if chunks.is_empty() {
        return Ok(None);
    }
    if times.len() != chunks.len() {
        return Err(format!("{} chunk_times and {} response_chunks: expected as many", times.len(), chunks.len()));
    }
    let pairs = times.into_iter().zip(&chunks);
    Ok(Some(pairs.filter(|(_, chunk)| bearing::raw(chunk).text).map(|(time, _)| time).collect()))
}
