//! Which API a server speaks, where neither the user nor the URL says so: asked by what it lists about itself, never by a
//! request for an answer.

use std::sync::Arc;

use metron_results::probe::ToldBy;
use metron_wire::{Client, Clock, Dialect, Reply, Target, Told};
use serde_json::Value;

use super::{names, told_by};

/// An API, and why it is this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identified {
    pub(crate) dialect: Dialect,
    pub(crate) told_by: ToldBy,
    /// In our own words.
    pub(crate) why: String,
    /// The models that it lists, if that is what told.
    pub(crate) models: Vec<String>,
}

/// What is asked for, in this order, which API it tells, and by what.
struct Question {
    path: &'static str,
    dialect: Dialect,
    tells: fn(&Reply) -> bool,
    why: &'static str,
}

const QUESTIONS: [Question; 7] = [
    Question { path: "/v1/models", dialect: Dialect::Chat, tells: lists_models, why: "it lists models at /v1/models" },
    Question { path: "/api/tags", dialect: Dialect::Ollama, tells: lists_models, why: "it lists models at /api/tags" },
    Question {
        path: "/info",
        dialect: Dialect::Tgi,
        tells: |reply| has(reply, "model_id"),
        why: "/info names a model_id",
    },
    Question {
        path: "/get_model_info",
        dialect: Dialect::Sglang,
        tells: |reply| has(reply, "model_path"),
        why: "/get_model_info names a model_path",
    },
    Question {
        path: "/props",
        dialect: Dialect::LlamaCpp,
        tells: |reply| has(reply, "default_generation_settings"),
        why: "/props has default_generation_settings",
    },
    Question {
        path: "/v2",
        dialect: Dialect::Triton,
        tells: |reply| has(reply, "extensions"),
        why: "/v2 lists extensions",
    },
    Question {
        path: "/v1beta/models",
        dialect: Dialect::Gemini,
        tells: lists_models,
        why: "it lists models at /v1beta/models",
    },
];

/// Finds the API: by the target's own endpoint if the user or the URL says which, else by asking.
///
/// # Errors
/// With the reason, if there is no connection at all.
pub(crate) async fn identify(target: &Arc<Target>) -> Result<Identified, String> {
    let endpoint = target.endpoint();
    let of = |dialect, told_by, why: String| Ok(Identified { dialect, told_by, why, models: Vec::new() });
    let by_url = |what: &str| format!("the URL's {what} is its own");
    match endpoint.told() {
        Told::ByName => return of(endpoint.dialect(), told_by(Told::ByName), "it was asked for".to_owned()),
        told @ Told::ByPath => return of(endpoint.dialect(), told_by(told), by_url("path")),
        told @ Told::ByHost => return of(endpoint.dialect(), told_by(told), by_url("host")),
        Told::ByNobody => {}
    }
    let client = Client::new(Arc::clone(target), Clock::start());
    let mut reached = false;
    for Question { path, dialect, tells, why } in QUESTIONS {
        match client.get(&format!("{}{path}", endpoint.base_path())).await {
            Ok(reply) if tells(&reply) => {
                let models = names(&reply.body).unwrap_or_default();
                return Ok(Identified { dialect, told_by: ToldBy::Server, why: why.to_owned(), models });
            }
            // A server that wants a key first has the path all the same.
            Ok(reply) if dialect == Dialect::Chat && matches!(reply.status, 401 | 403) => {
                return of(dialect, ToldBy::Server, format!("{path} asks for a key (status {})", reply.status));
            }
            Ok(_) => reached = true,
            Err(error) if !reached => return Err(error.message),
            Err(_) => {}
        }
    }
    of(endpoint.dialect(), ToldBy::Nobody, "the server lists nothing that tells, and most speak it".to_owned())
}

fn lists_models(reply: &Reply) -> bool {
    reply.status == 200 && names(&reply.body).is_some_and(|names| !names.is_empty())
}

fn has(reply: &Reply, field: &str) -> bool {
    reply.status == 200 && serde_json::from_slice::<Value>(&reply.body).is_ok_and(|body| body.get(field).is_some())
}
