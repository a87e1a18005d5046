//! Tests of traces: each format by an invented example, however its bytes come; what is refused, and where.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use metron_units::Nanos;
use proptest::prelude::*;

use super::examples::{FIXTURES, short};
use super::*;

fn open(bytes: impl Into<Vec<u8>>) -> Result<Trace, TraceError> {
    Trace::read(std::io::Cursor::new(bytes.into()), TraceOptions::default())
}

fn requests(bytes: impl Into<Vec<u8>>) -> Vec<TraceRequest> {
    open(bytes).unwrap().map(|request| request.unwrap_or_else(|refused| panic!("{refused}"))).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn check(what: &str, bytes: impl Into<Vec<u8>>, format: TraceFormat, expected: &[&str]) {
    let bytes = bytes.into();
    let trace = open(bytes.clone()).unwrap_or_else(|refused| panic!("{what} {format}: {refused}"));
    assert_eq!(trace.format(), format, "{what}");
    let read: Vec<String> = requests(bytes).iter().map(short).collect();
    assert_eq!(read, expected, "{what} {format}");
}

#[test]
fn names_of_a_conversation_are_its_own_and_its_sub_agents_unless_the_file_says_that_they_are_everybodys() {
    let names = |scope: &str| -> Vec<Vec<u64>> {
        let blocks = "\"in\": 128, \"out\": 1, \"hash_ids\": [1, 2]";
        let line = |id: &str| {
            format!(
                "{{\"id\": \"{id}\"{scope}, \"requests\": [{{\"t\": 0, {blocks}}}, \
                 {{\"t\": 1, \"type\": \"subagent\", \"agent_id\": \"x\", \"requests\": [{{\"t\": 0, {blocks}}}]}}]}}\n"
            )
        };
        let shared = requests(line("a") + &line("b")).into_iter().map(|request| request.shared);
        shared.map(|shared| if let Shared::Blocks { ids, .. } = shared { ids } else { Vec::new() }).collect()
    };
    let [a, of_a, b, of_b] = names("").try_into().unwrap();
    assert_eq!((&a, &b, a.len()), (&of_a, &of_b, 2));
    assert!(a.iter().all(|name| !b.contains(name)), "{a:?} {b:?}");
    assert_eq!(names(", \"hash_id_scope\": \"global\""), vec![vec![1, 2]; 4]);
}

#[test]
fn every_format_is_told_by_its_content_and_read() {
    for (text, format, expected) in FIXTURES {
        check("as it is", text, format, expected);
    }
    for format in TraceFormat::ALL {
        assert!(FIXTURES.iter().any(|(_, of, _)| *of == format), "{format} has no example");
        assert_eq!(TraceFormat::from_name(format.name()), Some(format));
    }
}

#[test]
fn marks_line_ends_and_packing_change_nothing() {
    for (text, format, expected) in FIXTURES {
        check("with a mark", format!("\u{feff}{text}"), format, expected);
        check("packed", gzip(text.as_bytes()), format, expected);
        check("packed with a mark", gzip(format!("\u{feff}{text}").as_bytes()), format, expected);
        check("without its last line end", text.trim_end(), format, expected);
        check("with blank lines behind", format!("{text}\n\n"), format, expected);
        // What has no name is named after its line.
        if !expected.iter().any(|request| request.contains("session line")) {
            check("with blank lines before", format!("\n\r\n{text}"), format, expected);
        }
        // A line end inside quotes is part of the text.
        if !text.contains("b\"\"\n") {
            check("with CRLF", text.replace('\n', "\r\n"), format, expected);
        }
        let mut members = gzip(&text.as_bytes()[..20]);
        members.extend(gzip(&text.as_bytes()[20..]));
        check("packed in two members", members, format, expected);
    }
}

#[test]
fn a_cut_file_is_refused_or_gives_a_true_beginning() {
    for (text, format, expected) in FIXTURES {
        for cut in 1..text.trim_end().len() {
            if !text.is_char_boundary(cut) {
                continue;
            }
            let Ok(trace) = open(&text.as_bytes()[..cut]) else { continue };
            let read: Vec<_> = trace.collect();
            let faults = read.iter().filter(|request| request.is_err()).count();
            let whole = read.iter().flatten().map(short).filter(|line| expected.contains(&line.as_str())).count();
            let given = read.iter().flatten().count();
            // A last number may have lost digits where nothing tells its end, as the last cell of a table.
            let may_be_short = usize::from(!text.starts_with(['{', '[']));
            assert!(given <= whole + may_be_short, "{format} cut at {cut}: {read:?}");
            assert!(given < expected.len() || may_be_short == 1 || faults > 0, "{format} cut at {cut}: {read:?}");
        }
    }
}

#[test]
fn a_cut_packed_file_is_told_as_such() {
    let text = FIXTURES[3].0;
    let rows: String = (0..5000).map(|i| format!("2023-11-16 19:00:00.{i:07},{},1\n", 1 + i % 97)).collect();
    let packed = gzip(format!("{text}{rows}").as_bytes());
    let read: Vec<_> = open(&packed[..packed.len() / 2]).unwrap().collect();
    let (last, rows) = read.split_last().unwrap();
    assert!(matches!(last, Err(TraceError::Unreadable { .. })), "{last:?}");
    assert!(rows.len() > 1000 && rows.iter().all(Result::is_ok));
}

/// The first refusal of a file, and how many there are.
fn faults(text: &str) -> (String, u64, usize) {
    let mut faults = Faults::default();
    let mut read = 0;
    match open(text) {
        Err(refused) => faults.add(refused),
        Ok(trace) => trace.for_each(|row| match row {
            Ok(_) => read += 1,
            Err(refused) => faults.add(refused),
        }),
    }
    (faults.first.map_or_else(String::new, |first| first.to_string()), faults.count, read)
}

fn check_refused(text: &str, says: &str, count: u64, read: usize) {
    let (message, faults, requests) = faults(text);
    assert!(message.contains(says), "{text}: {message}");
    assert_eq!((faults, requests), (count, read), "{text}: {message}");
}

const AZURE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:20:01.1,512,98\n";
const MOONCAKE: &str = "{\"timestamp\": 1, \"input_length\": 5, \"output_length\": 7}\n";

#[test]
fn a_fault_tells_line_column_value_and_what_was_expected() {
    let table = |row: &str| format!("{AZURE}{row}\n2023-11-16 18:20:02,1,1\n");
    check_refused(
        &table("2023-11-16 18:20:01.2,-5,98"),
        "line 3, column 2: `ContextTokens` is `-5`; expected a token count from 0 to 10000000",
        1,
        2,
    );
    check_refused(&table("2023-11-16 18:20:01.2,5.5,98"), "`ContextTokens` is `5.5`", 1, 2);
    check_refused(&table("2023-11-16 18:20:01.2,10000001,98"), "`ContextTokens` is `10000001`", 1, 2);
    check_refused(&table("2023-11-16 18:20:01.2,1e308,98"), "`1e308`", 1, 2);
    check_refused(&table("2023-11-16 18:20:01.2,NaN,98"), "`NaN`", 1, 2);
    check_refused(&table("2023-11-16 18:20:01.2,,98"), "line 3, column 2: `ContextTokens` is missing", 1, 2);
    check_refused(&table("61,5,98"), "line 3, column 1: `TIMESTAMP` is `61`; expected a date and time", 1, 2);
    check_refused(&table("2023-11-16 18:20:01.2,5"), "line 3, column 1: `2 fields`; expected 3 fields", 1, 2);
    check_refused(&table("2023-11-16 18:20:01.2,5,6,7"), "`4 fields`; expected 3 fields", 1, 2);

    let lines = |line: &str| format!("{MOONCAKE}{line}\n{MOONCAKE}");
    check_refused(
        &lines("{\"timestamp\": 1, \"input_length\": -5, \"output_length\": 7}"),
        "line 2, column 34: `input_length` is `-5`; expected a token count",
        1,
        2,
    );
    check_refused(&lines("{\"timestamp\": -1, \"input_length\": 5}"), "column 15: `timestamp` is `-1`", 1, 2);
    check_refused(&lines("{\"timestamp\": 1}"), "line 2, column 1: `input_length` is missing", 1, 2);
    check_refused(&lines("{\"input_length\": 5}"), "`timestamp` is missing; expected a time, or a session_id", 1, 2);
    check_refused(&lines("{\"timestamp\": 1, \"input"), "line 2, column 23", 1, 2);
    check_refused(&lines("{\"timestamp\": 1, \"timestamp\": 2}"), "`timestamp` is said twice", 1, 2);
    check_refused(&lines("[1]"), "expected", 1, 2);
    check_refused(&lines("nonsense"), "line 2, column 2: `nonsense`; expected a JSON object", 1, 2);
    check_refused(&lines("{\"timestamp\": 1, \"input_length\": 5, \"hash_ids\": [1, 2]}"), "at most one id", 1, 2);
    check_refused(&lines("{\"timestamp\": 1, \"input_length\": 5, \"hash_ids\": [-1]}"), "`[-1]`", 1, 2);
}

#[test]
fn the_first_fault_is_told_and_the_rest_are_counted() {
    let rows = "x,1,1\n2023-11-16 18:20:03,1,1\ny,1,1\n";
    check_refused(&format!("{AZURE}{rows}"), "line 3, column 1: `TIMESTAMP` is `x`", 2, 2);
}

#[test]
fn a_fault_in_an_element_of_many_lines_is_found_in_its_line() {
    let text = "[\n  {\"conversations\": [\n    {\"from\": \"human\", \"value\": \"Hi\"},\n    {\"from\": \"alien\", \
                \"value\": \"x\"}]},\n  {\"conversations\": [{\"from\": \"human\", \"value\": \"Hi\"}]}\n]";
    check_refused(text, "line 4, column 14: `from` is `\"alien\"`", 1, 1);
}

#[test]
fn what_is_no_trace_is_refused_with_a_way_out() {
    for (bytes, says, hint) in [
        (&b""[..], "is empty", "at least one request"),
        (b"  \n\n", "is empty", ""),
        (b"\xff\xfe{\0", "UTF-16", "iconv"),
        (b"PAR1....", "Parquet", "JSON lines"),
        (b"\x28\xb5\x2f\xfd....", "zstd", "zstd -d FILE"),
        (b"PK\x03\x04....", "packed", "unpack"),
        (b"a,b\n1,2\n", "columns called `a, b`", "timestamp_s,input_tokens"),
        (b"3772,54,3826\n1,2,3\n", "columns called `3772, 54, 3826`", "timestamp_s"),
        (b"input_tokens,input_tokens\n1,2\n", "two columns called `input_tokens`", "name of its own"),
        (b"{\"a\": 1}\n", "records of `a`", "mooncake"),
        (b"[]", "holds no request", ""),
        (b"[1, 2]", "expected a JSON object", ""),
        (b"{\"timestamp\": 1", "the file is cut", ""),
        (b"\x1f\x8b\x08\0\0", "cannot be read", ""),
    ] {
        let refused = open(bytes).expect_err("no trace");
        assert!(refused.to_string().contains(says), "{refused}");
        assert!(refused.hint().contains(hint), "{refused}: {}", refused.hint());
    }
}

#[test]
fn a_file_that_goes_on_as_another_format_is_refused_where_it_does() {
    let bailian = FIXTURES[8].0;
    check_refused(
        &format!("{MOONCAKE}{bailian}"),
        "line 2, column 13: `chat_id` is `4`; expected lines of one format",
        2,
        1,
    );
    let mixed = format!("{AZURE}2023-11-16 18:20:02+00:00,1,1\n");
    check_refused(&mixed, "line 3, column 1: `a time` is `a time of day with its offset", 1, 1);
    check_refused(&format!("{MOONCAKE}{}", FIXTURES[14].0), "`input_length` is missing", 2, 1);
    let after = "[{\"prompt\": \"a\"}]\n{\"prompt\": \"b\"}";
    check_refused(after, "expected the end of the file", 1, 1);
}

fn seconds(at: impl IntoIterator<Item = u64>) -> String {
    at.into_iter().fold("timestamp_s,input_tokens,output_tokens\n".to_owned(), |text, at| text + &format!("{at},1,1\n"))
}

#[test]
fn lines_near_their_place_are_put_in_order_and_counted() {
    let mut trace = open(seconds([5, 3, 4, 4, 9, 8])).unwrap();
    let read: Vec<_> = trace.by_ref().map(|row| row.unwrap()).map(|row| (row.at.unwrap(), row.line)).collect();
    let expected = [(3, 3), (4, 4), (4, 5), (5, 2), (8, 7), (9, 6)];
    assert_eq!(read, expected.map(|(at, line)| (Nanos::from_secs(at), line)));
    assert_eq!(trace.moved(), 4);
}

#[test]
fn a_line_far_from_its_place_is_refused_and_reading_goes_on() {
    let window = WINDOW as u64;
    let in_reach = (1..=window).chain([0]);
    assert_eq!(requests(seconds(in_reach)).len() as u64, window + 1);
    let (message, count, read) = faults(&seconds((2..window + 3).chain([1, window + 5])));
    assert_eq!(
        message,
        format!(
            "line {}: its time lies 1000000000 ns before that of line 2, further than the {window} \
                                 lines within which lines are put in order",
            window + 3
        )
    );
    assert_eq!((count, read as u64), (1, window + 2));
    let wider = TraceOptions { window: Some(WINDOW + 10), ..TraceOptions::default() };
    let text = seconds((2..window + 3).chain([1, window + 5]));
    assert!(Trace::read(std::io::Cursor::new(text), wider).unwrap().all(|read| read.is_ok()));
}

#[test]
fn the_start_of_a_trace_is_its_earliest_time() {
    let text = "time,input_tokens\n1970-01-01T00:00:09Z,1\n1970-01-01T00:00:07Z,2\n";
    let mut trace = open(text).unwrap();
    assert_eq!(trace.next().unwrap().unwrap().at, Some(Nanos::ZERO));
    assert_eq!(trace.started_at_unix_ns(), Some(7_000_000_000));
    assert_eq!(trace.next().unwrap().unwrap().at, Some(Nanos::from_secs(2)));
}

#[test]
fn conversations_without_a_question_are_counted() {
    let mut trace = open(FIXTURES[11].0).unwrap();
    assert_eq!(trace.by_ref().count(), 3);
    assert_eq!(trace.without_requests(), 1);
}

#[test]
fn options_outrank_what_the_format_says() {
    let text = "{\"ts\": 3, \"input_length\": 40, \"output_length\": 7, \"hash_ids\": [1, 2]}\n";
    let options = TraceOptions {
        time_unit: Some(TimeUnit::Seconds),
        block: Some(Tokens::new(32)),
        renamed: vec![("timestamp".to_owned(), "ts".to_owned())],
        format: Some(TraceFormat::Mooncake),
        window: Some(0),
    };
    let read: Vec<_> = Trace::read(text.as_bytes(), options).unwrap().map(Result::unwrap).collect();
    assert_eq!(short(&read[0]), "3000000000 40/7 32x[1, 2]");
}

#[test]
fn a_turn_is_not_its_own_parent() {
    let chat = |id: u64, parent: u64| {
        format!(
            "{{\"chat_id\": {id}, \"parent_chat_id\": {parent}, \"timestamp\": 1, \"input_length\": 2, \"output_length\": 3, \
             \"type\": \"text\", \"turn\": 1, \"hash_ids\": [1]}}\n"
        )
    };
    check_refused(
        &format!("{}{}", chat(5, 4), chat(4, 4)),
        "`parent_chat_id` is `4`; expected the chat before this one",
        1,
        1,
    );
}

#[test]
fn a_quote_that_the_file_does_not_close_is_no_cell() {
    let table = |last: &str| format!("{AZURE}2023-11-16 18:20:01.2,5,98\n2023-11-16 18:20:02.2,6,{last}");
    for last in ["\"9", "\"9\n", "\""] {
        check_refused(&table(last), "expected a quote that is closed before the file ends", 1, 2);
    }
    assert_eq!(requests(table("\"98\"")).len(), 3, "closed with the file's last byte");
}

#[test]
fn an_open_quote_or_an_endless_line_does_not_fill_the_memory() {
    struct Endless(&'static [u8]);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                buffer.fill(b'7');
                return Ok(buffer.len());
            }
            self.0.read(buffer)
        }
    }
    for start in ["timestamp_s,input_tokens\n1,\"", "{\"timestamp\": 1, \"input_length\": ", "[{\"prompt\": \""] {
        let refused = match Trace::read(Endless(start.as_bytes()), TraceOptions::default()) {
            Err(refused) => refused,
            Ok(mut trace) => trace.next().unwrap().unwrap_err(),
        };
        assert!(matches!(refused, TraceError::TooLong { .. }), "{start}: {refused}");
    }
}

#[test]
fn reading_does_not_wait_for_the_end() {
    struct Rows(u64, &'static str, &'static str);
    impl Read for Rows {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let text = self.1.replace('N', &(self.0 / 3).to_string());
            let text = if self.0 == 0 { format!("{}{text}", self.2) } else { text };
            self.0 += 1;
            buffer[..text.len()].copy_from_slice(text.as_bytes());
            Ok(text.len())
        }
    }
    for (row, header) in [
        ("{\"timestamp\": N, \"input_length\": 5, \"output_length\": 7}\n", ""),
        ("{\"timestamp\": N,\n\"input_length\": 5, \"output_length\": 7}\n", ""),
        ("{\"timestamp\": N, \"input_length\": 5, \"output_length\": 7},", "["),
        ("N,5,7\n", "timestamp_ms,input_tokens,output_tokens\n"),
    ] {
        let trace = Trace::read(Rows(0, row, header), TraceOptions::default()).unwrap();
        let last = trace.take(5000).last().unwrap().unwrap();
        assert_eq!((last.at, last.input_tokens), (Some(Nanos::from_millis(1666)), Some(Tokens::new(5))), "{row}");
    }
}

#[test]
fn arrivals_alone_and_rows_within_an_object_are_read_too() {
    check("arrivals", "arrival_time\n0.25\n2\n", TraceFormat::Etalon, &["250000000 -/-", "2000000000 -/-"]);
    let rows = "{\"n\": 2, \"data\": [\n{\"prompt\": \"a\", \"output_tokens_count\": 5},\n{\"prompt\": \"b\"}]}";
    check("rows", rows, TraceFormat::GuideLlm, &["- -/5 prompt a", "- -/- prompt b"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(trace) = open(bytes) {
            trace.for_each(drop);
        }
    }

    #[test]
    fn no_change_of_a_trace_makes_it_panic_or_go_on_forever(
        fixture in 0..FIXTURES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
        packed: bool,
    ) {
        let mut bytes = FIXTURES[fixture].0.as_bytes().to_vec();
        for (at, by) in changes {
            let at = at.index(bytes.len());
            bytes[at] = by;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        let bytes = if packed { gzip(&bytes) } else { bytes };
        if let Ok(trace) = open(bytes) {
            prop_assert!(trace.take(1000).count() < 1000);
        }
    }

    #[test]
    fn instants_come_in_order_and_as_written(mut at in prop::collection::vec(0..1_000_000_000_000_u64, 1..200)) {
        let rows = at.iter().fold("timestamp_ns,input_tokens\n".to_owned(), |text, at| text + &format!("{at},1\n"));
        let read: Vec<u64> = requests(rows).iter().map(|request| request.at.unwrap().get()).collect();
        at.sort_unstable();
        prop_assert_eq!(read, at);
    }
}
