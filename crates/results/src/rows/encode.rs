//! From records to columns. One place says which columns there are, in which order.

use std::collections::HashMap;
use std::mem::take;

use arrow_array::RecordBatch;
use arrow_array::builder::PrimitiveBuilder;
use arrow_array::builder::{
    BooleanBuilder, Float64Builder, ListBuilder, StringBuilder, UInt16Builder, UInt32Builder, UInt64Builder,
};
use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};
use metron_metrics::{Outcome, Phase, RequestFigures, RequestRecord};
use metron_units::{Nanos, Share};

use super::columns::{Column, Unit, arrays, schema};

/// What rows hold besides the facts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Contents {
    /// The figures that follow from the facts, with the target miss rate of the minimum TBT deadline.
    Figures(Share),
    /// How many requests had had their turn when the batch was written.
    Dispatched,
}

/// Whether there are columns of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextColumns {
    /// Prompt, answer and reasoning.
    Kept,
    /// None of them, whatever the records hold.
    LeftOut,
}

/// Collects records until they are taken as one batch.
#[derive(Debug)]
pub(crate) struct Encoder {
    contents: Contents,
    texts: TextColumns,
    schema: SchemaRef,
    rows: usize,
    bytes: usize,
    facts: Facts,
    chunks: Chunks,
    text: Texts,
    figures: Figures,
    dispatched: UInt64Builder,
}

impl Encoder {
    pub(crate) fn new(contents: Contents, texts: TextColumns, metadata: HashMap<String, String>) -> Self {
        let mut encoder = Self {
            contents,
            texts,
            schema: SchemaRef::new(arrow_schema::Schema::empty()),
            rows: 0,
            bytes: 0,
            facts: Facts::default(),
            chunks: Chunks::default(),
            text: Texts::default(),
            figures: Figures::default(),
            dispatched: UInt64Builder::default(),
        };
        encoder.schema = schema(&encoder.columns(), metadata);
        encoder
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rows since the last batch.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// About how much memory they take.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a record. Returns its figures, where the rows hold them: nobody need compute them again.
    pub(crate) fn add(&mut self, record: &RequestRecord) -> Option<RequestFigures> {
        self.facts.add(record);
        self.chunks.add(record);
        self.bytes += size_of_record(record);
        if self.texts == TextColumns::Kept {
            self.text.add(record);
        }
        self.rows += 1;
        match self.contents {
            Contents::Figures(target) => {
                let figures = RequestFigures::of(record, target);
                self.figures.add(&figures);
                Some(figures)
            }
            Contents::Dispatched => None,
        }
    }

    /// The rows since the last batch as one. `dispatched`: how many requests had their turn by now; for [`Contents::Dispatched`].
    pub(crate) fn batch(&mut self, dispatched: u64) -> Result<RecordBatch, ArrowError> {
        if self.contents == Contents::Dispatched {
            self.dispatched.append_value_n(dispatched, self.rows);
        }
        self.rows = 0;
        self.bytes = 0;
        let columns = arrays(self.columns());
        RecordBatch::try_new(SchemaRef::clone(&self.schema), columns)
    }

    fn columns(&mut self) -> Vec<Column> {
        let mut columns = self.facts.columns();
        columns.extend(self.chunks.columns());
        match self.contents {
            Contents::Figures(_) => columns.extend(self.figures.columns()),
            Contents::Dispatched => {
                columns.push(Column::full("dispatched", Unit::Count, self.dispatched.finish()));
            }
        }
        match self.texts {
            TextColumns::Kept => columns.extend(self.text.columns()),
            TextColumns::LeftOut => {}
        }
        columns
    }
}

/// About how much memory a record takes.
pub(crate) fn size_of_record(record: &RequestRecord) -> usize {
    let texts = record.texts.as_ref().map_or(0, |t| t.prompt.len() + t.answer.len() + t.reasoning.len());
    let message = match &record.outcome {
        Outcome::Failed(failure) => failure.message.len(),
        Outcome::Completed | Outcome::Cancelled => 0,
    };
    size_of::<RequestRecord>() + record.chunks.len() * size_of::<metron_metrics::Chunk>() + texts + message
}

/// The columns that hold one plain fact each.
#[derive(Debug, Default)]
struct Facts {
    id: UInt64Builder,
    phase: StringBuilder,
    session: UInt64Builder,
    turn: UInt32Builder,
    class: StringBuilder,
    attempt: UInt32Builder,
    intended: UInt64Builder,
    dispatched: UInt64Builder,
    headers: UInt64Builder,
    finished: UInt64Builder,
    connect_s: Float64Builder,
    connect_ns: UInt64Builder,
    status: UInt16Builder,
    outcome: StringBuilder,
    error_class: StringBuilder,
    error_message: StringBuilder,
    finish_reason: StringBuilder,
    planned_input_tokens: UInt64Builder,
    input_tokens: UInt64Builder,
    output_tokens: UInt64Builder,
    unseen_tokens: UInt64Builder,
    counted_by: StringBuilder,
    count_mismatch: BooleanBuilder,
    streamed: BooleanBuilder,
    unclean_end: BooleanBuilder,
    first_answer_chunk: UInt32Builder,
    shared_reads: UInt32Builder,
    ttft_deadline: UInt64Builder,
    tbt_deadline: UInt64Builder,
}

/// The names of the outcomes in files.
pub(super) mod outcome {
    pub(crate) const COMPLETED: &str = "completed";
    pub(crate) const FAILED: &str = "failed";
    pub(crate) const CANCELLED: &str = "cancelled";
}

/// The names of the phases in files.
pub(super) const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Warmup => "warmup",
        Phase::Measured => "measured",
    }
}

impl Facts {
    fn add(&mut self, record: &RequestRecord) {
        let ns = |instant: Option<Nanos>| instant.map(Nanos::get);
        self.id.append_value(record.id);
        self.phase.append_value(phase(record.phase));
        self.session.append_option(record.session);
        self.turn.append_option(record.turn);
        self.class.append_option(record.class.as_deref());
        self.attempt.append_value(record.attempt);
        self.intended.append_option(ns(record.intended));
        self.dispatched.append_option(ns(record.dispatched));
        self.headers.append_option(ns(record.headers));
        self.finished.append_option(ns(record.finished));
        self.connect_s.append_option(record.connect.map(Nanos::as_secs_f64));
        self.connect_ns.append_option(ns(record.connect));
        self.status.append_option(record.status);
        self.add_outcome(&record.outcome);
        self.finish_reason.append_option(record.finish_reason.as_deref());
        self.planned_input_tokens.append_value(record.planned_input_tokens.get());
        self.input_tokens.append_value(record.input_tokens.get());
        self.output_tokens.append_value(record.output_tokens.get());
        self.unseen_tokens.append_value(record.unseen_tokens.get());
        self.counted_by.append_option(record.counted_by.map(metron_metrics::CountedBy::name));
        self.count_mismatch.append_value(record.count_mismatch);
        self.streamed.append_value(record.streamed);
        self.unclean_end.append_value(record.unclean_end);
        self.first_answer_chunk.append_option(record.first_answer_chunk.and_then(|k| u32::try_from(k).ok()));
        self.shared_reads.append_value(record.shared_reads);
        self.ttft_deadline.append_value(record.deadlines.ttft.get());
        self.tbt_deadline.append_value(record.deadlines.tbt.get());
    }

    fn add_outcome(&mut self, outcome: &Outcome) {
        let (name, failure) = match outcome {
            Outcome::Completed => (outcome::COMPLETED, None),
            Outcome::Failed(failure) => (outcome::FAILED, Some(failure)),
            Outcome::Cancelled => (outcome::CANCELLED, None),
        };
        self.outcome.append_value(name);
        self.error_class.append_option(failure.map(|failure| failure.class.name()));
        self.error_message.append_option(failure.map(|failure| failure.message.as_str()));
    }

    fn columns(&mut self) -> Vec<Column> {
        use Unit::{Count, Nanoseconds, None, Seconds, Tokens};
        vec![
            Column::full("id", None, self.id.finish()),
            Column::full("phase", None, self.phase.finish()),
            Column::sparse("session", None, self.session.finish()),
            Column::sparse("turn", None, self.turn.finish()),
            Column::sparse("class", None, self.class.finish()),
            Column::full("attempt", Count, self.attempt.finish()),
            Column::sparse("intended_ns", Nanoseconds, self.intended.finish()),
            Column::sparse("dispatched_ns", Nanoseconds, self.dispatched.finish()),
            Column::sparse("headers_ns", Nanoseconds, self.headers.finish()),
            Column::sparse("finished_ns", Nanoseconds, self.finished.finish()),
            Column::sparse("connect_s", Seconds, self.connect_s.finish()),
            Column::sparse("connect_ns", Nanoseconds, self.connect_ns.finish()),
            Column::sparse("status", None, self.status.finish()),
            Column::full("outcome", None, self.outcome.finish()),
            Column::sparse("error_class", None, self.error_class.finish()),
            Column::sparse("error_message", None, self.error_message.finish()),
            Column::sparse("finish_reason", None, self.finish_reason.finish()),
            Column::full("planned_input_tokens", Tokens, self.planned_input_tokens.finish()),
            Column::full("input_tokens", Tokens, self.input_tokens.finish()),
            Column::full("output_tokens", Tokens, self.output_tokens.finish()),
            Column::full("unseen_tokens", Tokens, self.unseen_tokens.finish()),
            Column::sparse("counted_by", None, self.counted_by.finish()),
            Column::full("count_mismatch", None, self.count_mismatch.finish()),
            Column::full("streamed", None, self.streamed.finish()),
            Column::full("unclean_end", None, self.unclean_end.finish()),
            Column::sparse("first_answer_chunk", None, self.first_answer_chunk.finish()),
            Column::full("shared_reads", Count, self.shared_reads.finish()),
            Column::full("ttft_deadline_ns", Nanoseconds, self.ttft_deadline.finish()),
            Column::full("tbt_deadline_ns", Nanoseconds, self.tbt_deadline.finish()),
        ]
    }
}

/// The two lists of a request's chunks.
#[derive(Debug)]
struct Chunks {
    arrived: ListBuilder<PrimitiveBuilder<UInt64Type>>,
    tokens: ListBuilder<PrimitiveBuilder<UInt32Type>>,
}

impl Default for Chunks {
    fn default() -> Self {
        let element = |of| Field::new("element", of, false);
        Self {
            arrived: ListBuilder::new(UInt64Builder::new()).with_field(element(DataType::UInt64)),
            tokens: ListBuilder::new(UInt32Builder::new()).with_field(element(DataType::UInt32)),
        }
    }
}

impl Chunks {
    fn add(&mut self, record: &RequestRecord) {
        for chunk in &record.chunks {
            self.arrived.values().append_value(chunk.arrived.get());
            self.tokens.values().append_value(chunk.tokens);
        }
        self.arrived.append(true);
        self.tokens.append(true);
    }

    fn columns(&mut self) -> Vec<Column> {
        vec![
            Column::full("chunk_arrived_ns", Unit::Nanoseconds, self.arrived.finish()),
            Column::full("chunk_tokens", Unit::Tokens, self.tokens.finish()),
        ]
    }
}

/// The figures that follow from the facts.
#[derive(Debug, Default)]
struct Figures {
    ttft: Float64Builder,
    tpot: Float64Builder,
    e2e: Float64Builder,
    missed: UInt64Builder,
    total: UInt64Builder,
    fluidity: Float64Builder,
    min_tbt_deadline: UInt64Builder,
}

impl Figures {
    fn add(&mut self, figures: &RequestFigures) {
        self.ttft.append_option(figures.ttft.map(Nanos::as_secs_f64));
        self.tpot.append_option(figures.tpot);
        self.e2e.append_option(figures.e2e_latency.map(Nanos::as_secs_f64));
        self.missed.append_option(figures.misses.map(|misses| misses.missed));
        self.total.append_option(figures.misses.map(|misses| misses.total));
        self.fluidity.append_option(figures.fluidity_index);
        self.min_tbt_deadline.append_option(figures.min_tbt_deadline.map(Nanos::get));
    }

    fn columns(&mut self) -> Vec<Column> {
        vec![
            Column::sparse("ttft_s", Unit::Seconds, self.ttft.finish()),
            Column::sparse("tpot_s", Unit::Seconds, self.tpot.finish()),
            Column::sparse("e2e_latency_s", Unit::Seconds, self.e2e.finish()),
            Column::sparse("missed", Unit::Count, self.missed.finish()),
            Column::sparse("total", Unit::Count, self.total.finish()),
            Column::sparse("fluidity_index", Unit::Share, self.fluidity.finish()),
            Column::sparse("min_tbt_deadline_ns", Unit::Nanoseconds, self.min_tbt_deadline.finish()),
        ]
    }
}

/// What was said.
#[derive(Debug, Default)]
struct Texts {
    prompt: StringBuilder,
    answer: StringBuilder,
    reasoning: StringBuilder,
}

impl Texts {
    fn add(&mut self, record: &RequestRecord) {
        let texts = record.texts.as_ref();
        self.prompt.append_option(texts.map(|texts| &texts.prompt));
        self.answer.append_option(texts.map(|texts| &texts.answer));
        self.reasoning.append_option(texts.map(|texts| &texts.reasoning));
    }

    fn columns(&mut self) -> Vec<Column> {
        vec![
            Column::sparse("prompt_text", Unit::None, take(&mut self.prompt).finish()),
            Column::sparse("answer_text", Unit::None, take(&mut self.answer).finish()),
            Column::sparse("reasoning_text", Unit::None, take(&mut self.reasoning).finish()),
        ]
    }
}
