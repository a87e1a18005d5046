//! What to do about what a probe found. Knows only the finished report.

use metron_results::probe::{Pattern, ProbeReport, ToldBy, UsageFound};

/// Beyond this the clocks are worth a word: logs of the two sides cannot be joined.
const APART_S: f64 = 2.0;

/// One line for each thing that a measurement of this endpoint should reckon with.
pub(super) fn of(report: &ProbeReport) -> Vec<String> {
    let answer = &report.answer;
    let mut advice = Vec::new();
    if report.endpoint.told_by == ToldBy::Server || report.endpoint.told_by == ToldBy::Nobody {
        advice.push(format!("pin the API: --endpoint {}", report.endpoint.name));
    }
    if answer.outcome != "completed" {
        advice.push("the answer failed: mend that first; what stands here of answers is of a failed one".to_owned());
        return advice;
    }
    if !answer.streamed {
        let what = "answers come whole, so there are no gaps between tokens to measure: let the server and every proxy before it stream, or say --no-stream";
        advice.push(what.to_owned());
    }
    advice.extend(held_back(report));
    if answer.usage == UsageFound::Missing {
        let what = "the server tells no token counts: name the model's tokenizer with --tokenizer PATH/tokenizer.json";
        advice.push(what.to_owned());
    }
    if answer.tokens_per_chunk.is_some_and(|tokens| tokens > 1.1) {
        advice.push(format!(
            "an event carries {:.1} tokens: judge by tbt and fluidity, which count them, and not by gaps between events",
            answer.tokens_per_chunk.unwrap_or_default()
        ));
    }
    if answer.events_before_first_token.is_some_and(|leading| leading.any && leading.lead_s > 0.001) {
        let lead = answer.events_before_first_token.map_or(0.0, |leading| leading.lead_s * 1e3);
        advice.push(format!(
            "an event without a token comes {lead:.0} ms before the first one: a client that takes it for a token reports so much less TTFT; metron does not"
        ));
    }
    if report.http.keeps_alive == Some(false) {
        let what = "each request needs a connection of its own: TTFT does not hold it, but the load on the server does";
        advice.push(what.to_owned());
    }
    if report.http.compression.is_some() {
        let what = "streams are compressed where a client offers it; metron does not unless --header 'Accept-Encoding: gzip' is given";
        advice.push(what.to_owned());
    }
    if let Some(clock) = report.clock.filter(|clock| clock.low_s > APART_S || clock.high_s < -APART_S) {
        advice.push(format!(
            "the server's clock is {:+.1} to {:+.1} s off this one's: figures are unaffected, joining with its logs is not",
            clock.low_s, clock.high_s
        ));
    }
    advice
}

fn held_back(report: &ProbeReport) -> Option<String> {
    let answer = &report.answer;
    let each = answer.chunks as f64 / answer.arrivals.groups.max(1) as f64;
    match answer.arrivals.pattern {
        Pattern::AtOnce => Some(format!(
            "all {} events came at once after {:.0} ms: something buffers the whole answer, and its TTFT is that of the last token; turn off buffering in the proxy (nginx: proxy_buffering off)",
            answer.chunks,
            answer.ttft_s.unwrap_or_default() * 1e3
        )),
        Pattern::Bursts if answer.arrivals.read_late => Some(format!(
            "events come {each:.0} at a time, every {:.0} ms, and this client read them late: the pattern may be its own; ask again from a machine that has less to do",
            answer.arrivals.period_s.unwrap_or_default() * 1e3
        )),
        Pattern::Bursts => Some(format!(
            "events come {each:.0} at a time, every {:.0} ms: something holds them back, and gaps are its own; turn off buffering in the proxy (nginx: proxy_buffering off; haproxy: option http-no-delay)",
            answer.arrivals.period_s.unwrap_or_default() * 1e3
        )),
        Pattern::Steady | Pattern::Unknown => None,
    }
}
