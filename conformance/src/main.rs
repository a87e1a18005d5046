//! Serves the conformance set: `metron-conformance [--port N]`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use metron_conformance::Server;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(8123),
        ["--port", port] => port.parse().map_err(|_| format!("`{port}` is no port")),
        _ => Err("usage: metron-conformance [--port N]; 0 picks a free port".to_owned()),
    };
    match port.and_then(|port| Server::start(port).map_err(|error| format!("cannot listen on port {port}: {error}"))) {
        Ok(server) => {
            say(&format!("http://{}/case/NAME", server.address()));
            loop {
                std::thread::park();
            }
        }
        Err(message) => {
            complain(&message);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a program's own output")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "a program's own output")]
fn complain(line: &str) {
    eprintln!("error: {line}");
}
