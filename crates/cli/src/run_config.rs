//! The flags of a run as its configuration: defaults that depend on other flags filled in. What the configuration means,
//! and whether it contradicts itself, is the runner's to say.

use metron_runner::search::LoadUnit;
use metron_runner::{RunConfig, class};
use metron_units::{Nanos, Rate};

use crate::failure::Failure;
use crate::flags::{LoadFlags, RunFlags, TargetFlags, TimeoutFlags, WorkloadFlags};

/// Users of a closed loop, unless said otherwise.
const CONCURRENCY: u32 = 8;
/// Measured requests, unless said otherwise.
const REQUESTS: u64 = 100;

/// Tools that an agent is offered, unless said otherwise.
const TOOLS_OF_AN_AGENT: &str = "4";

/// Measured requests of a run that is to end once a figure is known, unless said otherwise.
const MOST_UNTIL: u64 = 100_000;

/// The run that the flags ask for.
///
/// # Errors
/// No target, or a flag that the kind of load does not have.
pub(crate) fn resolve(flags: &RunFlags) -> Result<RunConfig, Failure> {
    if !is_open(flags) {
        nothing_of_an_open_loop(&flags.load)?;
    }
    settled(flags)
}

/// The rate of an open loop; it may also be said in parts: by every class its own.
fn rate(flags: &RunFlags) -> Option<Rate> {
    flags.load.rate.or(class::rate(&flags.mix.class).filter(|_| flags.load.concurrency.is_none()))
}

fn is_open(flags: &RunFlags) -> bool {
    rate(flags).is_some() || flags.load.is_open(flags.workload.trace.as_deref())
}

/// Every setting as the flags say it, or as it is where they do not.
#[expect(clippy::too_many_lines, reason = "one line a setting, and nothing else")]
fn settled(flags: &RunFlags) -> Result<RunConfig, Failure> {
    let RunFlags { target, load, workload, shape, mix, deadlines, objectives, timeouts, observe, output } = flags;
    let (rate, open) = (rate(flags), is_open(flags));
    let url = target.url.clone().filter(|url| !url.trim().is_empty());
    let url = url.ok_or_else(|| Failure::usage("no target: --url is missing", "metron run --url sim:"))?;
    Ok(RunConfig {
        url,
        model: target.server.model.clone(),
        endpoint: target.server.endpoint.clone(),
        api_key_env: target.server.api_key_env.clone(),
        header: target.server.header.clone(),
        rate,
        arrivals: load.arrivals.clone().or_else(|| rate.map(|_| default_arrivals(load))),
        burstiness: load.burstiness,
        concurrency: load.concurrency.or(if open { None } else { Some(CONCURRENCY) }),
        think_time: load.think_time.as_ref().map(ToString::to_string),
        max_in_flight: load.max_in_flight,
        ramp_up: load.ramp_up,
        requests: requests(load, workload),
        duration: load.duration,
        until: load.until.iter().map(ToString::to_string).collect(),
        warmup: load.warmup,
        warmup_requests: load.warmup_requests,
        trace: workload.trace.clone(),
        speed: workload.speed.map(|speed| speed.to_string()),
        dataset: workload.dataset.clone(),
        answers: workload.answers.clone(),
        trace_format: workload.reading.trace_format.map(|format| format.to_string()),
        trace_columns: workload.reading.trace_columns.clone(),
        trace_time_unit: workload.reading.trace_time_unit.map(|unit| unit.name().to_owned()),
        trace_block: workload.reading.trace_block,
        trace_window: workload.reading.trace_window,
        lengths: workload.lengths.clone(),
        prefix: workload.prefix.map(|groups| groups.to_string()),
        prefix_cache: workload.prefix_cache.clone(),
        input_tokens: workload.input_tokens.to_string(),
        output_tokens: workload.output_tokens.to_string(),
        tokenizer: workload.tokenizer.clone(),
        text: workload.text.clone(),
        template_tokens: workload.template_tokens,
        body: workload.body.clone(),
        classes: mix.class.clone(),
        turns: mix.turns.as_ref().map(ToString::to_string),
        abandon: mix.abandon,
        session_header: mix.session_header.clone(),
        agent: mix.agent,
        cancel: mix.cancel.iter().map(ToString::to_string).collect(),
        images: shape.images.as_ref().map(ToString::to_string),
        image_size: shape.image_size.map(|size| size.to_string()),
        audio: shape.audio.as_ref().map(ToString::to_string),
        tools: shape.tools.clone().or_else(|| mix.agent.then(|| TOOLS_OF_AN_AGENT.to_owned())),
        schema: shape.schema.clone(),
        seed: workload.seed,
        ttft_deadline: deadlines.ttft_deadline,
        prefill_profile: deadlines.prefill_profile.clone(),
        ttft_slack: deadlines.ttft_slack.or(deadlines.prefill_profile.as_ref().map(|_| Nanos::ZERO)),
        tbt_deadline: deadlines.tbt_deadline,
        target_miss_rate: deadlines.target_miss_rate,
        slo: objectives.slo.iter().map(ToString::to_string).collect(),
        timeout_connect: timeouts.timeout_connect,
        timeout_first_token: timeouts.timeout_first_token,
        timeout_idle: timeouts.timeout_idle,
        timeout: timeouts.timeout,
        workers: load.workers,
        prewarm: load.prewarm.clone(),
        http: target.http.clone(),
        insecure: target.server.insecure,
        ca: target.server.ca.clone(),
        follow_redirects: target.follow_redirects,
        no_stream: target.no_stream,
        server_metrics: observe.server_metrics.clone(),
        otlp: observe.otlp.clone(),
        save_text: output.save_text,
        virtual_time: target.virtual_time,
    })
}

/// How many requests are measured, unless something else ends the run.
fn requests(load: &LoadFlags, workload: &WorkloadFlags) -> Option<u64> {
    let ends_by_itself = load.duration.is_some() || workload.trace.is_some();
    load.requests.or(match (ends_by_itself, load.until.is_empty()) {
        (true, _) => None,
        (false, false) => Some(MOST_UNTIL),
        (false, true) => Some(REQUESTS),
    })
}

/// The runs that a prefill profile is measured by: their loads and lengths are the profile's own.
///
/// # Errors
/// No target, or a setting that chooses other prompts.
pub(crate) fn of_prefill(
    target: TargetFlags,
    workload: WorkloadFlags,
    timeouts: TimeoutFlags,
) -> Result<RunConfig, Failure> {
    let others = [
        ("--trace", workload.trace.is_some()),
        ("--speed", workload.speed.is_some()),
        ("--dataset", workload.dataset.is_some()),
        ("--answers", workload.answers.is_some()),
        ("--lengths", workload.lengths.is_some()),
        ("--prefix", workload.prefix.is_some()),
        ("--prefix-cache", workload.prefix_cache.is_some()),
    ];
    if let Some((flag, _)) = others.iter().find(|(_, given)| *given) {
        let message = format!("{flag} has no say in a profile, which asks cold prompts of its own lengths");
        return Err(Failure::usage(message, "--prompt-tokens 64..8192"));
    }
    let (load, mix, shape, deadlines, objectives, observe, output) = Default::default();
    resolve(&RunFlags { target, load, workload, mix, shape, deadlines, objectives, timeouts, observe, output })
}

/// The runs of a search for the highest load. One by rate has arrivals whether or not its first rate is given.
///
/// # Errors
/// As for [`resolve`].
pub(crate) fn of_search(flags: &RunFlags, unit: LoadUnit) -> Result<RunConfig, Failure> {
    let load = &flags.load;
    let drawn = load.arrivals.is_some() || load.burstiness.is_some();
    if unit == LoadUnit::ConcurrentRequests || load.rate.is_some() || !drawn {
        return resolve(flags);
    }
    let arrivals = load.arrivals.clone().unwrap_or_else(|| default_arrivals(load));
    Ok(RunConfig { arrivals: Some(arrivals), concurrency: None, ..settled(flags)? })
}

/// Whoever gives a burstiness means gamma.
fn default_arrivals(load: &LoadFlags) -> String {
    if load.burstiness.is_some() { "gamma".to_owned() } else { "poisson".to_owned() }
}

/// Flags that only an open loop has: the configuration of a closed one could not even hold them.
fn nothing_of_an_open_loop(load: &LoadFlags) -> Result<(), Failure> {
    let shape = load.arrivals.as_ref().map(|_| "--arrivals").or(load.burstiness.map(|_| "--burstiness"));
    if let Some(flag) = shape {
        let message = format!("{flag} needs --rate: users who wait have no arrivals of their own");
        return Err(Failure::usage(message, "--rate 4"));
    }
    if load.max_in_flight.is_some() {
        let message = "--max-in-flight needs --rate: the number of users bounds a closed loop";
        return Err(Failure::usage(message, "--concurrency 8"));
    }
    Ok(())
}
