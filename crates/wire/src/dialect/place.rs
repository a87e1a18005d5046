//! Where under a server's root each dialect is spoken, and how it wants its key. It reads paths, and sends nothing.

use super::Dialect;

/// The address of a dialect's endpoint below a server's root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The version that stands before `before`, unless the URL ends in another one.
    pub(crate) version: Option<&'static str>,
    /// The path, up to the model's name where it holds one.
    pub(crate) before: &'static str,
    /// The path behind the model's name; `None` if the path holds no name.
    pub(crate) after: Option<&'static str>,
    /// What the query must say, unless it says it already.
    pub(crate) query: Option<(&'static str, &'static str)>,
    /// Where models are listed: behind the version, or behind the root where there is none.
    pub(crate) models: &'static str,
}

/// A path of a dialect, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// What stands before the dialect's own path: the server's prefix, with the version where there is one.
    pub(crate) root: &'a str,
    /// The model that the path names.
    pub(crate) model: Option<&'a str>,
}

const VERSIONED: Place = Place { version: Some("/v1"), before: "", after: None, query: None, models: "/models" };
const BARE: Place = Place { version: None, before: "", after: None, query: None, models: "/v1/models" };

impl Dialect {
    /// Where it is spoken.
    pub(crate) fn place(self) -> Place {
        match self {
            Self::Chat => Place { before: "/chat/completions", ..VERSIONED },
            Self::Completions => Place { before: "/completions", ..VERSIONED },
            Self::Responses => Place { before: "/responses", ..VERSIONED },
            Self::Azure => Place {
                before: "/openai/deployments/",
                after: Some("/chat/completions"),
                query: Some(("api-version", "2024-10-21")),
                models: "/openai/models",
                ..BARE
            },
            Self::Anthropic => Place { before: "/messages", ..VERSIONED },
            Self::Gemini => Place {
                version: Some("/v1beta"),
                before: "/models/",
                after: Some(":streamGenerateContent"),
                query: Some(("alt", "sse")),
                ..VERSIONED
            },
            Self::Cohere => Place { before: "/v2/chat", ..BARE },
            Self::Ollama => Place { before: "/api/chat", models: "/api/tags", ..BARE },
            Self::OllamaGenerate => Place { before: "/api/generate", models: "/api/tags", ..BARE },
            Self::LlamaCpp => Place { before: "/completion", ..BARE },
            Self::Sglang => Place { before: "/generate", ..BARE },
            Self::Tgi => Place { before: "/generate_stream", ..BARE },
            Self::Triton => {
                Place { version: Some("/v2"), before: "/models/", after: Some("/generate_stream"), ..VERSIONED }
            }
        }
    }

    /// The dialect whose path this is: of several, the one with the longest path of its own.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        let fitting = Self::ALL.into_iter().filter(|dialect| dialect.place().parts(path).is_some());
        fitting.max_by_key(|dialect| {
            let place = dialect.place();
            place.before.len() + place.after.map_or(0, str::len)
        })
    }

    /// The header that carries a key, and what stands before the key in it.
    pub(crate) fn key_header(self) -> (&'static str, &'static str) {
        match self {
            Self::Anthropic => ("x-api-key", ""),
            Self::Azure => ("api-key", ""),
            Self::Gemini => ("x-goog-api-key", ""),
            Self::Chat
            | Self::Completions
            | Self::Responses
            | Self::Cohere
            | Self::Ollama
            | Self::OllamaGenerate
            | Self::LlamaCpp
            | Self::Sglang
            | Self::Tgi
            | Self::Triton => ("authorization", "Bearer "),
        }
    }

    /// The header without which the API answers nobody, unless the user gives it another value.
    pub(crate) fn own_header(self) -> Option<(&'static str, &'static str)> {
        (self == Self::Anthropic).then_some(("anthropic-version", "2023-06-01"))
    }
}

impl Place {
    /// Takes a path apart that ends as this place does.
    pub(crate) fn parts<'a>(&self, path: &'a str) -> Option<Parts<'a>> {
        let Some(after) = self.after else {
            return path.strip_suffix(self.before).map(|root| Parts { root, model: None });
        };
        let head = path.strip_suffix(after)?;
        let (root, rest) = head.split_at(head.rfind(self.before)?);
        // A version of the model may stand behind its name.
        let model = rest[self.before.len()..].split('/').next().filter(|model| !model.is_empty());
        model.map(|model| Parts { root, model: Some(model) })
    }

    /// The path of this place below `base`. `None` if it takes a model's name and there is none.
    pub(crate) fn below(&self, base: &str, model: Option<&str>) -> Option<String> {
        let own = match self.after {
            None => self.before.to_owned(),
            // A name's slash would begin another segment.
            Some(after) => {
                let model = model?.trim_start_matches("models/").replace('%', "%25").replace('/', "%2F");
                format!("{}{model}{after}", self.before)
            }
        };
        Some(match self.version {
            Some(_) if is_version(base) => format!("{base}{own}"),
            Some(version) => format!("{base}{version}{own}"),
            // `http://host/api` and `http://host` both lead to `/api/chat`.
            None => {
                let first = own[1..].split('/').next().unwrap_or_default();
                let base = base.strip_suffix(first).and_then(|base| base.strip_suffix('/')).unwrap_or(base);
                format!("{base}{own}")
            }
        })
    }
}

/// Whether a path ends in a version: `/v1`, `/v1beta`.
fn is_version(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}
