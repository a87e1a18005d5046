//! From scrapes to curves on the run's own time axis: what several series, and several servers, say together at each moment.
//! Holds some numbers for each scrape, whatever its length. Knows no file.

use std::collections::{BTreeMap, BTreeSet};

use metron_units::Nanos;

use super::exposition::Sample;
use super::meaning::{self, KNOWN, Meaning, Together};

/// A value that a server last gave so long ago says nothing of now.
const STALE: Nanos = Nanos::from_secs(5);

/// One figure over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What it is, as a key: `running`, `kv_cache`, ...
    pub name: &'static str,
    /// What it is, for people.
    pub label: &'static str,
    /// `requests`, `share`, `W`.
    pub unit: &'static str,
    /// Since the run's epoch, rising.
    pub points: Vec<(Nanos, f64)>,
}

impl Curve {
    /// The mean over its points, which lie a second apart; `None` without points.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (!self.points.is_empty())
            .then(|| self.points.iter().map(|(_, value)| value).sum::<f64>() / self.points.len() as f64)
    }

    /// The highest; `None` without points.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.points.iter().map(|&(_, value)| value).max_by(f64::total_cmp)
    }
}

/// The curves of a run, as far as it was scraped.
#[derive(Debug, Clone, Default)]
pub struct Curves {
    families: BTreeSet<&'static str>,
    latest: BTreeMap<Meaning, BTreeMap<String, (Nanos, f64)>>,
    counted: BTreeMap<(String, Meaning), Counter>,
    series: BTreeMap<Meaning, Vec<(Nanos, f64)>>,
}

/// A counter of one server: what it rose by since the run's first scrape, restarts of the server left out.
#[derive(Debug, Clone, Copy)]
struct Counter {
    last: f64,
    risen: f64,
}

impl Curves {
    /// One scrape of `source` that came at `at`; scrapes come in the order of time.
    pub fn add<'a>(&mut self, at: Nanos, source: &str, samples: impl Iterator<Item = Sample<'a>>) {
        let mut found: BTreeMap<usize, (f64, u32)> = BTreeMap::new();
        for sample in samples.filter(|sample| sample.value.is_finite()) {
            if let Some(known) = meaning::of(&sample) {
                let (sum, count) = found.entry(known).or_default();
                *sum += sample.value * KNOWN[known].scale;
                *count += 1;
            }
        }
        let mut seen = BTreeSet::new();
        for (known, (sum, count)) in found {
            let known = KNOWN[known];
            self.families.insert(known.family);
            // The table's order: of several names of one meaning, the first stands.
            if seen.insert(known.meaning) {
                let value = match known.meaning.together() {
                    Together::Sum => sum,
                    Together::Mean => sum / f64::from(count),
                };
                self.add_value(at, source, known.meaning, value);
            }
        }
    }

    fn add_value(&mut self, at: Nanos, source: &str, meaning: Meaning, value: f64) {
        let value = if is_counter(meaning) {
            let counter =
                self.counted.entry((source.to_owned(), meaning)).or_insert(Counter { last: value, risen: 0.0 });
            // A server that was started again counts from zero.
            counter.risen += if value >= counter.last { value - counter.last } else { value };
            counter.last = value;
            counter.risen
        } else {
            value
        };
        let sources = self.latest.entry(meaning).or_default();
        sources.insert(source.to_owned(), (at, value));
        let fresh = |(then, value): &(Nanos, f64)| {
            // What was counted stays counted; a gauge that nobody renews says nothing.
            (is_counter(meaning) || at.saturating_sub(*then) <= STALE).then_some(*value)
        };
        let values: Vec<f64> = sources.values().filter_map(fresh).collect();
        let sum: f64 = values.iter().sum();
        let together = match meaning.together() {
            Together::Sum => sum,
            Together::Mean => sum / values.len() as f64,
        };
        self.series.entry(meaning).or_default().push((at, together));
    }

    /// When the last scrape that said anything came.
    #[must_use]
    pub fn last(&self) -> Option<Nanos> {
        self.series.values().filter_map(|points| points.last()).map(|&(at, _)| at).max()
    }

    /// Whose metrics were seen.
    pub fn families(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.families.iter().copied()
    }

    /// What there is to be shown, in the order in which it explains a wait.
    #[must_use]
    pub fn curves(&self) -> Vec<Curve> {
        let curve = |name, label, unit, points: Vec<(Nanos, f64)>| Curve { name, label, unit, points };
        let series = |meaning| self.series.get(&meaning).cloned().unwrap_or_default();
        let curves = [
            curve("running", "requests running", "requests", series(Meaning::Running)),
            curve("waiting", "requests waiting", "requests", series(Meaning::Waiting)),
            curve("kv_cache", "KV cache in use", "share", series(Meaning::KvCache)),
            curve("preemptions", "preemptions since the start", "requests", series(Meaning::Preemptions)),
            curve("prefix_hits", "found in the prefix cache", "share", self.prefix_hits()),
            curve("gpu_use", "GPU in use", "share", series(Meaning::GpuUse)),
            curve("cpu_use", "the server's processors in use", "share", self.cpu_use()),
            curve("power", "power", "W", self.power()),
        ];
        curves.into_iter().filter(|curve| !curve.points.is_empty()).collect()
    }

    /// What was found of what was looked up, between one scrape and the next.
    fn prefix_hits(&self) -> Vec<(Nanos, f64)> {
        let (Some(hits), Some(queries)) =
            (self.series.get(&Meaning::PrefixHits), self.series.get(&Meaning::PrefixQueries))
        else {
            return self.series.get(&Meaning::PrefixHitRate).cloned().unwrap_or_default();
        };
        let risen = hits.windows(2).zip(queries.windows(2));
        let share = risen.filter_map(|(hits, queries)| {
            let asked = queries[1].1 - queries[0].1;
            (asked > 0.0).then(|| (queries[1].0, (hits[1].1 - hits[0].1) / asked))
        });
        share.collect()
    }

    fn cpu_use(&self) -> Vec<(Nanos, f64)> {
        let idle = self.series.get(&Meaning::CpuIdle).map(|idle| slopes(idle)).unwrap_or_default();
        idle.into_iter().map(|(at, idle)| (at, (1.0 - idle).clamp(0.0, 1.0))).collect()
    }

    fn power(&self) -> Vec<(Nanos, f64)> {
        match self.series.get(&Meaning::Power) {
            Some(power) => power.clone(),
            None => self.series.get(&Meaning::Energy).map(|energy| slopes(energy)).unwrap_or_default(),
        }
    }

    /// The joules that were drawn from one moment to another: by the servers' own meters where they have some, else by what
    /// they drew at each scrape. `None` where neither was seen twice within.
    #[must_use]
    pub fn energy(&self, from: Nanos, to: Nanos) -> Option<f64> {
        let within = |points: &[(Nanos, f64)]| -> Vec<(Nanos, f64)> {
            points.iter().copied().filter(|(at, _)| (from..=to).contains(at)).collect()
        };
        let all = to.saturating_sub(from).as_secs_f64();
        // The scrapes begin and end within: what was drawn between them stands for the whole.
        let stretched = |joules: f64, first: Nanos, last: Nanos| {
            let seen = last.saturating_sub(first).as_secs_f64();
            (seen > 0.0).then(|| joules * all / seen)
        };
        let meter = within(self.series.get(&Meaning::Energy).map_or(&[], Vec::as_slice));
        if let [first, .., last] = meter.as_slice() {
            return stretched(last.1 - first.1, first.0, last.0);
        }
        let drawn = within(self.series.get(&Meaning::Power).map_or(&[], Vec::as_slice));
        let [first, .., last] = drawn.as_slice() else { return None };
        let trapezium =
            |pair: &[(Nanos, f64)]| (pair[0].1 + pair[1].1) / 2.0 * pair[1].0.saturating_sub(pair[0].0).as_secs_f64();
        stretched(drawn.windows(2).map(trapezium).sum(), first.0, last.0)
    }
}

const fn is_counter(meaning: Meaning) -> bool {
    match meaning {
        Meaning::Preemptions | Meaning::PrefixQueries | Meaning::PrefixHits | Meaning::Energy | Meaning::CpuIdle => {
            true
        }
        Meaning::Running
        | Meaning::Waiting
        | Meaning::KvCache
        | Meaning::PrefixHitRate
        | Meaning::GpuUse
        | Meaning::Power => false,
    }
}

/// What a counter rose by per second, between one point and the next.
fn slopes(points: &[(Nanos, f64)]) -> Vec<(Nanos, f64)> {
    let slope = |pair: &[(Nanos, f64)]| {
        let span = pair[1].0.saturating_sub(pair[0].0).as_secs_f64();
        (span > 0.0).then(|| (pair[1].0, (pair[1].1 - pair[0].1) / span))
    };
    points.windows(2).filter_map(slope).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server_metrics::exposition::samples;

    fn scraped(scrapes: &[(u64, &str, &str)]) -> Curves {
        let mut curves = Curves::default();
        for (second, source, text) in scrapes {
            curves.add(Nanos::from_secs(*second), source, samples(text));
        }
        curves
    }

    #[track_caller]
    fn check(curves: &Curves, name: &str, expected: &[(u64, f64)]) {
        let shown = curves.curves();
        let points = shown.iter().find(|curve| curve.name == name).map_or(&[][..], |curve| &curve.points);
        let expected: Vec<(Nanos, f64)> =
            expected.iter().map(|&(second, value)| (Nanos::from_secs(second), value)).collect();
        assert_eq!(points, expected, "{name}");
    }

    #[test]
    fn each_family_says_what_it_runs_and_what_waits() {
        for (text, running, waiting) in [
            (
                "vllm:num_requests_running{model_name=\"m\"} 3\nvllm:num_requests_waiting{model_name=\"m\"} 2\n",
                3.0,
                2.0,
            ),
            ("sglang:num_running_reqs{tp_rank=\"0\"} 4\nsglang:num_queue_reqs{tp_rank=\"0\"} 1\n", 4.0, 1.0),
            ("tgi_batch_current_size 8\ntgi_queue_size 7\n", 8.0, 7.0),
            (
                "trtllm_num_requests_running{model_name=\"m\"} 5\ntrtllm_num_requests_waiting{model_name=\"m\"} 6\n",
                5.0,
                6.0,
            ),
            (
                "nv_trt_llm_request_metrics{request_type=\"scheduled\"} 2\nnv_trt_llm_request_metrics{request_type=\"max\"} 9\n\
                 nv_trt_llm_request_metrics{request_type=\"waiting\"} 1\n",
                2.0,
                1.0,
            ),
            ("llamacpp:requests_processing 1\nllamacpp:requests_deferred 9\n", 1.0, 9.0),
            ("dynamo_frontend_inflight_requests 5\ndynamo_frontend_queued_requests 4\n", 5.0, 4.0),
        ] {
            let curves = scraped(&[(1, "a", text)]);
            check(&curves, "running", &[(1, running)]);
            check(&curves, "waiting", &[(1, waiting)]);
        }
    }

    #[test]
    fn of_two_names_for_one_thing_one_counts() {
        let both = "vllm:kv_cache_usage_perc 0.25\nvllm:gpu_cache_usage_perc 0.75\nvllm:num_requests_running 3\ndynamo_frontend_inflight_requests 9\n";
        let curves = scraped(&[(1, "a", both)]);
        check(&curves, "kv_cache", &[(1, 0.25)]);
        check(&curves, "running", &[(1, 3.0)]);
        assert_eq!(curves.families().collect::<Vec<_>>(), ["Dynamo", "vLLM"]);
    }

    #[test]
    fn servers_are_added_up_and_their_shares_averaged() {
        let text =
            |running: u32, kv: f64| format!("vllm:num_requests_running {running}\nvllm:kv_cache_usage_perc {kv}\n");
        let (a, b) = (text(3, 0.25), text(5, 0.75));
        let curves = scraped(&[(1, "a", &a), (1, "b", &b), (9, "a", &a)]);
        check(&curves, "running", &[(1, 3.0), (1, 8.0), (9, 3.0)]);
        check(&curves, "kv_cache", &[(1, 0.25), (1, 0.5), (9, 0.25)]);
    }

    #[test]
    fn counters_begin_with_the_run_and_survive_a_restart() {
        let text = |count: u32| format!("vllm:num_preemptions_total {count}\n");
        let curves = scraped(&[(1, "a", &text(100)), (2, "a", &text(103)), (3, "a", &text(2))]);
        check(&curves, "preemptions", &[(1, 0.0), (2, 3.0), (3, 5.0)]);
    }

    #[test]
    fn prefix_hits_are_those_between_two_scrapes() {
        let text = |queries: u32, hits: u32| {
            format!("vllm:prefix_cache_queries_total {queries}\nvllm:prefix_cache_hits_total {hits}\n")
        };
        let curves = scraped(&[(1, "a", &text(100, 90)), (2, "a", &text(300, 140)), (3, "a", &text(300, 140))]);
        check(&curves, "prefix_hits", &[(2, 0.25)]);
    }

    #[test]
    fn energy_is_the_meters_and_else_what_was_drawn() {
        let gpu = |watts: u32, mj: u64| {
            format!(
                "DCGM_FI_DEV_POWER_USAGE{{gpu=\"0\"}} {watts}\nDCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{gpu=\"0\"}} {mj}\n"
            )
        };
        let metered = scraped(&[(0, "a", &gpu(300, 1_000_000)), (10, "a", &gpu(300, 5_000_000))]);
        assert_eq!(metered.energy(Nanos::ZERO, Nanos::from_secs(10)), Some(4_000.0));
        check(&metered, "power", &[(0, 300.0), (10, 300.0)]);
        let drawn = |watts: u32| {
            format!("DCGM_FI_DEV_POWER_USAGE{{gpu=\"0\"}} {watts}\nDCGM_FI_DEV_POWER_USAGE{{gpu=\"1\"}} {watts}\n")
        };
        let unmetered = scraped(&[(0, "a", &drawn(100)), (10, "a", &drawn(300))]);
        assert_eq!(
            unmetered.energy(Nanos::ZERO, Nanos::from_secs(20)),
            Some(8_000.0),
            "the pause at the end is filled"
        );
        assert_eq!(unmetered.energy(Nanos::from_secs(5), Nanos::from_secs(20)), None, "one point is no energy");
    }

    #[test]
    fn a_host_tells_its_processors_and_its_meter() {
        let text = |idle: f64, joules: f64| {
            format!(
                "node_cpu_seconds_total{{cpu=\"0\",mode=\"idle\"}} {idle}\nnode_cpu_seconds_total{{cpu=\"1\",mode=\"idle\"}} {idle}\n\
                 node_rapl_package_joules_total{{index=\"0\"}} {joules}\n"
            )
        };
        let curves = scraped(&[(0, "h", &text(100.0, 10.0)), (4, "h", &text(101.0, 210.0))]);
        check(&curves, "cpu_use", &[(4, 0.75)]);
        check(&curves, "power", &[(4, 50.0)]);
    }
}
