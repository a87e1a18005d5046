//! What is written reads back, streams out in row groups, and is there whole or not at all.

use super::*;

fn iteration(k: u32) -> Iteration {
    let n = u64::from(k);
    Iteration {
        instance: k % 3,
        start: Nanos::new(n * 1_000_003),
        duration: Nanos::new(900_000 + n % 977),
        prefill: Tokens::new(n % 512),
        decoding: k % 256,
        sequences: k % 257,
        given: k % 255,
        waiting: k % 17,
        blocks_used: k % 1_000,
        blocks_free: 1_000 - k % 1_000,
        preemptions: k % 2,
    }
}

#[test]
fn iterations_read_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.parquet");
    let mut writer = TimelineWriter::at(&path, 7).unwrap();
    (0..40_000).for_each(|k| writer.write(&iteration(k)).unwrap());
    assert!(!path.exists(), "not before it is whole");
    writer.finish().unwrap();
    let mut k = 0;
    for_each_iteration(&path, |read| {
        assert_eq!(*read, iteration(k));
        k += 1;
    })
    .unwrap();
    assert_eq!(k, 40_000);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no other file is left");
}

#[test]
fn one_that_is_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = TimelineWriter::at(&folder.path().join("engine.parquet"), 0).unwrap();
    writer.write(&iteration(1)).unwrap();
    drop(writer);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_is_no_timeline_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("engine.parquet");
    std::fs::write(&path, "PAR1 but no more").unwrap();
    let error = for_each_iteration(&path, |_| panic!("it has no rows")).unwrap_err();
    assert!(error.to_string().contains("engine.parquet"), "{error}");
    let missing = TimelineWriter::at(&folder.path().join("not-there/engine.parquet"), 0).unwrap_err();
    assert!(missing.to_string().contains("not-there/engine.parquet"), "{missing}");
}
