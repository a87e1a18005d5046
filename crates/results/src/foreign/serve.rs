//! The results of `vllm bench serve --save-detailed` and of `sglang.bench_serving --output-details`: parallel arrays.
//!
//! Traps. The gaps are per chunk, which may carry several tokens. Failed requests sit in the arrays with TTFT 0 and no gaps.
//! vLLM's Rust client may append a gap of 0 for the chunk that only finishes. SGLang does not say when requests were sent,
//! and its output length of a truncated answer is the requested one.

use metron_units::Nanos;
use serde::Deserialize;

use super::format::Shape;
use super::input::Input;
use super::number::{Count, Seconds};
use super::said::{Said, Times, failure, readings};
use super::{ForeignError, ForeignRun, Format, Precedence};

/// One run. Arrays are parallel, one element per request.
#[derive(Debug, Deserialize)]
struct Run {
    input_lens: Vec<Count>,
    output_lens: Vec<Count>,
    ttfts: Vec<Seconds>,
    itls: Vec<Vec<Seconds>>,
    #[serde(default)]
    start_times: Option<Vec<Seconds>>,
    #[serde(default)]
    errors: Option<Vec<Option<String>>>,
}

pub(super) fn read(input: &mut Input, format: Format, shape: Shape) -> Result<ForeignRun, ForeignError> {
    let path = input.path().to_owned();
    let mut collected = Collected::default();
    let mut runs = 0_u64;
    match shape {
        Shape::Whole => {
            let run: Run = input.whole_value()?;
            runs += 1;
            collected.add(run).map_err(|reason| ForeignError::whole(&path, reason))?;
        }
        Shape::Lines => {
            while let Some((line, run)) = input.next_value::<Run>()? {
                runs += 1;
                collected.add(run).map_err(|reason| ForeignError::at_line(&path, line, reason))?;
            }
        }
    }
    if runs > 1 && collected.said.iter().any(|said| said.sent.is_some()) {
        // Monotonic clocks of several runs share no epoch.
        collected.said.iter_mut().for_each(|said| said.sent = None);
        collected.notes.push(format!("the file holds {runs} runs, which are scored as one"));
    }
    let read = readings(collected.said, Times::OfChunks).map_err(|(k, _)| {
        ForeignError::whole(&path, format!("the times of request {k} add up to more than 100 years"))
    })?;
    let mut notes = collected.notes;
    if collected.finish_gaps > 0 {
        notes.push(format!(
            "{} requests end with a gap of 0 for a chunk that only finishes; it was left out",
            collected.finish_gaps
        ));
    }
    notes.extend(read.notes);
    if format == Format::Sglang && read.readings.len() > 1 {
        notes.push(
            "SGLang gives a truncated answer the length that was asked for: trust its reading by chunks".to_owned(),
        );
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

/// The requests of all runs of a file.
#[derive(Debug, Default)]
struct Collected {
    said: Vec<Said>,
    finish_gaps: u64,
    notes: Vec<String>,
}

impl Collected {
    fn add(&mut self, run: Run) -> Result<(), String> {
        let count = run.ttfts.len();
        let lengths = [
            ("input_lens", Some(run.input_lens.len())),
            ("output_lens", Some(run.output_lens.len())),
            ("itls", Some(run.itls.len())),
            ("start_times", run.start_times.as_ref().map(Vec::len)),
            ("errors", run.errors.as_ref().map(Vec::len)),
        ];
        for (name, length) in lengths {
            if length.is_some_and(|length| length != count) {
                let length = length.unwrap_or_default();
                return Err(format!("`{name}` has {length} elements where `ttfts` has {count}: expected as many"));
            }
        }
        for (k, (ttft, itl)) in run.ttfts.into_iter().zip(run.itls).enumerate() {
            let error = run.errors.as_ref().and_then(|errors| errors[k].as_deref()).filter(|error| !error.is_empty());
            let mut said = Said {
                sent: run.start_times.as_ref().map(|times| times[k].0),
                input_tokens: Some(run.input_lens[k].0),
                output_tokens: Some(run.output_lens[k].0),
                failure: error.map(|error| failure(last_line(error))),
                ..Said::default()
            };
            // TTFT 0 without gaps is a request of which nothing came, whatever `errors` says.
            if ttft.0 > Nanos::ZERO || !itl.is_empty() {
                said.gaps.push(ttft.0);
                said.gaps.extend(itl.into_iter().map(|gap| gap.0));
                self.drop_finish_gap(&mut said);
            }
            self.said.push(said);
        }
        Ok(())
    }

    /// Leaves out a last gap of 0 that makes one chunk more than there are tokens.
    fn drop_finish_gap(&mut self, said: &mut Said) {
        let one_too_many = said.output_tokens.is_some_and(|tokens| said.gaps.len() as u64 == tokens + 1);
        if one_too_many && said.gaps.len() > 1 && said.gaps.last() == Some(&Nanos::ZERO) {
            said.gaps.pop();
            self.finish_gaps += 1;
        }
    }
}

/// The last line of a Python traceback: what went wrong, without where in whose code.
fn last_line(text: &str) -> &str {
    text.trim_end().lines().next_back().unwrap_or(text)
}
