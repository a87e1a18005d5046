//! The cost model and schedulers against figures that others measured on real engines and GPUs. Each test names its source;
//! the tolerances are those that the model was found to keep.

use metron_sim::engine::{Cost, Engine, EngineConfig, Event, Request, RequestId, Work, run_virtual};
use metron_units::{Nanos, Tokens};

fn config(scheduler: &str, parameters: &str) -> EngineConfig {
    let pairs = parameters.split('&').map(|pair| pair.split_once('=').expect("key=value"));
    let no_files = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    EngineConfig::from_pairs(scheduler, pairs, no_files).expect("a known engine")
}

struct Measured {
    first_token: Nanos,
    last_token: Nanos,
}

/// `count` requests at instant zero.
fn batch(scheduler: &str, parameters: &str, count: u64, prompt: u64, output: u64) -> Measured {
    let request = |id| Request {
        id: RequestId::new(id),
        arrival: Nanos::ZERO,
        prompt: Tokens::new(prompt),
        output: Tokens::new(output),
        shared: None,
    };
    let mut instants = Vec::new();
    run_virtual(&mut Engine::new(config(scheduler, parameters)), (0..count).map(request), |event| {
        if let Event::Token { at, .. } = event {
            instants.push(*at);
        }
    });
    assert_eq!(instants.len() as u64, count * output, "every token was given");
    Measured { first_token: instants[0], last_token: instants[instants.len() - 1] }
}

fn close(what: &str, ours: f64, published: f64, tolerance: f64) {
    let error = ours / published - 1.0;
    assert!(error.abs() <= tolerance, "{what}: {ours:.4} for {published}, {:+.1} %", error * 100.0);
}

const MS: f64 = 1e6;

fn first_token_ms(scheduler: &str, parameters: &str, prompt: u64) -> f64 {
    batch(scheduler, parameters, 1, prompt, 1).first_token.get() as f64 / MS
}

const YI_A100: &str = "model=yi-34b&gpu=a100-pcie&tp=2&overhead=eager&max-model-len=32768";

/// sarathi-serve, `osdi-experiments/figure-2` and `figure-9`.
#[test]
fn one_prompt_on_yi_34b_and_two_a100_takes_as_long_as_in_sarathi_serve() {
    for (prompt, ms, tolerance) in [
        (512, 106.0, 0.15),
        (1024, 214.0, 0.15),
        (2048, 366.0, 0.15),
        (4096, 758.0, 0.15),
        (8192, 1754.0, 0.15),
        (16384, 4408.0, 0.25),
    ] {
        close(&format!("prompt of {prompt}"), first_token_ms("vllm", YI_A100, prompt), ms, tolerance);
    }
}

/// sarathi-serve, `osdi-experiments/figure-9`.
#[test]
fn one_prompt_in_chunks_takes_as_long_as_in_sarathi_serve() {
    for (chunk, prompt, ms) in [
        (2048, 4096, 794.0),
        (2048, 8192, 1643.0),
        (2048, 16384, 3652.0),
        (512, 4096, 922.0),
        (512, 8192, 1959.0),
        (512, 16384, 4513.0),
    ] {
        let parameters = format!("{YI_A100}&chunk-size={chunk}");
        close(&format!("{prompt} in chunks of {chunk}"), first_token_ms("sarathi", &parameters, prompt), ms, 0.08);
    }
}

/// Sarathi-Serve's paper, Table 3: the strict objective is five times this iteration.
#[test]
fn a_decode_iteration_takes_a_fifth_of_sarathi_serves_objective() {
    for (parameters, ms) in [
        ("model=mistral-7b&gpu=a100-pcie&overhead=none", 20.0),
        ("model=yi-34b&gpu=a100-pcie&tp=2&overhead=none", 40.0),
    ] {
        let mut work = Work::default();
        (0..32).for_each(|_| work.decode(4096));
        let cost: &Cost = &config("vllm", parameters).cost().clone();
        close(parameters, cost.iteration(&work).get() as f64 / MS, ms, 0.20);
    }
}

/// Etalon's documentation, read off a figure.
#[test]
fn one_prompt_on_yi_34b_and_two_h100_takes_as_long_as_etalon_saw() {
    let parameters = "model=yi-34b&gpu=h100&tp=2&overhead=graph&max-model-len=32768";
    for (prompt, s) in [(2048, 0.13), (4096, 0.28), (8192, 0.57), (16384, 1.32)] {
        close(&format!("prompt of {prompt}"), first_token_ms("vllm", parameters, prompt) / 1e3, s, 0.12);
    }
}

/// vLLM's continuous benchmark of 2024: 8 requests at once, 32 tokens in, 128 out.
#[test]
fn a_batch_of_eight_takes_as_long_as_in_vllms_benchmark() {
    for (hardware, ms, tolerance) in [
        ("model=llama-3-8b&gpu=h100", 998.0, 0.05),
        ("model=llama-3-8b&gpu=h200", 833.0, 0.05),
        ("model=llama-3-70b&gpu=h100&tp=4", 2444.0, 0.12),
        ("model=llama-3-70b&gpu=h200&tp=4", 2078.0, 0.12),
        ("model=mixtral-8x7b&gpu=h100&tp=2", 2327.0, 0.18),
        ("model=mixtral-8x7b&gpu=h200&tp=2", 1917.0, 0.18),
    ] {
        let measured = batch("vllm", &format!("{hardware}&overhead=graph"), 8, 32, 128);
        close(hardware, measured.last_token.get() as f64 / MS, ms, tolerance);
    }
}

/// TensorRT-LLM 0.6.1's performance.md: static batches, FP16, tokens per second and GPU. Blocks are set so that the batch fits.
#[test]
fn static_batches_give_as_many_tokens_as_tensorrt_llm() {
    for (hardware, gpus, count, prompt, output, rate) in [
        ("model=llama-2-7b&gpu=a100", 1, 384, 128, 128, 5586.0),
        ("model=llama-2-7b&gpu=a100", 1, 60, 128, 2048, 1928.0),
        ("model=llama-2-7b&gpu=a100", 1, 52, 2048, 128, 591.0),
        ("model=llama-2-70b&gpu=a100&tp=4", 4, 1280, 128, 128, 670.0),
        ("model=llama-2-70b&gpu=a100&tp=4", 4, 120, 2048, 128, 79.0),
    ] {
        let length: u64 = prompt + output;
        let blocks = count * length.div_ceil(16);
        let parameters =
            format!("{hardware}&overhead=none&max-num-seqs={count}&max-model-len={length}&blocks={blocks}");
        let measured = batch("static", &parameters, count, prompt, output);
        let ours = (count * output) as f64 / measured.last_token.as_secs_f64() / f64::from(gpus);
        close(&format!("{hardware}, {count} of {prompt}/{output}"), ours, rate, 0.18);
    }
}

/// TensorRT-LLM 0.5's performance.md.
#[test]
fn the_first_token_comes_as_soon_as_in_tensorrt_llm() {
    for (hardware, prompt, ms) in [
        ("model=llama-2-7b&gpu=a100", 128, 16.0),
        ("model=llama-2-7b&gpu=a100", 2048, 133.0),
        ("model=llama-2-70b&gpu=a100&tp=4", 128, 47.0),
        ("model=llama-2-70b&gpu=a100&tp=4", 2048, 377.0),
    ] {
        let ours = first_token_ms("static", &format!("{hardware}&overhead=none"), prompt);
        close(&format!("{hardware}, prompt of {prompt}"), ours, ms, 0.20);
    }
}

/// The vLLM paper, figure 13: Orca that reserves the longest sequence runs 7 at once.
#[test]
fn as_many_reserved_sequences_fit_an_a100_as_in_the_vllm_paper() {
    let (blocks, block_size) = config("orca", "model=opt-13b&gpu=a100-40").blocks();
    let sequences = blocks / 2048_u64.div_ceil(block_size);
    assert!((6..=8).contains(&sequences), "{sequences} sequences of 2048 tokens");
}

/// The vLLM paper's direction: with the same memory, blocks on demand serve a backlog of short answers faster than
/// reservations, and joining a batch in its middle faster than waiting for its end.
#[test]
fn a_backlog_is_served_faster_by_orca_than_by_static_and_faster_still_by_vllm() {
    let hardware = "model=opt-13b&gpu=a100-40&overhead=vllm-0.5";
    let seconds = |scheduler| {
        let requests = (0..400_u64).map(|id| Request {
            id: RequestId::new(id),
            arrival: Nanos::ZERO,
            prompt: Tokens::new(100 + 37 * id % 200),
            // Lengths differ widely: a batch's end waits for its longest answer.
            output: Tokens::new(10 + 101 * id % 500),
            shared: None,
        });
        let mut end = Nanos::ZERO;
        run_virtual(&mut Engine::new(config(scheduler, hardware)), requests, |event| {
            if let Event::Token { at, .. } = event {
                end = *at;
            }
        });
        end.as_secs_f64()
    };
    let (fixed, orca, vllm) = (seconds("static"), seconds("orca"), seconds("vllm"));
    assert!(fixed > 1.3 * orca, "static {fixed:.1} s, orca {orca:.1} s");
    assert!(orca > 2.0 * vllm, "orca {orca:.1} s, vllm {vllm:.1} s");
}
