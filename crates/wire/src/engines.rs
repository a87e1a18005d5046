//! The table of what real engines answered and what must come of it; for tests alone. A row a capture:
//! `tests/fixtures/engines.tsv`. `UPDATE_ENGINES=1` writes it anew, for a reviewer to read.

use std::path::PathBuf;

use crate::answer::{Answer, End};
use crate::dialect::Dialect;
use crate::replay::{fixture, reads, unframed};

/// The names of the captures, in order.
pub(crate) fn captures() -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/captures");
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// The dialect of a capture, by its name.
pub(crate) fn spoken_in(name: &str) -> Dialect {
    let kinds = [
        ("-messages", Dialect::Anthropic),
        ("-responses", Dialect::Responses),
        ("-completions", Dialect::Completions),
        ("-embeddings", Dialect::Embeddings),
        ("-rerank", Dialect::Rerank),
        ("-gemini", Dialect::Gemini),
        ("-ollama-chat", Dialect::Ollama),
        ("-ollama-generate", Dialect::OllamaGenerate),
        ("llamacpp-llamacpp", Dialect::LlamaCpp),
        ("sglang-sglang", Dialect::Sglang),
    ];
    kinds.into_iter().find(|(kind, _)| name.contains(kind)).map_or(Dialect::Chat, |(_, dialect)| dialect)
}

/// What comes of a capture that is read at once.
pub(crate) fn answer(name: &str) -> Answer {
    reads(spoken_in(name), &[&unframed(&fixture(&format!("captures/{name}")))])
}

const HEAD: &str = "engine\tkind\tdialect\tclass\tchunks\ttokens\tusage\tfinish\n";

fn row(name: &str) -> String {
    let answer = answer(name);
    let (engine, kind) = name.trim_end_matches(".txt").split_once('-').expect("ENGINE-KIND.txt");
    let stated = answer.chunks.iter().map(|chunk| chunk.stated_tokens.map(u64::from)).sum::<Option<u64>>();
    let stated = stated.filter(|tokens| *tokens > 0).map(|tokens| tokens + answer.trailing_tokens);
    let class = match &answer.end {
        End::Complete if answer.unstreamed => "completed whole".to_owned(),
        End::Complete => "completed".to_owned(),
        End::Failed { kind, .. } => format!("{kind:?}"),
        End::Cancelled => unreachable!("nobody cancels a capture"),
    };
    let or_none = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
    let usage = format!("{}/{}", or_none(answer.usage.input), or_none(answer.usage.output));
    let finish = answer.finish_reason.as_deref().unwrap_or("-");
    let dialect = spoken_in(name).name();
    format!("{engine}\t{kind}\t{dialect}\t{class}\t{}\t{}\t{usage}\t{finish}\n", answer.chunks.len(), or_none(stated))
}

#[test]
fn every_engine_s_answers_are_what_the_table_says() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/engines.tsv");
    let found = captures().iter().fold(HEAD.to_owned(), |table, name| table + &row(name));
    if std::env::var_os("UPDATE_ENGINES").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let table = std::fs::read_to_string(&path).unwrap();
    for (found, expected) in found.lines().zip(table.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), table.lines().count());
}
