//! Textbook queues as something to probe: first come, first served, arrivals and services drawn afresh. Knows no search.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::convert::Infallible;

use metron_runner::search::{Demand, Ending, LoadUnit, Observation, Played, Prober, See, Wish};
use metron_units::Nanos;

/// SplitMix64 (G. Steele, D. Lea, C. Flood, OOPSLA 2014): quick enough for millions of requests in an unoptimised build.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Strictly between 0 and 1.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0
    }

    /// Of mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -self.unit().ln()
    }

    /// Of mean 0 and standard deviation 1 (Box and Muller).
    pub(crate) fn normal(&mut self) -> f64 {
        (2.0 * self.exponential()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Arrivals {
    Poisson,
    Constant,
    /// A closed loop: so many users as the load says, each of whom asks again as soon as it is answered.
    Users,
}

/// In seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service {
    Constant(f64),
    Exponential(f64),
    Lognormal { median: f64, sigma: f64 },
}

impl Service {
    fn draw(self, random: &mut Random) -> f64 {
        match self {
            Self::Constant(mean) => mean,
            Self::Exponential(mean) => mean * random.exponential(),
            Self::Lognormal { median, sigma } => median * (sigma * random.normal()).exp(),
        }
    }
}

/// What the objective looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    /// TTFT where the first token comes at the start of service.
    Wait,
    /// Wait and service.
    Sojourn,
}

/// A queue whose capacity is known on paper, in requests a second, or in users.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) arrivals: Arrivals,
    pub(crate) servers: usize,
    pub(crate) service: Service,
    pub(crate) value: Value,
    pub(crate) objective: &'static str,
    pub(crate) capacity: f64,
}

/// The queues whose capacities are known in closed form or by a series.
pub(crate) const SETTINGS: [Setting; 6] = [
    Setting {
        name: "mm1-p99-e2e",
        arrivals: Arrivals::Poisson,
        servers: 1,
        service: Service::Exponential(0.05),
        value: Value::Sojourn,
        objective: "p99 e2e_latency <= 500ms",
        capacity: 10.789_659_628,
    },
    Setting {
        name: "mm4-p95-wait",
        arrivals: Arrivals::Poisson,
        servers: 4,
        service: Service::Exponential(0.1),
        value: Value::Wait,
        objective: "p95 ttft <= 100ms",
        capacity: 23.308_299_923,
    },
    Setting {
        name: "md1-p99-wait",
        arrivals: Arrivals::Poisson,
        servers: 1,
        service: Service::Constant(0.02),
        value: Value::Wait,
        objective: "p99 ttft <= 100ms",
        capacity: 31.476_537_873,
    },
    Setting {
        name: "mg1-lognormal-mean-wait",
        arrivals: Arrivals::Poisson,
        servers: 1,
        service: Service::Lognormal { median: 0.03, sigma: 0.8 },
        value: Value::Wait,
        objective: "mean ttft <= 60ms",
        capacity: 14.643_726_008,
    },
    Setting {
        name: "mm16-p99-e2e",
        arrivals: Arrivals::Poisson,
        servers: 16,
        service: Service::Exponential(0.4),
        value: Value::Sojourn,
        objective: "p99 e2e_latency <= 2s",
        capacity: 34.921_218_646,
    },
    Setting {
        name: "dm1-p90-wait",
        arrivals: Arrivals::Constant,
        servers: 1,
        service: Service::Exponential(0.04),
        value: Value::Wait,
        objective: "p90 ttft <= 120ms",
        capacity: 17.684_437_209,
    },
];

/// Users of four servers who ask again at once: who asks finds all others there, so that the wait is Erlang's of as many services as there are
/// more users than servers, by four at a time. 21 miss in 4.35 % of the requests, 22 in 5.71 %.
pub(crate) const USERS: Setting = Setting {
    name: "users-of-four-p95-e2e",
    arrivals: Arrivals::Users,
    servers: 4,
    service: Service::Exponential(0.1),
    value: Value::Sojourn,
    objective: "p95 e2e_latency <= 800ms",
    capacity: 21.0,
};

/// How a server gets worse.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Worse {
    /// From this request on services take so many times as long.
    From(u64, f64),
    /// A leak: each request served makes services longer by this part.
    Each(f64),
}

/// Plays loads against a queue; each probe finds it empty.
#[derive(Debug, Clone)]
pub(crate) struct Textbook {
    pub(crate) setting: Setting,
    pub(crate) demands: Vec<Demand>,
    /// The search's own seed: probes of two searches share no draw.
    pub(crate) seed: u64,
    /// How services are stretched as requests come, over all probes.
    pub(crate) worse: Option<Worse>,
    /// The load that the client cannot play.
    pub(crate) client_limit: f64,
    /// Requests over all probes.
    pub(crate) requests: u64,
}

impl Setting {
    /// What its loads are counted in.
    pub(crate) fn unit(&self) -> LoadUnit {
        match self.arrivals {
            Arrivals::Poisson | Arrivals::Constant => LoadUnit::RequestsPerSecond,
            Arrivals::Users => LoadUnit::ConcurrentRequests,
        }
    }
}

impl Textbook {
    pub(crate) fn new(setting: Setting, seed: u64) -> Self {
        let demand =
            Demand::of(setting.objective.parse().expect("the setting's objective parses")).expect("it is searchable");
        Self { setting, demands: vec![demand], seed, worse: None, client_limit: f64::INFINITY, requests: 0 }
    }

    /// How many times as long services take by now.
    pub(crate) fn pace(&self) -> f64 {
        match self.worse {
            Some(Worse::From(request, pace)) if self.requests >= request => pace,
            Some(Worse::Each(part)) => 1.0 + part * self.requests as f64,
            Some(Worse::From(..)) | None => 1.0,
        }
    }
}

impl Prober for Textbook {
    type Error = Infallible;

    fn probe(&mut self, wish: Wish, see: &mut See<'_>) -> Result<Played, Infallible> {
        let mut random = Random(wish.seed ^ self.seed.wrapping_mul(0xd134_2543_de82_ef95));
        let Setting { arrivals, servers, service, value, .. } = self.setting;
        let mut free = vec![0.0_f64; servers];
        let mut leaving: BinaryHeap<Reverse<u64>> = BinaryHeap::new();
        let mut now = 0.0;
        // When each user asks next.
        let mut asking: BinaryHeap<Reverse<u64>> = (0..wish.load.get() as u64).map(|_| Reverse(0)).collect();
        let mut scores = Vec::with_capacity(self.demands.len());
        loop {
            now = match arrivals {
                Arrivals::Poisson => now + random.exponential() / wish.load.get(),
                Arrivals::Constant => now + 1.0 / wish.load.get(),
                Arrivals::Users => asking.pop().expect("one user at least").0 as f64 / 1e9,
            };
            while leaving.peek().is_some_and(|&Reverse(end)| (end as f64) < now * 1e9) {
                leaving.pop();
            }
            let in_flight = leaving.len() as u64;
            let server = (0..servers).min_by(|&a, &b| free[a].total_cmp(&free[b])).expect("there is a server");
            let start = free[server].max(now);
            free[server] = start + service.draw(&mut random) * self.pace();
            leaving.push(Reverse((free[server] * 1e9) as u64));
            asking.push(Reverse((free[server] * 1e9) as u64));
            let seconds = match value {
                Value::Wait => start - now,
                Value::Sojourn => free[server] - now,
            };
            scores.clear();
            scores.extend(self.demands.iter().map(|demand| demand.score_value(seconds)));
            self.requests += 1;
            let at = Nanos::from_secs_f64(now).expect("a probe is short");
            if see(&Observation { at, in_flight, scores: &scores }).is_break() {
                let bound = wish.load.get() > self.client_limit;
                let ending = if bound { Ending::ClientBound } else { Ending::Enough };
                return Ok(Played { ending, took: at });
            }
        }
    }
}
