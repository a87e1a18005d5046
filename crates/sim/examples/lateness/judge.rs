//! What is said of the instants at which tokens left.

use metron_units::Nanos;

/// A token: when it was due, and when it left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) due: Nanos,
    pub(crate) at: Nanos,
}

/// The batches in which nearly all streams got a token: those that were due at one instant, in the order in which they left.
pub(crate) fn full_batches(sent: &[Sent]) -> Vec<&[Sent]> {
    let batches: Vec<&[Sent]> = sent.chunk_by(|one, other| one.due == other.due).collect();
    let largest = batches.iter().map(|batch| batch.len()).max().expect("something was sent");
    batches.into_iter().filter(|batch| 10 * batch.len() >= 9 * largest).collect()
}

/// Prints the costs of a send and what they do not explain. What a send costs is taken from each batch alone, since what else this
/// machine does makes one batch dearer than another, and then once more from all of them.
pub(crate) fn judge(full: &[&[Sent]]) {
    let (mut costs, mut first, mut worst, mut beyond) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    courses(full);
    for batch in full {
        let last = batch.len() - 1;
        let cost = (batch[last].at - batch[0].at).get() as f64 / last as f64;
        costs.push(cost);
        first.push((batch[0].at - batch[0].due).get() as f64);
        let mut late = lateness(batch, cost);
        late.sort_unstable_by(f64::total_cmp);
        worst.push(late[last * 99 / 100]);
        beyond.append(&mut late);
    }
    let mean = costs.iter().sum::<f64>() / costs.len() as f64;
    let mut beyond_mean: Vec<f64> = full.iter().flat_map(|batch| lateness(batch, mean)).collect();
    println!("  {} batches; a send costs {}", costs.len(), quantiles(&mut costs));
    println!("  the first token of a batch is late by {}", quantiles(&mut first));
    println!("  a token is late by its place in the batch times its batch's cost, and {}", quantiles(&mut beyond));
    println!("  of that the 99th percentile of a batch is, over the batches, {}", quantiles(&mut worst));
    println!("  with the mean of all batches, {:.2} us a send, it is {}", mean / 1e3, quantiles(&mut beyond_mean));
}

/// Each token's lateness less its place in the batch times `cost`, in nanoseconds.
fn lateness(batch: &[Sent], cost: f64) -> Vec<f64> {
    let late = |(place, token): (usize, &Sent)| (token.at - token.due).get() as f64 - place as f64 * cost;
    batch.iter().enumerate().map(late).collect()
}

/// What a send costs in each tenth of a batch, on the average of all batches.
fn courses(batches: &[&[Sent]]) {
    let tenths: Vec<String> = (0..10)
        .map(|tenth| {
            let costs = batches.iter().map(|batch| {
                let last = batch.len() - 1;
                let (from, to) = (last * tenth / 10, last * (tenth + 1) / 10);
                (batch[to].at - batch[from].at).get() as f64 / (to - from).max(1) as f64
            });
            format!("{:.1}", costs.sum::<f64>() / batches.len() as f64 / 1e3)
        })
        .collect();
    println!("  a send costs in each tenth of a batch {} us", tenths.join(" "));
}

fn quantiles(values: &mut [f64]) -> String {
    values.sort_unstable_by(f64::total_cmp);
    let at = |q: f64| values[((values.len() - 1) as f64 * q) as usize] / 1e3;
    format!("p1 {:.1}, p50 {:.1}, p99 {:.1}, max {:.1} us", at(0.01), at(0.5), at(0.99), at(1.0))
}
