//! A run's name, and the folder that is made of it. One safe component: whatever the name, its folder lies where it should.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The name of a run: 1 to 100 of `A-Z a-z 0-9 . _ -`, the first of them no dot and no dash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunName(String);

/// The longest name.
const MAX: usize = 100;

/// A text that cannot name a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("run name `{}` {reason}", text.escape_debug())]
pub struct InvalidName {
    /// As it was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
    /// The nearest name that is one.
    pub hint: String,
}

impl RunName {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name made of any text (a model's name, say): what is not allowed becomes a dash. `run` if nothing is left.
    #[must_use]
    pub fn made_of(text: &str) -> Self {
        let safe: String = text.chars().take(MAX).map(|c| if allowed(c) { c } else { '-' }).collect();
        match safe.trim_start_matches(['.', '-']).trim_end_matches('-') {
            "" => Self("run".to_owned()),
            rest => Self(rest.to_owned()),
        }
    }
}

fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
}

impl FromStr for RunName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let reason = match text {
            "" => "is empty",
            long if long.len() > MAX => "is longer than 100 characters",
            dotted if dotted.starts_with('.') => "starts with a dot",
            dashed if dashed.starts_with('-') => "starts with a dash",
            odd if !odd.chars().all(allowed) => "has a character besides A-Z a-z 0-9 . _ -",
            good => return Ok(Self(good.to_owned())),
        };
        Err(InvalidName { text: text.to_owned(), reason, hint: format!("--name {}", Self::made_of(text).0) })
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Where a run goes if no folder is named: `metron-runs/<UTC time>-<name>`. `unix_ns`: the wall clock, since 1970.
#[must_use]
pub fn default_path(unix_ns: u64, name: &RunName) -> PathBuf {
    let time = jiff::Timestamp::from_nanosecond(i128::from(unix_ns)).expect("u64 nanoseconds end in 2554");
    PathBuf::from("metron-runs").join(format!("{}-{name}", time.strftime("%Y%m%dT%H%M%SZ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_safe_component() {
        for good in ["a", "run-1", "Llama_3.1", "0", &"x".repeat(100)] {
            assert_eq!(good.parse::<RunName>().map(|name| name.0), Ok(good.to_owned()));
        }
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            ".hidden",
            "-",
            "--force",
            "a\nb",
            "a b",
            "ü",
            "a\\b",
            "a:b",
            &"x".repeat(101),
        ] {
            let refused = bad.parse::<RunName>().expect_err(bad);
            let typed = refused.hint.strip_prefix("--name ").expect("a flag");
            typed.parse::<RunName>().expect("the hint is a name");
        }
    }

    #[test]
    fn any_text_makes_a_name() {
        for (text, name) in
            [("meta-llama/Llama-3.1-8B", "meta-llama-Llama-3.1-8B"), ("../../etc", "etc"), ("…", "run"), ("", "run")]
        {
            assert_eq!(RunName::made_of(text).as_str(), name);
        }
    }

    #[test]
    fn the_default_folder_sorts_by_time() {
        let name = RunName::made_of("x");
        assert_eq!(default_path(1_700_000_000_000_000_000, &name), PathBuf::from("metron-runs/20231114T221320Z-x"));
    }
}
