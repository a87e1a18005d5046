//! Flags that say what requests carry besides their prompts.

use std::path::PathBuf;

use clap::Args;
use metron_units::Nanos;
use metron_workload::{Count, Dist, ImageSize};

/// What requests carry.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Request shape")]
pub(crate) struct ShapeFlags {
    /// Images in each prompt, made up and each another one (PNG).
    #[arg(long, value_name = "DIST")]
    pub(crate) images: Option<Dist<Count>>,
    /// Their width and height. [default with --images: 512x512]
    #[arg(long, value_name = "WxH")]
    pub(crate) image_size: Option<ImageSize>,
    /// A sound of this length in each prompt, made up (WAV, 16 kHz).
    #[arg(long, value_name = "DIST")]
    pub(crate) audio: Option<Dist<Nanos>>,
    /// Tools that the model may call: so many made up, or a JSON file in the form of OpenAI's `tools`.
    #[arg(long, value_name = "FILE|N")]
    pub(crate) tools: Option<String>,
    /// A JSON Schema that answers must fit (structured output).
    #[arg(long, value_name = "FILE")]
    pub(crate) schema: Option<PathBuf>,
}
