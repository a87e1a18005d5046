//! Tests of what is told of a trace.

use metron_units::Share;

use super::*;
use crate::trace::TraceOptions;

fn of(text: &str) -> Inspection {
    inspect(Trace::read(std::io::Cursor::new(text.to_owned()), TraceOptions::default()).unwrap(), None)
}

#[test]
fn everything_in_a_trace_is_told() {
    let told = of("Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
                   10,a,1,GPT-4,100,10,110,Conversation log\n12,b,1,GPT-4,300,30,330,Conversation log\n\
                   16,a,1,ChatGPT,200,0,200,API log\nx,a,1,GPT-4,1,1,2,API log\n");
    assert_eq!((told.format, told.requests, told.failed, told.faults.count), (TraceFormat::BurstGpt, 3, 1, 1));
    let times = told.times.unwrap();
    assert_eq!((times.requests, times.span), (3, Nanos::from_secs(6)));
    assert_eq!(times.rate, Some(2.0 / 6.0));
    // Gaps of 2 s and 4 s: mean 3 s, deviation sqrt(2) s.
    assert!((times.gap_variation.unwrap() - 2_f64.sqrt() / 3.0).abs() < 1e-12);
    assert_eq!(told.input_tokens.quantile(0.5), Some(Tokens::new(200)));
    assert_eq!(told.input_tokens.mean(), Some(200.0));
    assert_eq!(told.input_tokens.deviation(), Some(100.0));
    assert_eq!((told.sessions.requests, told.sessions.count, told.sessions.is_complete), (3, 2, true));
    assert_eq!(told.models, BTreeMap::from([("ChatGPT".to_owned(), 1), ("GPT-4".to_owned(), 2)]));
    assert_eq!(told.classes["API log"], 1);
    // (100, 10), (300, 30), (200, 0).
    assert!((told.correlation.coefficient().unwrap() - 0.654_653_670_707_977).abs() < 1e-12);
}

#[test]
fn what_a_cache_could_save_is_a_share_of_all_input() {
    let line = |at: u32, input: u32, ids: &str| {
        format!("{{\"timestamp\": {at}, \"input_length\": {input}, \"output_length\": 1, \"hash_ids\": [{ids}]}}\n")
    };
    let told = of(&(line(0, 1000, "1, 2") + &line(5, 1500, "1, 2, 3") + &line(6, 700, "9, 2")));
    assert_eq!(told.prefixes.requests, 3);
    assert_eq!(told.prefixes.reuse.share(), Share::of(1024, 3200));
}

#[test]
fn what_a_trace_does_not_say_is_none() {
    let told = of("{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n");
    assert_eq!((told.requests, told.with_content), (2, 2));
    let trace = Trace::read(&b"{\"prompt\": \"a b c\"}"[..], TraceOptions::default()).unwrap();
    let counted = inspect(trace, Some(&Tokenizer::default()));
    assert_eq!((counted.input_tokens.sum(), counted.output_tokens.count()), (3, 0));
    assert!(told.times.is_none());
    assert_eq!((told.input_tokens.quantile(0.5), told.input_tokens.mean()), (None, None));
    assert_eq!((told.correlation.coefficient(), told.prefixes.reuse.share()), (None, None));
    let one = of("timestamp_s,input_tokens,output_tokens\n5,1,1\n").times.unwrap();
    assert_eq!((one.span, one.rate, one.gap_variation), (Nanos::ZERO, None, None));
}
