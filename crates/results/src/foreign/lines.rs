//! JSON lines of token times, one request each: the plainest way to hand times to `metron score`.

use serde::Deserialize;

use super::input::Input;
use super::number::{Count, Nanoseconds, Seconds};
use super::said::{Said, Times, readings};
use super::{ForeignError, ForeignRun, Format, OwnDeadlines, Precedence};

/// One line. Unknown fields are passed over.
#[derive(Debug, Deserialize)]
struct Line {
    name: Option<String>,
    inter_token_ns: Option<Vec<Nanoseconds>>,
    token_times_s: Option<Vec<Seconds>>,
    sent_s: Option<Seconds>,
    prompt_tokens: Option<Count>,
    ttft_deadline_ns: Option<Nanoseconds>,
    tbt_deadline_ns: Option<Nanoseconds>,
}

pub(super) fn read(input: &mut Input) -> Result<ForeignRun, ForeignError> {
    let path = input.path().to_owned();
    let (mut said, mut numbers) = (Vec::new(), Vec::new());
    while let Some((number, line)) = input.next_value::<Line>()? {
        said.push(line.said().map_err(|reason| ForeignError::at_line(&path, number, reason))?);
        numbers.push(number);
    }
    let read = readings(said, Times::OfTokens)
        .map_err(|(k, _)| ForeignError::at_line(&path, numbers[k], "its times add up to more than 100 years"))?;
    Ok(ForeignRun {
        format: Format::Lines,
        readings: read.readings,
        averages: None,
        precedence: Precedence::Own,
        instants: read.instants,
        notes: read.notes,
    })
}

impl Line {
    fn said(self) -> Result<Said, String> {
        let tbt = self.tbt_deadline_ns.map(|deadline| deadline.0);
        if tbt.is_some_and(|deadline| deadline.get() == 0) {
            return Err("tbt_deadline_ns is 0, which no token can keep: expected 1 or more".to_owned());
        }
        let (sent, gaps) = match (self.inter_token_ns, self.token_times_s) {
            (Some(gaps), None) => (self.sent_s.map(|sent| sent.0), gaps.into_iter().map(|gap| gap.0).collect()),
            (None, Some(times)) => {
                let sent = self.sent_s.ok_or("token_times_s needs sent_s, the time at which the request was sent")?;
                (Some(sent.0), gaps_of(sent, &times)?)
            }
            (Some(_), Some(_)) => return Err("it has both inter_token_ns and token_times_s: expected one".to_owned()),
            (None, None) => return Err("it has neither inter_token_ns nor token_times_s".to_owned()),
        };
        let own = OwnDeadlines { ttft: self.ttft_deadline_ns.map(|deadline| deadline.0), tbt };
        Ok(Said {
            name: self.name,
            sent,
            gaps,
            input_tokens: self.prompt_tokens.map(|count| count.0),
            own,
            ..Said::default()
        })
    }
}

/// The gaps between instants that begin with the dispatch.
pub(super) fn gaps_of(sent: Seconds, times: &[Seconds]) -> Result<Vec<metron_units::Nanos>, String> {
    let mut before = sent.0;
    let mut gaps = Vec::with_capacity(times.len());
    for (k, time) in times.iter().enumerate() {
        let gap = time.0.checked_sub(before).ok_or_else(|| match k {
            0 => format!(
                "the first token's time {} s lies before sent_s {} s",
                time.0.as_secs_f64(),
                before.as_secs_f64()
            ),
            k => format!("time {} of {} lies before the one ahead of it", k + 1, times.len()),
        })?;
        gaps.push(gap);
        before = time.0;
    }
    Ok(gaps)
}
