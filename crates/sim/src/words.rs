//! What simulated engines say, and what their model is called. Knows no answer.

/// The words of answers, in turn. Each is one token under the usual vocabularies, and all are equally long, so that the
/// bytes around them are the same for every token of an answer.
pub(crate) const WORDS: [&str; 16] = [
    " time", " part", " hand", " line", " work", " room", " word", " door", " road", " tree", " book", " city",
    " game", " rain", " song", " wind",
];

/// What stands in the requests' place of a model's name, for one that names none.
pub const DEFAULT_MODEL: &str = "simulated";

/// The text of an answer's token, counted from 0.
#[must_use]
pub fn word(index: u64) -> &'static str {
    WORDS[(index % WORDS.len() as u64) as usize]
}
