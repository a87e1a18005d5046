//! What a worker brings back becomes the record that figures are made of: tokens counted, failures named. METRICS.md, *How
//! tokens are counted*. Done after the request's end, on the recorder's thread; knows no socket and no file.

mod apportion;
mod count;
mod failure;
mod weigh;

use metron_metrics::{Chunk, Outcome, Phase, RequestRecord, Texts};
use metron_units::{Nanos, Tokens};
use metron_wire::{Answer, Channel, End};
use metron_workload::Tokenizer;

use crate::kind::Kind;
use count::{Counted, count};

/// What is known of a request besides its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// Its place in the plan.
    pub id: u64,
    /// Whether it counts.
    pub phase: Phase,
    /// What else it is, and what it is held to.
    pub kind: Kind,
    /// When it was to leave, on the run's clock; `None` in a closed loop.
    pub intended: Option<Nanos>,
    /// The length of its prompt.
    pub input_tokens: Tokens,
    /// Its prompt, if texts are kept.
    pub prompt: Option<String>,
}

/// Whose tokenizer counts where the server does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// The model's own: the user named it.
    Named,
    /// The embedded default stands in.
    Assumed,
}

/// Settles answers. The tokenizer is loaded when the first answer needs it, and not before.
#[derive(Debug, Clone)]
pub struct Settler {
    /// Counts where the server does not.
    pub tokenizer: Tokenizer,
    /// Whose it is.
    pub naming: Naming,
}

impl Settler {
    /// The record of a request that is over.
    #[must_use]
    pub fn settle(&self, planned: Planned, answer: Answer) -> RequestRecord {
        let counted = count(&answer, self.naming, || weigh::weigh(&answer, &self.tokenizer).ok());
        let first_answer = first_answer_chunk(&answer);
        let mut chunks = Vec::with_capacity(answer.chunks.len());
        let mut first_answer_chunk = None;
        for (index, (chunk, tokens)) in answer.chunks.iter().zip(counted.tokens.iter().copied()).enumerate() {
            // An event that ends a token which an earlier one began carries none of its own.
            if tokens == 0 && !answer.tokenless {
                continue;
            }
            if first_answer_chunk.is_none() && first_answer.is_some_and(|first| index >= first) {
                first_answer_chunk = Some(chunks.len());
            }
            chunks.push(Chunk { arrived: chunk.arrived, tokens });
        }
        let shared = answer.chunks.iter().filter(|chunk| chunk.shared_read).count();
        let texts = planned.prompt.map(|prompt| Texts {
            prompt,
            answer: text_of(&answer, Channel::Answer),
            reasoning: text_of(&answer, Channel::Reasoning),
        });
        let Counted { by, unseen, output, mismatch, .. } = counted;
        RequestRecord {
            id: planned.id,
            phase: planned.phase,
            session: planned.kind.session,
            turn: planned.kind.turn,
            class: planned.kind.class.map(|name| name.to_string()),
            attempt: answer.attempt.max(1),
            intended: planned.intended,
            dispatched: answer.dispatched,
            headers: answer.headers,
            finished: answer.finished,
            connect: answer.connect,
            status: answer.status,
            outcome: outcome(answer.end),
            finish_reason: answer.finish_reason,
            streamed: !answer.unstreamed,
            unclean_end: answer.unclean_end,
            planned_input_tokens: planned.input_tokens,
            input_tokens: answer.usage.input.filter(|&given| given > 0).map_or(planned.input_tokens, Tokens::new),
            output_tokens: Tokens::new(output),
            unseen_tokens: Tokens::new(unseen),
            counted_by: by,
            count_mismatch: mismatch,
            chunks,
            first_answer_chunk,
            shared_reads: u32::try_from(shared).unwrap_or(u32::MAX),
            deadlines: planned.kind.deadlines,
            texts,
        }
    }
}

fn outcome(end: End) -> Outcome {
    match end {
        End::Complete => Outcome::Completed,
        End::Cancelled => Outcome::Cancelled,
        End::Failed { kind, message } => Outcome::Failed(failure::failure(kind, message)),
    }
}

/// The first chunk that is not reasoning alone.
fn first_answer_chunk(answer: &Answer) -> Option<usize> {
    let piece = answer.pieces.iter().position(|piece| piece.channel != Channel::Reasoning)?;
    Some(answer.chunks.partition_point(|chunk| chunk.pieces_end as usize <= piece)).filter(|&k| k < answer.chunks.len())
}

/// What choice 0 said in one channel.
pub(crate) fn text_of(answer: &Answer, channel: Channel) -> String {
    let mut text = String::new();
    let mut from = 0;
    for piece in &answer.pieces {
        let end = piece.text_end as usize;
        if piece.choice == 0 && piece.channel == channel {
            text.push_str(&answer.text[from..end]);
        }
        from = end;
    }
    text
}

#[cfg(test)]
mod tests;
