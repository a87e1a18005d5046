//! Distributions written as text, on screens and in configuration files, which is read back to the same. Knows no parser.

use std::fmt;

use metron_units::ParseError;
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Dist;
use super::quantity::Quantity;
use super::shape::{Part, Percent, Shape};

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, millionths) = (self.0 / Self::ONE, self.0 % Self::ONE);
        if millionths == 0 {
            return write!(f, "{whole}%");
        }
        write!(f, "{whole}.{}%", format!("{millionths:06}").trim_end_matches('0'))
    }
}

/// The text that reads back to the same distribution.
impl<Q: Quantity> fmt::Display for Dist<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Shape::Fixed(value) => f.write_str(&value.written()),
            Shape::Uniform { low, high } => write!(f, "uniform:{}..{}", low.written(), high.written()),
            Shape::Exponential { mean } => write!(f, "exponential:{}", mean.written()),
            Shape::Normal { mean, std } => write!(f, "normal:{},{}", mean.written(), std.written()),
            Shape::Lognormal { median, sigma } => write!(f, "lognormal:{},{sigma}", median.written()),
            Shape::Zipf(zipf) => write!(f, "zipf:{}..{},{}", zipf.low, zipf.high, zipf.exponent),
            Shape::Recorded(recorded) => write!(f, "trace:{}", recorded.name),
            Shape::Mix(parts) => write_mix(f, parts),
        }
    }
}

fn write_mix<Q: Quantity>(f: &mut fmt::Formatter<'_>, parts: &[Part<Q>]) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        let plus = if i == 0 { "" } else { " + " };
        match &part.of.0 {
            Shape::Mix(_) => write!(f, "{plus}{} ({})", part.share, part.of)?,
            _ => write!(f, "{plus}{} {}", part.share, part.of)?,
        }
    }
    Ok(())
}

/// Written as its text.
impl<Q: Quantity> Serialize for Dist<Q> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, Q: Quantity> Deserialize<'de> for Dist<Q> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<Q>(std::marker::PhantomData<Q>);

        impl<Q: Quantity> Visitor<'_> for Text<Q> {
            type Value = Dist<Q>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a {}", Q::DISTRIBUTION)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Dist<Q>, E> {
                text.parse().map_err(|refused: ParseError| match refused.hint.as_str() {
                    "" => E::custom(&refused),
                    hint => E::custom(format!("{refused} (did you mean `{hint}`?)")),
                })
            }

            // A bare number in YAML or JSON is a fixed length; the parser of the text decides whether it is good.
            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Dist<Q>, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Dist<Q>, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Dist<Q>, E> {
                Err(E::custom(format!("{number} is no whole number")))
            }
        }

        deserializer.deserialize_any(Text(std::marker::PhantomData))
    }
}
