//! Workers before the run: their threads stand, the connections that are asked for are open, and nothing has been sent.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use metron_units::Nanos;
use metron_wire::{Client, Clock, ReachError, Target};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::Work;
use crate::error::RunError;
use crate::run::unless_stopped;
use crate::stop::Stop;

/// Threads that wait for their work.
pub(crate) struct Ready {
    workers: Vec<(Sender<Work>, JoinHandle<()>)>,
    /// How long it took to open the connections; `None` if none were asked for.
    pub(crate) took: Option<Nanos>,
}

/// What a worker has before it has work.
pub(super) struct Stand {
    pub(super) runtime: Runtime,
    pub(super) client: Client,
}

/// Why a worker is not ready.
enum Unready {
    System(io::Error),
    /// A connection could not be had; so many could.
    Connection(ReachError, u64),
}

impl Ready {
    /// Starts `workers` threads, which open `connections` between them. Ends early if the run is told to.
    pub(crate) fn start(
        target: &Arc<Target>,
        clock: Clock,
        workers: u32,
        connections: u32,
        stop: &Stop,
    ) -> Result<Self, RunError> {
        let begun = clock.now();
        let (tell, mut told) = unbounded_channel();
        let mut threads = Vec::new();
        for worker in 0..workers {
            let (work, given) = channel();
            let (target, tell) = (Arc::clone(target), tell.clone());
            let part = connections / workers + u32::from(worker < connections % workers);
            let stand_ready = move || stand_ready(target, clock, part as usize, tell, &given);
            threads.push((work, crate::conduct::thread(format!("metron-worker-{worker}"), stand_ready)?));
        }
        drop(tell);
        unless_stopped(stop, async {
            let mut opened = 0;
            let mut failure = None;
            while let Some(ready) = told.recv().await {
                match ready {
                    Ok(ahead) => opened += ahead,
                    Err(Unready::System(error)) => return Err(RunError::System(error)),
                    Err(Unready::Connection(error, ahead)) => {
                        opened += ahead;
                        failure.get_or_insert(error);
                    }
                }
            }
            match failure {
                Some(source) => Err(RunError::Prewarm { wanted: connections, opened, source }),
                None => Ok(()),
            }
        })??;
        Ok(Self { workers: threads, took: (connections > 0).then(|| clock.now().saturating_sub(begun)) })
    }

    /// Sets each worker to the work that `work` gives it by its number, and waits for all of them in the end.
    pub(crate) fn work(self, work: impl Fn(u32) -> Work) -> Vec<JoinHandle<()>> {
        let set_to_work = |(worker, (give, thread)): (u32, (Sender<Work>, JoinHandle<()>))| {
            // It waits for nothing else.
            let _ = give.send(work(worker));
            thread
        };
        (0..).zip(self.workers).map(set_to_work).collect()
    }
}

/// Opens connections, tells how many or why not, and then works.
fn stand_ready(
    target: Arc<Target>,
    clock: Clock,
    connections: usize,
    tell: UnboundedSender<Result<u64, Unready>>,
    given: &Receiver<Work>,
) {
    let ready = open(target, clock, connections);
    let (stand, told) = match ready {
        Ok(stand) => {
            let ahead = stand.client.connections().ahead;
            (Some(stand), Ok(ahead))
        }
        Err(unready) => (None, Err(unready)),
    };
    let _ = tell.send(told);
    // Whoever gathers what is told waits until nobody is left to tell anything.
    drop(tell);
    // Nobody gives work if another one was not ready.
    if let (Some(stand), Ok(work)) = (stand, given.recv()) {
        work.run(stand);
    }
}

fn open(target: Arc<Target>, clock: Clock, connections: usize) -> Result<Stand, Unready> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Unready::System)?;
    let client = Client::new(target, clock);
    let opened = runtime.block_on(client.open_ahead(connections));
    opened.map_err(|error| Unready::Connection(error, client.connections().ahead))?;
    Ok(Stand { runtime, client })
}

#[cfg(test)]
mod tests {
    use metron_wire::{Endpoint, Http, Redirects, TargetSettings, Timeouts, TlsSettings};

    use super::*;

    #[test]
    fn connections_that_cannot_be_had_end_the_run_before_it_begins() {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let settings = TargetSettings {
            endpoint: Endpoint::resolve(&format!("http://{nobody}"), None).expect("a URL"),
            headers: Vec::new(),
            tls: TlsSettings::default(),
            timeouts: Timeouts::default(),
            redirects: Redirects::Reported,
            http: Http::One,
        };
        let target = Arc::new(Target::new(settings).expect("a target"));
        let refused = Ready::start(&target, Clock::start(), 2, 5, &Stop::new()).err().expect("nobody listens");
        assert!(matches!(refused, RunError::Prewarm { wanted: 5, opened: 0, .. }), "{refused}");
        assert!(Ready::start(&target, Clock::start(), 2, 0, &Stop::new()).is_ok_and(|ready| ready.took.is_none()));
    }
}
