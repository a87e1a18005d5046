//! What a request says, as tokens. Knows no other field of it.
//!
//! Prompt tokens are words between ASCII white space, over all messages or parts of text; a prompt given as token ids has
//! as many as there are ids. No chat template is added. A full block of them is named by a hash of all tokens up to its end, as
//! vLLM's prefix cache does it, so that prompts which begin alike find each other's blocks.

use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hasher};

use metron_units::Tokens;
use serde::Deserialize;
use serde::de::{self, IgnoredAny, SeqAccess, Visitor};

use crate::engine::BlockName;

/// A prompt, piece by piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prompt<'a>(Vec<Piece<'a>>);

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(Cow<'a, str>),
    Ids(Vec<u64>),
}

/// A message of a chat.
#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    content: Option<Content<'a>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<Text<'a>>,
}

/// A text, borrowed where it holds no escape.
struct Text<'a>(Cow<'a, str>);

/// A message's content: a text, or the texts of its parts.
struct Content<'a>(Vec<Text<'a>>);

impl<'a> Prompt<'a> {
    /// What the messages say together.
    pub(super) fn of(messages: Vec<Message<'a>>) -> Self {
        let contents = messages.into_iter().filter_map(|message| message.content);
        Self(contents.flat_map(|Content(texts)| texts).map(|Text(text)| Piece::Text(text)).collect())
    }

    pub(super) fn tokens(&self) -> Tokens {
        let tokens = self.0.iter().map(|piece| match piece {
            Piece::Text(text) => words(text).count(),
            Piece::Ids(ids) => ids.len(),
        });
        Tokens::new(tokens.map(|tokens| tokens as u64).sum())
    }

    /// The names of its full blocks of so many tokens.
    pub(super) fn blocks(&self, tokens: u64) -> Vec<BlockName> {
        let mut naming = Naming { hasher: DefaultHasher::new(), block: tokens, seen: 0, names: Vec::new() };
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => words(text).for_each(|word| naming.token(word.as_bytes())),
                Piece::Ids(ids) => ids.iter().for_each(|id| naming.token(&id.to_le_bytes())),
            }
        }
        naming.names
    }
}

/// Words between ASCII white space.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_ascii_whitespace()
}

/// Names blocks as their tokens come.
struct Naming {
    /// Over all tokens so far.
    hasher: DefaultHasher,
    block: u64,
    seen: u64,
    names: Vec<BlockName>,
}

impl Naming {
    fn token(&mut self, token: &[u8]) {
        self.hasher.write_usize(token.len());
        self.hasher.write(token);
        self.seen += 1;
        if self.seen.is_multiple_of(self.block) {
            self.names.push(BlockName::new(self.hasher.finish()));
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(TextVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor;
        impl<'de> Visitor<'de> for ContentVisitor {
            type Value = Content<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of parts")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Content<'de>, E> {
                Ok(Content(vec![Text(Cow::Borrowed(text))]))
            }
            fn visit_str<E>(self, text: &str) -> Result<Content<'de>, E> {
                Ok(Content(vec![Text(Cow::Owned(text.to_owned()))]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Content<'de>, A::Error> {
                let mut texts = Vec::new();
                while let Some(Part { text }) = parts.next_element()? {
                    texts.extend(text);
                }
                Ok(Content(texts))
            }
        }
        deserializer.deserialize_any(ContentVisitor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Prompt<'a> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(PromptVisitor)? {
            Element::Piece(piece) => Ok(Self(vec![piece])),
            Element::Id(_) => {
                Err(de::Error::custom("a prompt is a string, a list of one string, or a list of token ids"))
            }
        }
    }
}

/// One value inside a prompt, or all of it.
enum Element<'a> {
    Piece(Piece<'a>),
    /// A token's id.
    Id(u64),
}

impl<'de: 'a, 'a> Deserialize<'de> for Element<'a> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PromptVisitor)
    }
}

struct PromptVisitor;

impl<'de> Visitor<'de> for PromptVisitor {
    type Value = Element<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a list of one string, or a list of token ids")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Element<'de>, E> {
        Ok(Element::Piece(Piece::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Element<'de>, E> {
        Ok(Element::Piece(Piece::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_u64<E>(self, id: u64) -> Result<Element<'de>, E> {
        Ok(Element::Id(id))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Element<'de>, A::Error> {
        let mut ids = Vec::new();
        match list.next_element()? {
            None => return Ok(Element::Piece(Piece::Ids(ids))),
            Some(Element::Id(id)) => ids.push(id),
            Some(one) => {
                return match list.next_element::<IgnoredAny>()? {
                    None => Ok(one),
                    Some(_) => Err(de::Error::custom(
                        "the simulated engine takes one prompt a request, this is a list of several",
                    )),
                };
            }
        }
        while let Some(element) = list.next_element()? {
            match element {
                Element::Id(id) => ids.push(id),
                Element::Piece(_) => return Err(de::Error::custom("a list of token ids holds something else")),
            }
        }
        Ok(Element::Piece(Piece::Ids(ids)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many blocks of two tokens two prompts have in common, and how many each has.
    #[track_caller]
    fn check(one: &str, other: &str, expected: (usize, usize, usize)) {
        let read = |text: &str| serde_json::from_str::<Prompt<'_>>(text).unwrap().blocks(2);
        let (one, other) = (read(one), read(other));
        let in_common = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
        assert_eq!((in_common, one.len(), other.len()), expected);
        assert!(one[in_common..].iter().all(|name| !other.contains(name)), "what comes after a difference differs");
    }

    #[test]
    fn prompts_have_the_blocks_in_common_that_they_begin_with() {
        check(r#""a b c d e""#, r#""a  b\tc d f g""#, (2, 2, 3));
        check(r#""a b c d""#, r#""x b c d""#, (0, 2, 2));
        check(r#""ab c""#, r#""a bc""#, (0, 1, 1));
        check("[1, 2, 3, 4]", "[[1, 2, 3, 5]]", (1, 2, 2));
        check(r#""a""#, r#""a""#, (0, 0, 0));
    }

    #[test]
    fn a_conversation_begins_with_the_one_before_it() {
        let blocks = |messages| Prompt::of(serde_json::from_str(messages).unwrap()).blocks(2);
        let first = blocks(r#"[{"content":"be brief"},{"role":"user","content":"hello you there"}]"#);
        let second = blocks(
            r#"[{"content":"be brief"},{"content":[{"type":"text","text":"hello you there"}]},{"content":"yes?"},{}]"#,
        );
        assert_eq!((first.len(), second.len()), (2, 3));
        assert_eq!(first, second[..2]);
    }
}
