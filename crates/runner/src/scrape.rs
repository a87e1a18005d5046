//! Asks servers for their own metrics once a second while a run runs, on one thread of its own. Whatever goes wrong is said once
//! and stops nothing. Knows no request of the run.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;

use metron_results::event::{RunEvent, Warning};
use metron_results::server_metrics::exposition::samples;
use metron_results::server_metrics::{Curves, ServerMetricsWriter};
use metron_results::summary::{ServerFigures, ServerSource};
use metron_units::Nanos;
use metron_wire::{Client, Clock, Target};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::RunConfig;
use crate::aside::{Aside, Named, apart};
use crate::conduct::thread;
use crate::resolve::ConfigError;
use crate::run::tell;
use crate::variables::{Lookup, masked_url};

/// How often they are asked.
const EVERY: Duration = Duration::from_secs(1);
/// Where metrics lie if a URL has no path.
const PATH: &str = "/metrics";
/// The word for the measured server's own.
const AUTO: &str = "auto";

/// One address to be asked.
#[derive(Clone)]
pub(crate) struct Source {
    /// Safe to show.
    url: String,
    path: String,
    target: Arc<Target>,
}

/// The addresses that `--server-metrics` names; `auto` is the one of the server at `measured`.
///
/// # Errors
/// If one is no address.
pub(crate) fn sources(config: &RunConfig, measured: &str, variables: Lookup<'_>) -> Result<Vec<Source>, ConfigError> {
    config.server_metrics.iter().map(|named| source(config, named, measured, variables)).collect()
}

fn source(config: &RunConfig, named: &str, measured: &str, variables: Lookup<'_>) -> Result<Source, ConfigError> {
    let (shown, url) = if named == AUTO {
        let (root, _) = apart(measured);
        (format!("{root}{PATH}"), format!("{root}{PATH}"))
    } else {
        (masked_url(named), named.to_owned())
    };
    let example = "http://localhost:8000/metrics";
    let named = Named { flag: "server-metrics", url: &url, example, headers: Vec::new() };
    let Aside { path, target } = Aside::of(config, named, variables)?;
    let path = if path.is_empty() || path == "/" { PATH.to_owned() } else { path };
    Ok(Source { url: shown, path, target })
}

/// A thread that asks.
pub(crate) struct Scrape {
    thread: JoinHandle<Scraped>,
    stop: watch::Sender<bool>,
}

/// What the servers said.
#[derive(Debug, Default)]
pub(crate) struct Scraped {
    pub(crate) curves: Curves,
    pub(crate) sources: Vec<ServerSource>,
}

impl Scrape {
    /// Starts to ask, and keeps what comes in `writer`, if the run has a folder. `None` if there is nobody to ask.
    pub(crate) fn start(
        sources: Vec<Source>,
        clock: Clock,
        writer: Option<ServerMetricsWriter>,
        events: &Sender<RunEvent>,
    ) -> io::Result<Option<Self>> {
        if sources.is_empty() {
            return Ok(None);
        }
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let events = events.clone();
        let work = move || {
            let kept = Rc::new(RefCell::new(Kept { writer, scraped: Scraped::default(), events }));
            kept.borrow_mut().scraped.sources = sources
                .iter()
                .map(|source| ServerSource { url: source.url.clone(), ..ServerSource::default() })
                .collect();
            let local = tokio::task::LocalSet::new();
            let asked = sources
                .into_iter()
                .enumerate()
                .map(|(place, source)| local.spawn_local(ask(place, source, clock, Rc::clone(&kept), stopped.clone())));
            let asked: Vec<_> = asked.collect();
            local.block_on(&runtime, async {
                for asking in asked {
                    let _panicked = asking.await;
                }
            });
            drop(local);
            Rc::into_inner(kept).expect("the tasks are over").into_inner().finish()
        };
        Ok(Some(Self { thread: thread("metron-scrape".to_owned(), work)?, stop }))
    }

    /// Asks a last time and gives what there is.
    pub(crate) fn end(self) -> Scraped {
        let _is_over = self.stop.send(true);
        // A fault of its own costs its figures and not the run.
        self.thread.join().unwrap_or_default()
    }
}

impl Scraped {
    /// The summary's figures of the time from `from` to `to`.
    pub(crate) fn figures(self, from: Nanos, to: Nanos, output_tokens: u64) -> ServerFigures {
        ServerFigures::of(&self.curves, self.sources, from, to, output_tokens)
    }
}

/// Asks one server once a second until it is told to stop, and then once more.
async fn ask(place: usize, source: Source, clock: Clock, kept: Rc<RefCell<Kept>>, mut stop: watch::Receiver<bool>) {
    let client = Client::new(Arc::clone(&source.target), clock);
    let mut second = tokio::time::interval(EVERY);
    second.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut answers = true;
    loop {
        let last = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => true,
            _ = second.tick() => false,
        };
        // A run that is over does not wait for one that did not answer before.
        if last && !answers {
            return;
        }
        let got = client.get(&source.path).await;
        let at = clock.now();
        let said = match got {
            Ok(got) if got.status == 200 => Ok(got.body),
            Ok(got) => Err(format!("status {}", got.status)),
            Err(error) => Err(error.message),
        };
        answers = said.is_ok();
        kept.borrow_mut().take(place, at, said);
        if last {
            return;
        }
    }
}

/// What came, and where it is kept.
struct Kept {
    writer: Option<ServerMetricsWriter>,
    scraped: Scraped,
    events: Sender<RunEvent>,
}

impl Kept {
    fn take(&mut self, place: usize, at: Nanos, said: Result<Vec<u8>, String>) {
        let text = said.map(|body| String::from_utf8_lossy(&body).into_owned());
        let text = text.and_then(|text| match samples(&text).next() {
            Some(_) => Ok(text),
            None => Err("the answer holds no sample in Prometheus' text format".to_owned()),
        });
        let source = &mut self.scraped.sources[place];
        match text {
            Ok(text) => {
                source.scrapes += 1;
                self.scraped.curves.add(at, &source.url, samples(&text));
                let written = self.writer.as_mut().map(|writer| writer.add(at, &source.url, samples(&text)));
                if let Some(Err(error)) = written {
                    self.writer = None;
                    self.warn(place, format!("{error}: {}", error.source));
                }
            }
            Err(message) => {
                source.failed += 1;
                // Once each: a server that comes and goes has its count in the summary.
                if source.failed == 1 {
                    self.warn(place, message);
                }
            }
        }
    }

    fn warn(&self, place: usize, message: String) {
        let url = self.scraped.sources[place].url.clone();
        tell(&self.events, RunEvent::Warning(Warning::ServerMetrics { url, message }));
    }

    fn finish(mut self) -> Scraped {
        if let Some(Err(error)) = self.writer.take().map(ServerMetricsWriter::finish) {
            self.warn(0, format!("{error}: {}", error.source));
        }
        self.scraped
    }
}
