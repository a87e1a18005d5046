//! The rows of the catalogue, in the order in which metrics are shown: that of the variants of [`Metric`].

use super::{Better, Entry, Kind, Metric, Unit};

const fn row(
    metric: Metric,
    name: &'static str,
    (unit, better, kind): (Unit, Better, Kind),
    sentence: &'static str,
) -> Entry {
    Entry { metric, name, unit, better, kind, sentence }
}

const LATENCY: (Unit, Better, Kind) = (Unit::Seconds, Better::Lower, Kind::PerRequest);
const GAP: (Unit, Better, Kind) = (Unit::Seconds, Better::Lower, Kind::PooledGaps);
const COUNT: (Unit, Better, Kind) = (Unit::Tokens, Better::Neither, Kind::PerRequest);
const REQUEST_RATE: (Unit, Better, Kind) = (Unit::RequestsPerSecond, Better::Higher, Kind::Value);
const TOKEN_RATE: (Unit, Better, Kind) = (Unit::TokensPerSecond, Better::Higher, Kind::Value);

/// Every metric, in the order in which it is shown.
pub const CATALOGUE: &[Entry] = &[
    row(
        Metric::Ttft,
        "ttft",
        LATENCY,
        "Time to first token: from just before the request's first byte was sent to the arrival of its first output token.",
    ),
    row(
        Metric::TtftFromSchedule,
        "ttft_from_schedule",
        LATENCY,
        "Time to first token counted from the instant the arrival plan wanted the request to leave, so that a late client cannot flatter the server.",
    ),
    row(
        Metric::TimeToFirstAnswerToken,
        "time_to_first_answer_token",
        LATENCY,
        "Time to the first token that is answer and not reasoning.",
    ),
    row(
        Metric::Tbt,
        "tbt",
        GAP,
        "Time between tokens: the gap before each token after a request's first, all requests pooled; tokens that arrive together have gaps of 0.",
    ),
    row(
        Metric::InterChunkLatency,
        "inter_chunk_latency",
        GAP,
        "The gap before each chunk after a request's first, all requests pooled; a chunk may carry several tokens.",
    ),
    row(
        Metric::Tpot,
        "tpot",
        LATENCY,
        "Time per output token: from a request's first to its last token, divided by the tokens after the first.",
    ),
    row(
        Metric::E2eLatency,
        "e2e_latency",
        LATENCY,
        "End-to-end latency: from dispatch to the arrival of the last token.",
    ),
    row(
        Metric::NormalizedLatency,
        "normalized_latency",
        LATENCY,
        "End-to-end latency divided by the request's output tokens.",
    ),
    row(
        Metric::OutputTokenRate,
        "output_token_rate",
        (Unit::TokensPerSecond, Better::Higher, Kind::PerRequest),
        "A request's output tokens divided by its end-to-end latency: what one user gets.",
    ),
    row(
        Metric::FluidityIndex,
        "fluidity_index",
        (Unit::Share, Better::Higher, Kind::PerRequest),
        "The share of a request's token deadlines that were met, with early tokens paying for later ones; a failed request has 0.",
    ),
    row(
        Metric::MinTbtDeadline,
        "min_tbt_deadline",
        LATENCY,
        "The tightest deadline between tokens that the request could have been promised without missing more than the target share of its deadlines.",
    ),
    row(
        Metric::InputTokens,
        "input_tokens",
        COUNT,
        "Prompt tokens of a request: the server's count, or else the plan's.",
    ),
    row(
        Metric::OutputTokens,
        "output_tokens",
        COUNT,
        "Output tokens of a request: the server's count, or else what its chunks carried.",
    ),
    row(
        Metric::Connect,
        "connect",
        LATENCY,
        "Time to open a connection (name, TCP, TLS), for requests that opened one; never part of the time to first token.",
    ),
    row(
        Metric::RequestThroughput,
        "request_throughput",
        REQUEST_RATE,
        "Completed requests a second, from the first dispatch to the end of the last completed request.",
    ),
    row(
        Metric::OutputTokenThroughput,
        "output_token_throughput",
        TOKEN_RATE,
        "Output tokens of completed requests a second, unseen ones included, from the first dispatch to the end of the last completed request.",
    ),
    row(
        Metric::TotalTokenThroughput,
        "total_token_throughput",
        TOKEN_RATE,
        "Input and output tokens of completed requests a second, from the first dispatch to the end of the last completed request.",
    ),
    row(
        Metric::SteadyRequestThroughput,
        "steady_request_throughput",
        REQUEST_RATE,
        "Completed requests a second between the first completion and the last dispatch: without filling up and draining.",
    ),
    row(
        Metric::SteadyOutputTokenThroughput,
        "steady_output_token_throughput",
        TOKEN_RATE,
        "Output tokens a second of the requests that completed between the first completion and the last dispatch.",
    ),
    row(
        Metric::SteadyTotalTokenThroughput,
        "steady_total_token_throughput",
        TOKEN_RATE,
        "Input and output tokens a second of the requests that completed between the first completion and the last dispatch.",
    ),
    row(
        Metric::TpotTokenRate,
        "tpot_token_rate",
        TOKEN_RATE,
        "1 / mean TPOT: the token rate that averages suggest, blind to stalls.",
    ),
    row(
        Metric::TbtTokenRate,
        "tbt_token_rate",
        TOKEN_RATE,
        "1 / p99 TBT: the token rate that the worst gaps suggest, blind to tokens that came early.",
    ),
    row(
        Metric::DeadlineMissRate,
        "deadline_miss_rate",
        (Unit::Share, Better::Lower, Kind::Value),
        "Token deadlines missed over all token deadlines of the completed requests together.",
    ),
    row(
        Metric::FluidRequestShare,
        "fluid_request_share",
        (Unit::Share, Better::Higher, Kind::Value),
        "The share of requests that missed at most the target share of their deadlines, a fluidity-index of 0.9 by default; failures count against it.",
    ),
    row(
        Metric::FluidTokenGenerationRate,
        "fluid_token_generation_rate",
        TOKEN_RATE,
        "The tokens a second that 99 % of requests could be promised without missing more than the target share of their deadlines; needs 100 requests.",
    ),
    row(Metric::Goodput, "goodput", REQUEST_RATE, "Requests a second that completed and met every stated objective."),
    row(
        Metric::ErrorRate,
        "error_rate",
        (Unit::Share, Better::Lower, Kind::Value),
        "Failed requests over completed and failed ones.",
    ),
];
