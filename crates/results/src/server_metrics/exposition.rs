//! Prometheus' text format (version 0.0.4) and OpenMetrics, as far as samples go: a name, labels, a value. Types and help texts
//! are passed over, since names alone say what a sample is. Copies nothing.

/// One line of a scrape that holds a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// The metric's name.
    pub name: &'a str,
    /// The labels as they were written, without the braces; empty if there are none.
    pub labels: &'a str,
    /// The value.
    pub value: f64,
}

/// The samples of a text, in its order. Lines that are none are passed over: [`Samples::malformed`] counts them.
#[derive(Debug, Clone)]
pub struct Samples<'a> {
    lines: std::str::Lines<'a>,
    malformed: u64,
}

/// Reads a text.
///
/// ```
/// use metron_results::server_metrics::exposition::samples;
/// let text = "# TYPE up gauge\nup{job=\"a b\"} 1 1700000000000\n";
/// let sample = samples(text).next().expect("a sample");
/// assert_eq!((sample.name, sample.label("job"), sample.value), ("up", Some("a b"), 1.0));
/// ```
#[must_use]
pub fn samples(text: &str) -> Samples<'_> {
    Samples { lines: text.lines(), malformed: 0 }
}

impl Samples<'_> {
    /// Lines so far that were neither a sample nor a comment.
    #[must_use]
    pub fn malformed(&self) -> u64 {
        self.malformed
    }
}

impl<'a> Iterator for Samples<'a> {
    type Item = Sample<'a>;

    fn next(&mut self) -> Option<Sample<'a>> {
        loop {
            let line = self.lines.next()?.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match sample(line) {
                Some(sample) => return Some(sample),
                None => self.malformed += 1,
            }
        }
    }
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let name_end = line.find(|c: char| c == '{' || c.is_ascii_whitespace())?;
    let (name, rest) = line.split_at(name_end);
    let mut letters = name.bytes();
    let begins = letters.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b':');
    if !begins || !letters.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':') {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => {
            let end = labels_end(inside)?;
            (inside[..end].trim(), &inside[end + 1..])
        }
        None => ("", rest),
    };
    let value = rest.split_ascii_whitespace().next()?.parse().ok()?;
    Some(Sample { name, labels, value })
}

/// Where the brace is that ends the labels: not within a quoted value.
fn labels_end(inside: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

impl<'a> Sample<'a> {
    /// The value of a label as it was written, escapes included; `None` if the sample has no such label.
    #[must_use]
    pub fn label(&self, wanted: &str) -> Option<&'a str> {
        let mut rest = self.labels;
        loop {
            let (name, after) = rest.split_once('=')?;
            let value = after.trim_start().strip_prefix('"')?;
            let end = quote_end(value)?;
            if name.trim() == wanted {
                return Some(&value[..end]);
            }
            rest = value[end + 1..].trim_start().strip_prefix(',')?;
        }
    }
}

fn quote_end(value: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, name: &str, labels: &str, value: f64) {
        assert_eq!(samples(line).next(), Some(Sample { name, labels, value }));
    }

    #[test]
    fn a_sample_is_a_name_labels_and_a_value() {
        check("up 1", "up", "", 1.0);
        check(
            "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 3.0",
            "vllm:num_requests_running",
            "engine=\"0\",model_name=\"m\"",
            3.0,
        );
        check("  x{ } 2.5e-3 1700000000000  ", "x", "", 0.0025);
        check("x_bucket{le=\"+Inf\"} 7 # {trace_id=\"a\"} 0.5", "x_bucket", "le=\"+Inf\"", 7.0);
        check("x +Inf", "x", "", f64::INFINITY);
        assert!(samples("x NaN").next().expect("a sample").value.is_nan());
    }

    #[test]
    fn a_brace_or_a_quote_within_a_label_ends_nothing() {
        let sample = samples(r#"x{a="}\"",b="c,d=\"e\\"} 4"#).next().expect("a sample");
        assert_eq!((sample.label("a"), sample.label("b"), sample.value), (Some("}\\\""), Some("c,d=\\\"e\\\\"), 4.0));
        assert_eq!(sample.label("c"), None);
    }

    #[test]
    fn what_is_no_sample_is_counted_and_passed_over() {
        let mut read = samples("<html>\nx{a=\"1\" 2\nx\nx one\n9x 1\n# HELP x 1\n\nx 5\n");
        assert_eq!(read.next(), Some(Sample { name: "x", labels: "", value: 5.0 }));
        assert_eq!((read.next(), read.malformed()), (None, 5));
    }
}
