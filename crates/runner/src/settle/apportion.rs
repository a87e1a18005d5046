//! A whole given to parts in proportion to their weights, each at least 1: the largest-remainder method with a floor. Knows
//! no token.

/// Gives `total` to the weights' owners: `total * weight / sum` each, rounded so that the sum is `total` exactly. An owner
/// whose share is below 1 gets 1, and the others share the rest. What rounding down leaves goes to the largest remainders,
/// of equal ones to the earlier. `None` if `total` does not reach for 1 each, or all weights are 0.
pub(super) fn apportion(total: u64, weights: &[u32]) -> Option<Vec<u32>> {
    if total < weights.len() as u64 {
        return None;
    }
    let mut given = vec![0_u32; weights.len()];
    let (mut rest, mut sum) = (u128::from(total), weights.iter().map(|&weight| u128::from(weight)).sum::<u128>());
    if sum == 0 {
        return None;
    }
    // An owner who is raised to 1 takes more than its share, so the others' shrink, and another may fall below 1.
    loop {
        let (at_rest, at_sum) = (rest, sum);
        for (given, &weight) in given.iter_mut().zip(weights).filter(|(given, _)| **given == 0) {
            if u128::from(weight) * at_rest < at_sum {
                *given = 1;
                rest -= 1;
                sum -= u128::from(weight);
            }
        }
        if sum == at_sum {
            break;
        }
    }
    let mut left = rest;
    let mut remainders: Vec<(u128, usize)> = Vec::new();
    for (index, (given, &weight)) in given.iter_mut().zip(weights).enumerate().filter(|(_, (given, _))| **given == 0) {
        let share = u128::from(weight) * rest;
        *given = u32::try_from(share / sum).ok()?;
        left -= share / sum;
        remainders.push((share % sum, index));
    }
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for &(_, index) in remainders.iter().take(usize::try_from(left).expect("fewer than owners are left over")) {
        given[index] = given[index].checked_add(1)?;
    }
    Some(given)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(total: u64, weights: &[u32], given: &[u32]) {
        assert_eq!(apportion(total, weights).as_deref(), Some(given), "{total} to {weights:?}");
    }

    #[test]
    fn a_whole_is_given_in_proportion() {
        check(12, &[2, 1, 3], &[4, 2, 6]);
        check(3, &[1, 1, 1], &[1, 1, 1]);
        check(7, &[7], &[7]);
    }

    #[test]
    fn what_is_left_goes_to_the_largest_remainder_and_of_equal_ones_to_the_earlier() {
        check(10, &[3, 3, 3], &[4, 3, 3]);
        check(11, &[3, 3, 3], &[4, 4, 3]);
        // 4.67, 2.33: the first has the larger remainder.
        check(7, &[2, 1], &[5, 2]);
    }

    #[test]
    fn each_gets_one_even_where_its_share_is_less() {
        // 20 of 30: each 1 would get 0.67. They get 1, and the long one what is left.
        check(20, &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 20], &[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 10]);
    }

    #[test]
    fn too_little_for_one_each_is_refused() {
        assert_eq!(apportion(2, &[1, 1, 1]), None);
        assert_eq!(apportion(2, &[0, 0]), None);
    }

    proptest! {
        #[test]
        fn the_parts_are_the_whole_and_none_is_empty(weights in prop::collection::vec(1_u32..400, 1..60), more in 0_u64..2000) {
            let total = weights.len() as u64 + more;
            let given = apportion(total, &weights).expect("enough for all");
            prop_assert_eq!(given.iter().map(|&g| u64::from(g)).sum::<u64>(), total);
            prop_assert!(given.iter().all(|&g| g >= 1));
        }

        #[test]
        fn who_weighs_more_gets_no_less(weights in prop::collection::vec(1_u32..400, 2..40), more in 0_u64..2000) {
            let given = apportion(weights.len() as u64 + more, &weights).expect("enough for all");
            for (a, ga) in weights.iter().zip(&given) {
                for (b, gb) in weights.iter().zip(&given) {
                    prop_assert!(a <= b || ga >= gb, "{a} got {ga}, {b} got {gb}");
                }
            }
        }
    }
}
