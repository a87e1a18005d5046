//! Paths into an event's JSON, as a custom dialect's file writes them: `choices[0].delta.content`, `parts[].text`. They read
//! no JSON themselves.

use serde::Deserialize;

/// Where in an event a value stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Path {
    steps: Vec<Step>,
}

/// From a value to one within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// An object's field.
    Field(String),
    /// An array's element, from 0.
    Element(usize),
    /// Each element of an array.
    Each,
}

/// A text that is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is no path ({reason}); one looks like `choices[0].delta.content` or `parts[].text`")]
pub(super) struct PathError {
    path: String,
    reason: &'static str,
}

impl Path {
    /// The step behind `taken` others; `None` at its end.
    pub(super) fn step(&self, taken: usize) -> Option<&Step> {
        self.steps.get(taken)
    }

    /// How many steps it has; at least one.
    pub(super) fn length(&self) -> usize {
        self.steps.len()
    }

    /// Whether one value can stand at both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.length() == other.length() && self.steps.iter().zip(&other.steps).all(|(a, b)| a.meets(b))
    }
}

impl Step {
    fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a == b,
            (Self::Element(a), Self::Element(b)) => a == b,
            (Self::Each, Self::Each | Self::Element(_)) | (Self::Element(_), Self::Each) => true,
            (Self::Field(_), Self::Element(_) | Self::Each) | (Self::Element(_) | Self::Each, Self::Field(_)) => false,
        }
    }
}

impl TryFrom<String> for Path {
    type Error = PathError;

    fn try_from(path: String) -> Result<Self, PathError> {
        match parse(&path) {
            Ok(steps) => Ok(Self { steps }),
            Err(reason) => Err(PathError { path, reason }),
        }
    }
}

fn parse(path: &str) -> Result<Vec<Step>, &'static str> {
    let (mut steps, mut rest) = (Vec::new(), path);
    while !rest.is_empty() {
        rest = match rest.strip_prefix('[') {
            Some(within) => bracket(within, &mut steps)?,
            None => field(rest, &mut steps)?,
        };
    }
    if steps.is_empty() { Err("it is empty") } else { Ok(steps) }
}

/// A field's name, behind a dot unless it is the path's first; what follows it.
fn field<'a>(rest: &'a str, steps: &mut Vec<Step>) -> Result<&'a str, &'static str> {
    let name = match (rest.strip_prefix('.'), steps.is_empty()) {
        (Some(name), false) => name,
        (None, true) => rest,
        (Some(_), true) => return Err("it begins with a dot"),
        (None, false) => return Err("a dot or a bracket must follow a closing bracket"),
    };
    let length = name.find(['.', '[']).unwrap_or(name.len());
    let (name, rest) = name.split_at(length);
    if name.is_empty() {
        return Err("a field has no name");
    }
    if name.contains(']') {
        return Err("a bracket is closed that was not opened");
    }
    steps.push(Step::Field(name.to_owned()));
    Ok(rest)
}

/// `]`, `N]` or `"name"]`; what follows it.
fn bracket<'a>(within: &'a str, steps: &mut Vec<Step>) -> Result<&'a str, &'static str> {
    if let Some(quoted) = within.strip_prefix('"') {
        let (name, rest) = quoted.split_once("\"]").ok_or("a quoted name is not closed")?;
        steps.push(Step::Field(name.to_owned()));
        return Ok(rest);
    }
    let (index, rest) = within.split_once(']').ok_or("a bracket is not closed")?;
    steps.push(match index {
        "" => Step::Each,
        index => Step::Element(index.parse().map_err(|_| "a bracket holds no whole number")?),
    });
    Ok(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Result<Path, PathError> {
        Path::try_from(text.to_owned())
    }

    #[test]
    fn steps_are_fields_elements_and_all_elements() {
        let field = |name: &str| Step::Field(name.to_owned());
        for (text, steps) in [
            ("text", vec![field("text")]),
            ("choices[0].delta.content", vec![field("choices"), Step::Element(0), field("delta"), field("content")]),
            ("parts[].text", vec![field("parts"), Step::Each, field("text")]),
            ("[][1]", vec![Step::Each, Step::Element(1)]),
            (r#"["a.b"].c"#, vec![field("a.b"), field("c")]),
        ] {
            assert_eq!(path(text), Ok(Path { steps }), "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "empty"),
            (".a", "begins with a dot"),
            ("a..b", "no name"),
            ("a.", "no name"),
            ("a[x]", "no whole number"),
            ("a[", "not closed"),
            ("a]b", "not opened"),
            ("a[0]b", "must follow"),
        ] {
            let error = path(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn paths_meet_where_one_value_can_stand_at_both() {
        let meets = |a: &str, b: &str| path(a).unwrap().meets(&path(b).unwrap());
        assert!(meets("a[].b", "a[2].b") && meets("a", "a"));
        assert!(!meets("a[1].b", "a[2].b") && !meets("a", "a.b") && !meets("a.b", "a[]"));
    }
}
