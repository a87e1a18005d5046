//! Where requests go: a URL and the dialect that is spoken there. It opens nothing.

use url::Url;

use crate::dialect::Dialect;
use crate::secret::{REDACTED, is_secret_name};

/// An address and its dialect.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    dialect: Dialect,
    /// The path that stands before the dialect's own.
    root: String,
    /// Who says that it is this dialect.
    told: Told,
    /// The model that the path names.
    model: Option<String>,
}

/// Who says which dialect is spoken at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Whoever asked for it by name.
    ByName,
    /// The URL's path.
    ByPath,
    /// The URL's host, at which no other is spoken.
    ByHost,
    /// Nobody: it is the most common one.
    ByNobody,
}

/// Why a text is no address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// It cannot be read at all.
    #[error("`{url}` is no URL: {reason}\n  hint: --url http://localhost:8000")]
    Malformed {
        /// As it was given, without anything secret.
        url: String,
        /// What the parser says.
        reason: String,
    },
    /// Neither `http` nor `https`.
    #[error("`{scheme}` is no scheme that metron speaks; http and https are\n  hint: --url http://{rest}")]
    Scheme {
        /// What stood before the colon.
        scheme: String,
        /// The likely host and port.
        rest: String,
    },
    /// A user name or password, which would end up in files.
    #[error(
        "the URL holds a user name or password, which would be written to files\n  hint: --api-key-env VAR, or --header"
    )]
    UserInfo,
    /// A fragment, which is never sent.
    #[error("the URL has a fragment (`#...`), which no server ever sees")]
    Fragment,
    /// Port 0, at which nothing can listen.
    #[error("port 0 is no port that a server can be reached at")]
    PortZero,
    /// The path is of another dialect than the one asked for.
    #[error("the path `{path}` is of dialect `{found}`, but `{asked}` was asked for\n  hint: --endpoint {found}")]
    OtherDialect {
        /// The URL's path.
        path: String,
        /// The dialect whose path it is.
        found: &'static str,
        /// The dialect that was named.
        asked: &'static str,
    },
    /// The dialect's path holds the model's name, and there is none.
    #[error("the path of dialect `{dialect}` holds the model's name\n  hint: --model NAME, or the whole path in --url")]
    NoModel {
        /// The dialect.
        dialect: &'static str,
    },
}

impl Endpoint {
    /// Reads a server's root, its `/v1`, or the whole path. Without a dialect the path tells it, or else it is chat.
    ///
    /// ```
    /// use metron_wire::{Dialect, Endpoint};
    /// let endpoint = Endpoint::resolve("http://localhost:8000/v1", None).unwrap();
    /// assert_eq!(endpoint.url(), "http://localhost:8000/v1/chat/completions");
    /// assert_eq!(endpoint.dialect(), Dialect::Chat);
    /// ```
    ///
    /// # Errors
    /// If it is no `http` or `https` URL, holds a user's name or a fragment, or is the path of another dialect; and if the
    /// dialect's path holds the name of a model and is not given whole.
    pub fn resolve(url: &str, dialect: Option<Dialect>) -> Result<Self, UrlError> {
        Self::resolve_for(url, dialect, None)
    }

    /// As [`Endpoint::resolve`], with the name of the model for a path that holds one.
    ///
    /// # Errors
    /// As [`Endpoint::resolve`].
    pub fn resolve_for(url: &str, dialect: Option<Dialect>, model: Option<&str>) -> Result<Self, UrlError> {
        let mut url = parse(url)?;
        let given = url.path().trim_end_matches('/').to_owned();
        let found = Dialect::of_path(&given);
        // Behind a model's name the path of Azure is that of chat: both may be spoken there.
        let plain = |asked: &Dialect| found.is_some_and(|found| found.place().after == Some(asked.place().before));
        // A file's path is no business of the built-in ones: what it does not end with is the root.
        let found = match dialect {
            Some(custom @ Dialect::Custom(_)) => custom.place().parts(&given).map(|_| custom),
            dialect => dialect.filter(plain).or(found),
        };
        let (dialect, told) = match (found, dialect) {
            (Some(found), Some(asked)) if found != asked => {
                return Err(UrlError::OtherDialect { path: given, found: found.name(), asked: asked.name() });
            }
            (_, Some(asked)) => (asked, Told::ByName),
            (Some(found), None) => (found, Told::ByPath),
            (None, None) => match Dialect::of_host(url.host_str().unwrap_or_default()) {
                Some(dialect) => (dialect, Told::ByHost),
                None => (Dialect::Chat, Told::ByNobody),
            },
        };
        let place = dialect.place();
        if found.is_some() {
            url.set_path(&given);
        } else {
            let path = place.below(&given, model).ok_or(UrlError::NoModel { dialect: dialect.name() })?;
            url.set_path(&path);
            complete_query(&mut url, dialect);
        }
        let path = url.path().to_owned();
        let parts = place.parts(&path).expect("the path is now the dialect's");
        let (root, model) = (parts.root.to_owned(), parts.model.map(str::to_owned));
        Ok(Self { url, dialect, root, told, model })
    }

    /// The same endpoint, asked for whole answers: some servers give them at another path.
    #[must_use]
    pub fn unstreamed(mut self) -> Self {
        let Some((streamed, whole)) = self.dialect.whole_path() else { return self };
        if let Some(before) = self.url.path().strip_suffix(streamed) {
            let path = format!("{before}{whole}");
            self.url.set_path(&path);
            for (name, _) in self.dialect.query() {
                let kept: Vec<(String, String)> =
                    self.url.query_pairs().into_owned().filter(|(given, _)| given != name).collect();
                self.url.query_pairs_mut().clear().extend_pairs(kept);
            }
            if self.url.query() == Some("") {
                self.url.set_query(None);
            }
        }
        self
    }

    /// The dialect that is spoken there.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The whole address, safe to print: the values of secret query parameters are left out.
    #[must_use]
    pub fn url(&self) -> String {
        printable(&self.url)
    }

    /// The path (with the server's own prefix, if any) at which its models are listed.
    #[must_use]
    pub fn models_path(&self) -> String {
        format!("{}{}", self.root, self.dialect.place().models)
    }

    /// Who says that it is this dialect.
    #[must_use]
    pub fn told(&self) -> Told {
        self.told
    }

    /// The server's own prefix of paths, without the version that a dialect may put behind it; empty for most.
    #[must_use]
    pub fn base_path(&self) -> &str {
        match self.dialect.place().version {
            Some(_) => self.root.rsplit_once('/').map_or("", |(base, _)| base),
            None => &self.root,
        }
    }

    /// The region that the host's name tells: `bedrock-runtime.us-east-1.amazonaws.com`.
    #[must_use]
    pub fn aws_region(&self) -> Option<&str> {
        let (before, _) = self.url.host_str()?.split_once(".amazonaws.com")?;
        before.rsplit_once('.').map(|(_, region)| region)
    }

    /// The model that the path itself names, as it stands there.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// The server's host and port.
    #[must_use]
    pub fn server(&self) -> (String, Option<u16>) {
        (self.url.host_str().unwrap_or_default().to_owned(), self.url.port_or_known_default())
    }

    pub(crate) fn address(&self) -> &Url {
        &self.url
    }
}

/// Reads a URL that requests can be sent to.
fn parse(text: &str) -> Result<Url, UrlError> {
    let malformed = |reason: &str| UrlError::Malformed { url: shown(text), reason: reason.to_owned() };
    // The URL standard has line ends and tabs dropped in silence; here they are a mistake or an attack.
    if text.trim().chars().any(|c| c.is_control() || c == ' ') {
        return Err(malformed("it has a blank or a control character in it"));
    }
    let url = Url::parse(text.trim()).map_err(|reason| malformed(&reason.to_string()))?;
    match url.scheme() {
        "http" | "https" => {}
        scheme => {
            let (scheme, rest) = (scheme.to_owned(), text.trim());
            // `localhost:8000` reads as scheme `localhost`.
            let rest = rest.split_once("://").map_or(rest, |(_, rest)| rest).to_owned();
            return Err(UrlError::Scheme { scheme, rest: shown(&rest) });
        }
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::UserInfo);
    }
    if url.fragment().is_some() {
        return Err(UrlError::Fragment);
    }
    match url.port() {
        Some(0) => Err(UrlError::PortZero),
        _ => Ok(url),
    }
}

/// A text that failed to be a URL, without what may be secret in it.
fn shown(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let text = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
    text.chars().take(200).flat_map(char::escape_debug).collect()
}

/// A URL with the values of secret query parameters left out.
pub(crate) fn printable(url: &Url) -> String {
    let mut shown = url.clone();
    if url.query().is_some() {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| match is_secret_name(&name) {
                true => (name.into_owned(), REDACTED.to_owned()),
                false => (name.into_owned(), value.into_owned()),
            })
            .collect();
        shown.query_pairs_mut().clear().extend_pairs(pairs);
    }
    shown.into()
}

/// Says in the query what the dialect needs there, unless it is said already.
fn complete_query(url: &mut Url, dialect: Dialect) {
    for (name, value) in dialect.query() {
        if url.query_pairs().all(|(given, _)| given != name) {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, dialect: Option<Dialect>, whole: &str) {
        let endpoint = Endpoint::resolve(url, dialect).map_err(|error| error.to_string()).expect(url);
        assert_eq!(endpoint.url(), whole, "{url}");
    }

    fn refused(url: &str) -> UrlError {
        Endpoint::resolve(url, None).err().expect(url)
    }

    #[test]
    fn root_version_and_whole_path_all_lead_to_the_endpoint() {
        for url in [
            "http://h:8000",
            "http://h:8000/",
            "http://h:8000/v1",
            "http://h:8000/v1/",
            "http://h:8000/v1/chat/completions",
        ] {
            check(url, None, "http://h:8000/v1/chat/completions");
        }
        check("http://h/v1/completions", None, "http://h/v1/completions");
        check("http://h", Some(Dialect::Completions), "http://h/v1/completions");
        check("http://h/case/x/pace=50", None, "http://h/case/x/pace=50/v1/chat/completions");
        check("https://[::1]:9/api/v1beta", None, "https://[::1]:9/api/v1beta/chat/completions");
        check("https://bücher.example/", None, "https://xn--bcher-kva.example/v1/chat/completions");
    }

    #[test]
    fn each_dialect_has_its_place_below_a_root() {
        for (name, root, whole) in [
            ("chat", "http://h", "http://h/v1/chat/completions"),
            ("responses", "http://h/v1", "http://h/v1/responses"),
            ("anthropic", "http://h", "http://h/v1/messages"),
            ("cohere", "https://api.cohere.com", "https://api.cohere.com/v2/chat"),
            ("cohere", "https://api.cohere.com/v2", "https://api.cohere.com/v2/chat"),
            ("ollama", "http://h:11434/api/", "http://h:11434/api/chat"),
            ("ollama-generate", "http://h:11434", "http://h:11434/api/generate"),
            ("llamacpp", "http://h", "http://h/completion"),
            ("sglang", "http://h/x", "http://h/x/generate"),
            ("tgi", "http://h", "http://h/generate_stream"),
            ("triton", "http://h/v2", "http://h/v2/models/m%2F7b/generate_stream"),
            (
                "gemini",
                "http://h?key=k",
                "http://h/v1beta/models/m%2F7b:streamGenerateContent?key=%5Bredacted%5D&alt=sse",
            ),
            ("gemini", "http://h/v1", "http://h/v1/models/m%2F7b:streamGenerateContent?alt=sse"),
            (
                "azure",
                "https://r.openai.azure.com/openai",
                "https://r.openai.azure.com/openai/deployments/m%2F7b/chat/completions?api-version=2024-10-21",
            ),
            (
                "azure",
                "https://r.openai.azure.com?api-version=x",
                "https://r.openai.azure.com/openai/deployments/m%2F7b/chat/completions?api-version=x",
            ),
        ] {
            let dialect = Dialect::from_name(name).expect(name);
            let endpoint = Endpoint::resolve_for(root, Some(dialect), Some("m/7b")).expect(root);
            assert_eq!((endpoint.url().as_str(), endpoint.dialect()), (whole, dialect));
        }
    }

    #[test]
    fn a_whole_path_tells_its_dialect_and_stands_as_it_is() {
        for (path, name, model) in [
            ("/v1/responses", "responses", None),
            ("/anthropic/v1/messages", "anthropic", None),
            ("/v2/chat", "cohere", None),
            ("/api/chat", "ollama", None),
            ("/api/generate", "ollama-generate", None),
            ("/completion", "llamacpp", None),
            ("/generate", "sglang", None),
            ("/generate_stream", "tgi", None),
            ("/v2/models/ensemble/generate_stream", "triton", Some("ensemble")),
            ("/v2/models/ensemble/versions/1/generate_stream", "triton", Some("ensemble")),
            ("/v1beta/models/fern-flash:streamGenerateContent", "gemini", Some("fern-flash")),
            ("/v1/projects/p/locations/l/publishers/google/models/f:streamGenerateContent", "gemini", Some("f")),
            ("/openai/deployments/fern/chat/completions", "azure", Some("fern")),
            ("/openai/v1/chat/completions", "chat", None),
            ("/models/generate_stream", "tgi", None),
        ] {
            let endpoint = Endpoint::resolve(&format!("http://h{path}"), None).expect(path);
            let found = (endpoint.url(), endpoint.dialect().name(), endpoint.model());
            assert_eq!(found, (format!("http://h{path}"), name, model));
        }
        // A name wins where a path is of two dialects.
        let chat = Endpoint::resolve("http://h/openai/deployments/f/chat/completions", Some(Dialect::Chat));
        assert_eq!(chat.map(|endpoint| endpoint.dialect()).ok(), Some(Dialect::Chat));
    }

    #[test]
    fn whole_answers_are_asked_for_where_they_are_given() {
        for (name, url, whole) in [
            ("chat", "http://h", "http://h/v1/chat/completions"),
            ("gemini", "http://h?a=b", "http://h/v1beta/models/m:generateContent?a=b"),
            ("gemini", "http://h", "http://h/v1beta/models/m:generateContent"),
            ("tgi", "http://h", "http://h/generate"),
            ("triton", "http://h", "http://h/v2/models/m/generate"),
        ] {
            let endpoint = Endpoint::resolve_for(url, Dialect::from_name(name), Some("m")).expect(name);
            assert_eq!(endpoint.unstreamed().url(), whole);
        }
    }

    #[test]
    fn a_path_that_holds_a_model_needs_one() {
        let nameless = Endpoint::resolve("http://h", Some(Dialect::Gemini)).err();
        assert_eq!(nameless, Some(UrlError::NoModel { dialect: "gemini" }));
    }

    #[test]
    fn a_host_that_speaks_one_dialect_tells_it() {
        for (url, name, told) in [
            ("https://api.anthropic.com", "anthropic", Told::ByHost),
            ("https://generativelanguage.googleapis.com", "gemini", Told::ByHost),
            ("https://r.openai.azure.com", "azure", Told::ByHost),
            ("https://api.cohere.com", "cohere", Told::ByHost),
            ("https://api.anthropic.com.example/", "chat", Told::ByNobody),
            ("https://api.cohere.com/v1/chat/completions", "chat", Told::ByPath),
            ("http://h", "chat", Told::ByNobody),
        ] {
            let endpoint = Endpoint::resolve_for(url, None, Some("m")).expect(url);
            assert_eq!((endpoint.dialect().name(), endpoint.told()), (name, told), "{url}");
        }
        let named = Endpoint::resolve("https://api.anthropic.com", Some(Dialect::Chat)).expect("named");
        assert_eq!(named.told(), Told::ByName);
    }

    #[test]
    fn a_server_s_own_prefix_has_no_version() {
        for (url, base) in
            [("http://h/x/v1", "/x"), ("http://h", ""), ("http://h/x/api/chat", "/x"), ("http://h/v1/messages", "")]
        {
            assert_eq!(Endpoint::resolve(url, None).expect(url).base_path(), base, "{url}");
        }
    }

    #[test]
    fn models_are_listed_beside_the_endpoint() {
        let path = |url| Endpoint::resolve(url, None).map(|e| e.models_path()).map_err(|e| e.to_string());
        assert_eq!(path("http://h/x/v1"), Ok("/x/v1/models".to_owned()));
        assert_eq!(path("http://h/v1/completions"), Ok("/v1/models".to_owned()));
        assert_eq!(path("http://h/x/api/chat"), Ok("/x/api/tags".to_owned()));
        assert_eq!(path("http://h/x/generate"), Ok("/x/v1/models".to_owned()));
    }

    #[test]
    fn what_cannot_be_reached_is_refused_with_the_way_out() {
        assert!(matches!(refused("localhost:8000"), UrlError::Scheme { rest, .. } if rest == "localhost:8000"));
        assert!(refused("ftp://h/x").to_string().contains("http://h/x"));
        assert_eq!(refused("http://me:pw@h/"), UrlError::UserInfo);
        assert_eq!(refused("http://h/#x"), UrlError::Fragment);
        assert_eq!(refused("http://h:0/"), UrlError::PortZero);
        for url in ["", "h", "http://", "http://[::1", "http://h:65536", "http://h/a b", "http://h/\r\nx: y"] {
            assert!(matches!(refused(url), UrlError::Malformed { .. }), "{url}");
        }
        let other = Endpoint::resolve("http://h/v1/chat/completions", Some(Dialect::Completions)).err();
        assert!(matches!(other, Some(UrlError::OtherDialect { found: "chat", .. })));
    }

    #[test]
    fn secrets_in_the_query_are_not_printed() {
        check(
            "http://h/v1?api-version=3&api_key=sk-1",
            None,
            "http://h/v1/chat/completions?api-version=3&api_key=%5Bredacted%5D",
        );
        assert!(!refused("http//h?key=sk-1").to_string().contains("sk-1"));
    }
}
