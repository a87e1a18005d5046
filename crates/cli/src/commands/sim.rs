//! `metron sim`: the simulated engine as a server, on loopback, until Ctrl-C.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use metron_results::storage::StorageError;
use metron_results::timeline::TimelineWriter;
use metron_runner::timeline;
use metron_sim::Spec;
use metron_sim::engine::Iteration;
use metron_sim::server::{Options, Report, Server};
use metron_units::Nanos;

use crate::exit::Exit;
use crate::failure::{Failure, chain};
use crate::flags::SimFlags;
use crate::{signals, speak};

/// Serves, and says where: the first line of stdout is the address alone, for scripts that chose port 0.
///
/// # Errors
/// If the port cannot be had, or the log could not be kept.
pub(super) fn run(flags: &SimFlags) -> Result<Exit, Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, flags.port));
    let interrupted = signals::Interrupt::listen().map_err(|error| Failure::could_not_run(error, ""))?;
    let (told, iterations) = channel();
    let timeline = flags.timeline.as_deref().map(|path| with_iterations(&flags.spec, path)).transpose()?;
    let options = Options { log: flags.log.clone(), iterations: timeline.map(|_| told) };
    let server = Server::start(&flags.spec, address, options)
        .map_err(|error| Failure::could_not_run(chain(&error), "--port 0 takes a free one"))?;
    let keeping = timeline.map(|path| keep(path, server.unix_offset(), iterations)).transpose()?;
    speak::result(&format!("http://{}\n", server.addr()))?;
    speak::aside(format_args!("serving {} until Ctrl-C", flags.spec));
    interrupted.wait();
    let report = server.stop().map_err(|error| Failure::could_not_run(chain(&error), ""))?;
    if let Some(keeping) = keeping {
        keeping.join().expect("keeping a timeline does not panic").map_err(|error| not_kept(&error))?;
    }
    speak::aside(outcome(&report));
    Ok(Exit::Done)
}

/// The timeline's file, if this engine has anything to write into it.
fn with_iterations<'a>(spec: &Spec, path: &'a Path) -> Result<&'a Path, Failure> {
    if spec.has_iterations() {
        return Ok(path);
    }
    let message = format!("the simulated engine `{}` has no iterations for a --timeline", spec.engine());
    Err(Failure::usage(message, "metron sim sim:vllm-v1 --timeline FILE"))
}

/// Writes iterations on a thread of its own, from the file's creation to its end.
fn keep(path: &Path, epoch_unix_ns: u64, iterations: Receiver<Vec<Iteration>>) -> Result<Keeping, Failure> {
    let writer = TimelineWriter::at(path, epoch_unix_ns).map_err(|error| not_kept(&error))?;
    Ok(std::thread::spawn(move || timeline::keep(writer, &iterations, Nanos::ZERO)))
}

type Keeping = JoinHandle<Result<(), StorageError>>;

fn not_kept(error: &StorageError) -> Failure {
    Failure::could_not_run(chain(error), "name another --timeline FILE, or free space for it")
}

fn outcome(report: &Report) -> String {
    let Report { connections, requests, completed, cancelled, refused, faults, tokens, lag } = report;
    let faults = match faults {
        0 => String::new(),
        1 => ", 1 planned fault".to_owned(),
        faults => format!(", {faults} planned faults"),
    };
    let lag =
        lag.map_or_else(String::new, |lag| format!("; tokens were sent up to {} late (p99 {})", lag.max, lag.p99));
    format!(
        "served {requests} requests on {connections} connections: {completed} completed, {cancelled} cut short, \
         {refused} refused{faults}, {tokens} tokens{lag}"
    )
}
