//! Lengths of prompts and answers as a plan's distributions: those of the paper's two traces, or of a user's own file.
//!
//! A sample becomes a mix of uniform slices between its quantiles, so that whatever was true of the sample (a longest total, a
//! hump) is nearly true of what is drawn. Prompt and answer are then drawn apart from each other; in ShareGPT's trace
//! their correlation is 0.04.

use std::fs::File;
use std::io;
use std::path::Path;

use metron_workload::random::{Stream, generator};
use metron_workload::{Dist, Trace, TraceOptions};

/// Slices of a distribution; a mix's text must stay within what the language takes.
const SLICES: usize = 40;
/// Pairs of which a stand-in's quantiles are taken.
const DRAWN: u64 = 8_192;
/// arXiv-summarisation, after the Sarathi-Serve paper: median and sigma of prompts and of answers, and the longest total.
const ARXIV: (&str, &str, u64) = ("lognormal:7059,0.476", "lognormal:208,0.452", 16_384);
/// Every fifth percentile of ShareGPT's lengths, from the least to the greatest, of the conversations of at most 8,192 tokens.
const SHAREGPT: ([u64; 21], [u64; 21]) = (
    [1, 29, 74, 181, 382, 580, 777, 973, 1203, 1457, 1730, 2060, 2401, 2799, 3235, 3735, 4278, 4918, 5696, 6563, 8141],
    [2, 44, 84, 130, 181, 228, 271, 312, 346, 381, 415, 453, 493, 534, 581, 628, 683, 754, 834, 920, 1024],
);

/// Lengths of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lengths {
    /// The trace's name.
    pub name: &'static str,
    /// Of prompts, in the language of `--input-tokens`.
    pub prompts: String,
    /// Of answers, in the language of `--output-tokens`.
    pub outputs: String,
    /// The longest total: what an engine is set to take at most.
    pub longest: u64,
}

impl Lengths {
    /// arXiv-summarisation as both papers used it, by a stand-in: lognormal lengths with the published medians and 90th
    /// percentiles, totals over 16,384 drawn again.
    #[must_use]
    pub fn arxiv() -> Self {
        let (prompts, outputs, longest) = ARXIV;
        let dist = |text: &str| text.parse::<Dist>().expect("a distribution of this file");
        let (prompts, outputs) = (dist(prompts), dist(outputs));
        let pair = |k| {
            let mut random = generator(7, Stream::Engine, k);
            let mut lengths = || (prompts.draw(&mut random).get(), outputs.draw(&mut random).get());
            let fits = |(prompt, output): &(u64, u64)| prompt + output <= longest;
            std::iter::repeat_with(&mut lengths).find(fits).expect("most lengths fit")
        };
        let drawn = Self::of_pairs("arXiv", (0..DRAWN).map(pair).collect()).expect("pairs were drawn");
        Self { longest, ..drawn }
    }

    /// ShareGPT, by the quantiles of its lengths.
    #[must_use]
    pub fn sharegpt() -> Self {
        let (prompts, outputs) = SHAREGPT;
        Self { name: "ShareGPT", prompts: slices(&prompts), outputs: slices(&outputs), longest: 8_192 }
    }

    /// The lengths of a trace of any format that metron reads.
    ///
    /// # Errors
    /// If it cannot be read, or says no lengths.
    pub fn of_file(name: &'static str, path: &Path) -> io::Result<Self> {
        let told = |error: String| io::Error::other(format!("{}: {error}", path.display()));
        let trace = Trace::read(File::open(path).map_err(|error| told(error.to_string()))?, TraceOptions::default())
            .map_err(|error| told(error.to_string()))?;
        let mut pairs = Vec::new();
        for request in trace {
            let request = request.map_err(|error| told(error.to_string()))?;
            let lengths = request.input_tokens.zip(request.output_tokens);
            let (input, output) = lengths.ok_or_else(|| told(format!("line {} says no lengths", request.line)))?;
            pairs.push((input.get(), output.get()));
        }
        Self::of_pairs(name, pairs).ok_or_else(|| told("it holds no request".to_owned()))
    }

    fn of_pairs(name: &'static str, pairs: Vec<(u64, u64)>) -> Option<Self> {
        let longest = pairs.iter().map(|(prompt, output)| prompt + output).max()?;
        let (mut prompts, mut outputs): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
        let sliced = |lengths: &mut Vec<u64>| {
            lengths.sort_unstable();
            let last = lengths.len().checked_sub(1)?;
            let quantiles: Vec<u64> = (0..=SLICES).map(|k| lengths[k * last / SLICES]).collect();
            Some(slices(&quantiles))
        };
        Some(Self { name, prompts: sliced(&mut prompts)?, outputs: sliced(&mut outputs)?, longest })
    }
}

/// A mix of equally likely slices, each uniform between neighbours of `quantiles`.
fn slices(quantiles: &[u64]) -> String {
    let share = 100.0 / (quantiles.len() - 1) as f64;
    let slice = |pair: &[u64]| format!("{share}% uniform:{}..{}", pair[0].max(1), pair[1].max(1));
    quantiles.windows(2).map(slice).collect::<Vec<_>>().join(" + ")
}
