//! Weka's traces of agents: a conversation to each record, its requests in seconds from its start, sub-agents within.
//! Knows no container.
//!
//! Block names hold within a conversation, its sub-agents included, unless the file says that their scope is global: here they become
//! names that hold in the whole trace. The times of a sub-agent count
//! from its marker in some files and from the conversation's start in others; a time before the marker's tells that it
//! is the former.

use metron_units::{Nanos, Tokens};

use super::super::TraceOptions;
use super::super::error::Fault;
use super::super::order::Row;
use super::super::record::{Cell, Record};
use super::super::request::{Shared, TraceRequest};
use super::super::stamp::TimeUnit;
use super::A_COUNT;

const BLOCK: Tokens = Tokens::new(64);
/// Sub-agents of sub-agents: no file may drive the reader to the end of the stack.
const DEEPEST: usize = 16;

/// What holds for all requests of a conversation.
struct Conversation {
    block: Tokens,
    /// Its name, where the names of its blocks hold within it alone.
    scope: Option<String>,
    unit: TimeUnit,
}

/// The chain of requests in which the reader is.
struct Chain {
    session: String,
    parent: Option<String>,
    from: Nanos,
    depth: usize,
}

pub(super) fn read(record: &Record<'_>, options: &TraceOptions, rows: &mut Vec<Row>) -> Result<(), Fault> {
    let session = record.require("id", "the conversation's name", Cell::id)?;
    let requests = record.require("requests", "a JSON array of requests", Cell::elements)?;
    let of_file = record.tokens("block_size")?.filter(|size| size.get() > 0);
    let is_global = record.text("hash_id_scope")?.is_some_and(|scope| scope == "global");
    let conversation = Conversation {
        block: options.block.or(of_file).unwrap_or(BLOCK),
        scope: (!is_global).then(|| session.clone()),
        unit: options.time_unit.unwrap_or(TimeUnit::Seconds),
    };
    let mut told = Vec::new();
    let chain = Chain { session, parent: None, from: Nanos::ZERO, depth: 0 };
    conversation.follow(&requests, chain, &mut told)?;
    rows.append(&mut told);
    Ok(())
}

impl Conversation {
    fn follow(&self, requests: &[Cell<'_>], mut chain: Chain, rows: &mut Vec<Row>) -> Result<(), Fault> {
        let mut turn = 0;
        for cell in requests {
            let fields = cell.fields(&[])?;
            let at = fields.read("t", |cell| cell.time(self.unit))?;
            if fields.has("requests") {
                self.enter(&fields, at, &chain, rows)?;
                continue;
            }
            let row = self.request(&fields, at, &chain, turn)?;
            turn += 1;
            chain.parent = row.request.id.clone();
            rows.push(row);
        }
        Ok(())
    }

    fn enter(&self, marker: &Record<'_>, at: Option<Nanos>, of: &Chain, rows: &mut Vec<Row>) -> Result<(), Fault> {
        if of.depth == DEEPEST {
            return Err(marker.refuse("requests", format!("sub-agents at most {DEEPEST} deep")));
        }
        let inner = marker.require("requests", "a JSON array of requests", Cell::elements)?;
        let begins = inner.first().map(|first| first.fields(&[])).transpose()?;
        let begins = begins.map(|first| first.read("t", |cell| cell.time(self.unit))).transpose()?.flatten();
        let from = match (at, begins) {
            (Some(at), Some(begins)) if begins < at => of.from.saturating_add(at),
            _ => of.from,
        };
        let name = marker.id("agent_id")?.unwrap_or_else(|| rows.len().to_string());
        let session = format!("{}::sa:{name}", of.session);
        self.follow(&inner, Chain { session, parent: of.parent.clone(), from, depth: of.depth + 1 }, rows)
    }

    fn request(&self, fields: &Record<'_>, at: Option<Nanos>, chain: &Chain, turn: u32) -> Result<Row, Fault> {
        let input = fields.require("in", A_COUNT, Cell::tokens)?;
        Ok(Row::untimed(TraceRequest {
            line: fields.line(),
            in_session: at.map(|at| chain.from.saturating_add(at)),
            delay: fields.read("think_time", |cell| cell.time(self.unit))?,
            input_tokens: Some(input),
            output_tokens: Some(fields.require("out", A_COUNT, Cell::tokens)?),
            id: Some(format!("{}#{turn}", chain.session)),
            parent: chain.parent.clone(),
            session: Some(chain.session.clone()),
            turn: Some(turn),
            model: fields.text("model")?,
            shared: self.named(fields.blocks(self.block, Some(input))?),
            ..TraceRequest::default()
        }))
    }

    /// What a request shares, by names that hold in the whole trace.
    fn named(&self, mut shared: Shared) -> Shared {
        if let (Some(conversation), Shared::Blocks { ids, .. }) = (&self.scope, &mut shared) {
            ids.iter_mut().for_each(|id| *id = within(conversation, *id));
        }
        shared
    }
}

/// A name that holds within a conversation, as one that holds everywhere.
fn within(conversation: &str, id: u64) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(conversation.as_bytes());
    hasher.update(&id.to_le_bytes());
    let hash = *hasher.finalize().as_bytes();
    let (words, _) = hash.as_chunks::<8>();
    u64::from_le_bytes(words[0])
}
