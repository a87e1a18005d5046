//! `metron workload preview`: the first requests that a run would send, without a server.

use metron_report::escape;
use metron_runner::preview::{Preview, Previewed};
use metron_runner::{RunConfig, RunError, Whose};
use metron_units::Nanos;
use metron_workload::PlannedPhase;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::PreviewFlags;
use crate::speak;

/// Characters of a prompt that a table shows.
const SHOWN: usize = 48;

/// What decides when a request leaves: its instant, or how long its user thought before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    At,
    Thinks,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Shown {
    schema: &'static str,
    requests: Vec<ShownRequest>,
}

#[derive(Serialize)]
struct ShownRequest {
    id: u64,
    phase: &'static str,
    at_ns: Option<u64>,
    think_ns: Option<u64>,
    input_tokens: u64,
    output_tokens: u64,
    prompt: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

/// Shows them.
///
/// # Errors
/// If the run's flags contradict each other, or a file cannot be read.
pub(super) fn run(flags: &PreviewFlags, config: &RunConfig) -> Result<Exit, Failure> {
    let preview = Preview::of(config).map_err(|error| refused(&error))?;
    let when = if preview.is_open() { When::At } else { When::Thinks };
    let first = usize::try_from(flags.first).unwrap_or(usize::MAX);
    let requests: Vec<Previewed> =
        preview.take(first).collect::<Result<_, _>>().map_err(|error| Failure::could_not_run(chain(&error), ""))?;
    if flags.run.output.json {
        let requests = requests.into_iter().map(|request| shown(request, flags, when)).collect();
        speak::json(&Shown { schema: "metron.preview/1", requests })?;
    } else {
        speak::result(&table(&requests, flags, when))?;
    }
    Ok(Exit::Done)
}

/// A configuration of which nothing can be shown.
pub(super) fn refused(error: &RunError) -> Failure {
    let (message, hint) = (chain(error), error.hint());
    match error.whose() {
        Whose::Users => Failure::usage(message, hint),
        Whose::Outside | Whose::Ours => Failure::could_not_run(message, hint),
    }
}

fn phase(of: PlannedPhase) -> &'static str {
    match of {
        PlannedPhase::Warmup => "warmup",
        PlannedPhase::Measured => "measured",
        PlannedPhase::ByClock => "by clock",
    }
}

fn shown(previewed: Previewed, flags: &PreviewFlags, when: When) -> ShownRequest {
    let Previewed { request, think, prompt, body } = previewed;
    let body = flags.bodies.then(|| String::from_utf8(body).expect("a body is JSON"));
    ShownRequest {
        id: request.id,
        phase: phase(request.phase),
        at_ns: request.intended.map(Nanos::get),
        think_ns: (when == When::Thinks).then_some(think.get()),
        input_tokens: request.input_tokens.get(),
        output_tokens: request.output_tokens.get(),
        prompt,
        body: body.map(|body| RawValue::from_string(body).expect("a body is JSON")),
    }
}

fn table(requests: &[Previewed], flags: &PreviewFlags, shown: When) -> String {
    let when = if shown == When::At { "at (s)" } else { "thinks (s)" };
    let mut table = format!("{:>6}  {:>16}  {:>8}  {:>8}  {:<8}  prompt\n", "id", when, "input", "output", "phase");
    for Previewed { request, think, prompt, body } in requests {
        let when = if shown == When::At { request.intended.unwrap_or_default() } else { *think };
        table.push_str(&format!(
            "{:>6}  {:>16}  {:>8}  {:>8}  {:<8}  {}\n",
            request.id,
            seconds(when),
            request.input_tokens.get(),
            request.output_tokens.get(),
            phase(request.phase),
            beginning(prompt)
        ));
        if flags.bodies {
            table.push_str(&format!("        {}\n", escape::terminal(&String::from_utf8_lossy(body))));
        }
    }
    table
}

/// To the nanosecond, points under each other.
fn seconds(time: Nanos) -> String {
    const SECOND: u64 = Nanos::from_secs(1).get();
    format!("{}.{:09}", time.get() / SECOND, time.get() % SECOND)
}

fn beginning(prompt: &str) -> String {
    let end = prompt.char_indices().nth(SHOWN).map_or(prompt.len(), |(end, _)| end);
    let more = if end < prompt.len() { "..." } else { "" };
    format!("{}{more}", escape::terminal(&prompt[..end]))
}
