//! A journal that was cut or damaged anywhere gives back whole batches, and never breaks.

use std::fs;
use std::path::{Path, PathBuf};

use metron_metrics::RequestRecord;
use tempfile::TempDir;

use super::{Batch, Damage, JournalError, JournalFault, JournalReader, JournalWriter};
use crate::folder::Privacy;
use crate::sample::{facts, record, refused};
use crate::storage::Disk;

/// Three batches: two rows, one row, three rows.
fn batches() -> Vec<Vec<RequestRecord>> {
    vec![vec![record(1), record(0)], vec![refused(3)], vec![record(2), record(4), record(5)]]
}

fn journal() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::open(folder.path(), Privacy::AsUmask).expect("opens");
    let mut journal = JournalWriter::create(&disk, "journal.arrows", &facts(9)).expect("created");
    for (k, batch) in batches().iter().enumerate() {
        batch.iter().for_each(|record| journal.append(record).expect("appended"));
        journal.flush(k as u64 + 4).expect("flushed");
    }
    let path = folder.path().join("journal.arrows");
    (folder, path)
}

fn open(path: &Path) -> Result<JournalReader, JournalError> {
    JournalReader::open(fs::File::open(path).expect("there"), path)
}

/// The batches with rows, and the damage behind them.
fn read(path: &Path) -> Result<(Vec<Batch>, Option<Damage>), JournalError> {
    let mut journal = open(path)?;
    let mut batches = Vec::new();
    loop {
        match journal.next_batch() {
            Ok(Some(batch)) if batch.records.is_empty() => {}
            Ok(Some(batch)) => batches.push(batch),
            Ok(None) => return Ok((batches, None)),
            Err(damage) => return Ok((batches, Some(damage))),
        }
    }
}

fn rows(batches: &[Batch]) -> Vec<Vec<RequestRecord>> {
    batches.iter().map(|batch| batch.records.clone()).collect()
}

#[test]
fn what_was_written_reads_back_with_its_facts() {
    let (_folder, path) = journal();
    assert_eq!(open(&path).expect("opens").facts(), &facts(9));
    let (read, damage) = read(&path).expect("opens");
    assert_eq!(rows(&read), batches());
    assert_eq!(read.iter().map(|batch| batch.dispatched).collect::<Vec<_>>(), [Some(4), Some(5), Some(6)]);
    assert_eq!(damage, None);
}

#[test]
fn any_reader_of_arrow_streams_reads_it() {
    let (_folder, path) = journal();
    let stream =
        arrow_ipc::reader::StreamReader::try_new(fs::File::open(&path).expect("there"), None).expect("a stream");
    let rows: Vec<usize> = stream.map(|batch| batch.expect("a batch").num_rows()).collect();
    assert_eq!(rows, [0, 2, 1, 3]);
}

#[test]
fn a_batch_can_be_read_again() {
    let (_folder, path) = journal();
    let (read, _) = read(&path).expect("opens");
    let journal = open(&path).expect("opens");
    for batch in read.iter().rev() {
        assert_eq!(journal.batch_at(batch.offset).as_ref(), Ok(batch));
    }
}

#[test]
fn texts_are_written_only_if_kept() {
    for (save_text, there) in [(true, true), (false, false)] {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Disk::open(folder.path(), Privacy::Private).expect("opens");
        let facts = crate::RunFacts { save_text, ..facts(1) };
        let mut journal = JournalWriter::create(&disk, "journal.arrows", &facts).expect("created");
        let texts = Some(metron_metrics::Texts { prompt: "canary".to_owned(), ..Default::default() });
        journal.append(&RequestRecord { texts, ..record(0) }).expect("appended");
        journal.flush(1).expect("flushed");
        let bytes = fs::read(folder.path().join("journal.arrows")).expect("read");
        assert_eq!(bytes.windows(6).any(|word| word == b"canary"), there);
    }
}

#[test]
fn cut_at_every_byte_it_keeps_every_whole_batch() {
    let (folder, path) = journal();
    let whole = fs::read(&path).expect("read");
    let (all, _) = read(&path).expect("opens");
    // The file as it stood after each write: what lies before such an end must be kept.
    let mut ends: Vec<usize> = all.iter().map(|batch| batch.offset as usize).skip(1).collect();
    ends.push(whole.len());
    let cut = folder.path().join("cut.arrows");
    for length in 0..=whole.len() {
        fs::write(&cut, &whole[..length]).expect("written");
        let kept = ends.iter().filter(|end| **end <= length).count();
        match read(&cut) {
            Ok((read, damage)) => {
                assert_eq!(rows(&read), batches()[..kept], "cut at {length}");
                let lost = damage.map_or(0, |damage| damage.lost.bytes);
                assert!(lost as usize <= length, "cut at {length}");
            }
            Err(error) => {
                assert_eq!(kept, 0, "cut at {length}: {error}");
                assert_eq!(matches!(error.fault, JournalFault::Empty), length == 0);
            }
        }
    }
}

#[test]
fn a_thousand_flipped_bits_invent_no_row_and_break_nothing() {
    let (folder, path) = journal();
    let whole = fs::read(&path).expect("read");
    let flipped = folder.path().join("flipped.arrows");
    let mut found = 0;
    for k in 0..1_000_usize {
        let mut bytes = whole.clone();
        let at = k * 7919 % bytes.len();
        bytes[at] ^= 1 << (k % 8);
        fs::write(&flipped, &bytes).expect("written");
        match read(&flipped) {
            Ok((read, damage)) => {
                let read = rows(&read);
                assert_eq!(read, batches()[..read.len()], "flip {k} at byte {at}");
                assert!(
                    damage.is_some() || read.len() == batches().len(),
                    "flip {k} at byte {at}: rows lost in silence"
                );
                found += usize::from(damage.is_some());
            }
            Err(_) => found += 1,
        }
    }
    assert!(found > 500, "most flips hit something that matters: {found}");
}

#[test]
fn damage_says_what_it_cost() {
    let (_folder, path) = journal();
    let (all, _) = read(&path).expect("opens");
    let mut bytes = fs::read(&path).expect("read");
    let second = all[1].offset as usize;
    // The end of the second batch's content: its framing stays whole.
    let at = all[2].offset as usize - 9;
    for byte in &mut bytes[at - 64..at] {
        *byte ^= 0xff;
    }
    fs::write(&path, &bytes).expect("written");
    let (read, damage) = read(&path).expect("opens");
    let damage = damage.expect("damaged");
    assert_eq!(rows(&read), batches()[..1]);
    assert_eq!((damage.offset as usize, damage.lost.bytes as usize), (second, bytes.len() - second));
    assert_eq!(damage.lost.rows_at_least, 4);
    assert!(damage.to_string().contains("at least 4 requests"), "{damage}");
}

#[test]
fn what_is_no_journal_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.arrows");
    for (bytes, says) in [
        (&b""[..], "it is empty"),
        (b"ARROW1\0\0 and so on", "no message begins here"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f", "impossible length"),
        (b"\xff\xff\xff\xff\x10\0\0\0", "ends within"),
    ] {
        fs::write(&path, bytes).expect("written");
        let error = open(&path).expect_err("refused").to_string();
        assert!(error.contains(says), "{error}");
    }
}
