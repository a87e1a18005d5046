//! What requests say: made words, and what traces of every form have.

use metron_units::{Nanos, Rate};
use metron_wire::Dialect;
use metron_workload::trace::TraceOptions;
use metron_workload::{
    Answers, Arrivals, LengthSource, Limit, Load, Pattern, PlanConfig, Reading, Replay, Tokenizer, Warmup,
};
use serde_json::json;

use super::*;

/// How often a file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passes {
    Once,
    Over,
}

struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn of(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("trace"), text).expect("written");
        Self { folder }
    }

    fn trace(&self, passes: Passes) -> TraceFile {
        let repeats = passes == Passes::Over;
        TraceFile { path: self.folder.path().join("trace"), options: TraceOptions::default(), repeats }
    }

    /// With the answers that were recorded.
    fn reading(&self) -> Reading {
        Reading { tokenizer: Some(Tokenizer::default()), answers: Answers::Recorded, ..Reading::default() }
    }

    /// Plan and script of `requests` requests of this file.
    fn script(&self, requests: u64, passes: Passes) -> (Plan, Script) {
        let file = self.trace(passes);
        let replay = Replay::read(file.open().expect("a trace"), self.reading()).expect("sound");
        let replay = if passes == Passes::Over { replay.repeating() } else { replay };
        let config = PlanConfig {
            seed: 0,
            load: Load::Open { rate: Rate::per_second(1.0).expect("a rate"), arrivals: Arrivals::Constant },
            limit: Limit { requests: Some(requests), duration: None },
            warmup: Warmup::None,
            ramp_up: Nanos::ZERO,
            input_tokens: "1".parse().expect("lengths"),
            output_tokens: "1".parse().expect("lengths"),
        };
        let pattern = Pattern { replay: Some(replay), lengths: LengthSource::Recorded, ..Pattern::default() };
        let plan = Plan::patterned(config, pattern).expect("a plan");
        let prompts = Prompts::new(&Tokenizer::default(), 0).expect("prompts");
        (plan.clone(), Script::new(plan, prompts, Some(file)))
    }
}

fn all(requests: u64, passes: Passes, text: &str) -> Vec<Said> {
    let file = File::of(text);
    let (plan, mut script) = file.script(requests, passes);
    plan.map(|request| script.say(&request).expect("it is said")).collect()
}

#[test]
fn prompts_of_a_file_are_sent_as_they_stand_and_repeated_in_order() {
    let said = all(5, Passes::Over, "{\"prompt\": \"One.\"}\n{\"prompt\": \"Two.\", \"output_tokens\": 3}\n");
    let prompts: Vec<&str> = said.iter().map(|said| said.prompt.as_str()).collect();
    assert_eq!(prompts, ["One.", "Two.", "One.", "Two.", "One."]);
    assert!(said.iter().all(|said| said.messages.is_none() && said.fields.is_empty()));
}

#[test]
fn messages_go_as_messages_where_the_dialect_has_them() {
    let line = "{\"messages\": [{\"role\": \"system\", \"content\": \"Be brief. \"}, {\"role\": \"user\", \"content\": \"Hi\"}], \
                \"tools\": [{\"type\": \"function\"}], \"max_tokens\": 3}\n";
    let said = all(1, Passes::Once, line).remove(0);
    assert_eq!(said.prompt, "Be brief. Hi");
    let chat = Value::Object(said.clone().parts(Dialect::Chat, None).1);
    let messages = json!([{"role": "system", "content": "Be brief. "}, {"role": "user", "content": "Hi"}]);
    assert_eq!(chat, json!({"messages": messages, "tools": [{"type": "function"}]}));
    let completions = Value::Object(said.parts(Dialect::Completions, None).1);
    assert_eq!(completions, json!({"tools": [{"type": "function"}]}));
}

#[test]
fn a_later_turn_says_the_earlier_ones_again_with_the_answers_of_then() {
    let file = "[{\"id\": \"x\", \"conversations\": [{\"from\": \"human\", \"value\": \"Hi\"}, {\"from\": \"gpt\", \
                \"value\": \"Hello.\"}, {\"from\": \"human\", \"value\": \"Bye\"}]}, {\"id\": \"y\", \"conversations\": \
                [{\"from\": \"human\", \"value\": \"Well?\"}]}]";
    let said = all(4, Passes::Over, file);
    let second = json!([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."},
                        {"role": "user", "content": "Bye"}]);
    assert_eq!(said[1].messages, Some(second));
    assert_eq!(said[2].messages, Some(json!([{"role": "user", "content": "Well?"}])));
    assert_eq!(said[3].messages, said[0].messages, "the second pass begins anew");
    // Its length is that of all of it: `Hi`, `Hello.`, `Bye` are four tokens.
    let (plan, _) = File::of(file).script(3, Passes::Over);
    let lengths: Vec<u64> = plan.map(|request| request.input_tokens.get()).collect();
    assert_eq!(lengths, [1, 4, 2]);
}

#[test]
fn a_whole_body_keeps_its_fields_and_model_and_streaming_are_the_runs() {
    let line = "{\"custom_id\": \"a\", \"url\": \"/v1/chat/completions\", \"body\": {\"model\": \"m\", \"stream\": false, \
                \"temperature\": 0.5, \"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}]}}\n";
    let said = all(1, Passes::Once, line).remove(0);
    let user = json!({"temperature": null, "seed": 1});
    let patch = Value::Object(said.parts(Dialect::Chat, user.as_object()).1);
    assert_eq!(patch, json!({"messages": [{"role": "user", "content": "Hi"}], "temperature": null, "seed": 1}));
}

#[test]
fn blocks_of_one_name_are_one_text() {
    let file = "{\"timestamp\": 0, \"input_length\": 520, \"output_length\": 1, \"hash_ids\": [7, 8]}\n\
                {\"timestamp\": 1, \"input_length\": 520, \"output_length\": 1, \"hash_ids\": [7, 9]}\n\
                {\"timestamp\": 2, \"input_length\": 520, \"output_length\": 1, \"hash_ids\": [6, 8]}\n";
    let said = all(3, Passes::Once, file);
    let common = |a: &Said, b: &Said| a.prompt.split(' ').zip(b.prompt.split(' ')).take_while(|(a, b)| a == b).count();
    assert_eq!([common(&said[0], &said[1]), common(&said[0], &said[2])], [512, 0]);
}

#[test]
fn a_trace_that_changed_is_told() {
    let file = File::of("{\"prompt\": \"One.\"}\n{\"prompt\": \"Two.\"}\n");
    let (mut plan, mut script) = file.script(2, Passes::Once);
    std::fs::write(file.folder.path().join("trace"), "{\"prompt\": \"One.\"}\n").expect("written");
    script.say(&plan.next().expect("a request")).expect("the first is still there");
    let error = script.say(&plan.next().expect("a request")).expect_err("the second is not");
    assert!(error.to_string().contains("fewer requests"), "{error}");
}
