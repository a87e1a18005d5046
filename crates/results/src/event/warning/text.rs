//! What each warning says: one line, what it is, and after a semicolon what to do.

use std::fmt;

use metron_metrics::ErrorClass;

use super::{Measured, Warning};
use crate::calibration::{Beyond, Load};

/// One line: what it is, and after a semicolon what to do. Parts from outside are not safe for a terminal.
impl fmt::Display for Warning {
    #[expect(clippy::too_many_lines, reason = "an arm a warning, and each is one sentence")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TokenizerAssumed { name } => write!(
                f,
                "no tokenizer of the model was named, so {name} stands in and prompt lengths are approximate; \
                 name the model's with --tokenizer PATH/tokenizer.json"
            ),
            Self::Insecure => f.write_str("CERTIFICATES ARE NOT CHECKED (--insecure); trust a private root with --ca FILE instead"),
            Self::ClientBusy { busy, workers } => write!(
                f,
                "this client was {busy} busy, so its own delay may be in the figures; use --workers {} or another machine",
                workers.saturating_mul(2)
            ),
            Self::LateDispatch { p99 } => write!(
                f,
                "requests left up to {p99} late (p99); judge by ttft_from_schedule, lower --rate or use more --workers"
            ),
            Self::ClientStalled { at, lasted } => write!(
                f,
                "this process stood still for {lasted} at {at}; run it on a machine with nothing else to do"
            ),
            Self::WallClockStepped { by_ns } => write!(
                f,
                "the wall clock was set by {} ms during the run; figures are unaffected, joining with server logs is not",
                by_ns / 1_000_000
            ),
            Self::NoKernelStamps => f.write_str(
                "the kernel gives no receive stamps here, so arrivals are stamped after each read; keep the client's load low",
            ),
            Self::HeldBack { max_in_flight } => write!(
                f,
                "--max-in-flight {max_in_flight} holds requests back, so the load is below its rate; raise it, or read ttft_from_schedule"
            ),
            Self::Failing { class, example } => write!(f, "requests fail with {}: {example}{}", class.name(), advice(*class)),
            Self::Unstreamed { count, of } => write!(
                f,
                "{count} of {of} answers came whole where a stream was asked, so they have no gaps and no deadlines; \
                 check that the server and every proxy before it stream"
            ),
            Self::CountMismatch { share } => write!(
                f,
                "the server's token counts and the text disagree for {share} of the requests; \
                 name the model's tokenizer with --tokenizer PATH/tokenizer.json"
            ),
            Self::UncleanEnd { count } => write!(
                f,
                "{count} answers were complete but cut before the end of their HTTP framing; look at the proxy or the server's log"
            ),
            Self::SharedReads { share, period, read_after } => {
                let period =
                    period.map_or_else(String::new, |period| format!(", in bursts up to {period} apart"));
                write!(f, "{share} of the chunks were read together with another of their stream{period}, ")?;
                match read_after {
                    None => f.write_str(
                        "so gaps are those of a buffer on the way; turn off buffering in the proxy (metron probe shows it)",
                    ),
                    Some(lag) => write!(
                        f,
                        "and this client left them in the kernel for {lag} in the median, so gaps may be its own; use more \
                         --workers, or give it processors that nothing else uses"
                    ),
                }
            }
            Self::Moved { early, late } if late > early => write!(
                f,
                "TTFT rose over the run, from a median of {early} in its first third to {late} in its last, so the figures hang on the \
                 run's length; lower the load (metron capacity finds the highest that holds), or see whether the server wears out"
            ),
            Self::Moved { early, late } => write!(
                f,
                "TTFT fell over the run, from a median of {early} in its first third to {late} in its last, so the figures hang on the \
                 run's length; leave what warms up out with --warmup or --warmup-requests"
            ),
            Self::FewSamples { metric, percentile, has, needs } if has >= needs => write!(
                f,
                "the {percentile} of {metric} has no interval, since requests that wait together, or under a load that changes, are \
                 alike: {has} of them tell too little; use --requests {} or more, or a load that stays the same",
                has.saturating_mul(2)
            ),
            Self::FewSamples { metric, percentile, has, needs } => write!(
                f,
                "{has} {} too few for the {percentile} of {metric}; use --requests {needs} or more",
                if *has == 1 { "sample is" } else { "samples are" }
            ),
            Self::NotAsAsked { what: Measured::Rate, asked, achieved } => write!(
                f,
                "{achieved:.4} requests a second left where {asked:.4} were asked; use more --workers, or raise --max-in-flight"
            ),
            Self::NotAsAsked { what: Measured::Prompts, asked, achieved } => write!(
                f,
                "prompts have {achieved:.1} tokens in the mean by the server's count where {asked:.1} were asked; name the model's \
                 tokenizer with --tokenizer PATH/tokenizer.json"
            ),
            Self::NotAsAsked { what: Measured::Answers, asked, achieved } => write!(
                f,
                "answers have {achieved:.1} tokens in the mean where {asked:.1} were asked; if the model should not stop of its own, \
                 --body '{{\"ignore_eos\": true}}' tells servers that know it"
            ),
            Self::OtherTokenizer => f.write_str(
                "the server counts prompts otherwise than the tokenizer that was named, so their lengths are approximate; name the \
                 model's own with --tokenizer PATH/tokenizer.json"
            ),
            Self::Clamped { count } => write!(
                f,
                "{count} lengths were drawn outside 1 to 10000000 tokens and moved to the nearer end; choose a distribution within"
            ),
            Self::ServerMetrics { url, message } => write!(
                f,
                "no metrics from {url}: {message}; the run goes on without them, check --server-metrics"
            ),
            Self::Telemetry { url, message } => write!(
                f,
                "the collector at {url} does not take telemetry: {message}; the run goes on without it, check --otlp"
            ),
            Self::Redirected { to } => write!(
                f,
                "the server redirects to {to} and redirects are not followed in a run; use --url {to} or --follow-redirects"
            ),
            Self::BeyondCalibration { beyond } => write_beyond(f, beyond),
            Self::DescriptorsRaised { from, to } => write!(
                f,
                "the limit of open files was raised from {from} to {to} for this run; set it beforehand with ulimit -n {to}"
            ),
        }
    }
}

fn write_beyond(f: &mut fmt::Formatter<'_>, Beyond { load, holds }: &Beyond) -> fmt::Result {
    let (load, holds) = (Shown(load), Shown(holds));
    write!(
        f,
        "this run had {load}, and this client was found right up to {holds} on this machine; lower the load, or see metron calibrate"
    )
}

/// A load in words.
struct Shown<'a>(&'a Load);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Load { streams, tokens_per_s } = self.0;
        write!(f, "{streams} stream{}", if *streams == 1 { "" } else { "s" })?;
        tokens_per_s.map_or(Ok(()), |rate| write!(f, " at {rate:.0} tokens/s"))
    }
}

/// What to do about failures of a class; empty where the message itself has to say it.
fn advice(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Dns => "; check the host name in --url",
        ErrorClass::Connect => "; check that the server listens at --url",
        ErrorClass::Tls => "; name a private root with --ca FILE, or use --insecure",
        ErrorClass::TimeoutConnect => "; check the network, or raise --timeout-connect",
        ErrorClass::ClientResource => "; raise ulimit -n, or lower the load",
        ErrorClass::Http3xx => "; use the address it names, or --follow-redirects",
        ErrorClass::Http429 => "; the server limits the rate: lower --rate or --concurrency",
        ErrorClass::TimeoutFirstToken => "; the server is behind: lower the load, or raise --timeout-first-token",
        ErrorClass::TimeoutIdle => "; raise --timeout-idle if such pauses are expected",
        ErrorClass::TimeoutTotal => "; raise --timeout if such long answers are expected",
        ErrorClass::Protocol => "; check that --url is an LLM endpoint, and --endpoint its API",
        ErrorClass::ConnectionLost => "; check http:// or https:// in --url, then the server's log",
        ErrorClass::Http4xx
        | ErrorClass::Http5xx
        | ErrorClass::StreamError
        | ErrorClass::Truncated
        | ErrorClass::Empty => "; look at the server's log",
    }
}

#[cfg(test)]
mod tests {
    use metron_units::{Nanos, Share};

    use super::*;

    #[test]
    fn every_warning_is_one_line_that_says_what_to_do() {
        let half = Share::new(0.5).expect("a share");
        let failing = |class| Warning::Failing { class, example: "x".to_owned() };
        let warnings = [
            Warning::TokenizerAssumed { name: "o200k_base".to_owned() },
            Warning::Insecure,
            Warning::ClientBusy { busy: half, workers: 2 },
            Warning::LateDispatch { p99: Nanos::from_millis(3) },
            Warning::ClientStalled { at: Nanos::from_secs(1), lasted: Nanos::from_secs(2) },
            Warning::WallClockStepped { by_ns: -3_600_000_000_000 },
            Warning::NoKernelStamps,
            Warning::HeldBack { max_in_flight: 4 },
            Warning::Unstreamed { count: 1, of: 2 },
            Warning::CountMismatch { share: half },
            Warning::UncleanEnd { count: 1 },
            Warning::SharedReads { share: half, period: Some(Nanos::from_millis(200)), read_after: None },
            Warning::SharedReads { share: half, period: None, read_after: Some(Nanos::from_millis(5)) },
            Warning::Moved { early: Nanos::from_millis(20), late: Nanos::from_millis(40) },
            Warning::Moved { early: Nanos::from_millis(40), late: Nanos::from_millis(20) },
            Warning::FewSamples { metric: "ttft", percentile: "p99", has: 50, needs: 662 },
            Warning::NotAsAsked { what: Measured::Rate, asked: 2.0, achieved: 1.0 },
            Warning::NotAsAsked { what: Measured::Prompts, asked: 2.0, achieved: 1.0 },
            Warning::NotAsAsked { what: Measured::Answers, asked: 2.0, achieved: 1.0 },
            Warning::Clamped { count: 3 },
            Warning::OtherTokenizer,
            Warning::Redirected { to: "http://x".to_owned() },
            Warning::BeyondCalibration {
                beyond: Beyond {
                    load: Load { streams: 2_048, tokens_per_s: Some(1e5) },
                    holds: Load { streams: 1_024, tokens_per_s: None },
                },
            },
            Warning::ServerMetrics { url: "http://x/metrics".to_owned(), message: "status 404".to_owned() },
            Warning::Telemetry { url: "http://x:4318".to_owned(), message: "status 403".to_owned() },
            Warning::DescriptorsRaised { from: 32, to: 64 },
        ];
        for warning in warnings.into_iter().chain(ErrorClass::ALL.map(failing)) {
            let text = warning.to_string();
            let (what, todo) = text.split_once("; ").expect(&text);
            assert!(!what.is_empty() && todo.len() > 8 && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn one_sample_is_not_samples() {
        let few = |has| Warning::FewSamples { metric: "ttft", percentile: "p50", has, needs: 6 }.to_string();
        assert_eq!(few(1), "1 sample is too few for the p50 of ttft; use --requests 6 or more");
        assert_eq!(few(2), "2 samples are too few for the p50 of ttft; use --requests 6 or more");
        assert!(few(10).ends_with("use --requests 20 or more, or a load that stays the same"), "{}", few(10));
    }

    #[test]
    fn a_busy_client_is_told_the_number_of_workers_to_use() {
        let text = Warning::ClientBusy { busy: Share::new(0.9).expect("a share"), workers: 2 }.to_string();
        assert!(text.contains("90 % busy") && text.ends_with("use --workers 4 or another machine"), "{text}");
    }
}
