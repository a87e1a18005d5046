//! The whole body of each request of a plan, in the plan's order. Knows no queue and no connection.

use std::collections::VecDeque;
use std::sync::Arc;

use metron_units::{Nanos, Tokens};
use metron_wire::{Call, Dialect, Feature, Header, History, Media, RequestShape, Said as Message, Tool};
use metron_workload::attachments::Attached;
use metron_workload::{Further, Plan, PlanDigest, PlannedRequest};
use serde_json::{Map, Value, json};

use super::{Said, Script, ScriptError};
use crate::feeder::KeepTexts;
use crate::kind::Kinds;
use crate::resolve::{Carried, ClassShape};
use crate::sessions::{Intent, NotSent};
use crate::talk::{Later, Manner, Talk, Words};
use crate::telemetry::TraceKey;
use crate::worker::planned;

/// Composes bodies.
#[derive(Debug)]
pub(crate) struct Composer {
    /// That the script is of.
    pub(crate) plan: Plan,
    pub(crate) script: Script,
    pub(crate) dialect: Dialect,
    pub(crate) shaping: Shaping,
}

/// What decides the form of a run's requests.
#[derive(Debug, Clone)]
pub(crate) struct Shaping {
    pub(crate) model: String,
    /// Laid over each body.
    pub(crate) extra: Option<Map<String, Value>>,
    pub(crate) kinds: Kinds,
    /// What the classes of a mix have of their own, in the plan's order.
    pub(crate) classes: Vec<ClassShape>,
    pub(crate) carried: Carried,
    pub(crate) session_header: Option<String>,
    pub(crate) agent: bool,
    /// Whose trace requests are of, where somebody traces them.
    pub(crate) tracing: Option<TraceKey>,
}

/// One request, composed.
#[derive(Debug)]
pub(crate) struct Composed {
    /// Its prompt as one text.
    pub(crate) prompt: String,
    pub(crate) body: Vec<u8>,
    /// The class of the run's configuration that it is of, whose headers it has.
    pub(crate) class: Option<usize>,
    /// Of its own.
    pub(crate) headers: Vec<Header>,
}

/// One request's words and what it carries.
struct Spoken {
    said: Said,
    media: Vec<Media>,
}

/// One turn of a session, as it is added to what was said before.
struct Added {
    /// Its words as one text.
    prompt: String,
    /// What it adds to the conversation, in the dialect's words.
    written: Vec<u8>,
    envelope: metron_wire::Envelope,
}

impl Shaping {
    fn class(&self, plan: &Plan, request: &PlannedRequest) -> Option<&ClassShape> {
        self.class_index(plan, request).map(|class| &self.classes[class])
    }

    /// The place of its class among those of the configuration; a trace has others besides.
    fn class_index(&self, plan: &Plan, request: &PlannedRequest) -> Option<usize> {
        plan.class_index(request).filter(|&class| class < self.classes.len())
    }

    /// The header by which requests name their session.
    fn session_header(&self, session: Option<u64>, seed: u64) -> Vec<Header> {
        let named = self.session_header.as_ref().zip(session);
        let named = named.map(|(name, session)| format!("{name}: metron-{seed}-{session}"));
        named.map(|line| Header::parse(&line).expect("it was read once when it was resolved")).into_iter().collect()
    }
}

impl Composer {
    /// Composes the plan's next request and adds it to the plan's digest.
    ///
    /// # Errors
    /// If a prompt cannot be made, or the trace no longer says what it said.
    pub(crate) fn compose(
        &mut self,
        request: &PlannedRequest,
        digest: &mut PlanDigest,
    ) -> Result<Composed, ScriptError> {
        let Spoken { mut said, media } = self.speak(request, digest)?;
        let class = self.shaping.class(&self.plan, request);
        let over = class.map(|class| &class.extra).or(self.shaping.extra.as_ref());
        // Where messages are the trace's own, what is carried besides is a message behind them.
        if let (false, Some(Value::Array(messages))) = (media.is_empty(), &mut said.messages) {
            let carried = self.dialect.said(&Message::User { text: "", media: &media });
            messages.extend(serde_json::from_slice::<Value>(&carried).ok());
        }
        let (prompt, patch) = said.parts(self.dialect, over);
        let shape = RequestShape {
            media: &media,
            extra: (!patch.is_empty()).then_some(&patch),
            ..self.shape(class, &prompt, request.output_tokens)
        };
        let body = self.dialect.body(&shape);
        let seed = self.plan.config().seed;
        let mut headers = self.shaping.session_header(request.turn.map(|turn| turn.session), seed);
        headers.extend(self.shaping.tracing.map(|key| key.header(request.id)));
        Ok(Composed { prompt, body, class: self.shaping.class_index(&self.plan, request), headers })
    }

    /// Composes a session: its first request, and what follows.
    ///
    /// # Errors
    /// As [`Composer::compose`].
    pub(crate) fn compose_session(
        &mut self,
        first: &PlannedRequest,
        later: &[PlannedRequest],
        texts: KeepTexts,
        digest: &mut PlanDigest,
    ) -> Result<(Composed, Talk), ScriptError> {
        let seed = self.plan.config().seed;
        let mut history = History::new(self.dialect);
        let Added { prompt, written, envelope } = self.add(first, digest)?;
        history.add(&written);
        let body = envelope.around(&history);
        let mut turns = VecDeque::with_capacity(later.len());
        let mut counted = NotSent::default();
        counted.add(planned(first.phase));
        for (k, request) in later.iter().enumerate() {
            counted.add(planned(request.phase));
            let Added { prompt, written, envelope } = self.add(request, digest)?;
            let kept = (texts == KeepTexts::Yes).then(|| prompt.clone());
            let words = if self.shaping.agent { Words::Result(prompt) } else { Words::Message(written) };
            turns.push_back(Later {
                request: *request,
                kind: self.shaping.kinds.of(&self.plan, request),
                envelope,
                words,
                prompt: kept,
                leave: self.plan.leave(request),
                think: self.think(request, later.get(k + 1)),
            });
        }
        let class = self.shaping.class_index(&self.plan, first);
        let session = first.turn.map(|turn| turn.session);
        let headers = || self.shaping.session_header(session, seed);
        let tracing = self.shaping.tracing;
        let in_all = u32::try_from(later.len()).unwrap_or(u32::MAX).saturating_add(1);
        let abandoned = self.plan.abandons(first, in_all);
        let talk = Talk {
            history,
            later: turns,
            class,
            headers: headers(),
            tracing,
            manner: self.manner(),
            turns: counted,
            intent: if abandoned { Intent::Abandon } else { Intent::Complete },
        };
        let headers = headers().into_iter().chain(tracing.map(|key| key.header(first.id))).collect();
        Ok((Composed { prompt, body, class, headers }, talk))
    }

    /// How long the user thinks after the answer to `request`, which `next` follows.
    pub(crate) fn think(&self, request: &PlannedRequest, next: Option<&PlannedRequest>) -> Nanos {
        next.map_or_else(|| self.plan.think_time(request.id), |next| self.plan.pause(request, next))
    }

    /// What a turn adds to its session.
    fn add(&mut self, request: &PlannedRequest, digest: &mut PlanDigest) -> Result<Added, ScriptError> {
        let Spoken { mut said, media } = self.speak(request, digest)?;
        let messages = said.messages.take().filter(|_| super::takes_messages(self.dialect));
        let written = match messages {
            Some(Value::Array(messages)) if !messages.is_empty() => {
                let mut messages: Vec<Vec<u8>> = messages.iter().map(heard_from_a_user).collect();
                if !media.is_empty() {
                    messages.push(self.dialect.said(&Message::User { text: "", media: &media }));
                }
                messages.join(&b","[..])
            }
            _ => self.dialect.said(&Message::User { text: &said.prompt, media: &media }),
        };
        // A conversation goes as text: ids spell it.
        said.ids = None;
        let class = self.shaping.class(&self.plan, request);
        let over = class.map(|class| &class.extra).or(self.shaping.extra.as_ref());
        let (prompt, patch) = said.parts(self.dialect, over);
        let extra = (!patch.is_empty()).then_some(&patch);
        let shape = RequestShape { extra, ..self.shape(class, "", request.output_tokens) };
        let envelope = self.dialect.envelope(&shape).ok_or(ScriptError::NoPlace { id: request.id })?;
        Ok(Added { prompt, written, envelope })
    }

    /// What the plan's next request says, added to the digest, where nothing is sent.
    ///
    /// # Errors
    /// As [`Composer::compose`].
    pub(crate) fn tell(&mut self, request: &PlannedRequest, digest: &mut PlanDigest) -> Result<Said, ScriptError> {
        Ok(self.speak(request, digest)?.said)
    }

    /// What a request carries besides its words, as a digest is told of it.
    pub(crate) fn carried(&self, request: &PlannedRequest, said: &Said) -> Vec<u8> {
        self.attached(request, said).1
    }

    fn attached(&self, request: &PlannedRequest, said: &Said) -> (Attached, Vec<u8>) {
        let mut more = Vec::new();
        let of_trace = if self.dialect.can(Feature::Images) { said.images } else { 0 };
        let made = self.shaping.carried.attachments.make_as_told(self.plan.config().seed, request.id, of_trace);
        made.images.iter().chain(&made.audio).for_each(|file| more.extend_from_slice(file));
        self.shaping.carried.tell(&mut more);
        if self.shaping.agent {
            more.extend_from_slice(b"agent");
        }
        (made, more)
    }

    /// What a request says and carries; adds it to the digest.
    fn speak(&mut self, request: &PlannedRequest, digest: &mut PlanDigest) -> Result<Spoken, ScriptError> {
        let said = self.script.say(request)?;
        let (made, more) = self.attached(request, &said);
        let class = self.plan.class(request).map(|class| class.name.as_str());
        digest.add_with(request, &said.whole(), &Further { class, leave: self.plan.leave(request), body: &more });
        let images = made.images.iter().map(|image| Media::png(image));
        let media = images.chain(made.audio.iter().map(|sound| Media::wav(sound))).collect();
        Ok(Spoken { said, media })
    }

    fn shape<'a>(&'a self, class: Option<&'a ClassShape>, prompt: &'a str, output: Tokens) -> RequestShape<'a> {
        let model = class.and_then(|class| class.model.as_deref()).unwrap_or(&self.shaping.model);
        let carried = &self.shaping.carried;
        RequestShape {
            tools: &carried.tools,
            schema: carried.schema.as_ref(),
            ..RequestShape::text(model, prompt, output.get())
        }
    }

    fn manner(&self) -> Manner {
        let tools = &self.shaping.carried.tools;
        match tools.first().filter(|_| self.shaping.agent) {
            None => Manner::Chat,
            Some(first) => Manner::Agent {
                tools: tools.iter().map(|tool| tool.name.clone()).collect::<Arc<[String]>>(),
                scripted: Call { id: "call".to_owned(), name: first.name.clone(), arguments: arguments(first) },
            },
        }
    }
}

/// A message of a trace. A tool's result answers a call of then, which the server of now has not made: it is a user's.
fn heard_from_a_user(message: &Value) -> Vec<u8> {
    let mut message = message.clone();
    if let Some(fields) = message.as_object_mut().filter(|fields| fields.get("role") == Some(&json!("tool"))) {
        fields.insert("role".to_owned(), json!("user"));
        fields.remove("tool_call_id");
    }
    serde_json::to_vec(&message).expect("JSON values with text keys can always be written")
}

/// Arguments that a tool takes: of those that it requires the plainest value.
fn arguments(tool: &Tool) -> String {
    let required = tool.parameters.get("required").and_then(Value::as_array);
    let value = |name: &str| match tool.parameters["properties"][name]["type"].as_str() {
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([]),
        Some("object") => json!({}),
        Some(_) | None => json!("1"),
    };
    let names = required.into_iter().flatten().filter_map(Value::as_str);
    Value::Object(names.map(|name| (name.to_owned(), value(name))).collect()).to_string()
}
