//! A pull reader of JSON: walks a text once, checks its grammar and allocates nothing. It knows nothing of what fields mean.
//!
//! An event of a stream is a small text of which a few fields matter; a tree of it would cost more than the rest of a token's
//! way. The caller asks for the fields it knows and skips the others, which are checked all the same: a text that is not
//! JSON is never taken for one.

use std::borrow::Cow;

use crate::limits::JSON_DEPTH;

/// Where and why a text is no JSON, or not the value that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {at}")]
pub(crate) struct JsonError {
    /// Offset in the text.
    pub(crate) at: usize,
    reason: &'static str,
}

/// A string of the text as it stands there, between its quotes: well-formed, its escapes not yet undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raw<'a> {
    text: &'a str,
    escaped: bool,
}

/// The kind of the value that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Object,
    Array,
    String,
    Number,
    /// `true` or `false`.
    Bool,
    Null,
}

/// A position in a JSON text.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Raw<'a> {
    /// Whether it is the empty string.
    pub(crate) fn is_empty(self) -> bool {
        self.text.is_empty()
    }

    /// A text that needs no unescaping.
    pub(crate) fn plain(text: &'a str) -> Self {
        Self { text, escaped: false }
    }

    /// As it stands in the text that it was read from.
    pub(crate) fn as_written(self) -> &'a str {
        self.text
    }

    /// The string itself.
    pub(crate) fn unescaped(self) -> Cow<'a, str> {
        if !self.escaped {
            return Cow::Borrowed(self.text);
        }
        let mut out = String::with_capacity(self.text.len());
        self.append_to(&mut out);
        Cow::Owned(out)
    }

    /// Appends the string itself to `out`. A lone half of a surrogate pair becomes U+FFFD.
    pub(crate) fn append_to(self, out: &mut String) {
        let mut rest = self.text;
        if self.escaped {
            while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
                out.push_str(&rest[..at]);
                let (character, length) = escape(&rest[at..]);
                out.push(character);
                rest = &rest[at + length..];
            }
        }
        out.push_str(rest);
    }
}

/// The character of the escape that `text` begins with, and how long the escape is.
fn escape(text: &str) -> (char, usize) {
    let plain = match text.as_bytes()[1] {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(text),
        other => char::from(other),
    };
    (plain, 2)
}

fn unicode_escape(text: &str) -> (char, usize) {
    let unit = |from: usize| text.get(from..from + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    let high = unit(2).expect("the reader has checked the digits");
    if (0xd800..0xdc00).contains(&high)
        && text[6..].starts_with("\\u")
        && let Some(low @ 0xdc00..0xe000) = unit(8)
    {
        let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// The kind of the next value, which stays unread.
    pub(crate) fn peek(&mut self) -> Result<Next, JsonError> {
        Ok(match self.next_byte()? {
            b'{' => Next::Object,
            b'[' => Next::Array,
            b'"' => Next::String,
            b'-' | b'0'..=b'9' => Next::Number,
            b't' | b'f' => Next::Bool,
            b'n' => Next::Null,
            _ => return Err(self.error("no value")),
        })
    }

    /// Reads an object: `field` is called with each name and may read its value; what it leaves is skipped.
    pub(crate) fn object(
        &mut self,
        mut field: impl FnMut(&mut Self, &str) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.open(b'{', "no object")?;
        if !self.closes(b'}')? {
            loop {
                let name = self.string()?;
                self.expect(b':', "no colon behind a field's name")?;
                // Names with escapes in them are none that anybody asks for; they are undone all the same.
                self.read_or_skip(|reader| field(reader, &name.unescaped()))?;
                if !self.another(b'}')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads an object of which one field matters: `read` is called before its value if that is of this kind.
    pub(crate) fn field(
        &mut self,
        name: &str,
        kind: Next,
        mut read: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.object(|reader, found| if found == name && reader.peek()? == kind { read(reader) } else { Ok(()) })
    }

    /// Reads an object of which the strings of these names matter.
    pub(crate) fn strings<const N: usize>(&mut self, names: [&str; N]) -> Result<[Option<Raw<'a>>; N], JsonError> {
        let mut found = [None; N];
        self.object(|reader, name| {
            if let Some(at) = names.iter().position(|sought| *sought == name) {
                found[at] = reader.string_or_skip()?.or(found[at]);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Reads an array: `element` is called before each element and may read it; what it leaves is skipped.
    pub(crate) fn array(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        self.open(b'[', "no array")?;
        if !self.closes(b']')? {
            loop {
                self.read_or_skip(&mut element)?;
                if !self.another(b']')? {
                    break;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Reads a string.
    pub(crate) fn string(&mut self) -> Result<Raw<'a>, JsonError> {
        self.expect(b'"', "no string")?;
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        loop {
            self.at = special(bytes, self.at);
            match bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.error("a control character in a string")),
                None => return Err(self.error("the text ends within a string")),
            }
        }
        self.at += 1;
        Ok(Raw { text: &self.text[start..self.at - 1], escaped })
    }

    /// Reads a string; anything else is skipped and is `None`.
    pub(crate) fn string_or_skip(&mut self) -> Result<Option<Raw<'a>>, JsonError> {
        match self.peek()? {
            Next::String => self.string().map(Some),
            Next::Object | Next::Array | Next::Number | Next::Bool | Next::Null => self.skip().map(|_| None),
        }
    }

    /// Reads a whole number of at least 0, `12.0` and `1e2` included; anything else is skipped and is `None`.
    pub(crate) fn count_or_skip(&mut self) -> Result<Option<u64>, JsonError> {
        let text = self.skip()?;
        Ok(text.parse().ok().or_else(|| {
            let value: f64 = text.parse().ok()?;
            // 2^53: beyond it a float no longer tells neighbours apart.
            (value >= 0.0 && value.fract() == 0.0 && value <= 9_007_199_254_740_992.0).then_some(value as u64)
        }))
    }

    /// Reads past the next value, whatever it is, and returns its text.
    pub(crate) fn skip(&mut self) -> Result<&'a str, JsonError> {
        self.blanks();
        let start = self.at;
        match self.peek()? {
            Next::Object => self.object(|_, _| Ok(()))?,
            Next::Array => self.array(|_| Ok(()))?,
            Next::String => drop(self.string()?),
            Next::Number => self.number()?,
            Next::Bool | Next::Null => self.word()?,
        }
        Ok(&self.text[start..self.at])
    }

    /// Checks that nothing but blanks follows.
    pub(crate) fn end(&mut self) -> Result<(), JsonError> {
        self.blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(self.error("something behind the JSON text's end")) }
    }

    /// Runs `read` before a value, and skips the value if that has left it.
    fn read_or_skip(&mut self, read: impl FnOnce(&mut Self) -> Result<(), JsonError>) -> Result<(), JsonError> {
        self.blanks();
        let before = self.at;
        read(self)?;
        if self.at == before { self.skip().map(drop) } else { Ok(()) }
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') if bytes.get(self.at + 2..self.at + 6).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit)) => {
                self.at += 6;
            }
            _ => return Err(self.error("a bad escape in a string")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let bytes = self.text.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut at = self.at + usize::from(bytes[self.at] == b'-');
        let whole = digits(at);
        if whole == 0 || (whole > 1 && bytes[at] == b'0') {
            return Err(self.error("a bad number"));
        }
        at += whole;
        if bytes.get(at) == Some(&b'.') {
            let fraction = digits(at + 1);
            if fraction == 0 {
                return Err(self.error("a bad number"));
            }
            at += 1 + fraction;
        }
        if let Some(b'e' | b'E') = bytes.get(at) {
            at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
            let exponent = digits(at);
            if exponent == 0 {
                return Err(self.error("a bad number"));
            }
            at += exponent;
        }
        self.at = at;
        Ok(())
    }

    fn word(&mut self) -> Result<(), JsonError> {
        let rest = &self.text[self.at..];
        let word = ["null", "true", "false"].into_iter().find(|word| rest.starts_with(word));
        self.at += word.ok_or_else(|| self.error("no value"))?.len();
        Ok(())
    }

    fn open(&mut self, bracket: u8, reason: &'static str) -> Result<(), JsonError> {
        self.expect(bracket, reason)?;
        self.depth += 1;
        if self.depth > JSON_DEPTH { Err(self.error("JSON nested too deep")) } else { Ok(()) }
    }

    /// Reads the closing bracket if it is next.
    fn closes(&mut self, bracket: u8) -> Result<bool, JsonError> {
        let closes = self.next_byte()? == bracket;
        self.at += usize::from(closes);
        Ok(closes)
    }

    /// Reads a comma (true) or the closing bracket (false).
    fn another(&mut self, bracket: u8) -> Result<bool, JsonError> {
        match self.next_byte()? {
            b',' => self.at += 1,
            byte if byte == bracket => {
                self.at += 1;
                return Ok(false);
            }
            _ => return Err(self.error("neither a comma nor a closing bracket")),
        }
        Ok(true)
    }

    fn expect(&mut self, byte: u8, reason: &'static str) -> Result<(), JsonError> {
        if self.next_byte()? != byte {
            return Err(self.error(reason));
        }
        self.at += 1;
        Ok(())
    }

    fn next_byte(&mut self) -> Result<u8, JsonError> {
        self.blanks();
        self.text.as_bytes().get(self.at).copied().ok_or_else(|| self.error("the text ends too early"))
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.text.as_bytes().get(self.at) {
            self.at += 1;
        }
    }

    fn error(&self, reason: &'static str) -> JsonError {
        JsonError { at: self.at, reason }
    }
}

/// Whether a text can stand between the quotes of a string as it is, and mean itself.
pub(crate) fn is_plain(text: &str) -> bool {
    special(text.as_bytes(), 0) == text.len()
}

/// The first quote, backslash or control character from `at` on, or the end. Eight bytes at a time: strings are most of an
/// event.
fn special(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // Exact up to and including the first hit (a borrow can only spoil the bytes above it), and the first is all we want.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    while let Some(eight) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(eight.try_into().expect("eight bytes"));
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let hits = quote | backslash | control;
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepts(text: &str) -> bool {
        let mut reader = Reader::new(text);
        reader.skip().is_ok() && reader.end().is_ok()
    }

    /// What serde_json says of the grammar; escapes of lone surrogates are grammar to both when skipped.
    fn reference(text: &str) -> bool {
        serde_json::from_str::<serde_json::Value>(text).is_ok()
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            "1e",
            "-",
            "+1",
            "nul",
            "\"\\x\"",
            "\"\\u12\"",
            "\"a\nb\"",
            "1 2",
        ] {
            assert!(!accepts(text), "{text}");
        }
        for text in ["1e999", "-0.5E+3", "\"\\ud800\"", " [ ] ", "{\"a\":{},\"a\":[null,true,false]}"] {
            assert!(accepts(text), "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(accepts(&nested(JSON_DEPTH)));
        assert!(!accepts(&nested(JSON_DEPTH + 1)));
        assert!(!accepts(&nested(100_000)));
    }

    #[test]
    fn escapes_are_undone() {
        let read = |text| Reader::new(text).string().map(|raw| raw.unescaped().into_owned());
        assert_eq!(read(r#""a\n\"\\\/\u00e9\ud83e\udd80\t""#), Ok("a\n\"\\/é🦀\t".to_owned()));
        assert_eq!(read(r#""\ud800x\udc00""#), Ok("\u{fffd}x\u{fffd}".to_owned()));
        assert_eq!(read(r#""\ud800\u0041""#), Ok("\u{fffd}A".to_owned()));
    }

    #[test]
    fn counts_are_whole_numbers() {
        let read = |text| Reader::new(text).count_or_skip();
        assert_eq!(read("12"), Ok(Some(12)));
        assert_eq!(read("12.0"), Ok(Some(12)));
        assert_eq!(read("18446744073709551615"), Ok(Some(u64::MAX)));
        for none in ["-1", "1.5", "1e999", "null", "\"3\"", "{}"] {
            assert_eq!(read(none), Ok(None), "{none}");
        }
    }

    fn value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                prop::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|pairs| serde_json::Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn strings_read_as_serde_json_reads_them(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(Reader::new(&json).string().unwrap().unescaped(), text);
        }

        #[test]
        fn values_are_accepted_and_broken_ones_refused_as_by_serde_json(value in value(), cut in 0usize..200, byte in 0u8..128) {
            let json = value.to_string();
            prop_assert!(accepts(&json));
            let mut broken = json.into_bytes();
            let at = cut % broken.len();
            broken[at] = byte;
            // serde_json refuses numbers beyond a float's range and lone surrogates, which are grammatical: not broken here.
            if let Ok(broken) = String::from_utf8(broken) && !broken.contains("\\u") && !broken.contains(['e', 'E']) {
                prop_assert_eq!(accepts(&broken), reference(&broken), "{}", broken);
            }
        }
    }
}
