//! Tests of written traces: what is written reads back, and what cannot be held is told.

use super::*;
use crate::trace::examples::{FIXTURES, short};
use crate::trace::{Trace, TraceOptions};

fn read(bytes: Vec<u8>) -> Vec<TraceRequest> {
    let trace = Trace::read(std::io::Cursor::new(bytes), TraceOptions::default()).unwrap();
    trace.map(|request| request.unwrap_or_else(|refused| panic!("{refused}"))).collect()
}

fn written_as(requests: &[TraceRequest], to: TraceFormat) -> Result<(String, BTreeMap<&'static str, u64>), WriteError> {
    let mut writer = Writer::new(to, Vec::new())?;
    requests.iter().try_for_each(|request| writer.write(request))?;
    let (bytes, lost) = writer.finish()?;
    Ok((String::from_utf8(bytes).unwrap(), lost))
}

const WRITTEN: [TraceFormat; 6] = [
    TraceFormat::Metron,
    TraceFormat::Mooncake,
    TraceFormat::Azure,
    TraceFormat::AzureMultimodal,
    TraceFormat::BurstGpt,
    TraceFormat::Csv,
];

#[test]
fn what_is_written_is_told_as_its_format_and_reads_back() {
    let mut crossed = 0;
    for (text, _, _) in FIXTURES {
        let requests = read(text.into());
        for to in WRITTEN {
            let Ok((written, lost)) = written_as(&requests, to) else { continue };
            crossed += 1;
            let trace = Trace::read(std::io::Cursor::new(written.clone()), TraceOptions::default()).unwrap();
            assert_eq!(trace.format(), to, "{written}");
            let back = read(written.clone().into());
            let first = requests.first().and_then(|request| request.at).unwrap_or_default();
            for (before, after) in requests.iter().zip(&back) {
                assert_eq!(before.input_tokens, after.input_tokens, "{written}");
                assert_eq!(before.output_tokens, after.output_tokens, "{written}");
                // Dates know no start of the trace, so the first one is it.
                let origin = if written.contains("TIMESTAMP") { first } else { Nanos::ZERO };
                assert_eq!(before.at.map(|at| at - origin), after.at, "{written}");
                if lost.is_empty() {
                    assert_eq!(short(&TraceRequest { at: after.at, ..before.clone() }), short(after), "{written}");
                }
            }
            assert_eq!(requests.len(), back.len());
        }
    }
    assert!(crossed > 50, "{crossed}");
}

#[test]
fn a_format_s_own_requests_lose_nothing() {
    for (text, of, _) in FIXTURES {
        // Sessions of AIPerf may lack what Mooncake itself must have.
        if WRITTEN.contains(&of) && !text.contains("text_input") {
            let (written, lost) = written_as(&read(text.into()), of).unwrap();
            assert!(lost.is_empty(), "{of} {lost:?}: {written}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_told_beside_what_was_written() {
    let text = "timestamp_s,input_tokens,output_tokens\n1,2,3\nx,2,3\n2,2,3\n";
    let trace = Trace::read(text.as_bytes(), TraceOptions::default()).unwrap();
    let mut out = Vec::new();
    let Converted { written, faults, .. } = convert(trace, TraceFormat::Azure, &mut out).unwrap();
    assert_eq!((written, faults.count), (2, 1));
    assert_eq!(read(out).len(), 2);
}

#[test]
fn what_a_format_cannot_hold_is_counted() {
    let bailian = FIXTURES.iter().find(|(_, of, _)| *of == TraceFormat::Bailian).unwrap().0;
    let (written, lost) = written_as(&read(bailian.into()), TraceFormat::Mooncake).unwrap();
    assert!(written.starts_with("{\"timestamp\": 12250, \"input_length\": 20, \"output_length\": 4}\n"), "{written}");
    let expected = [("class", 2), ("hash ids of other blocks", 2), ("id", 2), ("parent", 1), ("turn", 2)];
    assert_eq!(lost, BTreeMap::from(expected));
    let fine = TraceRequest {
        at: Some(Nanos::new(1_234_567_891_250)),
        input_tokens: Some(Tokens::new(1)),
        output_tokens: Some(Tokens::new(2)),
        ..TraceRequest::default()
    };
    let (written, lost) = written_as(&[fine], TraceFormat::Azure).unwrap();
    assert_eq!(written, "TIMESTAMP,ContextTokens,GeneratedTokens\n1970-01-01 00:20:34.5678912,1,2\n");
    assert_eq!(lost, BTreeMap::from([("time below 100 ns", 1)]));
}

#[test]
fn what_a_format_must_have_is_asked_for() {
    let refused = |request: TraceRequest, to| written_as(&[request], to).unwrap_err().to_string();
    let bare = TraceRequest { line: 7, input_tokens: Some(Tokens::new(1)), ..TraceRequest::default() };
    assert_eq!(
        refused(bare.clone(), TraceFormat::Azure),
        "line 7: the request has no instant, and azure must have one"
    );
    let timed = TraceRequest { at: Some(Nanos::ZERO), ..bare };
    assert!(refused(timed, TraceFormat::BurstGpt).contains("no output length"));
    assert!(refused(TraceRequest::default(), TraceFormat::Csv).contains("no input length"));
    assert!(refused(TraceRequest::default(), TraceFormat::Etalon).contains("`etalon` is read, not written"));
}

#[test]
fn texts_with_marks_and_line_ends_come_through() {
    let prompt = " a \"quoted\", text;\n\r\nwith\tends\u{2028} and =1+1 ".to_owned();
    for to in [TraceFormat::Metron, TraceFormat::Mooncake, TraceFormat::Csv] {
        let request = TraceRequest {
            at: Some(Nanos::new(5)),
            input_tokens: Some(Tokens::new(1)),
            output_tokens: Some(Tokens::new(2)),
            content: Content::Prompt(prompt.clone()),
            ..TraceRequest::default()
        };
        let back = read(written_as(&[request], to).unwrap().0.into());
        // A cell of a table is read without the spaces around it.
        let expected = if to == TraceFormat::Csv { prompt.trim() } else { prompt.as_str() };
        assert_eq!(back[0].content, Content::Prompt(expected.to_owned()), "{to}");
    }
}
