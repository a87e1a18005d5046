//! What this machine allows at best: a loop that does nothing but send the same number of bytes over as many sockets, at the same pace.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use metron_units::Nanos;
use rustix::net::{SendFlags, send};
use rustix::time::{ClockId, clock_gettime};

use crate::client::END;
use crate::judge::Sent;

/// Sleep ends late, so it ends that long before a batch is due, and the rest is looking at the clock.
const AWAKE: Nanos = Nanos::from_micros(100);

/// Accepts `streams` connections, reads what each asks, and sends `bytes` over each in turn, batch by batch: one batch is due one of
/// `pauses` after the last byte of the one before.
pub(crate) fn serve(listener: &TcpListener, streams: usize, bytes: usize, pauses: &[Nanos]) -> Vec<Sent> {
    let accept = |_| {
        let stream = listener.accept().unwrap().0;
        stream.set_nodelay(true).unwrap();
        stream
    };
    let streams: Vec<TcpStream> = (0..streams).map(accept).collect();
    let mut asked = [0; 4_096];
    for mut stream in &streams {
        assert!(stream.read(&mut asked).unwrap() > 0, "nothing was asked");
    }
    let token = vec![b'x'; bytes];
    let last = [&token[..bytes - END.len()], END].concat();
    let mut sent = Vec::with_capacity(streams.len() * pauses.len());
    for (batch, pause) in pauses.iter().enumerate() {
        let token = if batch + 1 < pauses.len() { &token } else { &last };
        let due = now() + *pause;
        thread::sleep(Duration::from_nanos(pause.saturating_sub(AWAKE).get()));
        while now() < due {}
        for stream in &streams {
            let at = now();
            assert_eq!(send(stream, token, SendFlags::NOSIGNAL), Ok(bytes), "a socket's buffer is full");
            sent.push(Sent { due, at });
        }
    }
    // The streams end here, whether or not all of it has been read: what is on its way still arrives.
    sent
}

fn now() -> Nanos {
    let now = clock_gettime(ClockId::Monotonic);
    let part = |value: i64| u64::try_from(value).expect("the clock stands after the machine's start");
    Nanos::new(part(now.tv_sec) * 1_000_000_000 + part(now.tv_nsec))
}
