//! A name's addresses: looked up once per run, both families. It connects to none of them.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::OnceCell;

use super::Refusal;
use crate::answer::FailureKind;
use crate::limits::ADDRESSES;

/// The addresses of one host and port. Shared by the workers of a run: the first one who asks looks them up.
pub(crate) struct Addresses {
    host: String,
    port: u16,
    found: OnceCell<Vec<SocketAddr>>,
    /// The one that connected last: it is tried first, so that a dead family costs its delay once.
    preferred: AtomicUsize,
}

impl Addresses {
    pub(super) fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, found: OnceCell::new(), preferred: AtomicUsize::new(0) }
    }

    /// The addresses in the order in which they are to be tried.
    pub(super) async fn get(&self) -> Result<Vec<SocketAddr>, Refusal> {
        let mut addresses = self.found.get_or_try_init(|| self.look_up()).await?.clone();
        let preferred = self.preferred.load(Ordering::Relaxed);
        if preferred < addresses.len() {
            addresses[..=preferred].rotate_right(1);
        }
        Ok(addresses)
    }

    /// Remembers the address that connected.
    pub(super) fn prefer(&self, used: SocketAddr) {
        if let Some(at) = self.found.get().and_then(|found| found.iter().position(|&address| address == used)) {
            self.preferred.store(at, Ordering::Relaxed);
        }
    }

    async fn look_up(&self) -> Result<Vec<SocketAddr>, Refusal> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let refused = |reason: &str| Refusal {
            kind: FailureKind::Dns,
            message: format!("cannot find the address of `{}`: {reason}", self.host),
        };
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let found: Vec<SocketAddr> = found.map_err(|error| refused(&error.to_string()))?.take(ADDRESSES).collect();
        if found.is_empty() { Err(refused("it has none")) } else { Ok(by_turns(found)) }
    }
}

/// The families by turns, beginning with the first address's (RFC 8305, 4): if one family is dead, the second try is good.
fn by_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v4 = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv4() == first_is_v4);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut sorted = Vec::new();
    loop {
        match (first.next(), second.next()) {
            (None, None) => return sorted,
            (a, b) => sorted.extend(a.into_iter().chain(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let parse = |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<SocketAddr>>();
        assert_eq!(
            by_turns(parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"])),
            parse(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"])
        );
    }

    #[test]
    fn the_address_that_connected_comes_first_from_then_on() {
        let list: Vec<SocketAddr> = ["[::1]:1", "1.1.1.1:1", "[::2]:1"].iter().map(|a| a.parse().unwrap()).collect();
        let addresses = Addresses { found: OnceCell::new_with(Some(list.clone())), ..Addresses::new("h", 1) };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        addresses.prefer(list[1]);
        let order = runtime.block_on(addresses.get()).unwrap();
        assert_eq!(order, [list[1], list[0], list[2]]);
    }
}
