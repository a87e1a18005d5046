//! What `metron_workload::fuzzing` holds of `trace_aiperf_multi_turn`, for any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| metron_workload::fuzzing::run("trace_aiperf_multi_turn", bytes));
