//! The time of an iteration from a model's shape and a GPU's rates. Knows sums of work, no sequences.
//!
//! Each kernel has a start-up time and then takes the Euclidean norm of its time for arithmetic and its time for memory:
//! a smooth roofline. Only `+ - * / sqrt ceil` occur, so that every platform computes the same nanosecond.

use super::catalogue::{Gpu, Kernel, Model, Overhead};
use super::work::Work;

/// Bytes of one number in bf16.
const BF16: f64 = 2.0;

/// A model on `tp` GPUs of one kind, with an engine's overhead around it; the constants of all formulas worked out once.
#[derive(Debug, Clone, PartialEq)]
pub struct Roofline {
    layers: f64,
    attention_in: Gemm,
    attention_out: Gemm,
    mlp: Mlp,
    head: Gemm,
    elementwise: Line,
    prefill: Prefill,
    decode: Decode,
    all_reduce: Option<Line>,
    iteration_s: f64,
    sequence_s: f64,
    launch_s: f64,
}

/// A degree of tensor parallelism that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TensorParallelError {
    /// Not 1, 2, 4 or 8.
    #[error("tp={tp} is not 1, 2, 4 or 8")]
    Degree {
        /// As asked.
        tp: u64,
    },
    /// The heads cannot be shared equally.
    #[error("{heads} query heads cannot be shared equally by {tp} GPUs")]
    Heads {
        /// The model's.
        heads: u64,
        /// As asked.
        tp: u64,
    },
}

impl Roofline {
    /// The cost of `model` shared by `tp` GPUs.
    ///
    /// # Errors
    /// If `tp` is not 1, 2, 4 or 8, or does not divide the model's query heads.
    pub fn new(model: &Model, gpu: &Gpu, tp: u64, overhead: &Overhead) -> Result<Self, TensorParallelError> {
        let bus = gpu.bus(tp);
        if tp != 1 && bus.is_none() {
            return Err(TensorParallelError::Degree { tp });
        }
        if !model.query_heads.is_multiple_of(tp) {
            return Err(TensorParallelError::Heads { heads: model.query_heads, tp });
        }
        let shape = Shape::of(model, tp);
        let all_reduce = bus.map(|bus| Line {
            start: 2.0 * gpu.all_reduce_start_us(overhead.all_reduce) / 1e6,
            per_token: 2.0 * shape.h * BF16 * 2.0 * (shape.tp - 1.0) / shape.tp / bus,
        });
        Ok(Self {
            layers: model.layers as f64,
            attention_in: Gemm::new(gpu, (shape.q + 2.0 * shape.k) * shape.d, shape.h),
            attention_out: Gemm::new(gpu, shape.h, shape.q * shape.d),
            mlp: Mlp::new(model, gpu, &shape),
            head: Gemm::new(gpu, model.vocabulary as f64 / shape.tp, shape.h),
            elementwise: Line::elementwise(model, gpu, &shape),
            prefill: Prefill::new(gpu, &shape),
            decode: Decode::new(gpu, &shape),
            all_reduce,
            iteration_s: overhead.iteration_ms / 1e3,
            sequence_s: overhead.sequence_us / 1e6,
            launch_s: model.layers as f64 * (overhead.launch_ms / 1e3),
        })
    }

    /// Seconds of one iteration.
    pub(super) fn seconds(&self, work: &Work) -> f64 {
        let tokens = (work.prefill_tokens + work.decoding) as f64;
        let linear = self.attention_in.seconds(tokens) + self.attention_out.seconds(tokens) + self.mlp.seconds(tokens);
        let attention = self.prefill.seconds(work) + self.decode.seconds(work);
        let all_reduce = self.all_reduce.map_or(0.0, |line| line.seconds(tokens));
        let layer = linear + self.elementwise.seconds(tokens) + attention + all_reduce;
        let gpu = self.layers * layer + self.head.seconds(work.giving as f64);
        let sequences = (work.chunks + work.decoding) as f64;
        self.iteration_s + self.sequence_s * sequences + gpu.max(self.launch_s)
    }
}

/// A model's sizes on one of `tp` GPUs.
struct Shape {
    tp: f64,
    h: f64,
    q: f64,
    k: f64,
    d: f64,
    f: f64,
}

impl Shape {
    fn of(model: &Model, tp: u64) -> Self {
        let tp = tp as f64;
        Self {
            tp,
            h: model.hidden as f64,
            q: model.query_heads as f64 / tp,
            k: (model.kv_heads as f64 / tp).max(1.0),
            d: model.head_size as f64,
            f: model.ffn as f64,
        }
    }
}

fn norm2(a: f64, b: f64) -> f64 {
    (a * a + b * b).sqrt()
}

/// A matrix product of M rows; arithmetic is done in tiles of 64 rows once there are more than 16.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Gemm {
    start: f64,
    compute_per_row: f64,
    memory: f64,
    memory_per_row: f64,
}

impl Gemm {
    fn new(gpu: &Gpu, columns: f64, inner: f64) -> Self {
        let Kernel { start_us, compute, memory } = gpu.gemm;
        let bytes_per_s = memory * gpu.bytes_per_s;
        Self {
            start: start_us / 1e6,
            compute_per_row: 2.0 * columns * inner / (compute * gpu.flops),
            memory: BF16 * inner * columns / bytes_per_s,
            memory_per_row: BF16 * (inner + columns) / bytes_per_s,
        }
    }

    fn seconds(&self, rows: f64) -> f64 {
        if rows == 0.0 {
            return 0.0;
        }
        let padded = if rows <= 16.0 { rows } else { 64.0 * (rows / 64.0).ceil() };
        self.start + norm2(self.compute_per_row * padded, self.memory + self.memory_per_row * rows)
    }
}

/// The feed-forward part of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mlp {
    Dense { up: Gemm, down: Gemm },
    Experts { router: Gemm, start: f64, compute_per_token: f64, all_weights: f64, missed: f64 },
}

impl Mlp {
    fn new(model: &Model, gpu: &Gpu, shape: &Shape) -> Self {
        let matrices = model.mlp_matrices as f64;
        let Some(experts) = model.experts else {
            return Self::Dense {
                up: Gemm::new(gpu, (matrices - 1.0) * shape.f / shape.tp, shape.h),
                down: Gemm::new(gpu, shape.h, shape.f / shape.tp),
            };
        };
        let (active, total) = (experts.active as f64, experts.total as f64);
        let Kernel { start_us, compute, memory } = gpu.experts;
        let weights = matrices * shape.h * shape.f / shape.tp;
        Self::Experts {
            router: Gemm::new(gpu, total, shape.h),
            start: start_us / 1e6,
            compute_per_token: 2.0 * weights * active / (compute * gpu.flops),
            all_weights: total * weights * BF16 / (memory * gpu.bytes_per_s),
            missed: 1.0 - active / total,
        }
    }

    fn seconds(&self, tokens: f64) -> f64 {
        match *self {
            Self::Dense { up, down } => up.seconds(tokens) + down.seconds(tokens),
            Self::Experts { router, start, compute_per_token, all_weights, missed } => {
                // An expert's weights are read unless no token chose it.
                let read = all_weights * (1.0 - power(missed, tokens as u64));
                router.seconds(tokens) + start + norm2(compute_per_token * tokens, read)
            }
        }
    }
}

/// `base` to a whole power by repeated squaring: `powi` and `powf` may differ between platforms.
fn power(base: f64, mut exponent: u64) -> f64 {
    let (mut product, mut square) = (1.0, base);
    while exponent > 0 {
        if exponent % 2 == 1 {
            product *= square;
        }
        square *= square;
        exponent /= 2;
    }
    product
}

/// A start-up and a time per token.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    start: f64,
    per_token: f64,
}

impl Line {
    /// Norms, activations, rotations and the like of a layer: six kernels that only move memory.
    fn elementwise(model: &Model, gpu: &Gpu, shape: &Shape) -> Self {
        let active = model.experts.map_or(1.0, |experts| experts.active as f64);
        let numbers = 10.0 * shape.h + 3.0 * shape.f * active / shape.tp + 2.0 * (shape.q + 2.0 * shape.k) * shape.d;
        Self {
            start: 6.0 * gpu.elementwise.start_us / 1e6,
            per_token: BF16 * numbers / (gpu.elementwise.memory * gpu.bytes_per_s),
        }
    }

    fn seconds(&self, tokens: f64) -> f64 {
        self.start + self.per_token * tokens
    }
}

/// Attention of prompts.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Prefill {
    start: f64,
    per_pair: f64,
    extra_tokens: f64,
    per_longest: f64,
}

impl Prefill {
    fn new(gpu: &Gpu, shape: &Shape) -> Self {
        let constants = gpu.prefill_attention;
        Self {
            start: constants.start_us / 1e6,
            per_pair: 4.0 * shape.d * shape.q / (constants.compute * gpu.flops),
            extra_tokens: constants.extra_tokens,
            per_longest: 4.0 * shape.d * 128.0 * gpu.sms / gpu.flops,
        }
    }

    fn seconds(&self, work: &Work) -> f64 {
        if work.chunks == 0 {
            return 0.0;
        }
        let pairs = work.double_pairs as f64 / 2.0 + self.extra_tokens * work.prefill_tokens as f64;
        self.start + self.per_pair * pairs + self.per_longest * work.longest as f64
    }
}

/// Attention of decoding sequences.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Decode {
    start: f64,
    per_context: f64,
    per_sequence: f64,
}

impl Decode {
    fn new(gpu: &Gpu, shape: &Shape) -> Self {
        let constants = gpu.decode_attention;
        Self {
            start: constants.start_us / 1e6,
            per_context: 2.0 * shape.k * shape.d * BF16 / (constants.memory * gpu.bytes_per_s),
            per_sequence: shape.q * constants.head_ns / 1e9,
        }
    }

    fn seconds(&self, work: &Work) -> f64 {
        if work.decoding == 0 {
            return 0.0;
        }
        self.start + self.per_context * work.context as f64 + self.per_sequence * work.decoding as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_products() {
        for exponent in [0, 1, 2, 3, 7, 64, 1000] {
            let product: f64 = std::iter::repeat_n(0.75, exponent as usize).product();
            assert!((power(0.75, exponent) - product).abs() <= 1e-12 * product, "to the {exponent}");
        }
    }

    #[test]
    fn a_gemm_of_no_rows_takes_no_time_and_the_seventeenth_row_fills_a_tile() {
        let gemm = Gemm::new(Gpu::named("h100").unwrap(), 8192.0, 8192.0);
        assert_eq!(gemm.seconds(0.0), 0.0);
        let compute = |rows| gemm.compute_per_row * rows;
        assert_eq!(gemm.seconds(17.0), gemm.start + norm2(compute(64.0), gemm.memory + 17.0 * gemm.memory_per_row));
    }

    #[test]
    fn heads_that_cannot_be_shared_are_refused() {
        let (model, _) = Model::named("qwen2.5-7b").unwrap();
        let (gpu, overhead) = (Gpu::named("h100").unwrap(), Overhead::named("none").unwrap());
        assert_eq!(
            Roofline::new(model, gpu, 8, overhead).unwrap_err(),
            TensorParallelError::Heads { heads: 28, tp: 8 }
        );
        assert_eq!(Roofline::new(model, gpu, 3, overhead).unwrap_err(), TensorParallelError::Degree { tp: 3 });
    }
}
