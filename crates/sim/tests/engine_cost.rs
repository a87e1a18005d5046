//! The cost model against golden iterations and against figures that others have published.

use metron_sim::engine::cost::{Cost, Gpu, Model, Overhead, Roofline, Work};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    model: String,
    gpu: String,
    tp: u64,
    overhead: String,
    prefill: Vec<(u64, u64)>,
    decode: Vec<u64>,
    ns: u64,
    blocks: u64,
    params: u64,
    kv_bytes_per_token: u64,
}

#[test]
fn iterations_blocks_and_sizes_are_the_golden_ones() {
    let lines: Vec<&str> = include_str!("golden/sim_cost.jsonl").lines().collect();
    assert_eq!(lines.len(), 30);
    for line in lines {
        let golden: Golden = serde_json::from_str(line).unwrap();
        let name = format!("{} on {} tp {} {}", golden.model, golden.gpu, golden.tp, golden.overhead);
        let (model, _) = Model::named(&golden.model).unwrap();
        let gpu = Gpu::named(&golden.gpu).unwrap();
        let overhead = Overhead::named(&golden.overhead).unwrap();
        let cost = Cost::Roofline(Box::new(Roofline::new(model, gpu, golden.tp, overhead).unwrap()));
        let mut work = Work::default();
        golden.prefill.iter().for_each(|&(new, before)| work.last_chunk(new, before));
        golden.decode.iter().for_each(|&context| work.decode(context));
        let ns = cost.iteration(&work).get();
        assert!(ns.abs_diff(golden.ns) as f64 <= 1.0 + 1e-9 * golden.ns as f64, "{name}: {ns} for {}", golden.ns);
        assert_eq!(model.blocks(gpu, golden.tp, 16), Ok(golden.blocks), "{name}");
        assert_eq!(model.params(), golden.params, "{name}");
        assert_eq!(model.kv_bytes_per_token(), golden.kv_bytes_per_token, "{name}");
    }
}
