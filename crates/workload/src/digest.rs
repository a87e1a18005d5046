//! A digest of a plan that does not depend on how the plan was dealt out. Knows no file.
//!
//! Each request gives one BLAKE3 hash of its id, instant, lengths and prompt; the digest is their sum, as integers of 256
//! bits. So the sum of the digests of N shards is the digest of the whole, whatever N and whatever the order, and two
//! runs with one digest sent the same requests at the same planned instants. It guards against mistakes, not against
//! forgery: sums of hashes can be forged.

use std::fmt;

use metron_units::Tokens;

use crate::plan::{Leave, Plan, PlannedPhase, PlannedRequest, Turn};
use crate::prompt::{PromptError, Prompts};

/// What the hashes are keyed for: another meaning of the bytes gets another key.
const CONTEXT: &str = "metron 2026 plan digest 1";

/// The digest of a plan, or of a part of one; of no requests at first. Shown as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanDigest {
    /// 256 bits, the lowest first.
    limbs: [u64; 4],
}

impl PlanDigest {
    /// Adds one request with its prompt, or whatever else the body was planned from.
    pub fn add(&mut self, request: &PlannedRequest, prompt: &str) {
        self.add_with(request, prompt, &Further::default());
    }

    /// As [`add`](Self::add), with what else the request is planned to be. Nothing further leaves the digest as it was.
    pub fn add_with(&mut self, request: &PlannedRequest, prompt: &str, further: &Further<'_>) {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        let PlannedRequest { id, phase, intended, input_tokens, output_tokens, turn, own: _ } = *request;
        let phase = match phase {
            PlannedPhase::Warmup => 0_u8,
            PlannedPhase::Measured => 1,
            PlannedPhase::ByClock => 2,
        };
        hasher.update(&id.to_le_bytes());
        // A byte tells an instant of zero from none.
        hasher.update(&[phase, u8::from(intended.is_some())]);
        hasher.update(&intended.map_or(0, metron_units::Nanos::get).to_le_bytes());
        for length in [input_tokens, output_tokens].map(Tokens::get) {
            hasher.update(&length.to_le_bytes());
        }
        hasher.update(prompt.as_bytes());
        further.tell(turn, &mut hasher);
        let hash = *hasher.finalize().as_bytes();
        let (words, _) = hash.as_chunks::<8>();
        let mut limbs = [0; 4];
        limbs.iter_mut().zip(words).for_each(|(limb, word)| *limb = u64::from_le_bytes(*word));
        self.combine(Self { limbs });
    }

    /// Adds the digest of another part of the same plan.
    pub fn combine(&mut self, other: Self) {
        let mut carry = false;
        for (limb, other) in self.limbs.iter_mut().zip(other.limbs) {
            let (sum, over) = limb.overflowing_add(other);
            let (sum, over_by_carry) = sum.overflowing_add(u64::from(carry));
            (*limb, carry) = (sum, over || over_by_carry);
        }
    }
}

/// What a request may be planned to be besides its instant, lengths and prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Further<'a> {
    /// Its class.
    pub class: Option<&'a str>,
    /// When its user gives it up.
    pub leave: Option<Leave>,
    /// What its body holds that no other field tells.
    pub body: &'a [u8],
}

impl Further<'_> {
    /// Each part behind a mark of its own, so that none reads as another.
    fn tell(&self, turn: Option<Turn>, hasher: &mut blake3::Hasher) {
        let mut part = |mark: &[u8], bytes: &[u8]| {
            hasher.update(mark);
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        if let Some(Turn { session, turn, history }) = turn {
            let place = [session.to_le_bytes(), u64::from(turn).to_le_bytes(), history.get().to_le_bytes()];
            part(b"\0turn", place.as_flattened());
        }
        if let Some(class) = self.class {
            part(b"\0class", class.as_bytes());
        }
        match self.leave {
            Some(Leave::After(time)) => part(b"\0leave-after", &time.get().to_le_bytes()),
            Some(Leave::Heard(tokens)) => part(b"\0leave-heard", &tokens.get().to_le_bytes()),
            None => {}
        }
        if !self.body.is_empty() {
            part(b"\0body", self.body);
        }
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.limbs.iter().rev().try_for_each(|limb| write!(f, "{limb:016x}"))
    }
}

/// The digest of what is left of a plan. Makes every prompt: about as much work as sending the plan.
///
/// # Errors
/// If a prompt cannot be made. Does not end for a plan without end.
pub fn of_plan(plan: Plan, prompts: &Prompts) -> Result<PlanDigest, PromptError> {
    let mut digest = PlanDigest::default();
    let mut prompt = String::new();
    let mut plan = plan;
    while let Some(request) = plan.next() {
        let own = request.own_tokens();
        let prefix = plan.prefix(request.id, own);
        prompts.write_after(prefix, request.id, own, &mut prompt)?;
        let class = plan.class(&request).map(|class| class.name.as_str());
        digest.add_with(&request, &prompt, &Further { class, leave: plan.leave(&request), body: &[] });
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use metron_units::{Nanos, Rate};

    use super::*;
    use crate::plan::{Arrivals, Limit, Load, Own, PlanConfig, Shard, Warmup};
    use crate::tokenizer::Tokenizer;

    fn plan(seed: u64) -> Plan {
        Plan::new(PlanConfig {
            seed,
            load: Load::Open { rate: Rate::per_second(10.0).unwrap(), arrivals: Arrivals::Poisson },
            limit: Limit { requests: Some(100), duration: None },
            warmup: Warmup::Requests(5),
            ramp_up: Nanos::ZERO,
            input_tokens: "uniform:1..50".parse().unwrap(),
            output_tokens: "uniform:1..400".parse().unwrap(),
        })
        .unwrap()
    }

    fn digest(plan: Plan) -> PlanDigest {
        let seed = plan.config().seed;
        of_plan(plan, &Prompts::new(&Tokenizer::default(), seed).unwrap()).unwrap()
    }

    #[test]
    fn the_digests_of_shards_sum_to_the_whole() {
        let whole = digest(plan(0));
        for of in 1..=16 {
            let mut sum = PlanDigest::default();
            // From the last shard to the first: the order does not matter.
            for index in (0..of).rev() {
                sum.combine(digest(plan(0).shard(Shard::new(index, of).unwrap())));
            }
            assert_eq!(sum, whole, "{of} shards");
        }
    }

    #[test]
    fn every_part_of_a_request_is_in_its_digest() {
        let request = PlannedRequest {
            id: 1,
            phase: PlannedPhase::Measured,
            intended: None,
            input_tokens: Tokens::new(2),
            output_tokens: Tokens::new(3),
            turn: None,
            own: Own::default(),
        };
        let turn = Turn { session: 0, turn: 0, history: Tokens::new(0) };
        let changed = [
            (request, "a prompt"),
            (request, "a promp"),
            (PlannedRequest { id: 2, ..request }, "a prompt"),
            (PlannedRequest { phase: PlannedPhase::Warmup, ..request }, "a prompt"),
            (PlannedRequest { intended: Some(Nanos::ZERO), ..request }, "a prompt"),
            (PlannedRequest { intended: Some(Nanos::new(1)), ..request }, "a prompt"),
            (PlannedRequest { input_tokens: Tokens::new(3), ..request }, "a prompt"),
            (PlannedRequest { output_tokens: Tokens::new(2), ..request }, "a prompt"),
            (PlannedRequest { turn: Some(turn), ..request }, "a prompt"),
            (PlannedRequest { turn: Some(Turn { session: 1, ..turn }), ..request }, "a prompt"),
            (PlannedRequest { turn: Some(Turn { history: Tokens::new(9), ..turn }), ..request }, "a prompt"),
        ];
        let none = Further::default();
        let further = [
            Further { class: Some("a"), ..none },
            Further { class: Some("b"), ..none },
            Further { leave: Some(Leave::After(Nanos::new(2))), ..none },
            Further { leave: Some(Leave::Heard(Tokens::new(2))), ..none },
            Further { body: b"a", ..none },
        ];
        let digest = |request: &PlannedRequest, prompt: &str, further: &Further<'_>| {
            let mut digest = PlanDigest::default();
            digest.add_with(request, prompt, further);
            digest.to_string()
        };
        let mut digests: Vec<String> = changed.iter().map(|(request, prompt)| digest(request, prompt, &none)).collect();
        digests.extend(further.iter().map(|further| digest(&request, "a prompt", further)));
        let distinct: std::collections::HashSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), changed.len() + further.len());
    }

    #[test]
    fn the_sum_carries_from_limb_to_limb() {
        let mut sum = PlanDigest { limbs: [u64::MAX, u64::MAX, 0, u64::MAX] };
        sum.combine(PlanDigest { limbs: [1, 0, 0, 1] });
        assert_eq!(sum.limbs, [0, 0, 1, 0]);
    }

    #[test]
    fn the_digest_is_the_one_of_every_release_and_machine() {
        assert_eq!(PlanDigest::default().to_string(), "0".repeat(64));
        assert_eq!(digest(plan(42)).to_string(), "09ae3ee8c5ec8bcb59c529ad6ded7547253b9b11482779e216dfc92e19cfb4d9");
        assert_ne!(digest(plan(42)), digest(plan(43)));
    }
}
