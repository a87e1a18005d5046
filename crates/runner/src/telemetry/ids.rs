//! Trace and span ids, and the header by which a server joins a request's trace.

use std::hash::{BuildHasher, RandomState};

use metron_wire::Header;

/// What the ids of one run are made of. Another run of the same configuration has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceKey([u8; 16]);

/// The ids of one request, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ids {
    /// 16 bytes.
    pub(crate) trace: String,
    /// 8 bytes.
    pub(crate) span: String,
}

impl TraceKey {
    /// One that no other run has.
    pub(crate) fn unique() -> Self {
        let random = RandomState::new();
        let mut key = [0; 16];
        for (place, half) in key.chunks_exact_mut(8).enumerate() {
            half.copy_from_slice(&random.hash_one(place).to_le_bytes());
        }
        Self(key)
    }

    /// The ids of the request `id`: of its answer's whole way, resends included.
    pub(crate) fn ids(self, id: u64) -> Ids {
        let hash = blake3::keyed_hash(&self.doubled(), &id.to_le_bytes()).to_hex();
        // An id of zeros is none; a hash that begins with 16 of them has not been seen.
        Ids { trace: hash[..32].to_owned(), span: hash[32..48].to_owned() }
    }

    /// The W3C header `traceparent`: version 00, sampled.
    pub(crate) fn header(self, id: u64) -> Header {
        Header::parse(&self.line(id)).expect("hexadecimal digits are a header's value")
    }

    fn line(self, id: u64) -> String {
        let Ids { trace, span } = self.ids(id);
        format!("traceparent: 00-{trace}-{span}-01")
    }

    fn doubled(self) -> [u8; 32] {
        std::array::from_fn(|k| self.0[k % 16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_a_requests_own_and_a_runs_own() {
        let (key, other) = (TraceKey([7; 16]), TraceKey([8; 16]));
        assert_eq!(key.ids(1), key.ids(1));
        assert_ne!(key.ids(1).trace, key.ids(2).trace);
        assert_ne!(key.ids(1).trace, other.ids(1).trace);
        assert_ne!(TraceKey::unique(), TraceKey::unique());
        assert_eq!((key.ids(1).trace.len(), key.ids(1).span.len()), (32, 16));
    }

    #[test]
    fn the_header_is_what_w3c_says() {
        let key = TraceKey([7; 16]);
        let Ids { trace, span } = key.ids(3);
        assert_eq!(key.line(3), format!("traceparent: 00-{trace}-{span}-01"));
        assert_eq!((key.header(3).name(), key.header(3).is_secret()), ("traceparent", false));
    }
}
