//! From columns back to records. The columns may come from anywhere: nothing about them is believed.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{ArrowPrimitiveType, Float64Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, BooleanArray, ListArray, PrimitiveArray, RecordBatch, StringArray};
use metron_metrics::{Chunk, CountedBy, Deadlines, ErrorClass, Failure, Outcome, Phase, RequestRecord, Texts};
use metron_units::{Nanos, Tokens};

use super::RowsFault;
use super::encode::outcome;
use super::find::Finder;

/// The latest instant that is believed, 146 years: sums of a few fit.
const LATEST: u64 = 1 << 62;

/// The most tokens that are believed of one request: sums over millions fit.
const MOST_TOKENS: u64 = 1 << 40;

/// The records of a batch whose first row is row `from` of its file.
pub(crate) fn records(batch: &RecordBatch, from: u64) -> Result<Vec<RequestRecord>, RowsFault> {
    let columns = Columns::of(batch)?;
    (0..batch.num_rows()).map(|row| Row { columns: &columns, row, from }.record()).collect()
}

/// The columns by name. What no figure can do without must be there; what older or other writers may leave out is optional.
struct Columns<'a> {
    id: &'a PrimitiveArray<UInt64Type>,
    phase: &'a StringArray,
    session: Option<&'a PrimitiveArray<UInt64Type>>,
    turn: Option<&'a PrimitiveArray<UInt32Type>>,
    class: Option<&'a StringArray>,
    attempt: Option<&'a PrimitiveArray<UInt32Type>>,
    intended: Option<&'a PrimitiveArray<UInt64Type>>,
    dispatched: &'a PrimitiveArray<UInt64Type>,
    headers: Option<&'a PrimitiveArray<UInt64Type>>,
    finished: &'a PrimitiveArray<UInt64Type>,
    connect_s: Option<&'a PrimitiveArray<Float64Type>>,
    connect_ns: Option<&'a PrimitiveArray<UInt64Type>>,
    status: Option<&'a PrimitiveArray<UInt16Type>>,
    outcome: Option<&'a StringArray>,
    error_class: &'a StringArray,
    error_message: Option<&'a StringArray>,
    finish_reason: Option<&'a StringArray>,
    planned_input_tokens: &'a PrimitiveArray<UInt64Type>,
    input_tokens: &'a PrimitiveArray<UInt64Type>,
    output_tokens: &'a PrimitiveArray<UInt64Type>,
    unseen_tokens: Option<&'a PrimitiveArray<UInt64Type>>,
    counted_by: Option<&'a StringArray>,
    count_mismatch: Option<&'a BooleanArray>,
    streamed: &'a BooleanArray,
    unclean_end: Option<&'a BooleanArray>,
    first_answer_chunk: Option<&'a PrimitiveArray<UInt32Type>>,
    shared_reads: Option<&'a PrimitiveArray<UInt32Type>>,
    ttft_deadline: &'a PrimitiveArray<UInt64Type>,
    tbt_deadline: &'a PrimitiveArray<UInt64Type>,
    arrived: &'a ListArray,
    tokens: &'a ListArray,
    prompt: Option<&'a StringArray>,
    answer: Option<&'a StringArray>,
    reasoning: Option<&'a StringArray>,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, RowsFault> {
        let find = Finder(batch);
        Ok(Self {
            id: find.numbers("id")?,
            phase: find.texts("phase")?,
            session: find.optional("session", Finder::numbers)?,
            turn: find.optional("turn", Finder::numbers)?,
            class: find.optional("class", Finder::texts)?,
            attempt: find.optional("attempt", Finder::numbers)?,
            intended: find.optional("intended_ns", Finder::numbers)?,
            dispatched: find.numbers("dispatched_ns")?,
            headers: find.optional("headers_ns", Finder::numbers)?,
            finished: find.numbers("finished_ns")?,
            connect_s: find.optional("connect_s", Finder::numbers)?,
            connect_ns: find.optional("connect_ns", Finder::numbers)?,
            status: find.optional("status", Finder::numbers)?,
            outcome: find.optional("outcome", Finder::texts)?,
            error_class: find.texts("error_class")?,
            error_message: find.optional("error_message", Finder::texts)?,
            finish_reason: find.optional("finish_reason", Finder::texts)?,
            planned_input_tokens: find.numbers("planned_input_tokens")?,
            input_tokens: find.numbers("input_tokens")?,
            output_tokens: find.numbers("output_tokens")?,
            unseen_tokens: find.optional("unseen_tokens", Finder::numbers)?,
            counted_by: find.optional("counted_by", Finder::texts)?,
            count_mismatch: find.optional("count_mismatch", Finder::truths)?,
            streamed: find.truths("streamed")?,
            unclean_end: find.optional("unclean_end", Finder::truths)?,
            first_answer_chunk: find.optional("first_answer_chunk", Finder::numbers)?,
            shared_reads: find.optional("shared_reads", Finder::numbers)?,
            ttft_deadline: find.numbers("ttft_deadline_ns")?,
            tbt_deadline: find.numbers("tbt_deadline_ns")?,
            arrived: find.lists::<UInt64Type>("chunk_arrived_ns")?,
            tokens: find.lists::<UInt32Type>("chunk_tokens")?,
            prompt: find.optional("prompt_text", Finder::texts)?,
            answer: find.optional("answer_text", Finder::texts)?,
            reasoning: find.optional("reasoning_text", Finder::texts)?,
        })
    }
}

/// One row.
struct Row<'a> {
    columns: &'a Columns<'a>,
    row: usize,
    from: u64,
}

impl Row<'_> {
    fn record(&self) -> Result<RequestRecord, RowsFault> {
        let columns = self.columns;
        let chunks = self.chunks()?;
        let first_answer_chunk = columns.first_answer_chunk.and_then(|column| self.number(column));
        if first_answer_chunk.is_some_and(|k| k as usize >= chunks.len()) {
            return Err(self.bad("first_answer_chunk", "there is no such chunk"));
        }
        Ok(RequestRecord {
            id: self.required(columns.id, "id")?,
            phase: self.phase()?,
            session: columns.session.and_then(|column| self.number(column)),
            turn: columns.turn.and_then(|column| self.number(column)),
            class: columns.class.and_then(|column| self.text(column)),
            attempt: columns.attempt.map_or(Ok(1), |column| self.required(column, "attempt"))?,
            intended: self.instant_if(columns.intended, "intended_ns")?,
            dispatched: self.instant(columns.dispatched, "dispatched_ns")?,
            headers: self.instant_if(columns.headers, "headers_ns")?,
            finished: self.instant(columns.finished, "finished_ns")?,
            connect: self.connect()?,
            status: columns.status.and_then(|column| self.number(column)),
            outcome: self.outcome()?,
            finish_reason: columns.finish_reason.and_then(|column| self.text(column)),
            streamed: self.truth(columns.streamed),
            unclean_end: columns.unclean_end.is_some_and(|column| self.truth(column)),
            planned_input_tokens: self.tokens(columns.planned_input_tokens, "planned_input_tokens")?,
            input_tokens: self.tokens(columns.input_tokens, "input_tokens")?,
            output_tokens: self.tokens(columns.output_tokens, "output_tokens")?,
            unseen_tokens: match columns.unseen_tokens {
                Some(column) => self.tokens(column, "unseen_tokens")?,
                None => Tokens::new(0),
            },
            counted_by: self.counted_by()?,
            count_mismatch: columns.count_mismatch.is_some_and(|column| self.truth(column)),
            chunks,
            first_answer_chunk: first_answer_chunk.map(|k| k as usize),
            shared_reads: columns.shared_reads.and_then(|column| self.number(column)).unwrap_or(0),
            deadlines: self.deadlines()?,
            texts: self.texts(),
        })
    }

    fn bad(&self, column: &'static str, reason: impl Into<String>) -> RowsFault {
        RowsFault::BadValue { row: self.from + self.row as u64, column, reason: reason.into() }
    }

    fn number<T: ArrowPrimitiveType>(&self, column: &PrimitiveArray<T>) -> Option<T::Native> {
        column.is_valid(self.row).then(|| column.value(self.row))
    }

    fn required<T: ArrowPrimitiveType>(
        &self,
        column: &PrimitiveArray<T>,
        name: &'static str,
    ) -> Result<T::Native, RowsFault> {
        self.number(column).ok_or_else(|| self.bad(name, "it is null"))
    }

    fn instant(&self, column: &PrimitiveArray<UInt64Type>, name: &'static str) -> Result<Option<Nanos>, RowsFault> {
        self.number(column).map(|ns| self.bounded(ns, LATEST, name).map(Nanos::new)).transpose()
    }

    fn instant_if(
        &self,
        column: Option<&PrimitiveArray<UInt64Type>>,
        name: &'static str,
    ) -> Result<Option<Nanos>, RowsFault> {
        column.map_or(Ok(None), |column| self.instant(column, name))
    }

    fn tokens(&self, column: &PrimitiveArray<UInt64Type>, name: &'static str) -> Result<Tokens, RowsFault> {
        self.required(column, name).and_then(|tokens| self.bounded(tokens, MOST_TOKENS, name)).map(Tokens::new)
    }

    fn bounded(&self, value: u64, most: u64, name: &'static str) -> Result<u64, RowsFault> {
        if value <= most { Ok(value) } else { Err(self.bad(name, format!("{value} is more than any run has"))) }
    }

    fn text(&self, column: &StringArray) -> Option<String> {
        self.str(column).map(str::to_owned)
    }

    fn str<'a>(&self, column: &'a StringArray) -> Option<&'a str> {
        column.is_valid(self.row).then(|| column.value(self.row))
    }

    fn truth(&self, column: &BooleanArray) -> bool {
        column.is_valid(self.row) && column.value(self.row)
    }

    fn connect(&self) -> Result<Option<Nanos>, RowsFault> {
        if let Some(exact) = self.columns.connect_ns {
            return self.instant(exact, "connect_ns");
        }
        let Some(seconds) = self.columns.connect_s.and_then(|column| self.number(column)) else { return Ok(None) };
        let connect = Nanos::from_secs_f64(seconds);
        connect.map(Some).ok_or_else(|| self.bad("connect_s", format!("{seconds} is no duration")))
    }

    fn phase(&self) -> Result<Phase, RowsFault> {
        match self.str(self.columns.phase) {
            Some("warmup") => Ok(Phase::Warmup),
            Some("measured") => Ok(Phase::Measured),
            other => Err(self.bad("phase", format!("{other:?} is neither warmup nor measured"))),
        }
    }

    fn outcome(&self) -> Result<Outcome, RowsFault> {
        let failure = match self.str(self.columns.error_class) {
            None => None,
            Some(name) => {
                let class = ErrorClass::from_name(name)
                    .ok_or_else(|| self.bad("error_class", format!("`{name}` is no class of error")))?;
                let message = self.columns.error_message.and_then(|column| self.text(column));
                Some(Failure { class, message: message.unwrap_or_default() })
            }
        };
        match (self.columns.outcome.and_then(|column| self.str(column)), failure) {
            (Some(outcome::FAILED) | None, Some(failure)) => Ok(Outcome::Failed(failure)),
            (Some(outcome::COMPLETED) | None, None) => Ok(Outcome::Completed),
            (Some(outcome::CANCELLED), None) => Ok(Outcome::Cancelled),
            (Some(outcome::FAILED), None) => Err(self.bad("error_class", "it is null, and the request failed")),
            (Some(other), _) => Err(self.bad("outcome", format!("`{other}` does not fit error_class"))),
        }
    }

    fn counted_by(&self) -> Result<Option<CountedBy>, RowsFault> {
        let Some(name) = self.columns.counted_by.and_then(|column| self.str(column)) else { return Ok(None) };
        let counted_by = CountedBy::ALL.into_iter().find(|rule| rule.name() == name);
        counted_by.map(Some).ok_or_else(|| self.bad("counted_by", format!("`{name}` is no way of counting")))
    }

    fn deadlines(&self) -> Result<Deadlines, RowsFault> {
        let deadline =
            |column, name| self.required(column, name).and_then(|ns| self.bounded(ns, LATEST, name)).map(Nanos::new);
        let ttft = deadline(self.columns.ttft_deadline, "ttft_deadline_ns")?;
        let tbt = deadline(self.columns.tbt_deadline, "tbt_deadline_ns")?;
        if tbt == Nanos::ZERO { Err(self.bad("tbt_deadline_ns", "it is 0")) } else { Ok(Deadlines { ttft, tbt }) }
    }

    fn chunks(&self) -> Result<Vec<Chunk>, RowsFault> {
        let arrived = values::<UInt64Type>(self.columns.arrived, self.row);
        let tokens = values::<UInt32Type>(self.columns.tokens, self.row);
        if arrived.len() != tokens.len() {
            let reason = format!("{} instants and {} token counts", arrived.len(), tokens.len());
            return Err(self.bad("chunk_tokens", reason));
        }
        if arrived.null_count() + tokens.null_count() > 0 {
            return Err(self.bad("chunk_arrived_ns", "a part of the list is null"));
        }
        if !arrived.values().is_sorted() {
            return Err(self.bad("chunk_arrived_ns", "an instant lies before the one ahead of it"));
        }
        if arrived.values().last().is_some_and(|last| *last > LATEST) {
            return Err(self.bad("chunk_arrived_ns", "an instant is later than any run has"));
        }
        // An answer that is no text (an embedding) is one whole thing without a token.
        let tokenless = tokens.values().iter().all(|tokens| *tokens == 0) && !self.truth(self.columns.streamed);
        if tokens.values().contains(&0) && !tokenless {
            return Err(self.bad("chunk_tokens", "a chunk has no token"));
        }
        let pairs = arrived.values().iter().zip(tokens.values());
        Ok(pairs.map(|(&arrived, &tokens)| Chunk { arrived: Nanos::new(arrived), tokens }).collect())
    }

    fn texts(&self) -> Option<Texts> {
        let text = |column: Option<&StringArray>| column.and_then(|column| self.text(column));
        let (prompt, answer, reasoning) =
            (text(self.columns.prompt), text(self.columns.answer), text(self.columns.reasoning));
        (prompt.is_some() || answer.is_some() || reasoning.is_some()).then(|| Texts {
            prompt: prompt.unwrap_or_default(),
            answer: answer.unwrap_or_default(),
            reasoning: reasoning.unwrap_or_default(),
        })
    }
}

/// A row's list; empty if it is null.
fn values<T: ArrowPrimitiveType>(lists: &ListArray, row: usize) -> PrimitiveArray<T> {
    if lists.is_null(row) {
        return PrimitiveArray::from_iter_values([]);
    }
    lists.value(row).as_primitive::<T>().clone()
}
