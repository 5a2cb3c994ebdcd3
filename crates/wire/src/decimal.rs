//! Numbers of requests, read exactly from the text that the client sent.
//!
//! A JSON number may have a fraction and an exponent (JavaScript and Go write `1e-7` for 10 sat in
//! BTC). It must never go through a float: every digit counts, or the number is refused.

/// A non-negative decimal number, exactly: `digits × 10^exponent`, without trailing zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    digits: u64,
    exponent: i32,
}

/// The longest text that is read as a number, in bytes. Rust's client writes `100.0`; nobody has
/// a reason to write more than this.
const MAX_TEXT_BYTES: usize = 64;

/// The largest exponent that is read. Together with the length of the text it bounds all work.
const MAX_EXPONENT: i32 = 99;

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not a JSON number: a string, a boolean, `NaN`, or anything else.
    #[error("it must be a JSON number")]
    NotANumber,
    /// Below zero, `-0` included.
    #[error("it must not be negative")]
    Negative,
    /// More digits than any amount has, or an exponent beyond ±99.
    #[error("it has more digits than an amount can have")]
    TooLong,
    /// Finer than the smallest unit.
    #[error("it has more decimals than the currency allows")]
    TooFine,
    /// Beyond the range of amounts.
    #[error("it is too large")]
    TooLarge,
}

impl Decimal {
    /// Reads the text of a JSON number (RFC 8259 section 6), exactly.
    ///
    /// # Errors
    ///
    /// [`DecimalError::NotANumber`] for a text that is not a JSON number,
    /// [`DecimalError::Negative`] for one with a minus sign, [`DecimalError::TooLong`] for one
    /// beyond 64 bytes, 19 significant digits or an exponent of ±99.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (mantissa, power) = match text.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, Some(power)),
            None => (text, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let (negative, whole) = match whole.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, whole),
        };
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        if !is_digits(whole) || leading_zero || !fraction.is_none_or(is_digits) {
            return Err(DecimalError::NotANumber);
        }
        let power = power.map_or(Ok(0), parse_exponent)?;
        if negative {
            return Err(DecimalError::Negative);
        }
        if text.len() > MAX_TEXT_BYTES {
            return Err(DecimalError::TooLong);
        }
        let fraction = fraction.unwrap_or("");
        let all = format!("{whole}{fraction}");
        let significant = all.trim_end_matches('0');
        let trailing = all.len() - significant.len();
        let significant = significant.trim_start_matches('0');
        if significant.is_empty() {
            return Ok(Self {
                digits: 0,
                exponent: 0,
            });
        }
        let digits = significant.parse().map_err(|_| DecimalError::TooLong)?;
        let shift = |length: usize| i32::try_from(length).map_err(|_| DecimalError::TooLong);
        Ok(Self {
            digits,
            exponent: power + shift(trailing)? - shift(fraction.len())?,
        })
    }

    /// Whether it is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// The number times `10^places`, which must be an integer: `scaled(3)` turns satoshis into
    /// millisatoshis, `scaled(11)` bitcoin into millisatoshis.
    ///
    /// # Errors
    ///
    /// [`DecimalError::TooFine`] when a fraction is left, [`DecimalError::TooLarge`] when it does
    /// not fit an `i64`.
    pub fn scaled(self, places: u8) -> Result<i64, DecimalError> {
        if self.is_zero() {
            return Ok(0);
        }
        let power = self.exponent + i32::from(places);
        // There are no trailing zeros in the digits, so a negative power always leaves a fraction.
        let power = u32::try_from(power).map_err(|_| DecimalError::TooFine)?;
        10_u64
            .checked_pow(power)
            .and_then(|factor| self.digits.checked_mul(factor))
            .and_then(|value| i64::try_from(value).ok())
            .ok_or(DecimalError::TooLarge)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_exponent(text: &str) -> Result<i32, DecimalError> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !is_digits(unsigned) {
        return Err(DecimalError::NotANumber);
    }
    let significant = unsigned.trim_start_matches('0');
    if significant.len() > 2 {
        return Err(DecimalError::TooLong);
    }
    let magnitude: i32 = if significant.is_empty() {
        0
    } else {
        significant.parse().map_err(|_| DecimalError::TooLong)?
    };
    debug_assert!(magnitude <= MAX_EXPONENT, "two digits");
    Ok(if text.starts_with('-') {
        -magnitude
    } else {
        magnitude
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Decimal, DecimalError};

    fn msat_of_sats(text: &str) -> Result<i64, DecimalError> {
        Decimal::parse(text)?.scaled(3)
    }

    #[test]
    fn every_spelling_of_a_number_gives_the_same_amount() {
        for text in [
            "100", "100.0", "100.000", "1e2", "1E+2", "10.0e1", "1000e-1", "0.1e3", "1e02",
        ] {
            assert_eq!(msat_of_sats(text), Ok(100_000), "{text}");
        }
    }

    #[test]
    fn small_bitcoin_amounts_are_exact_with_and_without_an_exponent() {
        for (text, msat) in [
            ("1e-7", 10_000),
            ("0.0000001", 10_000),
            ("1e-11", 1),
            ("0.1", 10_000_000_000),
            ("20999999.99999999999", 2_099_999_999_999_999_999),
        ] {
            assert_eq!(
                Decimal::parse(text).and_then(|value| value.scaled(11)),
                Ok(msat),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_a_json_number_is_refused() {
        for text in [
            "", "-", ".", "1.", ".5", "01", "00", "+1", "1e", "1e+", "1.5.5", "NaN", "Infinity",
            "\"100\"", "true", "null", "0x10", "1_000", " 1", "1 ", "١", "[1]", "1e1.5", "--1",
        ] {
            assert_eq!(
                Decimal::parse(text),
                Err(DecimalError::NotANumber),
                "{text}"
            );
        }
    }

    #[test]
    fn negative_numbers_are_refused_as_negative() {
        for text in ["-1", "-0", "-0.0", "-1e5", "-0.001"] {
            assert_eq!(Decimal::parse(text), Err(DecimalError::Negative), "{text}");
        }
    }

    #[test]
    fn a_fraction_below_a_millisatoshi_is_an_error_and_never_rounded() {
        assert_eq!(msat_of_sats("0.0001"), Err(DecimalError::TooFine));
        assert_eq!(msat_of_sats("1.0010000"), Ok(1_001));
        assert_eq!(msat_of_sats("1e-4"), Err(DecimalError::TooFine));
    }

    #[test]
    fn numbers_without_end_are_refused_and_cost_nothing() {
        assert_eq!(msat_of_sats("1e99"), Err(DecimalError::TooLarge));
        assert_eq!(msat_of_sats("1e100"), Err(DecimalError::TooLong));
        assert_eq!(msat_of_sats("1e999999999999"), Err(DecimalError::TooLong));
        assert_eq!(msat_of_sats(&"9".repeat(64)), Err(DecimalError::TooLong));
        assert_eq!(
            msat_of_sats(&format!("1.{}", "0".repeat(63))),
            Err(DecimalError::TooLong)
        );
        assert_eq!(msat_of_sats(&format!("1.{}", "0".repeat(62))), Ok(1_000));
        assert_eq!(msat_of_sats("9223372036854775.807"), Ok(i64::MAX));
        assert_eq!(
            msat_of_sats("9223372036854775.808"),
            Err(DecimalError::TooLarge)
        );
    }

    #[test]
    fn zero_is_zero_in_every_spelling() {
        for text in ["0", "0.0", "0e5", "0e-99", "0.000e99"] {
            let value = Decimal::parse(text).expect(text);
            assert!(value.is_zero());
            assert_eq!(value.scaled(3), Ok(0));
        }
    }

    proptest! {
        #[test]
        fn an_exact_decimal_text_gives_back_its_millisatoshis(msat in 0..=i64::MAX) {
            let text = format!("{}.{:03}", msat / 1_000, msat % 1_000);
            prop_assert_eq!(msat_of_sats(&text), Ok(msat));
        }

        #[test]
        fn moving_the_point_by_an_exponent_changes_nothing(
            digits in 0_u32..=u32::MAX, exponent in -20_i32..20,
        ) {
            let plain = Decimal::parse(&digits.to_string()).expect("digits");
            let text = format!("{digits}e{exponent}");
            let moved = Decimal::parse(&text).expect("a number");
            for places in 0..20_u8 {
                if let Ok(value) = moved.scaled(places) {
                    let expected = i128::from(digits);
                    let power = exponent + i32::from(places);
                    let scale = 10_i128.pow(power.unsigned_abs());
                    if power >= 0 {
                        prop_assert_eq!(i128::from(value), expected * scale);
                    } else {
                        prop_assert_eq!(i128::from(value) * scale, expected);
                    }
                }
            }
            prop_assert_eq!(plain.is_zero(), moved.is_zero());
        }

        #[test]
        fn it_agrees_with_serde_json_on_what_a_non_negative_number_is(text in "[-+.eE019]{1,8}") {
            let json = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            match Decimal::parse(&text) {
                Ok(_) => prop_assert!(json, "{} is no JSON", text),
                Err(DecimalError::NotANumber) => {
                    // serde_json also refuses numbers beyond a double, which have a long exponent.
                    prop_assert!(!json, "{} is JSON", text);
                }
                Err(_) => {}
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            if let Ok(value) = Decimal::parse(&text) {
                for places in 0..=255 {
                    let _ = value.scaled(places);
                }
            }
        }
    }
}
