//! Fills an answer, event by event, and says how it ended: METRICS.md, *Events of one request* and *Errors*. It knows no
//! dialect, no socket and no clock.
//!
//! A dialect says what an event holds (text, usage, a finish reason); only when the event is known to be sound does it become
//! a chunk. An event that turns out broken half-way leaves nothing behind. How many tokens a chunk has is for `carried` to find out, what
//! is new in a text that was told before for `retold`.

mod carried;
mod retold;

use std::collections::BTreeMap;

use metron_units::Nanos;

use crate::alike::Told;
use crate::answer::{Answer, Channel, Chunk, End, FailureKind, Piece, Usage};
use crate::json::Raw;
use crate::socket::Stamp;
use carried::{Brought, Carried};

/// An answer being filled.
pub(crate) struct Transcript {
    answer: Answer,
    event: Pending,
    carried: Carried,
    /// Choices that have been seen, and those of them that have their finish reason: bits by index.
    seen: u128,
    finished: u128,
    /// Whether the protocol's final event has come.
    final_event: bool,
    /// The first error that the stream itself reported.
    error: Option<String>,
    /// The read that completed the last chunk.
    last_read: u64,
    /// The latest whole text of each choice whose server has revised one: what was told of it no longer stands as it was.
    revised: BTreeMap<u32, String>,
}

/// What the event that is being read holds so far.
#[derive(Default)]
struct Pending {
    usage: Usage,
    /// Tokens that it lists one by one (token ids, log-probs).
    listed: Option<u64>,
    error: Option<String>,
    finish: Option<String>,
    seen: u128,
    finished: u128,
    /// How many texts it has told of, and the last.
    texts: u32,
    told: Option<Told>,
    /// Whether an event that is like it but for its text may mean something else.
    stands_alone: bool,
    /// Whether it brings what was asked for, and that is no text.
    result: bool,
}

/// How the reading of an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    /// With the protocol's final event, or with a clean end of the body.
    Ended,
    /// Something went wrong around the events: the connection, the framing, a deadline.
    Broke(FailureKind, String),
    /// An event, or the answer as a whole, cannot be understood.
    Senseless(String),
}

impl Transcript {
    pub(crate) fn new(answer: Answer) -> Self {
        Self {
            answer,
            event: Pending::default(),
            carried: Carried::default(),
            seen: 0,
            finished: 0,
            final_event: false,
            error: None,
            last_read: 0,
            revised: BTreeMap::new(),
        }
    }

    pub(crate) fn answer(&mut self) -> &mut Answer {
        &mut self.answer
    }

    /// What is known so far, which nothing has ended.
    pub(crate) fn into_answer(self) -> Answer {
        self.answer
    }

    /// When the last bearing chunk arrived.
    pub(crate) fn last_arrival(&self) -> Option<Nanos> {
        self.answer.chunks.last().map(|chunk| chunk.arrived)
    }

    // What a dialect says of the event that it reads.

    /// Text of a choice, if there is any.
    pub(crate) fn text<'a>(&mut self, choice: u32, channel: Channel, text: impl Into<Option<Raw<'a>>>) {
        let Some(text) = text.into().filter(|text| !text.is_empty()) else { return };
        text.append_to(&mut self.answer.text);
        self.end_piece(choice, channel);
        let (address, length) = (text.as_written().as_ptr().addr(), text.as_written().len());
        self.event.texts += 1;
        self.event.told = Some(Told { choice, channel, address, length });
    }

    /// What was appended to the answer's text last is of this choice and channel.
    fn end_piece(&mut self, choice: u32, channel: Channel) {
        let text_end = offset(self.answer.text.len());
        let first = self.first_piece();
        match self.answer.pieces[first..].last_mut() {
            Some(piece) if piece.choice == choice && piece.channel == channel => piece.text_end = text_end,
            _ => self.answer.pieces.push(Piece { choice, channel, text_end }),
        }
        self.event.seen |= bit(choice);
    }

    /// The text of the event, if that is all that it says.
    pub(crate) fn only_text(&self) -> Option<Told> {
        let Pending { usage, listed, error, finish, finished, texts, told, stands_alone, .. } = &self.event;
        let says_more =
            *usage != Usage::default() || listed.is_some() || error.is_some() || finish.is_some() || *stands_alone;
        told.filter(|_| *texts == 1 && *finished == 0 && !says_more)
    }

    /// Whether no text has come, not even in the event that is being read.
    pub(crate) fn is_silent(&self) -> bool {
        self.answer.pieces.is_empty()
    }

    /// The choice's finish reason, if there is one.
    pub(crate) fn finish<'a>(&mut self, choice: u32, reason: impl Into<Option<Raw<'a>>>) {
        // Some gateways write an empty one into every event.
        let Some(reason) = reason.into().filter(|reason| !reason.is_empty()) else { return };
        self.event.finished |= bit(choice);
        if choice == 0 {
            self.event.finish = Some(reason.unescaped().into_owned());
        }
    }

    /// The event's text decides what it means: another event, alike but for its text, must be read on its own.
    pub(crate) fn stands_alone(&mut self) {
        self.event.stands_alone = true;
    }

    /// The event brings what was asked for, and that is no text.
    pub(crate) fn result(&mut self) {
        self.event.result = true;
    }

    /// The choice exists, whether or not it has text yet.
    pub(crate) fn choice(&mut self, choice: u32) {
        self.event.seen |= bit(choice);
    }

    /// The event lists this many tokens one by one, if it lists any.
    pub(crate) fn listed(&mut self, tokens: impl Into<Option<u64>>) {
        if let Some(tokens) = tokens.into() {
            self.event.listed = Some(self.event.listed.unwrap_or(0).saturating_add(tokens));
        }
    }

    /// The server's counts, totals so far.
    pub(crate) fn usage(&mut self, usage: Usage) {
        self.event.usage = usage;
    }

    /// The same, to be told one by one.
    pub(crate) fn counts(&mut self) -> &mut Usage {
        &mut self.event.usage
    }

    /// The event reports an error.
    pub(crate) fn error(&mut self, message: String) {
        self.event.error = Some(message);
    }

    /// Whether the event being read reports an error.
    pub(crate) fn has_error(&self) -> bool {
        self.event.error.is_some()
    }

    /// Takes back what was said of the event's choices: they are given a second time, and the last one counts.
    pub(crate) fn forget_choices(&mut self) {
        let pieces = self.first_piece();
        let text = pieces.checked_sub(1).map_or(0, |last| self.answer.pieces[last].text_end);
        self.answer.pieces.truncate(pieces);
        self.answer.text.truncate(text as usize);
        let (usage, error) = (self.event.usage, self.event.error.take());
        self.event = Pending { usage, error, ..Pending::default() };
    }

    // What the reader of the stream says.

    /// The event was not sound: nothing of it counts.
    pub(crate) fn drop_event(&mut self) {
        self.forget_choices();
        self.event = Pending::default();
    }

    /// The event is whole; its last byte came with the read of this stamp and number.
    pub(crate) fn end_event(&mut self, stamp: Stamp, read: u64) {
        let event = std::mem::take(&mut self.event);
        self.answer.events = self.answer.events.saturating_add(1);
        self.answer.first_event.get_or_insert(stamp.arrived);
        self.seen |= event.seen;
        self.finished |= event.finished;
        if event.finish.is_some() {
            self.answer.finish_reason = event.finish;
        }
        self.error = self.error.take().or(event.error);
        let last = &mut self.answer.usage;
        last.input = event.usage.input.or(last.input);
        last.output = event.usage.output.or(last.output);
        last.reasoning = event.usage.reasoning.or(last.reasoning);

        let tokens = self.carried.event(event.listed, event.usage.output);
        self.answer.tokenless |= event.result;
        if event.result || self.answer.pieces.len() > self.first_piece() {
            self.bear(tokens, stamp, read);
        }
    }

    /// A whole event that says nothing but a text, which stands in it as it is: as [`Transcript::text`] and
    /// [`Transcript::end_event`] would have it, without what only other events need.
    pub(crate) fn text_event(&mut self, (choice, channel, text): (u32, Channel, &str), stamp: Stamp, read: u64) {
        self.answer.text.push_str(text);
        self.answer.pieces.push(Piece { choice, channel, text_end: offset(self.answer.text.len()) });
        self.seen |= bit(choice);
        self.answer.events = self.answer.events.saturating_add(1);
        self.answer.first_event.get_or_insert(stamp.arrived);
        let tokens = self.carried.event(None, None);
        self.bear(tokens, stamp, read);
    }

    /// The event that ends bears a chunk: all pieces behind the last one's.
    fn bear(&mut self, tokens: Brought, stamp: Stamp, read: u64) {
        let stated_tokens = self.carried.chunk(tokens);
        let shared_read = !self.answer.chunks.is_empty() && self.last_read == read;
        if let Some(before) = self.answer.chunks.last_mut().filter(|_| shared_read) {
            before.shared_read = true;
        }
        self.last_read = read;
        self.answer.chunks.push(Chunk {
            arrived: stamp.arrived,
            read_lag: stamp.read_lag,
            shared_read,
            stated_tokens,
            pieces_end: offset(self.answer.pieces.len()),
        });
    }

    /// Reads a byte of each line of memory that the next event needs.
    pub(crate) fn touch(&self) -> usize {
        let Answer { chunks, pieces, text, events, first_event, .. } = &self.answer;
        let ends = chunks.last().map_or(0, |chunk| chunk.pieces_end) + pieces.last().map_or(0, |piece| piece.text_end);
        let own = self.carried.waiting() ^ self.last_read ^ u64::from(self.seen != 0);
        let told = text.as_bytes().last().map_or(0, |&byte| usize::from(byte));
        told + ends as usize + (*events + u32::from(first_event.is_some())) as usize + own as usize
    }

    /// Whether an event has reported an error.
    pub(crate) fn failed(&self) -> bool {
        self.error.is_some()
    }

    /// The protocol's final event has come.
    pub(crate) fn end_with_final_event(&mut self) {
        self.final_event = true;
    }

    /// The bearing chunks so far.
    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.answer.chunks
    }

    /// Whether a later break of the connection takes nothing from the answer.
    pub(crate) fn is_complete(&self) -> bool {
        !self.answer.chunks.is_empty() && self.said_its_end()
    }

    fn said_its_end(&self) -> bool {
        self.final_event || (self.finished != 0 && self.seen & !self.finished == 0)
    }

    /// The answer is over; settles how it ended.
    pub(crate) fn close(mut self, reading: Reading) -> Answer {
        // A break in the middle of an event leaves its half behind.
        self.drop_event();
        self.settle_stated_tokens();
        self.answer.end = match (reading, self.error.take()) {
            (Reading::Senseless(message), None) => End::Failed { kind: FailureKind::Protocol, message },
            (_, Some(message)) => End::Failed { kind: FailureKind::StreamError, message },
            (Reading::Ended, None) if self.answer.chunks.is_empty() => self.empty(),
            (Reading::Ended, None) if self.is_complete() => End::Complete,
            (Reading::Ended, None) => End::Failed {
                kind: FailureKind::Truncated,
                message: format!(
                    "the body ended after {} chunks without a finish reason or final event",
                    self.answer.chunks.len()
                ),
            },
            (Reading::Broke(..), None) if self.is_complete() => {
                self.answer.unclean_end = true;
                End::Complete
            }
            (Reading::Broke(FailureKind::Truncated, _), None) if self.said_its_end() => self.empty(),
            (Reading::Broke(kind, message), None) => End::Failed { kind, message },
        };
        self.answer
    }

    fn empty(&self) -> End {
        let message = match &self.answer.finish_reason {
            Some(reason) => format!("the answer has no token (finish reason `{reason}`)"),
            None => "the answer has no token".to_owned(),
        };
        End::Failed { kind: FailureKind::Empty, message }
    }

    /// Tokens are stated by the stream only if it states them for each chunk.
    fn settle_stated_tokens(&mut self) {
        let stated =
            |chunks: &[Chunk]| chunks.iter().map(|chunk| chunk.stated_tokens.map(u64::from)).sum::<Option<u64>>();
        match stated(&self.answer.chunks) {
            // A usage that stays 0 until its end runs with nothing.
            Some(1..) if self.carried.is_known() => self.answer.trailing_tokens = self.carried.waiting(),
            _ => self.answer.chunks.iter_mut().for_each(|chunk| chunk.stated_tokens = None),
        }
    }

    /// The first piece of the event that is being read.
    fn first_piece(&self) -> usize {
        self.answer.chunks.last().map_or(0, |chunk| chunk.pieces_end as usize)
    }
}

fn bit(choice: u32) -> u128 {
    1u128.checked_shl(choice).unwrap_or(0)
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).expect("a body's limit keeps its text within 4 GiB")
}
