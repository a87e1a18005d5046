//! What a parser of this crate says when it refuses a text.

/// A text that is no quantity: what was read, why it was refused, and what could be typed instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{quantity} `{text}` {reason}")]
pub struct ParseError {
    /// The kind of quantity that was expected: `duration`, `rate`, `share`, `token count`.
    pub quantity: &'static str,
    /// The text as it was given.
    pub text: String,
    /// Why it is none, as the end of a sentence: `has no unit`.
    pub reason: String,
    /// What the writer most likely meant, ready to be typed; empty if there is no good guess.
    pub hint: String,
}

impl ParseError {
    pub(crate) fn new(quantity: &'static str, text: &str, reason: impl Into<String>) -> Self {
        Self { quantity, text: text.to_owned(), reason: reason.into(), hint: String::new() }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// Reads a plain decimal number: ASCII digits with at most one point. No sign, exponent, `inf` or `nan`, no separators.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.') && text.bytes().any(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Deserialises a quantity from its text; the hint follows the reason, since serde's errors are one line.
pub(crate) fn from_text<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: std::str::FromStr<Err = ParseError>,
{
    struct Text<T>(std::marker::PhantomData<T>);

    impl<T: std::str::FromStr<Err = ParseError>> serde::de::Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a quantity with its unit")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            text.parse().map_err(|refused: ParseError| match refused.hint.as_str() {
                "" => E::custom(&refused),
                hint => E::custom(format!("{refused} (did you mean `{hint}`?)")),
            })
        }

        // YAML and JSON numbers arrive as numbers: the parser of the text decides whether a bare one is good.
        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<T, E> {
            self.visit_str(&number.to_string())
        }
    }

    deserializer.deserialize_any(Text(std::marker::PhantomData))
}
