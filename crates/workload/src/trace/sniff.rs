//! Tells by the first bytes how the records of a trace are held, and by the first record what it is. Knows no values.

use super::TraceOptions;
use std::collections::HashSet;

use super::elements::{Element, Elements, Scan, Where};
use super::error::{Fault, TraceError};
use super::format::TraceFormat;
use super::record::Record;
use super::records::{Records, parse};
use super::source::Source;
use super::table::Table;

/// Finds out what the bytes are; `head` are the first of them, and `source` gives them again.
pub(super) fn tell(source: Source, head: &[u8], options: &TraceOptions) -> Result<(Records, TraceFormat), TraceError> {
    let Some(start) = head.iter().position(|b| !b.is_ascii_whitespace()) else {
        let reason = "is empty".to_owned();
        return Err(TraceError::Unknown { reason, hint: "a trace has at least one request".to_owned() });
    };
    match head[start] {
        b'[' => first_of(Elements::new(source, Where::Array), options),
        b'{' => match key_of_list(&head[start..]) {
            Some(key) => first_of(Elements::new(source, Where::Key(key)), options),
            None if fills_lines(&head[start..]) => lines(source, head, start, options),
            None => first_of(Elements::new(source, Where::Stream), options),
        },
        _ => table(source, head, options),
    }
}

/// Whether each line holds whole objects: the first ends before its line does.
fn fills_lines(head: &[u8]) -> bool {
    let mut scan = Scan::default();
    for &byte in head {
        if scan.ends_with(byte) {
            return true;
        }
        if byte == b'\n' {
            return false;
        }
    }
    // A line longer than what was looked at.
    true
}

/// The key under which an object holds a list of conversations or rows that may be as long as the file: `conversations`
/// with lists in it, or `data`, `rows`, `prompts` with objects. Other keys before it are passed over.
fn key_of_list(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let squeezed: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let of_object = |key: &str, opening: &str| {
        let needle = format!("\"{key}\":{opening}");
        let found = squeezed.find(&needle)?;
        // At depth 1, not in some record's own field.
        let mut scan = Scan::default();
        let before = &squeezed.as_bytes()[..found];
        before.iter().all(|&byte| !scan.ends_with(byte)).then_some(())?;
        scan.is_at_top().then(|| key.to_owned())
    };
    of_object("conversations", "[[")
        .or_else(|| of_object("data", "[{"))
        .or_else(|| of_object("rows", "[{"))
        .or_else(|| of_object("traces", "[{"))
}

fn lines(
    source: Source,
    head: &[u8],
    start: usize,
    options: &TraceOptions,
) -> Result<(Records, TraceFormat), TraceError> {
    let number = 1 + head[..start].iter().filter(|&&b| b == b'\n').count() as u64;
    let line = head[start..].split(|&b| b == b'\n').next().unwrap_or_default();
    let format = match options.format {
        Some(format) => format,
        // The whole first line lies in what was looked at, or it is longer and must be read first.
        None if start + line.len() < head.len() => of_json(line, (number, 1), options)?,
        None => return first_of(Elements::new(source, Where::Stream), options),
    };
    Ok((Records::lines(source), format))
}

fn first_of(mut elements: Elements, options: &TraceOptions) -> Result<(Records, TraceFormat), TraceError> {
    let Some(first) = elements.next()? else {
        let reason = format!("holds no request up to line {}", elements.line());
        return Err(TraceError::Unknown { reason, hint: String::new() });
    };
    let Element { text, line, column } = &first;
    let format = match options.format {
        Some(format) => format,
        None => of_json(text, (*line, *column), options)?,
    };
    Ok((Records::elements(elements, Some(first)), format))
}

fn of_json(text: &[u8], at: (u64, u64), options: &TraceOptions) -> Result<TraceFormat, TraceError> {
    let mut format = None;
    let mut names = String::new();
    parse(text, at, &options.renamed, |record| {
        format = TraceFormat::of_json(record);
        names = record.names().collect::<Vec<_>>().join(", ");
        Ok(())
    })?;
    format.ok_or_else(|| unknown("has records of", &names))
}

fn table(source: Source, head: &[u8], options: &TraceOptions) -> Result<(Records, TraceFormat), TraceError> {
    let table = Table::new(source, head)?;
    if let Some(twice) = twice(table.header()) {
        let reason = format!("has two columns called `{}`", Fault::shown(twice));
        return Err(TraceError::Unknown { reason, hint: "give each column a name of its own".to_owned() });
    }
    let named = table.header().iter().map(|name| (name.as_str(), name.as_str()));
    let header = Record::from_csv(named, 1, &options.renamed);
    let format = match options.format {
        Some(format) => format,
        None => TraceFormat::of_header(&header)
            .ok_or_else(|| unknown("has columns called", &header.names().collect::<Vec<_>>().join(", ")))?,
    };
    drop(header);
    Ok((Records::Table(Box::new(table)), format))
}

/// A name that two columns have; columns without a name are nobody's.
fn twice(header: &[String]) -> Option<&str> {
    let mut seen = HashSet::new();
    header.iter().map(String::as_str).find(|name| !name.is_empty() && !seen.insert(*name))
}

fn unknown(what: &str, names: &str) -> TraceError {
    let reason = format!("{what} `{}`, and no format has these", Fault::shown(names));
    let hint = format!(
        "a CSV header such as timestamp_s,input_tokens,output_tokens, or one of {}",
        TraceFormat::ALL.map(TraceFormat::name).join(", ")
    );
    TraceError::Unknown { reason, hint }
}
