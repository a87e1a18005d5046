//! Tests of traces: each format by an invented example, however its bytes come; what is refused, and where.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use metron_units::Nanos;
use proptest::prelude::*;

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

/// The file, as which it must be told, and what its requests must be in short: see [`short`].
const FIXTURES: [(&str, TraceFormat, &[&str]); 27] = [
    (
        "{\"timestamp\": 3052, \"input_length\": 1300, \"output_length\": 77, \"hash_ids\": [0, 41, 42]}\n\
         {\"timestamp\": 3052.1234, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [0, 7]}\n",
        TraceFormat::Mooncake,
        &["3052000000 1300/77 512x[0, 41, 42]", "3052123400 600/5 512x[0, 7]"],
    ),
    (
        "{\"session_id\": \"s1\", \"timestamp\": 10, \"input_length\": 210, \"output_length\": 60}\n\
         {\"session_id\": \"s1\", \"delay\": 900, \"text_input\": \"And \\u00e9?\", \"output_length\": 60, \"extra\": {\"top_p\": 0.5}}\n\
         {\"session_id\": \"s1\", \"delay\": 0.5, \"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}], \"tools\": []}\n",
        TraceFormat::Mooncake,
        &[
            "10000000 210/60 session s1",
            "- -/60 session s1 delay 900000000 prompt And é? extra {\"top_p\": 0.5}",
            "- -/- session s1 delay 500000 messages [{\"role\": \"user\", \"content\": \"Hi\"}]",
        ],
    ),
    (
        "{\"timestamp\": 0.5, \"input_length\": 64, \"output_length\": 8, \"hash_ids\": [1, 2, 3, 4]}\n\
         {\"timestamp\": 1e0, \"input_length\": 10, \"output_length\": 8, \"hash_ids\": [1]}\n",
        TraceFormat::VllmTimed,
        &["500000000 64/8 16x[1, 2, 3, 4]", "1000000000 10/8 16x[1]"],
    ),
    (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:20:01.1234567,512,98\n\
         2023-11-16 18:20:01.1234568,64,7\n2023-11-17 00:00:00.0000000,1,1\n",
        TraceFormat::Azure,
        &["0 512/98", "100 64/7", "20398876543300 1/1"],
    ),
    (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-11 07:00:00.004210+00:00,2048,15\n\
         2024-05-11 09:00:00.004211+02:00,9,1\n",
        TraceFormat::Azure,
        &["0 2048/15", "1000 9/1"],
    ),
    (
        "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2025-01-01 00:00:00.5,2,3100,44\n2025-01-01 00:00:00.75,0,10,4\n",
        TraceFormat::AzureMultimodal,
        &["0 3100/44 images 2", "250000000 10/4"],
    ),
    (
        "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
         61,ChatGPT,420,35,455,API log\n62.5,GPT-4,10,0,10,Conversation log\n",
        TraceFormat::BurstGpt,
        &[
            "61000000000 420/35 class API log model ChatGPT",
            "62500000000 10/0 class Conversation log model GPT-4 failed",
        ],
    ),
    (
        "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n\
         61,7,3.25,GPT-4,420,35,455,\"Conversation, log\"\n",
        TraceFormat::BurstGpt,
        &["61000000000 420/35 session 7 class Conversation, log model GPT-4"],
    ),
    (
        "{\"chat_id\": 4, \"parent_chat_id\": -1, \"timestamp\": 12.25, \"input_length\": 20, \"output_length\": 4, \
         \"type\": \"text\", \"turn\": 1, \"hash_ids\": [7]}\n\
         {\"chat_id\": 9, \"parent_chat_id\": 4, \"timestamp\": 12.5, \"input_length\": 30, \"output_length\": 40, \
         \"type\": \"text\", \"turn\": 2, \"hash_ids\": [7, 8]}\n",
        TraceFormat::Bailian,
        &[
            "12250000000 20/4 id 4 turn 1 class text 16x[7]",
            "12500000000 30/40 id 9 parent 4 turn 2 class text 16x[7, 8]",
        ],
    ),
    (
        "{\"id\": \"c1\", \"requests\": [{\"t\": 0.0, \"type\": \"s\", \"in\": 90, \"out\": 60, \"hash_ids\": [1, 2]},\n\
         {\"t\": 4, \"type\": \"subagent\", \"agent_id\": \"x\", \"requests\": [{\"t\": 0.5, \"in\": 5, \"out\": 6}]},\n\
         {\"t\": 9.5, \"in\": 100, \"out\": 1, \"think_time\": 2}]}\n",
        TraceFormat::Weka,
        &[
            "- 90/60 id c1#0 session c1 turn 0 after 0 64x[1, 2] local",
            "- 5/6 id c1::sa:x#0 parent c1#0 session c1::sa:x turn 0 after 4500000000",
            "- 100/1 id c1#1 parent c1#0 session c1 turn 1 after 9500000000 delay 2000000000",
        ],
    ),
    (
        "{\"trace_id\": \"t\", \"spans\": [\n {\"span_id\": \"b\", \"parent_span_id\": \"a\", \"start_time\": \"2026-02-25T10:00:01\",\n\
          \"attributes\": {\"gen_ai.request.model\": \"m\", \"gen_ai.request.max_tokens\": 9}},\n\
          {\"span_id\": \"t\", \"parent_span_id\": null, \"start_time\": \"2026-02-25T10:00:00\", \"attributes\": {\"tool\": 1}},\n\
          {\"span_id\": \"a\", \"parent_span_id\": null, \"start_time\": \"2026-02-25T10:00:00\", \"end_time\": \"2026-02-25T10:00:00.5\",\n\
          \"attributes\": {\"gen_ai.request.model\": \"m\", \"gen_ai.request.max_tokens\": 9, \"gen_ai.output.text\": \"Yes.\",\n\
          \"gen_ai.input.messages\": \"[{\\\"role\\\": \\\"user\\\"}]\"}}]}",
        TraceFormat::OpenTelemetry,
        &[
            "0 -/- id a session t turn 0 model m messages [{\"role\": \"user\"}] answer Yes.",
            "1000000000 -/9 id b parent a session t turn 1 model m",
        ],
    ),
    (
        "[{\"id\": \"x\", \"conversations\": [{\"from\": \"human\", \"value\": \"Hi [1}\"}, {\"from\": \"gpt\", \"value\": \"Hello.\"},\
         {\"from\": \"human\", \"value\": \"Bye\"}]}, {\"id\": \"y\", \"conversations\": []}\n, \
         {\"id\": \"z\", \"conversations\": [{\"from\": \"gpt\", \"value\": \"Well?\"}, {\"from\": \"human\", \"value\": \"No\"}]}]",
        TraceFormat::Conversations,
        &[
            "- -/- session x turn 0 new [{\"role\":\"user\",\"content\":\"Hi [1}\"}] answer Hello.",
            "- -/- session x turn 1 new [{\"role\":\"user\",\"content\":\"Bye\"}]",
            "- -/- session z turn 0 new [{\"role\":\"assistant\",\"content\":\"Well?\"},{\"role\":\"user\",\"content\":\"No\"}]",
        ],
    ),
    (
        "[{\"conversations\": [{\"role\": \"system\", \"content\": \"Be brief.\"}, {\"role\": \"user\", \"content\": \"Hi\"}]}]",
        TraceFormat::Conversations,
        &[
            "- -/- session line 1 turn 0 new [{\"role\":\"system\",\"content\":\"Be brief.\"},{\"role\":\"user\",\"content\":\"Hi\"}]",
        ],
    ),
    (
        "{\"conversations\": [{\"content\": \"Hi\"}, {\"content\": \"Ho\"}]}\n{\"conversations\": [{\"value\": \"One\"}]}\n",
        TraceFormat::Conversations,
        &[
            "- -/- session line 1 turn 0 new [{\"role\":\"user\",\"content\":\"Hi\"}] answer Ho",
            "- -/- session line 2 turn 0 new [{\"role\":\"user\",\"content\":\"One\"}]",
        ],
    ),
    (
        "{\"prompt\": \"Name a river.\", \"output_tokens\": 20}\n\n{\"prompt\": \"Name two.\"}\n",
        TraceFormat::VllmCustom,
        &["- -/20 prompt Name a river.", "- -/- prompt Name two."],
    ),
    (
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}], \"max_tokens\": 32}\n",
        TraceFormat::Messages,
        &["- -/32 messages [{\"role\": \"user\", \"content\": \"Hi\"}]"],
    ),
    (
        "{\"metadata\": {\"a\": [1, {}]}, \"n\": 12, \"conversations\": [[{\"messages\": [{\"role\": \"user\", \"content\": \"Fix\"}], \
         \"prompt_tokens\": 900}, {\"messages\": [], \"prompt_tokens\": 950}], [{\"messages\": []}]], \"tail\": \"}\"}",
        TraceFormat::SglangAgentic,
        &[
            "- 900/- session line 1 turn 0 new [{\"role\": \"user\", \"content\": \"Fix\"}]",
            "- 950/- session line 1 turn 1 new []",
            "- -/- session line 1 turn 0 new []",
        ],
    ),
    (
        "{\"text\": \"Name a river.\", \"timestamp\": 1500, \"output_length\": 20}\n\
         {\"texts\": [\"Look\"], \"image\": \"a.png\", \"timestamp\": 1600}\n",
        TraceFormat::AiperfSingleTurn,
        &[
            "1500000000 -/20 prompt Name a river.",
            "1600000000 -/- images 1 messages [{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Look\"},\
             {\"type\":\"image_url\",\"image_url\":{\"url\":\"a.png\"}}]}]",
        ],
    ),
    (
        "{\"session_id\": \"s1\", \"turns\": [{\"text\": \"Hi\"}, {\"text\": \"And?\", \"delay\": 800}]}\n",
        TraceFormat::AiperfMultiTurn,
        &[
            "- -/- session s1 turn 0 new [{\"role\":\"user\",\"content\":\"Hi\"}]",
            "- -/- session s1 turn 1 delay 800000000 new [{\"role\":\"user\",\"content\":\"And?\"}]",
        ],
    ),
    (
        "{\"prompt_0\": \"Hi\", \"output_tokens_count_0\": 20, \"prompt_1\": \"And?\"}\n",
        TraceFormat::GuideLlm,
        &[
            "- -/20 session line 1 turn 0 new [{\"role\":\"user\",\"content\":\"Hi\"}]",
            "- -/- session line 1 turn 1 new [{\"role\":\"user\",\"content\":\"And?\"}]",
        ],
    ),
    (
        "prompt,prompt_tokens_count,output_tokens_count,relative_timestamp\n\"Say \"\"a, b\"\"\nand c\",5,6,0.5\nTwo,1,2,0.75\n",
        TraceFormat::GuideLlm,
        &["500000000 5/6 prompt Say \"a, b\"\nand c", "750000000 1/2 prompt Two"],
    ),
    (
        "num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio\n3772,54,3826,69.85\n74,918,992,0.08\n",
        TraceFormat::Etalon,
        &["- 3772/54", "- 74/918"],
    ),
    (
        "arrival_time,num_prefill_tokens,num_decode_tokens\n0.25,3772,54\n1.5,74,918\n",
        TraceFormat::Etalon,
        &["250000000 3772/54", "1500000000 74/918"],
    ),
    (
        "{\"custom_id\": \"a\", \"method\": \"POST\", \"url\": \"/v1/chat/completions\", \
         \"body\": {\"model\": \"m\", \"max_tokens\": 7, \"messages\": []}}\n",
        TraceFormat::OpenAiBatch,
        &["- -/7 id a class /v1/chat/completions model m body {\"model\": \"m\", \"max_tokens\": 7, \"messages\": []}"],
    ),
    (
        "timestamp_ms;input_tokens;output_tokens;session;turn;class;failed\n1.5;512;10;a;0;chat;\n2;512.0;0;a;1;chat;true\n",
        TraceFormat::Csv,
        &["1500000 512/10 session a turn 0 class chat", "2000000 512/0 session a turn 1 class chat failed"],
    ),
    (
        "time,prompt_tokens\n2024-05-11T07:00:00Z,5\n2024-05-11T07:00:00.25Z,6\n",
        TraceFormat::Csv,
        &["0 5/-", "250000000 6/-"],
    ),
    (
        "{\"at_ns\": 7, \"input_tokens\": 5, \"output_tokens\": 6, \"prefix\": [3, 4], \"class\": \"c\", \"ttft_deadline_ns\": 9}\n\
         {\"at_ns\": 2000000000000000000, \"prompt\": \"Hi\", \"session\": \"s\", \"turn\": 2}\n",
        TraceFormat::Metron,
        &["7 5/6 class c group 3 of 4 ttft 9", "2000000000000000000 -/- session s turn 2 prompt Hi"],
    ),
];

/// A request as one line: instant, lengths, and what else it has.
fn short(request: &TraceRequest) -> String {
    let number = |tokens: Option<Tokens>| tokens.map_or("-".to_owned(), |tokens| tokens.to_string());
    let at = request.at.map_or("-".to_owned(), |at| at.get().to_string());
    let mut line = format!("{at} {}/{}", number(request.input_tokens), number(request.output_tokens));
    let mut add = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            line.push_str(&format!(" {name}{}{value}", if name.is_empty() { "" } else { " " }));
        }
    };
    let time = |time: Option<Nanos>| time.map(|time| time.get().to_string());
    add("id", request.id.clone());
    add("parent", request.parent.clone());
    add("session", request.session.clone());
    add("turn", request.turn.map(|turn| turn.to_string()));
    add("after", time(request.in_session));
    add("delay", time(request.delay));
    add("class", request.class.clone());
    add("model", request.model.clone());
    add("images", (request.images > 0).then(|| request.images.to_string()));
    match &request.shared {
        Shared::Nothing => {}
        Shared::Blocks { ids, size, across_sessions } => {
            add("", Some(format!("{size}x{ids:?}{}", if *across_sessions { "" } else { " local" })));
        }
        Shared::Group { group, tokens } => add("group", Some(format!("{group} of {tokens}"))),
    }
    match &request.content {
        Content::Lengths => {}
        Content::Prompt(text) => add("prompt", Some(text.clone())),
        Content::Messages { messages, .. } => add("messages", Some(messages.clone())),
        Content::NewMessages { messages, .. } => add("new", Some(messages.clone())),
        Content::Body(body) => add("body", Some(body.clone())),
    }
    add("answer", request.answer.clone());
    add("extra", request.extra.clone());
    add("ttft", time(request.ttft_deadline));
    add("tbt", time(request.tbt_deadline));
    add("", (request.outcome == Outcome::Failed).then(|| "failed".to_owned()));
    line
}

fn check(what: &str, bytes: impl Into<Vec<u8>>, format: TraceFormat, expected: &[&str]) {
    let bytes = bytes.into();
    let trace = open(bytes.clone()).unwrap_or_else(|refused| panic!("{what} {format}: {refused}"));
    assert_eq!(trace.format(), format, "{what}");
    let read: Vec<String> = requests(bytes).iter().map(short).collect();
    assert_eq!(read, expected, "{what} {format}");
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
    let text = FIXTURES[3].0.repeat(1);
    let rows: String = (0..5000).map(|i| format!("2023-11-16 19:00:00.{i:07},{},1\n", 1 + i % 97)).collect();
    let packed = gzip(format!("{text}{rows}").as_bytes());
    let read: Vec<_> = open(&packed[..packed.len() / 2]).unwrap().collect();
    let last = read.last().unwrap().as_ref();
    assert!(matches!(last, Ok(_)) || matches!(last, Err(TraceError::Unreadable { .. })));
    assert_eq!(read.iter().filter(|row| matches!(row, Err(TraceError::Unreadable { .. }))).count(), 1);
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
    };
    let read: Vec<_> = Trace::read(text.as_bytes(), options).unwrap().map(Result::unwrap).collect();
    assert_eq!(short(&read[0]), "3000000000 40/7 32x[1, 2]");
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
