//! The first contact with the server: is it there, and what does it call its model? Without asking for an answer, so that
//! nothing of it is in the measurement.
//!
//! With a model named, a connection is opened and closed: what the server then says to requests is the run's to record.
//! Without one its models are asked for, and whatever is no list of models ends the run before it begins.

use std::sync::Arc;

use metron_wire::{Client, Clock, FailureKind, ReachError, Reply, Target};

use crate::probe::names;

/// How many of the lines that came back are shown.
const LINES: usize = 3;
/// How many characters of them.
const CHARACTERS: usize = 300;

/// What the server said of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The model to ask for.
    pub model: String,
    /// How many models it lists; `None` if it was not asked.
    pub of: Option<usize>,
}

/// The server cannot be measured. Its texts are from outside, and not safe for a terminal as they stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say what each field is")]
pub enum ContactError {
    /// No connection, or no answer.
    #[error("cannot reach {url}: {message}")]
    Unreachable { url: String, kind: FailureKind, message: String },
    /// It wants to know who asks.
    #[error("{url} refuses this client with status {status}: {said}")]
    Refused { url: String, status: u16, said: String },
    /// Its models cannot be listed.
    #[error("no model is named, and {url} does not list its models: status {status}: {said}")]
    NoList { url: String, status: u16, said: String },
    /// It has none.
    #[error("no model is named, and {url} lists none")]
    NoModel { url: String },
}

impl ContactError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreachable { kind: FailureKind::Dns, .. } => "check the host name in --url",
            Self::Unreachable { kind: FailureKind::Tls, .. } => {
                "check http:// and https:// in --url; name a private root with --ca FILE, or use --insecure"
            }
            Self::Unreachable { kind: FailureKind::TimeoutFirstToken | FailureKind::TimeoutTotal, .. } => {
                "the server takes connections and does not answer; name the model with --model NAME to start anyway"
            }
            Self::Unreachable { .. } => "check that the server listens at --url",
            Self::Refused { .. } => "name the variable that holds the key: --api-key-env VAR",
            Self::NoList { .. } | Self::NoModel { .. } => "name the model: --model NAME",
        }
    }
}

/// Makes contact, and finds the model's name if none is given. Within a runtime that has I/O and time enabled.
///
/// # Errors
/// If there is no connection; without a model's name, also if the server does not tell one.
pub async fn contact(target: Arc<Target>, model: Option<&str>) -> Result<Found, ContactError> {
    let endpoint = target.endpoint();
    let (url, path) = (endpoint.url(), endpoint.models_path());
    let client = Client::new(Arc::clone(&target), Clock::start());
    let unreachable = |ReachError { kind, message }| ContactError::Unreachable { url: url.clone(), kind, message };
    match model.or(endpoint.model()) {
        Some(model) => {
            client.open_ahead(1).await.map_err(unreachable)?;
            Ok(Found { model: model.to_owned(), of: None })
        }
        None => {
            let reply = client.get(&path).await.map_err(unreachable)?;
            first_model(&reply, url)
        }
    }
}

fn first_model(reply: &Reply, url: String) -> Result<Found, ContactError> {
    let status = reply.status;
    match (status, names(&reply.body)) {
        (200..=299, Some(models)) => match models.first() {
            Some(model) => Ok(Found { model: model.clone(), of: Some(models.len()) }),
            None => Err(ContactError::NoModel { url }),
        },
        (401 | 403, _) => Err(ContactError::Refused { url, status, said: first_lines(&reply.body) }),
        _ => Err(ContactError::NoList { url, status, said: first_lines(&reply.body) }),
    }
}

/// The beginning of what came back, in one line.
fn first_lines(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(LINES);
    let said: String = lines.collect::<Vec<_>>().join(" ").chars().take(CHARACTERS).collect();
    if said.is_empty() { "(nothing)".to_owned() } else { said }
}

#[cfg(test)]
mod tests {
    use metron_wire::HeadLines;

    use super::*;

    fn reply(status: u16, body: &str) -> Result<Found, ContactError> {
        first_model(
            &Reply { status, head: HeadLines::default(), body: body.as_bytes().to_vec() },
            "http://x/v1/chat/completions".to_owned(),
        )
    }

    #[track_caller]
    fn check_found(body: &str, model: &str, of: usize) {
        assert_eq!(reply(200, body), Ok(Found { model: model.to_owned(), of: Some(of) }));
    }

    #[test]
    fn the_first_model_is_taken_from_every_shape_of_list() {
        check_found(r#"{"object":"list","data":[{"id":"a/b","object":"model"},{"id":"c"}]}"#, "a/b", 2);
        check_found(r#"{"models":[{"name":"llama","model":"x"}]}"#, "llama", 1);
        check_found(r#"[{"id":"only"}]"#, "only", 1);
        check_found(r#"["named"]"#, "named", 1);
    }

    #[track_caller]
    fn check_refused(status: u16, body: &str, words: &str, hint: &str) {
        let error = reply(status, body).expect_err("no model");
        assert!(error.to_string().contains(words), "{words} in {error}");
        assert!(error.hint().contains(hint), "{hint} in {}", error.hint());
    }

    #[test]
    fn what_is_no_list_of_models_is_shown() {
        check_refused(401, "{\"error\":\"no key\"}", "status 401: {\"error\":\"no key\"}", "--api-key-env");
        check_refused(404, "Not\n\n Found\nx\ny", "status 404: Not Found x", "--model");
        check_refused(200, "<!DOCTYPE html>\n<html>", "<!DOCTYPE html> <html>", "--model");
        check_refused(200, "{\"data\":[]}", "lists none", "--model");
        check_refused(500, "", "(nothing)", "--model");
    }

    #[test]
    fn a_long_page_is_cut() {
        assert_eq!(first_lines("x".repeat(10_000).as_bytes()).len(), CHARACTERS);
    }
}
