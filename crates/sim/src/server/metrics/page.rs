//! The text format of Prometheus, version 0.0.4: a family's two comments, then its samples. Knows no metric.

use std::fmt::Write as _;

use super::histogram::Histogram;

/// What the text is.
pub(in crate::server) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page being written. Every sample bears the same labels first.
#[derive(Debug)]
pub(super) struct Page {
    text: String,
    labels: String,
}

/// A metric's name and what it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
}

impl Page {
    pub(super) fn new(model: &str) -> Self {
        Self { text: String::new(), labels: format!("model_name=\"{model}\",engine=\"0\"") }
    }

    pub(super) fn gauge(&mut self, family: Family, value: f64) {
        self.open(family, "gauge");
        self.sample(family.name, "", "", format_args!("{value:?}"));
    }

    pub(super) fn counter(&mut self, family: Family, value: u64) {
        self.open(family, "counter");
        self.sample(family.name, "", "", format_args!("{value}.0"));
    }

    /// A counter for each value of one more label.
    pub(super) fn counters(&mut self, family: Family, label: &str, values: &[(&str, u64)]) {
        self.open(family, "counter");
        for (of, value) in values {
            self.sample(family.name, "", &format!(",{label}=\"{of}\""), format_args!("{value}.0"));
        }
    }

    /// A gauge that is 1 and whose further labels are what it tells.
    pub(super) fn told(&mut self, family: Family, labels: &[(&str, String)]) {
        self.open(family, "gauge");
        let labels: String = labels.iter().map(|(label, value)| format!(",{label}=\"{value}\"")).collect();
        self.sample(family.name, "", &labels, format_args!("1.0"));
    }

    pub(super) fn histogram(&mut self, family: Family, histogram: &Histogram) {
        self.open(family, "histogram");
        for (bound, below) in histogram.buckets() {
            self.sample(family.name, "_bucket", &format!(",le=\"{bound}\""), format_args!("{below}.0"));
        }
        self.sample(family.name, "_count", "", format_args!("{}.0", histogram.count()));
        self.sample(family.name, "_sum", "", format_args!("{}", histogram.sum()));
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn open(&mut self, Family { name, help }: Family, kind: &str) {
        writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a string takes everything");
    }

    fn sample(&mut self, name: &str, part: &str, labels: &str, value: std::fmt::Arguments<'_>) {
        let shared = &self.labels;
        writeln!(self.text, "{name}{part}{{{shared}{labels}}} {value}").expect("a string takes everything");
    }
}
