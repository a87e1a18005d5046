//! Whatever the order in which requests ended, rows come in the plan's.

use proptest::prelude::{Just, ProptestConfig, Strategy, proptest};
use proptest::prop_assert_eq;

use super::{for_each_ahead, survey};
use crate::folder::Privacy;
use crate::journal::{Damage, JournalReader, JournalWriter};
use crate::sample::{facts, record};
use crate::storage::{Disk, Storage};

/// The ids in the order in which `for_each_ahead` shows them, for ids that were recorded in `order` in batches of `batch`.
fn ordered(order: &[u64], batch: usize, held_bytes: usize) -> Vec<u64> {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::open(folder.path(), Privacy::AsUmask).expect("opens");
    let mut journal = JournalWriter::create(&disk, "j", &facts(1)).expect("created");
    for ids in order.chunks(batch) {
        ids.iter().for_each(|&id| journal.append(&record(id)).expect("appended"));
        journal.flush(order.len() as u64).expect("flushed");
    }
    let mut journal = JournalReader::open(disk.open("j").expect("opens"), folder.path()).expect("reads");
    let survey = survey(&mut journal);
    assert_eq!(survey.rows, order.len() as u64);
    let mut ids = Vec::new();
    for_each_ahead::<Damage>(&mut journal, &survey, held_bytes, |seen| {
        assert_eq!(*seen, record(seen.id));
        ids.push(seen.id);
        Ok(())
    })
    .expect("undamaged");
    ids
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn rows_come_in_the_plans_order(
        order in Just((0..40_u64).collect::<Vec<_>>()).prop_shuffle(),
        batch in 1_usize..9,
        held_bytes in proptest::sample::select(vec![0, 2_000, 1 << 20]),
    ) {
        prop_assert_eq!(ordered(&order, batch, held_bytes), (0..40).collect::<Vec<_>>());
    }
}

#[test]
fn one_straggler_holds_the_rest_back_without_holding_it_in_memory() {
    let order: Vec<u64> = (1..200).chain([0]).collect();
    assert_eq!(ordered(&order, 10, 0), (0..200).collect::<Vec<_>>());
}

#[test]
fn a_run_without_requests_has_no_rows() {
    assert_eq!(ordered(&[], 1, 0), [0_u64; 0]);
}
