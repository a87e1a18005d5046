//! JSON that is written as it comes: arrays without end, numbers of seconds to the nanosecond. Knows no shape.

use std::io::{self, Write};

use metron_metrics::RequestRecord;
use metron_units::Nanos;
use serde::Serialize;

use super::{ExportError, Run};

/// An array with one element for each request, after a key where there is one.
pub(super) fn array<T: Serialize>(
    run: &Run<'_>,
    out: &mut dyn Write,
    mut of: impl FnMut(&RequestRecord) -> Option<T>,
) -> Result<(), ExportError> {
    out.write_all(b"[")?;
    let mut first = true;
    run.each(|record| {
        let Some(element) = of(record) else { return Ok(()) };
        if !std::mem::take(&mut first) {
            out.write_all(b",\n")?;
        }
        value(out, &element)
    })?;
    out.write_all(b"]")?;
    Ok(())
}

/// One value.
pub(super) fn value(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(out, value).map_err(io::Error::other)
}

/// Seconds: the shortest number that reads back to the same nanosecond.
pub(super) fn seconds(time: Nanos) -> f64 {
    time.as_secs_f64()
}

/// Milliseconds.
pub(super) fn milliseconds(time: Nanos) -> f64 {
    time.get() as f64 / 1e6
}
