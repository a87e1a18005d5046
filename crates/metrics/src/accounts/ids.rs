//! Which ids have been seen: a set kept as runs of neighbours, so that a plan worked off nearly in order costs next to nothing.

use std::collections::BTreeMap;

/// Ids as inclusive runs, first to last; no two touch.
#[derive(Debug, Clone, Default)]
pub(super) struct Ids {
    runs: BTreeMap<u64, u64>,
}

impl Ids {
    /// Takes `id` in; `false` if it was there.
    pub(super) fn insert(&mut self, id: u64) -> bool {
        let before = self.runs.range(..=id).next_back().map(|(&first, &last)| (first, last));
        if before.is_some_and(|(_, last)| last >= id) {
            return false;
        }
        let first = match before {
            Some((first, last)) if last + 1 == id => first,
            Some(_) | None => id,
        };
        let last = id.checked_add(1).and_then(|next| self.runs.remove(&next)).unwrap_or(id);
        self.runs.insert(first, last);
        true
    }

    /// The greatest.
    pub(super) fn last(&self) -> Option<u64> {
        self.runs.last_key_value().map(|(_, &last)| last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_run() {
        let mut ids = Ids::default();
        for id in [0, 2, 4, 1, 3, u64::MAX, u64::MAX - 1] {
            assert!(ids.insert(id), "{id}");
        }
        for id in [0, 3, 4, u64::MAX] {
            assert!(!ids.insert(id), "{id} is there");
        }
        assert_eq!(ids.runs.into_iter().collect::<Vec<_>>(), [(0, 4), (u64::MAX - 1, u64::MAX)]);
    }

    proptest::proptest! {
        #[test]
        fn an_id_is_new_exactly_once(order in proptest::collection::vec(0_u64..60, 0..200)) {
            let (mut ids, mut plain) = (Ids::default(), std::collections::BTreeSet::new());
            for id in order {
                proptest::prop_assert_eq!(ids.insert(id), plain.insert(id));
                proptest::prop_assert_eq!(ids.last(), plain.last().copied());
            }
        }
    }
}
