//! The formats, each in its file, and which of them a record is of. Knows no container and no order.

mod agentic;
mod aiperf;
mod azure;
mod bailian;
mod batch;
mod burstgpt;
mod columns;
mod conversations;
mod etalon;
mod guidellm;
mod messages;
mod mooncake;
mod prompts;
mod saved;
mod spans;
mod talk;
mod weka;

use std::fmt;

use metron_units::Tokens;

use super::TraceOptions;
use super::error::Fault;
use super::order::Row;
use super::record::{CONVERSATION, Cell, Record};
use super::request::{Content, Shared, TraceRequest};
use super::stamp::{Stamp, TimeUnit};

/// A format of traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TraceFormat {
    /// A plan as metron writes it.
    Metron,
    /// Mooncake's JSON lines, and AIPerf's superset of them: milliseconds, blocks of 512 tokens.
    Mooncake,
    /// vLLM's timed traces: Mooncake's names, seconds, blocks of 16 tokens.
    VllmTimed,
    /// Azure's LLM inference traces of 2023 and 2024.
    Azure,
    /// Azure's multimodal traces of 2025.
    AzureMultimodal,
    /// BurstGPT, both versions.
    BurstGpt,
    /// Bailian's (Qwen's) traces: seconds, blocks of 16 tokens.
    Bailian,
    /// Weka's traces of agents: blocks of 64 tokens.
    Weka,
    /// Spans of OpenTelemetry.
    OpenTelemetry,
    /// Conversations: of ShareGPT (`from`, `value`), Hugging Face (`role`, `content`), SGLang's custom sets.
    Conversations,
    /// SGLang's conversations of agents.
    SglangAgentic,
    /// vLLM's custom sets: `prompt`, `output_tokens`.
    VllmCustom,
    /// OpenAI's messages: `messages`, `max_tokens`, `tools`.
    Messages,
    /// OpenAI's batch files: whole bodies.
    OpenAiBatch,
    /// AIPerf's single turns.
    AiperfSingleTurn,
    /// AIPerf's sessions.
    AiperfMultiTurn,
    /// Rows as GuideLLM names them.
    GuideLlm,
    /// Etalon's lengths, and arrivals.
    Etalon,
    /// CSV with columns named for what they hold.
    Csv,
}

impl TraceFormat {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Metron,
        Self::Mooncake,
        Self::VllmTimed,
        Self::Azure,
        Self::AzureMultimodal,
        Self::BurstGpt,
        Self::Bailian,
        Self::Weka,
        Self::OpenTelemetry,
        Self::Conversations,
        Self::SglangAgentic,
        Self::VllmCustom,
        Self::Messages,
        Self::OpenAiBatch,
        Self::AiperfSingleTurn,
        Self::AiperfMultiTurn,
        Self::GuideLlm,
        Self::Etalon,
        Self::Csv,
    ];

    /// Those that are written, too.
    pub const WRITTEN: [Self; 6] =
        [Self::Metron, Self::Mooncake, Self::Azure, Self::AzureMultimodal, Self::BurstGpt, Self::Csv];

    /// Its name, as a person types it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metron => "metron",
            Self::Mooncake => "mooncake",
            Self::VllmTimed => "vllm-timed",
            Self::Azure => "azure",
            Self::AzureMultimodal => "azure-multimodal",
            Self::BurstGpt => "burstgpt",
            Self::Bailian => "bailian",
            Self::Weka => "weka",
            Self::OpenTelemetry => "opentelemetry",
            Self::Conversations => "conversations",
            Self::SglangAgentic => "sglang-agentic",
            Self::VllmCustom => "vllm-custom",
            Self::Messages => "messages",
            Self::OpenAiBatch => "openai-batch",
            Self::AiperfSingleTurn => "aiperf-single-turn",
            Self::AiperfMultiTurn => "aiperf-multi-turn",
            Self::GuideLlm => "guidellm",
            Self::Etalon => "etalon",
            Self::Csv => "csv",
        }
    }

    /// The format of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Whether one record holds all turns of its conversations: then their number is known with the first of them.
    pub(super) const fn holds_whole_sessions(self) -> bool {
        matches!(
            self,
            Self::Weka
                | Self::OpenTelemetry
                | Self::Conversations
                | Self::SglangAgentic
                | Self::AiperfMultiTurn
                | Self::GuideLlm
        )
    }

    /// Whether the length that it records of a later turn is of what that turn adds, and not of all that was said.
    #[must_use]
    pub const fn counts_what_turns_add(self) -> bool {
        matches!(
            self,
            Self::Mooncake | Self::VllmTimed | Self::AiperfSingleTurn | Self::AiperfMultiTurn | Self::GuideLlm
        )
    }

    /// The format of which a JSON record is, told by its fields.
    pub(super) fn of_json(record: &Record<'_>) -> Option<Self> {
        let any = |names: &[&str]| names.iter().any(|name| record.has(name));
        let all = |names: &[&str]| names.iter().all(|name| record.has(name));
        let of = [
            (all(&["at_ns"]) || all(&["input_tokens", "output_tokens"]), Self::Metron),
            (all(&["custom_id", "body"]), Self::OpenAiBatch),
            (all(&["chat_id"]) && any(&["parent_chat_id", "input_length"]), Self::Bailian),
            (all(&["id", "requests"]), Self::Weka),
            (all(&["spans"]), Self::OpenTelemetry),
            (record.has(CONVERSATION), Self::SglangAgentic),
            (any(&["conversations", "conversation"]), Self::Conversations),
            (any(&["turns"]), Self::AiperfMultiTurn),
            (mooncake::is_timed(record), Self::VllmTimed),
            (any(&["input_length", "text_input", "payload"]), Self::Mooncake),
            (guidellm::claims(record), Self::GuideLlm),
            (all(&["messages"]) && any(&["timestamp", "delay", "session_id", "output_length"]), Self::Mooncake),
            (any(&["messages"]), Self::Messages),
            (any(&["prompt"]), Self::VllmCustom),
            (any(&["text", "texts", "image", "images", "audio", "audios", "video", "videos"]), Self::AiperfSingleTurn),
        ];
        of.into_iter().find(|(is, _)| *is).map(|(_, format)| format)
    }

    /// The format of a table, told by the names in its header.
    pub(super) fn of_header(header: &Record<'_>) -> Option<Self> {
        let all = |names: &[&str]| names.iter().all(|name| header.has(name));
        let of = [
            (all(&["TIMESTAMP", "NumImages", "ContextTokens"]), Self::AzureMultimodal),
            (all(&["TIMESTAMP", "ContextTokens", "GeneratedTokens"]), Self::Azure),
            (all(&["Timestamp", "Request tokens", "Response tokens"]), Self::BurstGpt),
            (all(&["num_prefill_tokens", "num_decode_tokens"]), Self::Etalon),
            (guidellm::claims(header), Self::GuideLlm),
            (columns::claims(header), Self::Csv),
            (all(&["arrival_time"]), Self::Etalon),
        ];
        of.into_iter().find(|(is, _)| *is).map(|(_, format)| format)
    }

    /// Adds the requests of one record to `rows`; none of them if one is at fault.
    pub(super) fn read(self, record: &Record<'_>, options: &TraceOptions, rows: &mut Vec<Row>) -> Result<(), Fault> {
        let one = |row: Result<Row, Fault>, rows: &mut Vec<Row>| row.map(|row| rows.push(row));
        match self {
            Self::Metron => one(saved::read(record), rows),
            Self::Mooncake => one(mooncake::read(record, options, mooncake::MOONCAKE), rows),
            Self::VllmTimed => one(mooncake::read(record, options, mooncake::TIMED), rows),
            Self::Azure => one(azure::read(record), rows),
            Self::AzureMultimodal => one(azure::read_multimodal(record), rows),
            Self::BurstGpt => one(burstgpt::read(record, options), rows),
            Self::Bailian => one(bailian::read(record, options), rows),
            Self::Weka => weka::read(record, options, rows),
            Self::OpenTelemetry => spans::read(record, rows),
            Self::Conversations => conversations::read(record, rows),
            Self::SglangAgentic => agentic::read(record, rows),
            Self::VllmCustom => one(prompts::read(record), rows),
            Self::Messages => one(messages::read(record), rows),
            Self::OpenAiBatch => one(batch::read(record), rows),
            Self::AiperfSingleTurn => one(aiperf::read(record, options), rows),
            Self::AiperfMultiTurn => aiperf::read_session(record, options, rows),
            Self::GuideLlm => guidellm::read(record, options, rows),
            Self::Etalon => one(etalon::read(record, options), rows),
            Self::Csv => one(columns::read(record), rows),
        }
    }
}

impl fmt::Display for TraceFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a missing count should have been.
const A_COUNT: &str = "a token count";

impl Row {
    fn timed(stamp: Option<Stamp>, request: TraceRequest) -> Self {
        Self { stamp, request }
    }

    fn untimed(request: TraceRequest) -> Self {
        Self { stamp: None, request }
    }
}

impl Record<'_> {
    /// A time, if there is one.
    fn stamp(&self, name: &str, unit: TimeUnit) -> Result<Option<Stamp>, Fault> {
        self.read(name, |cell| cell.stamp(unit))
    }

    /// A text, if there is one.
    fn text(&self, name: &str) -> Result<Option<String>, Fault> {
        self.read(name, |cell| cell.text().map(std::borrow::Cow::into_owned))
    }

    /// A JSON array as it stands, if there is one.
    fn array(&self, name: &str) -> Result<Option<String>, Fault> {
        self.json(name, '[', "a JSON array")
    }

    /// A JSON object as it stands, if there is one.
    fn object(&self, name: &str) -> Result<Option<String>, Fault> {
        self.json(name, '{', "a JSON object")
    }

    fn json(&self, name: &str, begins: char, expected: &str) -> Result<Option<String>, Fault> {
        self.read(name, |cell| match cell.begins(begins) {
            true => Ok(cell.raw().to_owned()),
            false => Err(cell.fault(expected)),
        })
    }

    /// Messages, which in a session are those that a turn adds.
    fn messages(&self, session: Option<&String>) -> Result<Option<Content>, Fault> {
        let Some(messages) = self.array("messages")? else { return Ok(None) };
        let tools = self.array("tools")?;
        Ok(Some(match session {
            Some(_) => Content::NewMessages { messages, tools },
            None => Content::Messages { messages, tools },
        }))
    }

    /// A turn's number.
    fn turn(&self, name: &str) -> Result<Option<u32>, Fault> {
        self.read(name, |cell| u32::try_from(cell.count()?).map_err(|_| cell.fault("a turn's number")))
    }

    /// The blocks of a prompt of `input` tokens, if their names are there.
    fn blocks(&self, size: Tokens, input: Option<Tokens>) -> Result<Shared, Fault> {
        let Some(ids) = self.read("hash_ids", block_ids)? else { return Ok(Shared::Nothing) };
        let most = input.map(|input| input.get().div_ceil(size.get().max(1)));
        if most.is_some_and(|most| ids.len() as u64 > most) {
            let input = input.unwrap_or_default();
            let expected = format!("at most one id for each {size} of the {input} tokens; say the size of a block");
            return Err(self.refuse("hash_ids", expected));
        }
        Ok(if ids.is_empty() { Shared::Nothing } else { Shared::Blocks { ids, size } })
    }
}

fn block_ids(cell: Cell<'_>) -> Result<Vec<u64>, Fault> {
    serde_json::from_str(cell.raw()).map_err(|_| cell.fault("a list of whole numbers from 0 on"))
}
