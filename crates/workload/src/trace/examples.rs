//! An invented example of each format, with what must be read from it. Knows no test.

use metron_units::{Nanos, Tokens};

use super::{Content, Outcome, Shared, TraceFormat, TraceRequest};

/// The file, as which it must be told, and what its requests must be in short: see [`short`].
pub(super) const FIXTURES: [(&str, TraceFormat, &[&str]); 27] = [
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
            "- -/- session s1 delay 500000 new [{\"role\": \"user\", \"content\": \"Hi\"}]",
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
            "- 90/60 id c1#0 session c1 turn 0 after 0 64x[7794931180936733531, 80930620530516155]",
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
            "1000000000 -/9 id b parent a session t#1 turn 0 model m",
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
pub(super) fn short(request: &TraceRequest) -> String {
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
        Shared::Blocks { ids, size } => add("", Some(format!("{size}x{ids:?}"))),
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
