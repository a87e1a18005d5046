//! A summary as a reader asks it: figures by name, shares of shares, the notes that a person must see beside them.
//! Knows the contract's names; computes no figure.

use metron_results::capacity::{Probe, Verdict};
use metron_results::event::Warning;
use metron_results::summary::{Connections, Distribution, Interval, Quantiles, Summary, TokenCounts};
pub(crate) use metron_results::summary::{Metrics, distribution, value};
use metron_results::sweep::{CellKind, CellStatus, SweepReport, SweptCell};

use crate::figure;

/// What a figure of the server is, in words; the name itself where a newer file has one that is not known here.
pub(crate) fn of_server(name: &str) -> &str {
    match name {
        "running" => "requests running",
        "waiting" => "requests waiting",
        "kv_cache" => "KV cache in use",
        "preemptions" => "preemptions since the start",
        "prefix_hits" => "found in the prefix cache",
        "gpu_use" => "GPU in use",
        "cpu_use" => "processors in use",
        "power" => "power",
        name => name,
    }
}

/// The rules by which tokens were counted, with their shares where there are several; `None` if nothing was counted.
pub(crate) fn counted_by(tokens: &TokenCounts) -> Option<String> {
    let rules: Vec<(&String, &f64)> = tokens.counted_by.iter().filter(|(_, share)| **share > 0.0).collect();
    match rules.as_slice() {
        [] => None,
        [(rule, _)] => Some((*rule).clone()),
        rules => Some(
            rules
                .iter()
                .map(|(rule, share)| format!("{rule} {}", figure::share(**share)))
                .collect::<Vec<_>>()
                .join(", "),
        ),
    }
}

/// How many connections were open before the first request, in words; `None` if none were asked for.
pub(crate) fn opened_ahead(connections: &Connections) -> Option<String> {
    let took = figure::time(connections.opened_ahead_s?);
    Some(format!("{} opened ahead in {took}", figure::count(connections.opened_ahead, "connection")))
}

/// What became of a probe of a capacity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeVerdict {
    Holds,
    Fails,
    Grows,
    Close,
    Client,
}

impl ProbeVerdict {
    pub(crate) const ALL: [Self; 5] = [Self::Holds, Self::Fails, Self::Grows, Self::Close, Self::Client];

    pub(crate) fn of(probe: &Probe) -> Self {
        match probe.verdict {
            _ if probe.state.client_bound => Self::Client,
            Verdict::Fails if probe.state.growing => Self::Grows,
            Verdict::Holds => Self::Holds,
            Verdict::Fails => Self::Fails,
            Verdict::Undecided => Self::Close,
        }
    }

    /// In words, few enough for a column.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::Grows => "fails, queue grows",
            Self::Close => "too close to tell",
            Self::Client => "client too slow",
        }
    }
}

/// What bounds a capacity, as short as it is clear: an objective by its expression alone.
pub(crate) fn bound(bounded_by: &str) -> &str {
    bounded_by.strip_prefix("objective ").unwrap_or(bounded_by)
}

/// The workloads of a sweep, in the order of its cells.
pub(crate) fn workloads(report: &SweepReport) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for cell in &report.cells {
        if !names.contains(&cell.workload.as_str()) {
            names.push(&cell.workload);
        }
    }
    names
}

/// What a sweep's cell has in place of figures, in words: what was found of one that failed is no result. `None` for one with
/// figures. May hold text from outside.
pub(crate) fn without_figures(cell: &SweptCell) -> Option<String> {
    let found = match cell.kind {
        CellKind::Run => !cell.metrics.is_empty(),
        CellKind::Capacity => cell.capacity.is_some(),
        CellKind::Prefill => cell.prefill.is_some(),
    };
    let status = match cell.status {
        CellStatus::Done | CellStatus::Interrupted if found => return None,
        CellStatus::Done => "nothing measured",
        CellStatus::Failed => "failed",
        CellStatus::Interrupted => "interrupted",
        CellStatus::Pending => "not begun",
    };
    let reason = cell.reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    Some(format!("{status}{reason}"))
}

/// That requests shared connections, and how many there were; `None` where each had one of its own.
pub(crate) fn shared(connections: &Connections) -> Option<String> {
    let version = connections.http_version.as_deref().filter(|version| *version != "1.1")?;
    Some(format!("HTTP/{version} over {}", figure::count(connections.opened, "connection")))
}

/// The percentiles that the console shows and that a sample can be too small for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Percentile {
    P50,
    P90,
    P99,
}

impl Percentile {
    pub(crate) const ALL: [Self; 3] = [Self::P50, Self::P90, Self::P99];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
        }
    }

    const fn share(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P99 => 0.99,
        }
    }

    pub(crate) fn of(self, quantiles: &Quantiles) -> Option<f64> {
        match self {
            Self::P50 => quantiles.p50,
            Self::P90 => quantiles.p90,
            Self::P99 => quantiles.p99,
        }
    }

    pub(crate) fn interval(self, distribution: &Distribution) -> Option<Interval> {
        match self {
            Self::P50 => distribution.ci95.p50,
            Self::P90 => distribution.ci95.p90,
            Self::P99 => distribution.ci95.p99,
        }
    }

    /// The figure, unless so small a sample could not carry it whatever it holds: then a percentile would feign precision. One of
    /// enough samples that are too much alike for an interval is still the run's figure.
    pub(crate) fn carried(self, distribution: &Distribution) -> Option<f64> {
        // Gaps are many where requests are few: the mean's interval is drawn over requests.
        let enough = distribution.quantiles.count >= self.needs() && distribution.ci95.mean.is_some();
        (enough || self.interval(distribution).is_some()).then(|| self.of(&distribution.quantiles)).flatten()
    }

    /// The fewest independent samples whose extremes enclose this percentile with 95 % confidence.
    pub(crate) fn needs(self) -> u64 {
        metron_metrics::interval::samples_needed(self.share())
    }
}

/// What a person must know before believing the figures. The texts are the warnings' own.
pub(crate) fn notes(summary: &Summary) -> Vec<Warning> {
    let mut notes: Vec<Warning> = summary.run.target.insecure.then_some(Warning::Insecure).into_iter().collect();
    notes.extend(Warning::of_answers(summary));
    // Of figures that moved no interval tells anything.
    if !notes.iter().any(|note| matches!(note, Warning::Moved { .. })) {
        notes.extend(few_samples(summary));
    }
    notes
}

/// An address, whole; only a simulated engine's, of which every setting is in config.yaml, ends where `width` does.
pub(crate) fn short_url(url: &str, width: usize) -> String {
    const CUT: &str = "&...";
    if !url.starts_with("sim:") || url.chars().count() <= width {
        return url.to_owned();
    }
    let fits = |end: &usize| url[..*end].chars().count() + CUT.len() <= width;
    let end = url.match_indices('&').map(|(end, _)| end).rfind(fits);
    end.map_or_else(|| url.to_owned(), |end| format!("{}{CUT}", &url[..end]))
}

/// The first percentile of TTFT without an interval; the other figures per request mostly share its fate.
fn few_samples(summary: &Summary) -> Option<Warning> {
    let ttft = distribution(&summary.metrics, "ttft")?;
    let short = Percentile::ALL.into_iter().find(|percentile| percentile.interval(ttft).is_none())?;
    Some(Warning::FewSamples {
        metric: "ttft",
        percentile: short.name(),
        has: ttft.quantiles.count,
        needs: short.needs(),
    })
}
