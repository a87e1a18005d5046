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

const VERSIONED: Place = Place { version: Some("/v1"), before: "", after: None, models: "/models" };
const BARE: Place = Place { version: None, before: "", after: None, models: "/v1/models" };

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
                models: "/openai/models",
                ..BARE
            },
            Self::Anthropic => Place { before: "/messages", ..VERSIONED },
            Self::Gemini => Place {
                version: Some("/v1beta"),
                before: "/models/",
                after: Some(":streamGenerateContent"),
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
            Self::Bedrock => Place { before: "/model/", after: Some("/converse-stream"), ..BARE },
            Self::Sagemaker => Place { before: "/endpoints/", after: Some("/invocations-response-stream"), ..BARE },
            Self::Embeddings => Place { before: "/embeddings", ..VERSIONED },
            Self::Rerank => Place { before: "/rerank", ..VERSIONED },
            Self::Custom(custom) => custom.place(),
        }
    }

    /// How the path of a stream ends, and that of a whole answer, where they differ.
    pub(crate) fn whole_path(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Gemini => Some((":streamGenerateContent", ":generateContent")),
            Self::Bedrock => Some(("/converse-stream", "/converse")),
            Self::Sagemaker => Some(("/invocations-response-stream", "/invocations")),
            Self::Tgi | Self::Triton => Some(("/generate_stream", "/generate")),
            _ => None,
        }
    }

    /// What the query must say there, unless it says it already.
    pub(crate) fn query(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Azure => vec![("api-version", "2024-10-21")],
            Self::Gemini => vec![("alt", "sse")],
            Self::Custom(custom) => custom.query().collect(),
            _ => Vec::new(),
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

    /// The dialect of a host at which only one is spoken.
    pub(crate) fn of_host(host: &str) -> Option<Self> {
        match host {
            "api.anthropic.com" => Some(Self::Anthropic),
            "generativelanguage.googleapis.com" => Some(Self::Gemini),
            "api.cohere.com" | "api.cohere.ai" => Some(Self::Cohere),
            host if host.ends_with(".openai.azure.com") => Some(Self::Azure),
            host if host.starts_with("bedrock-runtime.") && host.contains(".amazonaws.com") => Some(Self::Bedrock),
            host if host.starts_with("runtime.sagemaker.") && host.contains(".amazonaws.com") => Some(Self::Sagemaker),
            _ => None,
        }
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
            | Self::Triton
            | Self::Bedrock
            | Self::Sagemaker
            | Self::Embeddings
            | Self::Rerank => ("authorization", "Bearer "),
            Self::Custom(custom) => custom.key_header(),
        }
    }

    /// The headers that the API wants with every request, unless the user gives them other values.
    pub(crate) fn own_headers(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let (version, custom) = match self {
            Self::Anthropic => (Some(("anthropic-version", "2023-06-01")), None),
            Self::Custom(custom) => (None, Some(custom.headers())),
            _ => (None, None),
        };
        version.into_iter().chain(custom.into_iter().flatten())
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
                let first = own.trim_start_matches('/').split('/').next().unwrap_or_default();
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
