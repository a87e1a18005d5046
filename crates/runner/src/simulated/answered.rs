//! What an engine gave, as the record that figures are made of. Knows no order of events.

use metron_metrics::{CountedBy, ErrorClass, Failure, Outcome, RequestRecord, Texts};
use metron_sim::spec::Fault;
use metron_units::{Nanos, Tokens};
use metron_wire::Timeouts;

use super::flights::{Flight, Impatience};
use crate::talk::How;

/// Makes records.
pub(super) struct Answers {
    pub(super) timeouts: Timeouts,
}

/// How a flight ended.
pub(super) enum Ending {
    /// With its last token.
    Whole,
    /// Before anything was begun, with this status.
    NotTaken(u16, String),
    /// The connection ended before the answer did.
    Cut,
    /// The bytes broke the rules.
    Broken,
    /// After it was taken up: what a server can only say in the stream.
    GivenUp(String),
    TimedOut(Impatience),
    Dropped,
}

impl Ending {
    /// What it is to the next turn of a session, `given` tokens having come.
    pub(super) fn how(&self, given: u64) -> How {
        match self {
            Self::Whole => How::Well,
            Self::Dropped | Self::TimedOut(Impatience::Left) if given > 0 => How::CutShort,
            Self::Dropped | Self::TimedOut(Impatience::Left) => How::Unheard,
            Self::NotTaken(..) | Self::GivenUp(_) | Self::Cut | Self::Broken | Self::TimedOut(_) => How::Failed,
        }
    }
}

impl Answers {
    /// The record of a flight that ended at `at`.
    pub(super) fn record(&self, flight: Flight, ending: Ending, at: Nanos) -> RequestRecord {
        let Flight { request, kind, phase, dispatched, prompt_tokens, output, fault, prompt, chunks, .. } = flight;
        let given = chunks.len() as u64;
        let status = if let Ending::NotTaken(status, _) = ending { status } else { 200 };
        let is_whole = matches!(ending, Ending::Whole);
        let usage_lies = is_whole && fault == Some(Fault::Usage);
        let told = if usage_lies { Fault::told(given) } else { given };
        let is_dropped = matches!(ending, Ending::Dropped | Ending::TimedOut(Impatience::Left));
        RequestRecord {
            id: request.id,
            phase,
            session: kind.session,
            turn: kind.turn,
            class: kind.class.map(|name| name.to_string()),
            attempt: 1,
            intended: request.intended,
            dispatched: Some(dispatched),
            // A server sends a stream's head at once.
            headers: Some(dispatched),
            finished: (!is_dropped).then_some(at),
            connect: None,
            status: Some(status),
            outcome: self.outcome(ending),
            finish_reason: is_whole.then(|| finish_reason(given, output, request.output_tokens).to_owned()),
            streamed: true,
            unclean_end: false,
            planned_input_tokens: request.input_tokens,
            input_tokens: prompt_tokens,
            output_tokens: Tokens::new(told),
            unseen_tokens: Tokens::new(told - given),
            // The engine itself says which tokens it gave; where its usage says otherwise, their text is counted.
            counted_by: (given > 0).then_some(if usage_lies { CountedBy::Tokenizer } else { CountedBy::Stream }),
            count_mismatch: usage_lies,
            first_answer_chunk: (given > 0).then_some(0),
            shared_reads: 0,
            deadlines: kind.deadlines,
            texts: prompt.map(|prompt| Texts { prompt, answer: said(given), reasoning: String::new() }),
            chunks,
        }
    }

    fn outcome(&self, ending: Ending) -> Outcome {
        let failed = |class, message| Outcome::Failed(Failure { class, message });
        match ending {
            Ending::Whole => Outcome::Completed,
            Ending::Dropped => Outcome::Cancelled,
            Ending::NotTaken(429, message) => failed(ErrorClass::Http429, message),
            Ending::NotTaken(500.., message) => failed(ErrorClass::Http5xx, message),
            Ending::NotTaken(_, message) => failed(ErrorClass::Http4xx, message),
            Ending::Cut => failed(ErrorClass::Truncated, "a planned fault: the connection ended".to_owned()),
            Ending::Broken => failed(ErrorClass::Protocol, "a planned fault: a chunk without a valid size".to_owned()),
            Ending::GivenUp(message) => failed(ErrorClass::StreamError, message),
            Ending::TimedOut(impatience) => {
                let Timeouts { first_token, idle, total, .. } = self.timeouts;
                match impatience {
                    Impatience::FirstToken => {
                        failed(ErrorClass::TimeoutFirstToken, format!("no token within {first_token}"))
                    }
                    Impatience::Idle => failed(ErrorClass::TimeoutIdle, format!("no further token for {idle}")),
                    Impatience::Total => failed(ErrorClass::TimeoutTotal, format!("not finished within {total}")),
                    Impatience::Left => Outcome::Cancelled,
                }
            }
        }
    }
}

/// As the simulated server says it: `length` at the request's maximum, or where the model's length came before `output`.
fn finish_reason(given: u64, output: Tokens, most: Tokens) -> &'static str {
    if given < output.get() || given >= most.get() { "length" } else { "stop" }
}

fn said(tokens: u64) -> String {
    (0..tokens).map(metron_sim::words::word).collect()
}
