//! What made prompts are of. Opens nothing but the text file that the configuration names.

use metron_wire::Dialect;
use metron_workload::prompt::CORPUS;
use metron_workload::{PromptError, Prompts, Tokenizer};

use super::ConfigError;
use super::words::read;
use crate::script::takes_ids;

/// The largest text that is read.
const TEXT_BYTES: u64 = 16 << 20;

/// What made prompts are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TextSource {
    Words,
    Running(String),
    Ids,
}

/// What the configuration names, for prompts that `dialect` sends.
pub(super) fn text(named: Option<&str>, dialect: Dialect, tokenizer: &Tokenizer) -> Result<TextSource, ConfigError> {
    let source = match named {
        None | Some("words") => TextSource::Words,
        Some("corpus") => TextSource::Running(CORPUS.to_owned()),
        Some("ids") if takes_ids(dialect) => TextSource::Ids,
        Some("ids") => {
            let message = format!("{} takes text, and no token ids", dialect.name());
            return Err(ConfigError::new("text", message, "--endpoint completions"));
        }
        Some(file) => {
            let bytes = read(file, TEXT_BYTES)
                .map_err(|error| ConfigError::new("text", format!("cannot read `{file}`: {error}"), "--text corpus"))?;
            let text = String::from_utf8(bytes)
                .map_err(|_| ConfigError::new("text", format!("`{file}` is no text in UTF-8"), "--text corpus"))?;
            TextSource::Running(text)
        }
    };
    // The user's to mend, so it is tried before anything is sent.
    if source != TextSource::Words {
        source.prompts(tokenizer, 0).map_err(|error| ConfigError::new("text", error.to_string(), "--text words"))?;
    }
    Ok(source)
}

impl TextSource {
    /// Whether a conversation can be made of it.
    pub(super) fn goes_on(&self) -> Result<(), ConfigError> {
        match self {
            Self::Words | Self::Running(_) => Ok(()),
            Self::Ids => {
                let message = "what was said before is sent again as text, and prompts of ids are none";
                Err(ConfigError::new("text", message, "--text words"))
            }
        }
    }

    /// Prompts of it.
    pub(crate) fn prompts(&self, tokenizer: &Tokenizer, seed: u64) -> Result<Prompts, PromptError> {
        match self {
            Self::Words => Prompts::new(tokenizer, seed),
            Self::Running(text) => Prompts::of_text(tokenizer, seed, text),
            Self::Ids => Prompts::of_ids(tokenizer, seed),
        }
    }
}
