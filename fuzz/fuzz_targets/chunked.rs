//! What `metron_wire::fuzzing::chunked` holds, for any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| metron_wire::fuzzing::chunked(bytes));
