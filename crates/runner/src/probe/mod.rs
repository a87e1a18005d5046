//! A look at an endpoint: which API it speaks, what answers there, and what its answers are like on the way here. A handful
//! of requests, one at a time; nothing of it is a measurement.

mod advice;
mod answer;
mod identify;
mod models;
mod offset;
mod software;

use std::path::PathBuf;
use std::sync::Arc;

use metron_metrics::{Deadlines, Phase, RequestRecord};
use metron_results::probe::{EndpointFound, HttpFound, ProbeReport, SCHEMA, ToldBy};
use metron_sim::spec::{Address, SCHEME};
use metron_units::{Nanos, Tokens};
use metron_wire::{Answer, Client, Clock, Dialect, End, Http, Redirects, RequestShape, Target, Timeouts, Verify};
use metron_workload::Tokenizer;

use crate::kind::Kind;
use crate::resolve::{ConfigError, Reach, named_dialect, network_url};
use crate::settle::{Naming, Planned, Settler};
use crate::stop::{Asked, Stop};
use crate::variables::Lookup;

pub(crate) use identify::{Identified, identify};
pub(crate) use models::{list, names};

/// What is asked of the model: something that any model goes on with for a while.
const PROMPT: &str = "Count from 1 to 200, with a comma between the numbers, and say nothing else.";
/// Tokens of the first request, which warms what is cold.
const FIRST_TOKENS: u64 = 8;
/// The encodings that are offered to see which one is chosen.
const ENCODINGS: &str = "accept-encoding: zstd, br, gzip, deflate";

/// Whom to look at, and how to reach it.
#[derive(Debug, Clone)]
pub struct ProbeConfig {
    /// The server's root, its `/v1`, or the whole path; `sim:` is the simulated engine.
    pub url: String,
    /// The model's name; asked of the server if not given.
    pub model: Option<String>,
    /// The API dialect by its name, `auto`, or `custom:FILE`.
    pub endpoint: String,
    /// The variable that holds the API key.
    pub api_key_env: Option<String>,
    /// Further headers.
    pub header: Vec<String>,
    /// Accept any certificate.
    pub insecure: bool,
    /// A PEM file of further root certificates.
    pub ca: Option<PathBuf>,
    /// For each connection and each answer.
    pub timeout: Nanos,
    /// Tokens of the answer that is looked at.
    pub output_tokens: u64,
}

/// Why there was nothing to look at.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The user's to mend.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The simulated engine does not start.
    #[error("cannot start the simulated engine")]
    Simulator(#[source] metron_sim::server::StartError),
    /// It was asked to end.
    #[error("interrupted")]
    Interrupted,
    /// The server cannot be reached. From outside: not safe for a terminal.
    #[error("cannot reach {url}: {message}")]
    Unreachable {
        /// Where it should be.
        url: String,
        /// Why not.
        message: String,
    },
    /// The system refuses a poll set.
    #[error("the system refuses what a probe needs")]
    System(#[from] std::io::Error),
}

/// Looks. Blocks until it is done; `stop` ends it early, without a result.
///
/// # Errors
/// If the configuration is none, or the server cannot be reached. What a reachable one answers badly is part of the result.
pub fn probe(config: &ProbeConfig, stop: &Stop) -> Result<ProbeReport, ProbeError> {
    let variables = |name: &str| std::env::var(name).ok();
    let simulator = simulator(&config.url)?;
    let url = match &simulator {
        Some(simulator) => format!("http://{}", simulator.addr()),
        None => network_url(&config.url, &variables)?,
    };
    let probe = Probe { config, url, variables: &variables };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            biased;
            _ = stop.reaches(Asked::Drain) => Err(ProbeError::Interrupted),
            report = probe.look() => report,
        }
    })
}

fn simulator(url: &str) -> Result<Option<metron_sim::server::Server>, ProbeError> {
    if !url.starts_with(SCHEME) {
        return Ok(None);
    }
    let address: Address = url.parse().map_err(|error: metron_sim::spec::SpecError| ConfigError::of("url", &error))?;
    crate::run::simulator(&address.spec, Default::default()).map(Some).map_err(ProbeError::Simulator)
}

/// A look at one address.
struct Probe<'a> {
    config: &'a ProbeConfig,
    url: String,
    variables: Lookup<'a>,
}

impl Probe<'_> {
    async fn look(&self) -> Result<ProbeReport, ProbeError> {
        let asked = named_dialect(&self.config.endpoint)?;
        let first = self.target(asked, self.config.model.as_deref().or(Some("model")), &[])?;
        let Identified { dialect, told_by, why, .. } =
            identify(&Arc::new(first)).await.map_err(|message| self.unreachable(message))?;
        let listing = self.listing(dialect).await?;
        let listed = listing.as_ref().map(|reply| list(&reply.body));
        let models = listed.flatten();
        let model = self.config.model.clone().or_else(|| models.as_ref()?.first().map(|model| model.id.clone()));
        let target = Arc::new(self.target(Some(dialect), model.as_deref().or(Some("model")), &[])?);
        let model = target.endpoint().model().map(str::to_owned).or(model);
        let seen = self.ask(&target, model.as_deref().unwrap_or_default()).await?;
        let answer = answer::found(&seen.answer, &seen.record);
        let client = Client::new(Arc::clone(&target), Clock::start());
        let offers_http2 = client.offers_http2().await.ok().flatten();
        let software = software::found(&client, &seen.answer.head, listing.as_ref()).await;
        let listed_length = models.as_ref().and_then(|models| {
            models.iter().find(|listed| Some(&listed.id) == model.as_ref()).or(models.first())?.max_model_len
        });
        let http = HttpFound {
            version: seen.answer.head.protocol().map(str::to_owned),
            offers_http2,
            keeps_alive: seen.keeps_alive,
            compression: self.compression(&target, model.as_deref().unwrap_or_default()).await?,
        };
        let mut report = ProbeReport {
            schema: SCHEMA.to_owned(),
            url: target.endpoint().url(),
            endpoint: EndpointFound { name: dialect.name().to_owned(), told_by, why },
            model,
            models,
            max_model_len: listed_length.or(software.max_model_len),
            software: software.found,
            http,
            clock: seen.clock,
            answer,
            advice: Vec::new(),
        };
        report.advice = advice::of(&report);
        Ok(report)
    }

    fn target(&self, dialect: Option<Dialect>, model: Option<&str>, more: &[&str]) -> Result<Target, ConfigError> {
        let header: Vec<String> =
            self.config.header.iter().cloned().chain(more.iter().map(|line| (*line).to_owned())).collect();
        let reach = Reach {
            url: &self.url,
            dialect,
            model,
            api_key_env: self.config.api_key_env.as_deref(),
            header: &header,
            verify: if self.config.insecure { Verify::Insecure } else { Verify::Yes },
            ca: self.config.ca.as_deref(),
            redirects: Redirects::Reported,
            http: Http::Auto,
            timeouts: Timeouts {
                connect: self.config.timeout,
                first_token: self.config.timeout,
                idle: self.config.timeout,
                total: self.config.timeout,
            },
        };
        reach.target(self.variables, |endpoint| endpoint)
    }

    fn unreachable(&self, message: String) -> ProbeError {
        ProbeError::Unreachable { url: crate::variables::masked_url(&self.config.url), message }
    }

    /// What the server answers when its models are asked for; `None` if it does not.
    async fn listing(&self, dialect: Dialect) -> Result<Option<metron_wire::Reply>, ProbeError> {
        let target = Arc::new(self.target(Some(dialect), self.config.model.as_deref().or(Some("model")), &[])?);
        let path = target.endpoint().models_path();
        Ok(Client::new(target, Clock::start()).get(&path).await.ok().filter(|reply| reply.status == 200))
    }

    /// Asks twice over one client: the second answer is the one to look at.
    async fn ask(&self, target: &Arc<Target>, model: &str) -> Result<Seen, ProbeError> {
        let clock = Clock::start();
        let client = Client::new(Arc::clone(target), clock).keeping_heads();
        let (mut answer, mut offset) = (Answer::default(), offset::Offset::default());
        self.send(&client, model, FIRST_TOKENS, &mut answer).await;
        if answer.dispatched.is_none()
            && let End::Failed { message, .. } = &answer.end
        {
            return Err(self.unreachable(message.clone()));
        }
        offset.note(clock, &answer);
        let first = answer.end.clone();
        self.send(&client, model, self.config.output_tokens, &mut answer).await;
        offset.note(clock, &answer);
        let keeps_alive = (first == End::Complete && answer.dispatched.is_some()).then_some(answer.connect.is_none());
        Ok(Seen { record: settled(answer.clone()), answer, keeps_alive, clock: offset.found() })
    }

    /// The encoding of an answer to a request that offers all of them.
    async fn compression(&self, target: &Target, model: &str) -> Result<Option<String>, ProbeError> {
        let offering = self.target(Some(target.endpoint().dialect()), Some(model), &[ENCODINGS])?;
        let client = Client::new(Arc::new(offering), Clock::start());
        let mut answer = Answer::default();
        self.send(&client, model, FIRST_TOKENS, &mut answer).await;
        Ok(answer.encoding.map(str::to_owned))
    }

    async fn send(&self, client: &Client, model: &str, max_tokens: u64, answer: &mut Answer) {
        let shape = RequestShape::text(model, PROMPT, max_tokens);
        let prepared = client.target().prepare(client.target().endpoint().dialect().body(&shape));
        client.send(&prepared, answer).await;
    }
}

/// An answer with its tokens counted. What it is held to is nobody's business here.
fn settled(answer: Answer) -> RequestRecord {
    let deadline = Nanos::from_secs(1);
    let settler = Settler { tokenizer: Tokenizer::default(), naming: Naming::Assumed };
    let planned = Planned {
        id: 0,
        phase: Phase::Measured,
        kind: Kind::plain(Deadlines { ttft: deadline, tbt: deadline }),
        intended: None,
        input_tokens: Tokens::new(1),
        prompt: None,
    };
    settler.settle(planned, answer)
}

/// What asking showed.
struct Seen {
    answer: Answer,
    record: RequestRecord,
    keeps_alive: Option<bool>,
    clock: Option<metron_results::probe::ClockOffset>,
}

/// Who told, as a result says it.
pub(crate) fn told_by(told: metron_wire::Told) -> ToldBy {
    match told {
        metron_wire::Told::ByName => ToldBy::Flag,
        metron_wire::Told::ByPath | metron_wire::Told::ByHost => ToldBy::Url,
        metron_wire::Told::ByNobody => ToldBy::Nobody,
    }
}
