//! The algorithm against worked cases, against a slow second opinion, and against what must hold of any stream.

use metron_units::{Nanos, Share};
use proptest::prelude::*;

use super::*;
use crate::testing::ms;

fn gaps_ms(gaps: &[u64]) -> Vec<Nanos> {
    gaps.iter().copied().map(ms).collect()
}

fn check(ttft: u64, tbt: u64, gaps: &[u64], missed: u64, total: u64) {
    let deadlines = Deadlines { ttft: ms(ttft), tbt: ms(tbt) };
    assert_eq!(misses(gaps_ms(gaps), deadlines, FirstToken::Counted), Misses { missed, total }, "{gaps:?}");
}

#[test]
fn slack_saved_early_pays_for_a_late_token() {
    check(100, 20, &[100, 10, 30], 0, 3);
    check(100, 20, &[50, 70], 0, 2);
}

#[test]
fn one_more_millisecond_is_a_miss() {
    check(100, 20, &[100, 10, 31], 1, 3);
}

#[test]
fn every_period_overrun_is_a_miss_of_its_own() {
    // 150 ms late against periods of 20 ms: deadlines at 0, 20, ... 140 have passed, 8 of them; then all starts anew.
    check(100, 20, &[100, 170, 20], 8, 10);
    // Late by exactly one period: the second deadline falls on the arrival, and has passed.
    check(100, 20, &[120], 2, 2);
}

#[test]
fn the_paper_s_example_of_a_stall_after_a_fast_start_is_no_miss() {
    check(100, 100, &[100, 10, 10, 10, 10, 10, 10, 10, 10, 10, 150], 0, 11);
    check(100, 100, &[100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 150], 1, 11);
}

#[test]
fn no_token_has_no_deadline() {
    check(100, 20, &[], 0, 0);
    assert_eq!(Misses::default().fluidity_index(), None);
    assert!(!Misses::default().within(Share::ALL));
}

#[test]
fn the_first_token_left_out_brings_neither_miss_nor_slack() {
    let deadlines = Deadlines { ttft: ms(100), tbt: ms(20) };
    let left_out = |gaps: &[u64]| misses(gaps_ms(gaps), deadlines, FirstToken::LeftOut);
    assert_eq!(left_out(&[0, 21]), Misses { missed: 1, total: 1 });
    assert_eq!(left_out(&[9_000, 20]), Misses { missed: 0, total: 1 });
    assert_eq!(left_out(&[9_000]), Misses { missed: 0, total: 0 });
}

#[test]
fn a_miss_rate_of_exactly_the_target_is_within_it() {
    let tenth = Share::new(0.1).unwrap();
    assert!(Misses { missed: 1, total: 10 }.within(tenth));
    assert!(Misses { missed: 3, total: 30 }.within(tenth));
    assert!(!Misses { missed: 1, total: 9 }.within(tenth));
    assert!(!Misses { missed: 100_000_000_000_000_001, total: 1_000_000_000_000_000_000 }.within(tenth));
}

#[test]
fn the_largest_gaps_there_are_do_not_overflow() {
    let most = vec![Nanos::MAX; 5];
    let least = Deadlines { ttft: Nanos::ZERO, tbt: Nanos::ZERO };
    let saturated = misses(most.clone(), least, FirstToken::Counted);
    assert_eq!(saturated, Misses { missed: u64::MAX, total: u64::MAX });
    let longest = Deadlines { ttft: Nanos::MAX, tbt: Nanos::MAX };
    assert_eq!(misses(most.clone(), longest, FirstToken::Counted), Misses { missed: 0, total: 5 });
    let tenth = Share::new(0.1).unwrap();
    assert_eq!(min_tbt_deadline(most.iter().copied(), Share::NONE), Some(Nanos::MAX));
    assert!(min_tbt_deadline(most.iter().copied(), tenth).is_some());
    assert_eq!(min_tbt_deadline_with_first(most.iter().copied(), Nanos::ZERO, tenth), None);
    assert_eq!(min_tbt_deadline_with_first(most.iter().copied(), Nanos::MAX, Share::NONE), Some(Nanos::MAX));
}

#[test]
fn tokens_that_all_came_at_once_can_be_promised_a_nanosecond() {
    let gaps = gaps_ms(&[100, 0, 0]);
    assert_eq!(min_tbt_deadline(gaps.iter().copied(), Share::NONE), Some(Nanos::new(1)));
}

#[test]
fn the_minimum_leaves_out_what_has_no_second_token() {
    assert_eq!(min_tbt_deadline(std::iter::empty(), Share::ALL), None);
    assert_eq!(min_tbt_deadline([ms(5)].into_iter(), Share::ALL), None);
    assert_eq!(min_tbt_deadline_with_first(std::iter::empty(), ms(5), Share::ALL), None);
    assert_eq!(min_tbt_deadline_with_first([ms(5)].into_iter(), ms(5), Share::NONE), Some(Nanos::new(1)));
    assert_eq!(min_tbt_deadline_with_first([ms(5)].into_iter(), ms(4), Share::NONE), None);
}

/// A second opinion, with instants where the algorithm has slack: each token has a deadline, and a late one misses every
/// deadline up to its arrival, counted one by one.
fn slowly(gaps: &[u64], ttft: u64, tbt: u64, first: FirstToken) -> Misses {
    let (mut now, mut counted) = (0, Misses::default());
    let mut deadline = ttft;
    for (index, gap) in gaps.iter().enumerate() {
        now += gap;
        if index == 0 && first == FirstToken::LeftOut {
            deadline = now + tbt;
            continue;
        }
        if now <= deadline {
            counted.total += 1;
            deadline += tbt;
            continue;
        }
        while deadline <= now {
            counted.missed += 1;
            counted.total += 1;
            deadline += tbt;
        }
        deadline = now + tbt;
    }
    counted
}

fn first_token() -> impl Strategy<Value = FirstToken> {
    prop_oneof![Just(FirstToken::Counted), Just(FirstToken::LeftOut)]
}

fn nanos(gaps: &[u64]) -> impl Iterator<Item = Nanos> + Clone {
    gaps.iter().copied().map(Nanos::new)
}

fn deadlines(ttft: u64, tbt: u64) -> Deadlines {
    Deadlines { ttft: Nanos::new(ttft), tbt: Nanos::new(tbt) }
}

proptest! {
    #[test]
    fn it_agrees_with_the_second_opinion(
        gaps in prop::collection::vec(0_u64..60, 0..20), ttft in 0_u64..80, tbt in 1_u64..30, first in first_token(),
    ) {
        prop_assert_eq!(misses(nanos(&gaps), deadlines(ttft, tbt), first), slowly(&gaps, ttft, tbt, first));
    }

    #[test]
    fn the_minimum_is_the_first_deadline_that_a_search_from_one_finds(
        gaps in prop::collection::vec(0_u64..60, 0..12), ttft in 0_u64..80, percent in 0_u32..=100,
    ) {
        let target = Share::new(f64::from(percent) / 100.0).unwrap();
        let scan = |first| (1..200).find(|&tbt| slowly(&gaps, ttft, tbt, first).within(target)).map(Nanos::new);
        prop_assert_eq!(min_tbt_deadline(nanos(&gaps), target), scan(FirstToken::LeftOut));
        prop_assert_eq!(min_tbt_deadline_with_first(nanos(&gaps), Nanos::new(ttft), target), scan(FirstToken::Counted));
    }

    #[test]
    fn the_miss_rate_never_rises_with_the_deadline(
        gaps in prop::collection::vec(prop_oneof![Just(0), 0_u64..50, 0_u64..5_000], 1..60),
        ttft in 0_u64..5_000, tbt in 1_u64..200, more in 0_u64..200, first in first_token(),
    ) {
        let rate = |tbt| misses(nanos(&gaps), deadlines(ttft, tbt), first);
        let (short, long) = (rate(tbt), rate(tbt + more));
        let product = |one: u64, other: u64| u128::from(one) * u128::from(other);
        prop_assert!(product(long.missed, short.total) <= product(short.missed, long.total), "{:?} {:?}", short, long);
    }

    #[test]
    fn time_has_no_scale(
        gaps in prop::collection::vec(0_u64..60, 0..20), ttft in 0_u64..80, tbt in 1_u64..30, factor in 1_u64..1_000_000,
        first in first_token(),
    ) {
        let scaled: Vec<u64> = gaps.iter().map(|gap| gap * factor).collect();
        prop_assert_eq!(
            misses(nanos(&gaps), deadlines(ttft, tbt), first),
            misses(nanos(&scaled), deadlines(ttft * factor, tbt * factor), first)
        );
    }

    #[test]
    fn a_miss_starts_the_stream_anew(
        before in prop::collection::vec(0_u64..60, 0..10), after in prop::collection::vec(0_u64..60, 0..10),
        ttft in 0_u64..80, tbt in 1_u64..30,
    ) {
        // A token later than all slack that there can be; what follows is judged as a stream of its own.
        let late = 80 + 30 * 12;
        let head: Vec<u64> = before.into_iter().chain([late]).collect();
        let whole: Vec<u64> = head.iter().chain(&after).copied().collect();
        let count = |gaps: &[u64], ttft| misses(nanos(gaps), deadlines(ttft, tbt), FirstToken::Counted);
        let (first, second, both) = (count(&head, ttft), count(&after, tbt), count(&whole, ttft));
        prop_assert_eq!((first.missed + second.missed, first.total + second.total), (both.missed, both.total));
    }

    #[test]
    fn every_token_is_either_in_time_or_late(
        gaps in prop::collection::vec(any::<u64>(), 0..20), ttft in any::<u64>(), tbt in any::<u64>(),
    ) {
        let Misses { missed, total } = misses(nanos(&gaps), deadlines(ttft, tbt), FirstToken::Counted);
        prop_assert!(missed <= total && total >= gaps.len() as u64);
        prop_assert!(total == u64::MAX || total - missed <= gaps.len() as u64);
    }

    #[test]
    fn bursts_count_as_their_tokens_one_by_one(
        bursts in prop::collection::vec((0_u64..60, 1_u32..5), 0..12), ttft in 0_u64..80, tbt in 1_u64..30,
        first in first_token(), percent in 0_u32..=100,
    ) {
        let target = Share::new(f64::from(percent) / 100.0).unwrap();
        let lone: Vec<u64> = bursts
            .iter()
            .flat_map(|&(gap, tokens)| std::iter::once(gap).chain((1..tokens).map(|_| 0)))
            .collect();
        let bursts = bursts.iter().map(|&(gap, tokens)| Burst { gap, tokens });
        let deadlines = deadlines(ttft, tbt);
        prop_assert_eq!(misses_of_bursts(bursts.clone(), deadlines, first), misses(nanos(&lone), deadlines, first));
        prop_assert_eq!(min_of_bursts(bursts, target), min_tbt_deadline(nanos(&lone), target));
    }

    #[test]
    fn jumping_by_steps_finds_what_halving_finds(
        bursts in prop::collection::vec((prop_oneof![Just(7_846_104), 0_u64..60_000_000, any::<u32>().prop_map(u64::from)], 1_u32..4), 0..40),
        percent in 0_u32..=100,
    ) {
        let target = Share::new(f64::from(percent) / 100.0).unwrap();
        let bursts = bursts.iter().map(|&(gap, tokens)| Burst { gap, tokens });
        let (course, fraction) = (Course { ttft: 0, first: FirstToken::LeftOut }, Fraction::of(target));
        let halved = bisect(u64::MAX >> 10, |tbt| holds::<u128>(bursts.clone(), course, tbt, u128::MAX, fraction));
        let found = min_of_bursts(bursts.clone(), target);
        // Fewer than two tokens have no minimum, where halving says 1.
        let tokens: u32 = bursts.map(|burst| burst.tokens).sum();
        prop_assert_eq!(found, halved.filter(|_| tokens > 1));
    }

    #[test]
    fn a_step_ends_where_it_is_told(
        bursts in prop::collection::vec((0_u64..60, 1_u32..4), 1..12), tbt in 1_u64..80, percent in 0_u32..=100,
    ) {
        let bursts = bursts.iter().map(|&(gap, tokens)| Burst { gap, tokens });
        let count = |tbt| misses_of_bursts(bursts.clone(), deadlines(0, tbt), FirstToken::LeftOut);
        let target = Share::new(f64::from(percent) / 100.0).unwrap();
        let down_to = within_down_to(bursts.clone(), tbt, u64::MAX, Fraction::of(target));
        prop_assert_eq!(down_to.is_some(), Fraction::of(target).covers(u128::from(count(tbt).missed), u128::from(count(tbt).total)));
        for same in down_to.map_or(tbt, |least| least)..tbt {
            prop_assert_eq!(count(same), count(tbt));
        }
    }
}
