//! Etalon's `request_level_metrics.json`: one object of parallel arrays.
//!
//! Trap: a request that failed appears with zeros. Gaps are per token, as Etalon counts them.

use metron_units::Nanos;
use serde::Deserialize;

use super::input::Input;
use super::number::{Count, Seconds};
use super::said::{Said, Times, failure, readings};
use super::{ForeignError, ForeignRun, Format, Precedence};

/// The whole file.
#[derive(Debug, Deserialize)]
struct Run {
    num_prompt_tokens: Vec<Count>,
    num_output_tokens: Vec<Count>,
    ttft: Vec<Seconds>,
    tbt: Vec<Vec<Seconds>>,
}

pub(super) fn read(input: &mut Input) -> Result<ForeignRun, ForeignError> {
    let path = input.path().to_owned();
    let run: Run = input.whole_value()?;
    let count = run.ttft.len();
    for (name, length) in [
        ("num_prompt_tokens", run.num_prompt_tokens.len()),
        ("num_output_tokens", run.num_output_tokens.len()),
        ("tbt", run.tbt.len()),
    ] {
        if length != count {
            let reason = format!("`{name}` has {length} elements where `ttft` has {count}: expected as many");
            return Err(ForeignError::whole(&path, reason));
        }
    }
    let mut failed = 0_u64;
    let mut said = Vec::with_capacity(count);
    for (k, (ttft, tbt)) in run.ttft.into_iter().zip(run.tbt).enumerate() {
        let nothing = ttft.0 == Nanos::ZERO && tbt.iter().all(|gap| gap.0 == Nanos::ZERO);
        failed += u64::from(nothing);
        let gaps = if nothing { Vec::new() } else { std::iter::once(ttft).chain(tbt).map(|gap| gap.0).collect() };
        said.push(Said {
            gaps,
            input_tokens: Some(run.num_prompt_tokens[k].0),
            output_tokens: Some(run.num_output_tokens[k].0),
            failure: nothing.then(|| failure("the file has only zeros for it")),
            ..Said::default()
        });
    }
    let read = readings(said, Times::OfChunks).map_err(|(k, _)| {
        ForeignError::whole(&path, format!("the times of request {k} add up to more than 100 years"))
    })?;
    let mut notes = read.notes;
    if failed > 0 {
        notes.push(format!("{failed} requests have only zeros, as Etalon writes failed ones; they count as failed"));
    }
    Ok(ForeignRun {
        format: Format::Etalon,
        readings: read.readings,
        averages: None,
        precedence: Precedence::CommandLine,
        instants: read.instants,
        notes,
    })
}
