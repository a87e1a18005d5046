//! Sends requests through the crate, from a plain test function.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use metron_wire::{
    Answer, Channel, Client, Clock, Dialect, End, Endpoint, FailureKind, Header, Http, Redirects, RequestShape, Target,
    TargetSettings, Timeouts, TlsSettings,
};

/// Settings that point at a URL, with everything else by default.
pub(crate) fn settings(url: &str, dialect: Dialect) -> TargetSettings {
    TargetSettings {
        endpoint: endpoint_of(url, dialect),
        headers: Vec::new(),
        tls: TlsSettings::default(),
        timeouts: Timeouts::default(),
        redirects: Redirects::Reported,
        http: Http::One,
    }
}

fn endpoint_of(url: &str, dialect: Dialect) -> Endpoint {
    Endpoint::resolve_for(url, Some(dialect), Some("sparrow-2b")).unwrap()
}

/// The chat endpoint of a server.
pub(crate) fn endpoint(url: &str) -> Endpoint {
    endpoint_of(url, Dialect::Chat)
}

pub(crate) fn header(line: &str) -> Header {
    Header::parse(line).unwrap()
}

/// Runs `body` with a client for these settings on a runtime of one thread.
pub(crate) fn with_client<T>(settings: TargetSettings, body: impl AsyncFnOnce(&Client) -> T) -> T {
    with_clock(settings, Clock::start(), body)
}

/// As [`with_client`], with a run's clock of the caller's.
pub(crate) fn with_clock<T>(settings: TargetSettings, clock: Clock, body: impl AsyncFnOnce(&Client) -> T) -> T {
    with_target(Target::new(settings).unwrap(), clock, body)
}

/// As [`with_clock`], with the whole target of the caller's.
pub(crate) fn with_target<T>(target: Target, clock: Clock, body: impl AsyncFnOnce(&Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().unwrap();
    runtime.block_on(async {
        let client = Client::new(Arc::new(target), clock);
        body(&client).await
    })
}

/// As [`with_client`], with a client that is driven: its answers are read in one loop.
pub(crate) fn with_driven_client<T>(settings: TargetSettings, body: impl AsyncFnOnce(&Client) -> T) -> T {
    with_client(settings, async |client| {
        let mut body = pin!(body(client));
        poll_fn(|cx| {
            client.drive(cx);
            body.as_mut().poll(cx)
        })
        .await
    })
}

/// Sends one request and returns what came back.
pub(crate) async fn send(client: &Client) -> Answer {
    let dialect = client.target().endpoint().dialect();
    let shape = RequestShape::text("orchid-7b", "Hello", 16);
    let mut answer = Answer::default();
    client.send(&client.target().prepare(dialect.body(&shape)), &mut answer).await;
    answer
}

/// One request to a URL with default settings.
pub(crate) fn once(url: &str) -> Answer {
    with_client(settings(url, Dialect::Chat), async |client| send(client).await)
}

/// The text of one choice's channel.
pub(crate) fn text(answer: &Answer, choice: u32, channel: Channel) -> String {
    let mut start = 0;
    let mut text = String::new();
    for piece in &answer.pieces {
        let end = piece.text_end as usize;
        if piece.choice == choice && piece.channel == channel {
            text.push_str(&answer.text[start..end]);
        }
        start = end;
    }
    text
}

/// The channels of each chunk's pieces.
pub(crate) fn channels(answer: &Answer) -> Vec<Vec<Channel>> {
    let mut start = 0;
    let mut channels = Vec::new();
    for chunk in &answer.chunks {
        let end = chunk.pieces_end as usize;
        channels.push(answer.pieces[start..end].iter().map(|piece| piece.channel).collect());
        start = end;
    }
    channels
}

pub(crate) fn failure(answer: &Answer) -> (FailureKind, &str) {
    match &answer.end {
        End::Failed { kind, message } => (*kind, message),
        other => panic!("no failure: {other:?}"),
    }
}
