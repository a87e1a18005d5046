//! A check of a whole record, so that a bit that flipped on disk is found rather than measured.

use metron_metrics::{Outcome, RequestRecord};
use metron_units::Nanos;

use super::TextColumns;
use super::encode::phase;

/// The first eight bytes of BLAKE3 over every fact of a record that its row holds.
pub(crate) fn digest(record: &RequestRecord, texts: TextColumns) -> u64 {
    let mut bytes = Bytes(Vec::with_capacity(256 + record.chunks.len() * 12));
    bytes.facts(record);
    for chunk in &record.chunks {
        bytes.number(chunk.arrived.get());
        bytes.0.extend_from_slice(&chunk.tokens.to_le_bytes());
    }
    match (texts, &record.texts) {
        (TextColumns::Kept, Some(texts)) => {
            for text in [&texts.prompt, &texts.answer, &texts.reasoning] {
                bytes.text(Some(text));
            }
        }
        (TextColumns::Kept, None) | (TextColumns::LeftOut, _) => {}
    }
    let hash = blake3::hash(&bytes.0);
    let (head, _) = hash.as_bytes().split_first_chunk::<8>().expect("a digest has 32 bytes");
    u64::from_le_bytes(*head)
}

/// A record as bytes in which no two records look alike: every optional part is preceded by whether it is there, every text
/// by its length.
struct Bytes(Vec<u8>);

impl Bytes {
    fn facts(&mut self, record: &RequestRecord) {
        self.number(record.id);
        self.text(Some(phase(record.phase)));
        self.option(record.session);
        self.option(record.turn.map(u64::from));
        self.text(record.class.as_deref());
        self.number(u64::from(record.attempt));
        for instant in [record.intended, record.dispatched, record.headers, record.finished, record.connect] {
            self.option(instant.map(Nanos::get));
        }
        self.option(record.status.map(u64::from));
        match &record.outcome {
            Outcome::Completed => self.number(0),
            Outcome::Cancelled => self.number(1),
            Outcome::Failed(failure) => {
                self.number(2);
                self.text(Some(failure.class.name()));
                self.text(Some(&failure.message));
            }
        }
        self.text(record.finish_reason.as_deref());
        for tokens in [record.planned_input_tokens, record.input_tokens, record.output_tokens, record.unseen_tokens] {
            self.number(tokens.get());
        }
        self.text(record.counted_by.map(metron_metrics::CountedBy::name));
        for truth in [record.count_mismatch, record.streamed, record.unclean_end] {
            self.number(u64::from(truth));
        }
        self.option(record.first_answer_chunk.map(|k| k as u64));
        self.number(u64::from(record.shared_reads));
        self.number(record.deadlines.ttft.get());
        self.number(record.deadlines.tbt.get());
    }

    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn option(&mut self, number: Option<u64>) {
        self.0.push(u8::from(number.is_some()));
        self.number(number.unwrap_or(0));
    }

    fn text(&mut self, text: Option<&str>) {
        self.option(text.map(|text| text.len() as u64));
        self.0.extend_from_slice(text.unwrap_or_default().as_bytes());
    }
}
