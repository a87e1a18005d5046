//! What each request of a plan says: words made for it, or what its trace has. Asked in the plan's order. Knows no instant and
//! no connection.

mod compose;
mod patch;
mod recorded;
mod talks;

use metron_units::{Share, Tokens};
use metron_wire::Dialect;
use metron_workload::reuse::Reuse;
use metron_workload::trace::{Content, Shared};
use metron_workload::{Plan, PlannedRequest, PromptError, Prompts, TraceRequest, Wording};
use serde_json::{Map, Value};

pub(crate) use compose::{Composed, Composer, Shaping};
pub(crate) use patch::laid_over;
pub use recorded::TraceFileError;
pub(crate) use recorded::{Recorded, TraceFile};
use talks::Talks;

/// What the requests of a run say.
#[derive(Debug)]
pub(crate) struct Script {
    plan: Plan,
    prompts: Prompts,
    /// What the server adds to each prompt.
    template: Tokens,
    recorded: Option<Recorded>,
    talks: Talks,
    reuse: Reuse,
}

/// What one request says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Said {
    /// As one text.
    pub(crate) prompt: String,
    /// As token ids, which `prompt` then spells: where the run's prompts are ids.
    pub(crate) ids: Option<Vec<u32>>,
    /// As messages, a JSON array: where its trace has them.
    pub(crate) messages: Option<Value>,
    /// Further fields of its body, from its trace.
    pub(crate) fields: Map<String, Value>,
    /// What it has in common with others.
    pub(crate) shared: Shared,
    /// Whether its text was made, and the seed makes it again.
    pub(crate) made: bool,
    /// How many images its trace says that it has, and does not have itself.
    pub(crate) images: u32,
}

/// Whether texts that the seed makes again are written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// A file is whole by itself.
    Kept,
    /// It is some 60 bytes a request, and replayed under the same seed it says the same.
    Left,
}

/// Why a request has nothing to say.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// No prompt of the planned length.
    #[error("cannot make the plan's prompts")]
    Prompt(#[from] PromptError),
    /// The trace is not what it was when the plan was made.
    #[error(transparent)]
    Trace(#[from] TraceFileError),
    /// What a trace lays over the body of a turn leaves the conversation no place.
    #[error("request {id}: the body that its trace gives says the conversation itself, which its turns would fill")]
    NoPlace {
        /// Which request of the plan.
        id: u64,
    },
}

impl Script {
    /// Of a plan, with the file that it replays if that says more than instants and lengths.
    pub(crate) fn new(plan: Plan, prompts: Prompts, file: Option<TraceFile>) -> Self {
        let template = Tokens::new(0);
        let recorded = file.zip(plan.pattern().replay.clone()).map(|(file, replay)| Recorded::new(file, replay));
        Self { plan, prompts, template, recorded, talks: Talks::default(), reuse: Reuse::default() }
    }

    /// With prompts that are shorter by so many tokens, which the server adds.
    pub(crate) fn under(self, template: Tokens) -> Self {
        Self { template, ..self }
    }

    /// What the plan's next request says.
    ///
    /// # Errors
    /// If a prompt cannot be made, or the trace no longer says what it said.
    pub(crate) fn say(&mut self, request: &PlannedRequest) -> Result<Said, ScriptError> {
        let told = self.told()?;
        let history = request.turn.map_or(Tokens::new(0), |turn| turn.history);
        let shared = behind(told.shared.clone(), history);
        let mut said =
            Said { fields: object(told.extra.as_deref()), shared, images: told.counted_images(), ..Said::default() };
        match &told.content {
            Content::Lengths => self.make(request, &mut said)?,
            Content::Prompt(prompt) => said.prompt.clone_from(prompt),
            Content::Messages { messages, tools } => {
                said.prompt = told.text().unwrap_or_default();
                said.messages = json(messages);
                said.offers(tools.as_deref());
            }
            // The server's own answers come between what the turns add.
            Content::NewMessages { messages, tools } if request.turn.is_some() => {
                said.prompt = told.text().unwrap_or_default();
                said.messages = json(messages);
                said.offers(tools.as_deref());
            }
            Content::NewMessages { messages, tools } => {
                let (messages, text) = self.talks.turn(&told, messages);
                (said.messages, said.prompt) = (Some(messages), text);
                said.offers(tools.as_deref());
            }
            Content::Body(body) => {
                said.prompt = told.text().unwrap_or_default();
                said.body(object(Some(body)));
            }
        }
        self.reuse.add_after(history, &said.shared, request.input_tokens);
        Ok(said)
    }

    /// What the plan's next request has in common with others, where nobody asks what it says.
    ///
    /// # Errors
    /// If the trace no longer says what it said.
    pub(crate) fn shares(&mut self, request: &PlannedRequest) -> Result<Shared, ScriptError> {
        let told = self.told()?;
        let history = request.turn.map_or(Tokens::new(0), |turn| turn.history);
        let mut shared = behind(told.shared, history);
        if shared == Shared::Nothing && told.content == Content::Lengths {
            shared = Shared::of(self.plan.prefix(request.id, self.made_tokens(request)));
        }
        self.reuse.add_after(history, &shared, request.input_tokens);
        Ok(shared)
    }

    fn told(&mut self) -> Result<TraceRequest, TraceFileError> {
        self.recorded.as_mut().map_or_else(|| Ok(TraceRequest::default()), Recorded::next)
    }

    /// How many tokens are made for a request. What the template adds to a session's first prompt is in the history of its later
    /// ones; a prompt has one token at least.
    fn made_tokens(&self, request: &PlannedRequest) -> Tokens {
        let added = if request.is_first() { self.template.get() } else { 0 };
        let own = request.own_tokens().get();
        Tokens::new(own.saturating_sub(added).max(own.min(1)))
    }

    /// The share of all prompt tokens so far that a prefix cache which never forgets could have answered, by what the plan or
    /// the trace says that prompts share.
    pub(crate) fn reuse(&self) -> Option<Share> {
        self.reuse.share()
    }

    /// Words of the planned length, which begin with what the trace or the plan says that they share.
    fn make(&self, request: &PlannedRequest, said: &mut Said) -> Result<(), PromptError> {
        let (id, tokens) = (request.id, self.made_tokens(request));
        if said.shared == Shared::Nothing {
            said.shared = Shared::of(self.plan.prefix(id, tokens));
        }
        said.made = true;
        if self.prompts.are_ids() {
            said.say_ids(self.prompts.ids(&said.shared, id, tokens));
            return Ok(());
        }
        self.prompts.write_shared(&said.shared, id, tokens, &mut said.prompt)
    }
}

impl Said {
    fn offers(&mut self, tools: Option<&str>) {
        if let Some(tools) = tools.and_then(json) {
            self.fields.insert("tools".to_owned(), tools);
        }
    }

    fn say_ids(&mut self, ids: Vec<u32>) {
        self.prompt = ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        self.ids = Some(ids);
    }

    /// A whole body: its messages or prompt, and what else is the request's own. Model and streaming are the run's.
    fn body(&mut self, mut body: Map<String, Value>) {
        self.messages = body.remove("messages");
        if let Some(ids) = body.remove("prompt").and_then(|prompt| serde_json::from_value(prompt).ok()) {
            self.say_ids(ids);
        }
        for runs in ["model", "stream", "stream_options"] {
            body.remove(runs);
        }
        self.fields.extend(body);
    }

    /// Everything of it, in one text: what a plan's digest is made of.
    pub(crate) fn whole(&self) -> std::borrow::Cow<'_, str> {
        if self.messages.is_none() && self.fields.is_empty() {
            return (&self.prompt).into();
        }
        serde_json::json!([self.prompt, self.messages, self.fields]).to_string().into()
    }

    /// As a saved plan has it.
    pub(crate) fn wording(self, texts: Texts) -> Wording {
        let whole = self.whole().into_owned();
        let Self { prompt, ids, messages, mut fields, shared, made, images } = self;
        // The names of blocks mean something within their own trace only.
        let named = matches!(shared, Shared::Blocks { .. });
        let made_again = texts == Texts::Left && made && !named;
        let tools = fields.get("tools").map(Value::to_string).filter(|_| fields.len() == 1);
        let content = match messages {
            None if fields.is_empty() && made_again => Content::Lengths,
            None if fields.is_empty() && ids.is_none() => Content::Prompt(prompt),
            Some(messages) if fields.is_empty() || tools.is_some() => {
                Content::Messages { messages: messages.to_string(), tools }
            }
            messages => {
                let prompt = ids.map_or_else(|| prompt.into(), |ids| serde_json::json!(ids));
                let (name, said) = messages.map_or(("prompt", prompt), |messages| ("messages", messages));
                fields.insert(name.to_owned(), said);
                Content::Body(Value::Object(fields).to_string())
            }
        };
        let shared = if named { Shared::Nothing } else { shared };
        Wording { content, shared, images, whole, ..Wording::default() }
    }

    /// Its text, and what is laid over a body of `dialect` that has the text alone; `user`, what the user lays over all, comes
    /// last.
    fn parts(self, dialect: Dialect, user: Option<&Map<String, Value>>) -> (String, Map<String, Value>) {
        let mut patch = self.fields;
        if let Some(messages) = self.messages.filter(|_| takes_messages(dialect)) {
            patch.insert("messages".to_owned(), messages);
        }
        if let Some(ids) = self.ids {
            patch.extend(as_ids(dialect, &ids));
        }
        if let Some(user) = user {
            laid_over(&mut patch, user);
        }
        (self.prompt, patch)
    }
}

/// What is laid over a body whose prompt is token ids.
pub(crate) fn as_ids(dialect: Dialect, ids: &[u32]) -> Map<String, Value> {
    let fields = match dialect {
        Dialect::Sglang => vec![("text", Value::Null), ("input_ids", serde_json::json!(ids))],
        _ => vec![("prompt", serde_json::json!(ids))],
    };
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Whether a dialect takes a prompt as token ids.
pub(crate) fn takes_ids(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Completions | Dialect::Sglang | Dialect::LlamaCpp)
}

/// The blocks of a prompt that lie wholly behind what was said before; whatever else is shared stays.
fn behind(shared: Shared, history: Tokens) -> Shared {
    match shared {
        Shared::Blocks { ids, size } if history > Tokens::new(0) => {
            let past = usize::try_from(history.get().div_ceil(size.get().max(1))).unwrap_or(usize::MAX);
            let ids: Vec<u64> = ids.into_iter().skip(past).collect();
            if ids.is_empty() { Shared::Nothing } else { Shared::Blocks { ids, size } }
        }
        shared => shared,
    }
}

/// Whether a dialect's body has OpenAI's messages; to others their texts go as one.
pub(crate) fn takes_messages(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Chat | Dialect::Azure | Dialect::Cohere | Dialect::Ollama)
}

/// JSON that its trace's reader has looked at.
fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok()
}

fn object(text: Option<&str>) -> Map<String, Value> {
    match text.and_then(json) {
        Some(Value::Object(object)) => object,
        Some(_) | None => Map::new(),
    }
}

#[cfg(test)]
mod tests;
