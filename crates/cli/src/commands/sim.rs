//! `metron sim`: the simulated engine as a server, on loopback, until Ctrl-C.

use std::net::{Ipv4Addr, SocketAddr};

use metron_sim::server::{Options, Report, Server};

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
    let options = Options { log: flags.log.clone(), ..Options::default() };
    let server = Server::start(&flags.spec, address, options)
        .map_err(|error| Failure::could_not_run(chain(&error), "--port 0 takes a free one"))?;
    speak::result(&format!("http://{}\n", server.addr()))?;
    speak::aside(format_args!("serving {} until Ctrl-C", flags.spec));
    interrupted.wait();
    let report = server.stop().map_err(|error| Failure::could_not_run(chain(&error), ""))?;
    speak::aside(outcome(&report));
    Ok(Exit::Done)
}

fn outcome(report: &Report) -> String {
    let Report { connections, requests, completed, cancelled, refused, faults, tokens, lag } = report;
    let faults = match faults {
        0 => String::new(),
        faults => format!(", {faults} planned faults"),
    };
    let lag =
        lag.map_or_else(String::new, |lag| format!("; tokens were sent up to {} late (p99 {})", lag.max, lag.p99));
    format!(
        "served {requests} requests on {connections} connections: {completed} completed, {cancelled} cut short, \
         {refused} refused{faults}, {tokens} tokens{lag}"
    )
}
