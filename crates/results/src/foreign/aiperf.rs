//! AIPerf's records (`profile_export.jsonl`) and raw records (`profile_export_raw.jsonl`), one request a line.
//!
//! Traps. Each metric states its unit, which is read rather than assumed. Other phases than profiling are in the file too.
//! The gaps are per chunk. Records have wall-clock instants, raw records monotonic ones.

use metron_units::Nanos;
use serde::Deserialize;

use super::bearing::{self, Brought};
use super::input::Input;
use super::number::{LONGEST, time};
use super::said::{Said, Times, failure, readings};
use super::{ForeignError, ForeignRun, Format, Precedence};

/// What both files say of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    x_request_id: Option<String>,
    benchmark_phase: Option<String>,
    request_start_ns: Option<u64>,
    was_cancelled: bool,
}

impl Metadata {
    fn counts(&self) -> bool {
        !self.was_cancelled && self.benchmark_phase.as_deref().is_none_or(|phase| phase == "profiling")
    }
}

#[derive(Debug, Deserialize)]
struct ErrorDetails {
    message: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl ErrorDetails {
    fn text(self) -> String {
        self.message.or(self.kind).unwrap_or_else(|| "the file does not say why".to_owned())
    }
}

/// A line of the records.
#[derive(Debug, Deserialize)]
struct Record {
    metadata: Metadata,
    metrics: Metrics,
    #[serde(default)]
    error: Option<ErrorDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metrics {
    time_to_first_token: Option<Measured<f64>>,
    inter_chunk_latency: Option<Measured<Vec<f64>>>,
    request_latency: Option<Measured<f64>>,
    output_sequence_length: Option<Measured<f64>>,
    input_sequence_length: Option<Measured<f64>>,
}

/// A value with its unit.
#[derive(Debug, Deserialize)]
struct Measured<T> {
    value: T,
    unit: String,
}

impl<T> Measured<T> {
    /// Seconds to the unit.
    fn seconds(&self, name: &str) -> Result<f64, String> {
        match self.unit.as_str() {
            "ns" | "nanoseconds" => Ok(1e-9),
            "us" | "µs" | "microseconds" => Ok(1e-6),
            "ms" | "milliseconds" => Ok(1e-3),
            "s" | "sec" | "seconds" => Ok(1.0),
            other => Err(format!("`{name}` has the unit `{other}`: expected ns, us, ms or s")),
        }
    }
}

fn one_time(value: f64, seconds: f64, name: &str) -> Result<Nanos, String> {
    time(value, seconds).ok_or_else(|| format!("`{name}` holds {value}, which is no time"))
}

pub(super) fn read_records(input: &mut Input) -> Result<ForeignRun, ForeignError> {
    let path = input.path().to_owned();
    let mut requests = Requests::default();
    while let Some((line, record)) = input.next_value::<Record>()? {
        if record.metadata.counts() {
            let said = record.said().map_err(|reason| ForeignError::at_line(&path, line, reason))?;
            requests.add(said, line);
        } else {
            requests.left_out += 1;
        }
    }
    requests.finish(input, Format::AiperfRecords)
}

impl Record {
    fn said(self) -> Result<Said, String> {
        let count = |measured: Option<Measured<f64>>, name: &str| match measured {
            Some(Measured { value, .. }) if (0.0..1e9).contains(&value) => Ok(Some(value.round() as u64)),
            Some(Measured { value, .. }) => Err(format!("`{name}` holds {value}, which is no count")),
            None => Ok(None),
        };
        let mut gaps = Vec::new();
        if let Some(ttft) = &self.metrics.time_to_first_token {
            let name = "time_to_first_token";
            gaps.push(one_time(ttft.value, ttft.seconds(name)?, name)?);
            if let Some(chunks) = &self.metrics.inter_chunk_latency {
                let name = "inter_chunk_latency";
                let seconds = chunks.seconds(name)?;
                for &gap in &chunks.value {
                    gaps.push(one_time(gap, seconds, name)?);
                }
            }
        } else if self.error.is_none() && self.metrics.request_latency.is_some() {
            return Err(
                "it has no time_to_first_token: the answer was not streamed (aiperf profile --streaming)".to_owned()
            );
        }
        Ok(Said {
            name: self.metadata.x_request_id,
            sent: self.metadata.request_start_ns.map(Nanos::new).filter(|sent| *sent <= LONGEST),
            gaps,
            input_tokens: count(self.metrics.input_sequence_length, "input_sequence_length")?,
            output_tokens: count(self.metrics.output_sequence_length, "output_sequence_length")?,
            failure: self.error.map(|error| failure(error.text())),
            ..Said::default()
        })
    }
}

/// A line of the raw records.
#[derive(Debug, Deserialize)]
struct RawRecord {
    #[serde(default)]
    metadata: Metadata,
    start_perf_ns: u64,
    responses: Vec<Response>,
    #[serde(default)]
    error: Option<ErrorDetails>,
}

#[derive(Debug, Deserialize)]
struct Response {
    perf_ns: u64,
    #[serde(default)]
    packets: Vec<Packet>,
    #[serde(default)]
    text: Option<String>,
}

/// A field of a server-sent event.
#[derive(Debug, Deserialize)]
struct Packet {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    value: Option<String>,
}

impl Response {
    fn brought(&self) -> Brought {
        let data = self.packets.iter().filter(|packet| packet.name.as_deref() == Some("data"));
        let data: Vec<&str> = data.filter_map(|packet| packet.value.as_deref()).collect();
        match &self.text {
            Some(text) if data.is_empty() => bearing::raw(text),
            Some(_) | None => bearing::event(&data.join("\n")),
        }
    }
}

pub(super) fn read_raw(input: &mut Input) -> Result<ForeignRun, ForeignError> {
    let path = input.path().to_owned();
    let mut requests = Requests::default();
    while let Some((line, record)) = input.next_value::<RawRecord>()? {
        if record.metadata.counts() {
            let said = record.said().map_err(|reason| ForeignError::at_line(&path, line, reason))?;
            requests.add(said, line);
        } else {
            requests.left_out += 1;
        }
    }
    requests.finish(input, Format::AiperfRaw)
}

impl RawRecord {
    fn said(self) -> Result<Said, String> {
        let (mut before, mut gaps, mut output_tokens) = (self.start_perf_ns, Vec::new(), None);
        for (k, response) in self.responses.iter().enumerate() {
            let brought = response.brought();
            output_tokens = brought.output_tokens.or(output_tokens);
            if brought.text {
                let gap = response.perf_ns.checked_sub(before);
                let gap = gap.ok_or_else(|| format!("responses[{k}].perf_ns lies before the instant ahead of it"))?;
                gaps.push(Nanos::new(gap));
                before = response.perf_ns;
            }
        }
        Ok(Said {
            name: self.metadata.x_request_id,
            sent: Some(Nanos::new(self.start_perf_ns)).filter(|sent| *sent <= LONGEST),
            gaps,
            output_tokens,
            failure: self.error.map(|error| failure(error.text())),
            ..Said::default()
        })
    }
}

/// The requests of a file that count.
#[derive(Debug, Default)]
struct Requests {
    said: Vec<Said>,
    lines: Vec<u64>,
    left_out: u64,
}

impl Requests {
    fn add(&mut self, said: Said, line: u64) {
        self.said.push(said);
        self.lines.push(line);
    }

    fn finish(self, input: &Input, format: Format) -> Result<ForeignRun, ForeignError> {
        let read = readings(self.said, Times::OfChunks).map_err(|(k, _)| {
            ForeignError::at_line(input.path(), self.lines[k], "its times add up to more than 100 years")
        })?;
        let mut notes = read.notes;
        if self.left_out > 0 {
            notes.push(format!(
                "{} requests of other phases than profiling, or cancelled, were left out",
                self.left_out
            ));
        }
        Ok(ForeignRun {
            format,
            readings: read.readings,
            averages: None,
            precedence: Precedence::CommandLine,
            instants: read.instants,
            notes,
        })
    }
}
