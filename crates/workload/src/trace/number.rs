//! Numbers of traces read exactly: decimals in integers, so that no instant passes through a float. Knows no field.

/// More digits than any file has; what lies beyond is refused.
const LONGEST: usize = 64;

/// `text` in billionths of its unit times `unit`: a decimal number as JSON and CSV write it, with sign and exponent,
/// rounded half up to a whole. `None` if it is no number or does not fit.
///
/// `unit` is how many nanoseconds one unit has: a `1.5` of seconds (10^9) is 1,500,000,000.
pub(super) fn scaled(text: &str, unit: i64) -> Option<i64> {
    let (digits, point) = decimal(text)?;
    let negative = text.starts_with('-');
    // |digits| * unit * 10^-point, in integers of 128 bits.
    let product = digits.checked_mul(i128::from(unit))?;
    let magnitude = if point <= 0 {
        product.checked_mul(10_i128.checked_pow(u32::try_from(-point).ok()?)?)?
    } else {
        match 10_i128.checked_pow(u32::try_from(point).ok()?) {
            Some(scale) => (product + scale / 2) / scale,
            // So far behind the point that nothing is left.
            None => 0,
        }
    };
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// A whole number: digits, or a decimal whose fraction is nothing (`512.0`, as pandas writes it).
pub(super) fn whole(text: &str) -> Option<i64> {
    let (digits, point) = decimal(text)?;
    let magnitude = if point <= 0 {
        digits.checked_mul(10_i128.checked_pow(u32::try_from(-point).ok()?)?)?
    } else {
        let scale = 10_i128.checked_pow(u32::try_from(point).ok()?)?;
        if digits % scale != 0 {
            return None;
        }
        digits / scale
    };
    i64::try_from(if text.starts_with('-') { -magnitude } else { magnitude }).ok()
}

/// The digits of a number as an integer, and how many of them stand behind the point; the sign is left aside.
fn decimal(text: &str) -> Option<(i128, i32)> {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    if text.len() > LONGEST {
        return None;
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok().filter(|e| e.abs() <= 1000)?),
        None => (text, 0),
    };
    let (before, behind) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = before.bytes().chain(behind.bytes()).all(|b| b.is_ascii_digit());
    if !all_digits || before.len() + behind.len() == 0 {
        return None;
    }
    // Zeros at the end say nothing, and would only bring the integer nearer to its end.
    let behind = behind.trim_end_matches('0');
    let mut digits: i128 = 0;
    for digit in before.bytes().chain(behind.bytes()) {
        digits = digits.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    Some((digits, behind.len() as i32 - exponent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, unit: i64, expected: Option<i64>) {
        assert_eq!(scaled(text, unit), expected, "{text} x {unit}");
    }

    #[test]
    fn decimals_become_nanoseconds_exactly() {
        check("3052", 1_000_000, Some(3_052_000_000));
        check("0.1", 1_000_000_000, Some(100_000_000));
        check("1700000000.123456789", 1_000_000_000, Some(1_700_000_000_123_456_789));
        check("1e-05", 1_000_000_000, Some(10_000));
        check("1.5E3", 1_000_000, Some(1_500_000_000));
        check("-2.5", 1_000_000_000, Some(-2_500_000_000));
        check("1.000000000000000000000000", 1, Some(1));
        // Half up, by the magnitude.
        check("0.0000000005", 1_000_000_000, Some(1));
        check("0.00000000049", 1_000_000_000, Some(0));
        check("1e-200", 1_000_000_000, Some(0));
    }

    #[test]
    fn what_is_no_number_or_too_large_is_none() {
        for text in ["", "-", ".", "1,5", "nan", "inf", "0x10", "1e", "1e9999999999", "1e19", "९", "1.2.3", "1 2"] {
            check(text, 1_000_000_000, None);
        }
        check("9223372037", 1_000_000_000, None);
    }

    #[test]
    fn whole_numbers_may_be_written_with_an_empty_fraction_only() {
        assert_eq!(whole("512"), Some(512));
        assert_eq!(whole("512.0"), Some(512));
        assert_eq!(whole("5.12e2"), Some(512));
        assert_eq!(whole("-1"), Some(-1));
        for text in ["512.5", "1e-1", "", "abc", "99999999999999999999"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }
}
