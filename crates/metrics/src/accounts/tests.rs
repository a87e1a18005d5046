//! Accounts that balance close; each way of not balancing is found and named.

use metron_units::Nanos;

use super::*;
use crate::record::{ErrorClass, Phase};
use crate::testing::{answer, failure, ms};

fn row(id: u64) -> RequestRecord {
    answer(id, 10, &[(20, 1), (30, 1)])
}

fn warmup(id: u64) -> RequestRecord {
    RequestRecord { phase: Phase::Warmup, ..row(id) }
}

fn close(rows: &[RequestRecord], closing: Closing) -> Result<Balanced, Breach> {
    let mut accounts = Accounts::default();
    rows.iter().for_each(|row| accounts.add(row));
    accounts.close(closing)
}

fn planned(planned: u64) -> Closing {
    Closing { planned: Some(planned), ..Closing::default() }
}

#[test]
fn what_was_planned_is_what_became_of_it() {
    let cancelled = RequestRecord { outcome: Outcome::Cancelled, ..row(4) };
    let rows = [row(2), warmup(0), failure(3, 1, ErrorClass::Dns, "no such host"), cancelled, warmup(1)];
    let balanced = close(&rows, Closing { not_sent: 3, lost: 2, ended: Some(ms(30)), ..planned(8) }).unwrap();
    assert_eq!((balanced.planned, balanced.not_sent, balanced.lost, balanced.warmup), (8, 3, 2, 2));
    assert_eq!((balanced.counts.dispatched, balanced.counts.completed, balanced.counts.failed), (3, 1, 1));
}

#[test]
fn without_a_limit_the_plan_is_what_was_reached() {
    assert_eq!(close(&[row(0), row(1)], Closing { not_sent: 1, ..Closing::default() }).unwrap().planned, 3);
    assert_eq!(close(&[], Closing::default()).unwrap().planned, 0);
}

#[test]
fn a_request_that_nobody_accounts_for_is_found() {
    let breach = close(&[row(0), row(1)], planned(3)).unwrap_err();
    assert_eq!(breach, Breach::Planned { planned: 3, dispatched: 2, not_sent: 0, lost: 0 });
    assert_eq!(breach.to_string(), "3 requests were planned, but 2 dispatched + 0 not sent + 0 lost are 2");
}

#[test]
fn an_id_twice_is_found_and_so_is_one_beyond_the_plan() {
    assert_eq!(close(&[row(0), row(1), row(0)], planned(3)), Err(Breach::IdTwice { id: 0 }));
    assert_eq!(close(&[row(0), row(2)], planned(2)), Err(Breach::IdBeyondPlan { id: 2, ids: 2 }));
    // The unsent request may be any, and the warm-up's ids count.
    assert!(close(&[row(0), row(2)], Closing { not_sent: 1, ..planned(3) }).is_ok());
    assert!(close(&[warmup(0), row(2)], Closing { warmup_not_sent: 1, ..planned(1) }).is_ok());
    assert!(close(&[warmup(0), row(2)], planned(1)).is_err());
}

fn out_of_order(row: RequestRecord, before: (&'static str, u64), after: (&'static str, u64)) {
    let breach = Breach::OutOfOrder {
        id: 0,
        earlier: before.0,
        earlier_at: ms(before.1),
        later: after.0,
        later_at: ms(after.1),
    };
    assert_eq!(close(&[row], planned(1)), Err(breach));
}

#[test]
fn instants_out_of_order_are_found() {
    out_of_order(RequestRecord { intended: Some(ms(11)), ..row(0) }, ("intended", 11), ("dispatched", 10));
    out_of_order(RequestRecord { headers: Some(ms(9)), ..row(0) }, ("dispatched", 10), ("headers", 9));
    out_of_order(RequestRecord { headers: Some(ms(21)), ..row(0) }, ("headers", 21), ("arrived", 20));
    out_of_order(answer(0, 10, &[(20, 1), (19, 1)]), ("arrived", 20), ("arrived", 19));
    out_of_order(RequestRecord { finished: Some(ms(29)), ..row(0) }, ("arrived", 30), ("finished", 29));
}

#[test]
fn an_instant_after_the_run_s_end_is_found() {
    let closing = Closing { ended: Some(Nanos::new(29_999_999)), ..planned(2) };
    let breach = close(&[row(0), failure(1, 5, ErrorClass::Empty, "")], closing).unwrap_err();
    assert_eq!(breach.to_string(), "request 0 has an event at 30ms, after the run's end at 29999999ns");
}

#[test]
fn a_completed_request_has_a_token_and_a_dispatch() {
    assert_eq!(close(&[answer(0, 0, &[])], planned(1)), Err(Breach::CompletedWithout { id: 0, what: "a token" }));
    let undispatched = RequestRecord { dispatched: None, ..row(0) };
    assert_eq!(close(&[undispatched], planned(1)), Err(Breach::CompletedWithout { id: 0, what: "its dispatch" }));
    let unconnected = RequestRecord { dispatched: None, ..failure(0, 0, ErrorClass::Connect, "refused") };
    assert!(close(&[RequestRecord { headers: None, ..unconnected }], planned(1)).is_ok());
}

#[test]
fn the_first_breach_is_the_one_that_is_told() {
    let rows = [row(0), row(0), answer(1, 0, &[])];
    assert_eq!(close(&rows, planned(9)), Err(Breach::IdTwice { id: 0 }));
}

#[test]
fn the_first_message_in_the_plan_is_a_class_s_example() {
    let rows = [2, 1, 0].map(|id| failure(id, 0, ErrorClass::Dns, &format!("failure {id}")));
    let counts = close(&rows, planned(3)).unwrap().counts;
    let expected = ErrorCount { count: 3, example: "failure 0".to_owned(), example_id: 0 };
    assert_eq!(counts.errors[&ErrorClass::Dns], expected);
}

proptest::proptest! {
    /// Any requests of a plan in any order, each ended in its own way: the accounts close, and not with one more or fewer.
    #[test]
    fn accounts_close_exactly_when_every_request_is_accounted_for(
        ends in proptest::collection::vec(0_u8..5, 0..60), turn in 0_usize..60, off in 1_u64..3,
    ) {
        let mut rows: Vec<_> = ends
            .iter()
            .zip(0_u64..)
            .filter_map(|(end, id)| match end {
                0 => Some(row(id)),
                1 => Some(failure(id, 1, ErrorClass::TimeoutIdle, "")),
                2 => Some(RequestRecord { outcome: Outcome::Cancelled, ..row(id) }),
                3 => Some(warmup(id)),
                _ => None,
            })
            .collect();
        let turn = turn.min(rows.len());
        rows.rotate_left(turn);
        let warmups = rows.iter().filter(|row| row.phase == Phase::Warmup).count() as u64;
        let plan = ends.len() as u64 - warmups;
        let not_sent = ends.len() as u64 - rows.len() as u64;
        let balanced = close(&rows, Closing { not_sent, ..planned(plan) });
        proptest::prop_assert!(balanced.is_ok(), "{:?}", balanced);
        let counts = balanced.unwrap().counts;
        proptest::prop_assert_eq!(counts.completed + counts.failed + counts.cancelled + not_sent, plan);
        let more_unsent = Closing { not_sent: not_sent + off, ..planned(plan) };
        proptest::prop_assert!(close(&rows, more_unsent).is_err());
        if let Some(twice) = rows.first().cloned() {
            rows.push(twice);
            let any_plan = Closing { not_sent, ..Closing::default() };
            proptest::prop_assert!(close(&rows, any_plan).is_err());
        }
    }
}
