//! Records and facts for tests: any that can be, and a few by hand.

use metron_metrics::{Chunk, CountedBy, Deadlines, ErrorClass, Failure, Outcome, Phase, RequestRecord, Texts};
use metron_units::{Nanos, Share, Tokens};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::RunFacts;
use crate::summary::{Host, Load, Run, Target};

/// A completed request of three chunks and five tokens.
pub(crate) fn record(id: u64) -> RequestRecord {
    let at = |ms| Nanos::from_millis(1_000 * id + ms);
    RequestRecord {
        id,
        phase: Phase::Measured,
        session: None,
        turn: None,
        class: None,
        attempt: 1,
        intended: Some(at(0)),
        dispatched: Some(at(1)),
        headers: Some(at(90)),
        finished: Some(at(141)),
        connect: Some(Nanos::new(1_234_567)),
        status: Some(200),
        outcome: Outcome::Completed,
        finish_reason: Some("stop".to_owned()),
        streamed: true,
        unclean_end: false,
        planned_input_tokens: Tokens::new(512),
        input_tokens: Tokens::new(515),
        output_tokens: Tokens::new(5),
        unseen_tokens: Tokens::new(0),
        counted_by: Some(CountedBy::Usage),
        count_mismatch: false,
        chunks: [(101, 1), (121, 2), (141, 2)].map(|(ms, tokens)| Chunk { arrived: at(ms), tokens }).to_vec(),
        first_answer_chunk: Some(0),
        shared_reads: 0,
        deadlines: Deadlines { ttft: Nanos::from_millis(300), tbt: Nanos::from_millis(30) },
        texts: None,
    }
}

/// The same, refused by the server.
pub(crate) fn refused(id: u64) -> RequestRecord {
    RequestRecord {
        outcome: Outcome::Failed(Failure { class: ErrorClass::Http5xx, message: "overloaded".to_owned() }),
        chunks: Vec::new(),
        first_answer_chunk: None,
        counted_by: None,
        finish_reason: None,
        status: Some(503),
        output_tokens: Tokens::new(0),
        ..record(id)
    }
}

/// Facts of a run of `planned` requests.
pub(crate) fn facts(planned: u64) -> RunFacts {
    RunFacts {
        run: Run {
            id: "01".to_owned(),
            name: "test".to_owned(),
            started_at: "2026-01-02T03:04:05Z".to_owned(),
            metron_version: "0.1.0".to_owned(),
            seed: 7,
            duration_s: None,
            target: Target {
                url: "http://127.0.0.1:8000/v1/chat/completions".to_owned(),
                endpoint: "chat".to_owned(),
                model: Some("m".to_owned()),
                insecure: false,
                unstreamed: false,
            },
            load: Load::Open {
                rate: Some(1.0),
                arrivals: "poisson".to_owned(),
                steady: Some(true),
                max_in_flight: None,
            },
            command: vec!["metron".to_owned(), "run".to_owned()],
            host: Host { os: "linux".to_owned(), kernel: None, cpu: None, cores: 2 },
        },
        epoch_unix_ns: 1_767_323_045_000_000_000,
        planned: Some(planned),
        ttft_deadline: Nanos::from_millis(300),
        prefill_profile: None,
        tbt_deadline: Nanos::from_millis(30),
        target_miss_rate: Share::new(0.1).expect("a share"),
        save_text: false,
        objectives: vec!["p99 ttft <= 500ms".to_owned()],
        classes: Vec::new(),
    }
}

fn instant() -> impl Strategy<Value = Nanos> {
    (0_u64..1 << 50).prop_map(Nanos::new)
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let class = (0..ErrorClass::ALL.len()).prop_map(|k| ErrorClass::ALL[k]);
    let failed = (class, ".{0,12}").prop_map(|(class, message)| Outcome::Failed(Failure { class, message }));
    prop_oneof![Just(Outcome::Completed), Just(Outcome::Cancelled), failed]
}

fn chunks() -> impl Strategy<Value = Vec<Chunk>> {
    vec((instant(), 1_u32..9), 0..12).prop_map(|mut chunks| {
        chunks.sort_unstable();
        chunks.into_iter().map(|(arrived, tokens)| Chunk { arrived, tokens }).collect()
    })
}

fn texts() -> impl Strategy<Value = Texts> {
    (".{0,9}", ".{0,9}", ".{0,9}").prop_map(|(prompt, answer, reasoning)| Texts { prompt, answer, reasoning })
}

/// Any record that a run can write.
pub(crate) fn any_record() -> impl Strategy<Value = RequestRecord> {
    let who = (of(any::<u64>()), of(any::<u32>()), of("[a-z]{1,4}"), 1_u32..3, any::<bool>());
    let when = (of(instant()), of(instant()), of(instant()), of(instant()), of(instant()));
    let how = (of(any::<u16>()), outcome(), of(".{0,6}"), any::<bool>(), any::<bool>());
    let tokens = (0_u64..1 << 40, 0_u64..1 << 40, 0_u64..1 << 40, 0_u64..1 << 40);
    let count = (of(0..CountedBy::ALL.len()), any::<bool>(), any::<u32>(), any::<bool>());
    let deadlines = (instant(), instant());
    let parts = (who, when, how, tokens, count, deadlines, chunks(), of(texts()));
    parts.prop_map(|(who, when, how, tokens, count, deadlines, chunks, texts)| RequestRecord {
        id: 0,
        phase: if who.4 { Phase::Measured } else { Phase::Warmup },
        session: who.0,
        turn: who.1,
        class: who.2,
        attempt: who.3,
        intended: when.0,
        dispatched: when.1,
        headers: when.2,
        finished: when.3,
        connect: when.4,
        status: how.0,
        outcome: how.1,
        finish_reason: how.2,
        streamed: how.3,
        unclean_end: how.4,
        planned_input_tokens: Tokens::new(tokens.0),
        input_tokens: Tokens::new(tokens.1),
        output_tokens: Tokens::new(tokens.2),
        unseen_tokens: Tokens::new(tokens.3),
        counted_by: count.0.map(|k| CountedBy::ALL[k]),
        count_mismatch: count.1,
        first_answer_chunk: (count.3 && !chunks.is_empty()).then(|| chunks.len() - 1),
        chunks,
        shared_reads: count.2,
        deadlines: Deadlines { ttft: deadlines.0, tbt: deadlines.1 + Nanos::new(1) },
        texts,
    })
}

/// Any few records, with ids that rise by one.
pub(crate) fn any_records() -> impl Strategy<Value = Vec<RequestRecord>> {
    vec(any_record(), 0..12).prop_map(|mut records| {
        for (id, record) in records.iter_mut().enumerate() {
            record.id = id as u64;
        }
        records
    })
}
