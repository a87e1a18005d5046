//! Ports: each connection to one address takes one of this host's. Knows no server.

use std::path::Path;

/// Where Linux says which ports it gives out.
const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// More connections at once than this host has ports for one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{connections} connections to one address need as many ports, and this host gives out {has}")]
pub struct TooFewPorts {
    /// Connections at once.
    pub connections: u64,
    /// Ports that the host gives out.
    pub has: u64,
}

impl TooFewPorts {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        "sysctl -w net.ipv4.ip_local_port_range='1024 65535', or lower the load".to_owned()
    }
}

/// Refuses what is certain to run out of ports. Where the host does not say how many it has, nothing is certain.
///
/// # Errors
/// If so many connections at once are more than the host's ports.
pub fn ensure_ports(connections: u64) -> Result<(), TooFewPorts> {
    check(connections, read(Path::new(RANGE)))
}

fn read(path: &Path) -> Option<u64> {
    ports(&std::fs::read_to_string(path).ok()?)
}

/// How many ports the text of the kernel's range names.
fn ports(range: &str) -> Option<u64> {
    let mut ends = range.split_whitespace().map(str::parse::<u64>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    last.checked_sub(first)?.checked_add(1)
}

fn check(connections: u64, has: Option<u64>) -> Result<(), TooFewPorts> {
    match has {
        Some(has) if connections > has => Err(TooFewPorts { connections, has }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_read_with_both_its_ends() {
        assert_eq!(ports("32768\t60999\n"), Some(28_232));
        assert_eq!(ports("40000 40010"), Some(11));
        assert_eq!(ports("40010 40000"), None);
        assert_eq!(ports(""), None);
    }

    #[test]
    fn only_what_is_certain_is_refused() {
        assert_eq!(check(11, Some(11)), Ok(()));
        assert_eq!(check(12, Some(11)), Err(TooFewPorts { connections: 12, has: 11 }));
        assert_eq!(check(u64::MAX, None), Ok(()));
        assert_eq!(read(Path::new("/no/such/file")), None);
    }
}
