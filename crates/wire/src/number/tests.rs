//! Properties of the numbers written: exact, plain, and stable under a JavaScript round trip.

use proptest::prelude::*;

use super::{Btc, MAX_SAFE_INTEGER, Sats, microsats_from_msat, whole_sats_from_msat};

/// 21 million bitcoin, the most that can exist, in millisatoshis.
const ALL_BITCOIN_MSAT: i64 = 2_100_000_000_000_000_000;

fn json<T: serde::Serialize>(value: T) -> String {
    serde_json::to_string(&value).expect("numbers serialise")
}

#[test]
fn sats_are_integers_when_whole_and_have_up_to_three_decimals_otherwise() {
    for (msat, text) in [
        (0, "0"),
        (1, "0.001"),
        (10, "0.01"),
        (500, "0.5"),
        (105, "0.105"),
        (1_000, "1"),
        (1_001, "1.001"),
        (100_000, "100"),
        (58_250, "58.25"),
        (-1_500, "-1.5"),
        (ALL_BITCOIN_MSAT, "2100000000000000"),
        (1_000_000_000_000_001, "1000000000000.001"),
    ] {
        assert_eq!(json(Sats::from_msat(msat)), text);
    }
}

#[test]
fn bitcoin_is_the_nearest_double_in_plain_decimals() {
    for (msat, text) in [
        (0, "0"),
        (1, "0.00000000001"),
        (12_000, "0.00000012"),
        (100_000_000, "0.001"),
        (100_000_000_000, "1"),
        (2_100_000_000_000, "21"),
        (ALL_BITCOIN_MSAT, "21000000"),
        (-100_000_000, "-0.001"),
        // One millisatoshi less than all bitcoin has 18 digits: the nearest double is written.
        (ALL_BITCOIN_MSAT - 1, "21000000"),
    ] {
        assert_eq!(json(Btc::from_msat(msat)), text);
    }
    assert_eq!(
        Btc::from_msat(100_000_000).to_f64().to_bits(),
        0.001_f64.to_bits()
    );
}

#[test]
fn microsats_are_exact_integers_within_the_range_of_javascript() {
    assert_eq!(microsats_from_msat(500), Some(500_000));
    assert_eq!(microsats_from_msat(0), Some(0));
    assert_eq!(microsats_from_msat(-1), None);
    assert_eq!(
        microsats_from_msat(9_007_199_254_740),
        Some(9_007_199_254_740_000)
    );
    assert_eq!(microsats_from_msat(9_007_199_254_741), None);
    assert_eq!(microsats_from_msat(i64::MAX), None);
}

#[test]
fn whole_sats_round_down() {
    assert_eq!(whole_sats_from_msat(1_999), Some(1));
    assert_eq!(whole_sats_from_msat(-1), None);
}

/// What V8 writes for a double, where it writes plain decimals: from 1e-6 up to 1e21. `serde_json`
/// and V8 agree on the digits, and the digits with the power of ten decide the rest.
fn javascript(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("`{:e}` writes an e");
    let exponent: i32 = exponent.parse().expect("the exponent is an integer");
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let digits = mantissa.replace('.', "");
    let length = i32::try_from(digits.len()).expect("at most 17 digits");
    let body = match exponent {
        e if !(-6..=20).contains(&e) => panic!("V8 writes {value} with an exponent"),
        e if e < 0 => format!("0.{}{digits}", "0".repeat((-e - 1).unsigned_abs() as usize)),
        e if e + 1 >= length => {
            format!(
                "{digits}{}",
                "0".repeat((e + 1 - length).unsigned_abs() as usize)
            )
        }
        e => {
            let (whole, fraction) = digits.split_at((e + 1).unsigned_abs() as usize);
            format!("{whole}.{fraction}")
        }
    };
    if value == 0.0 {
        "0".to_owned()
    } else {
        format!("{sign}{body}")
    }
}

proptest! {
    #[test]
    fn sats_are_a_fixed_point_of_a_javascript_round_trip(
        msat in prop_oneof![any::<i64>(), -10_000_i64..10_000, 0..ALL_BITCOIN_MSAT],
    ) {
        let text = json(Sats::from_msat(msat));
        let parsed: f64 = text.parse().expect("a number");
        prop_assert_eq!(javascript(parsed), text);
    }

    #[test]
    fn sats_up_to_ten_thousand_bitcoin_read_back_to_the_same_amount(
        msat in 0_i64..1_000_000_000_000_000,
    ) {
        let text = json(Sats::from_msat(msat));
        let (whole, fraction) = text.split_once('.').unwrap_or((text.as_str(), "0"));
        let whole: i64 = whole.parse().expect("digits");
        let thousandths: i64 = format!("{fraction:0<3}").parse().expect("at most 3 digits");
        prop_assert_eq!(whole * 1_000 + thousandths, msat);
        prop_assert!(!text.ends_with(".0"));
        prop_assert!(!text.contains(['e', 'E']));
    }

    #[test]
    fn whole_bitcoin_never_has_a_point_and_no_amount_has_an_exponent(msat in any::<i64>()) {
        let text = json(Btc::from_msat(msat));
        prop_assert!(!text.ends_with(".0"));
        prop_assert!(!text.contains(['e', 'E']));
        let parsed: f64 = text.parse().expect("a number");
        prop_assert_eq!(parsed.to_bits(), Btc::from_msat(msat).to_f64().to_bits());
    }

    #[test]
    fn bitcoin_is_no_further_from_the_exact_value_than_either_neighbour(
        msat in 1_i64..ALL_BITCOIN_MSAT,
    ) {
        // Compared in integers of 2^-1074 would be exact; a quotient in i128 is enough here,
        // because a double times 10^11 is an integer divided by a power of two below 2^90.
        let value = Btc::from_msat(msat).to_f64();
        let error = |candidate: f64| (scaled(candidate) - (i128::from(msat) << 60)).abs();
        prop_assert!(error(value) <= error(value.next_up()));
        prop_assert!(error(value) <= error(value.next_down()));
    }

    #[test]
    fn microsats_are_never_beyond_what_javascript_keeps(msat in any::<i64>()) {
        if let Some(microsats) = microsats_from_msat(msat) {
            prop_assert!(microsats <= MAX_SAFE_INTEGER);
            prop_assert_eq!(i64::try_from(microsats).expect("fits") / 1_000, msat);
        }
    }
}

/// A positive double in BTC as millisatoshis times 2^60, truncated.
fn scaled(value: f64) -> i128 {
    let bits = value.to_bits();
    let mantissa = i128::from((bits & ((1 << 52) - 1)) | (1 << 52));
    let exponent = i32::try_from((bits >> 52) & 0x7ff).expect("11 bits") - 1075;
    let shift = exponent + 60;
    let product = mantissa * 100_000_000_000;
    if shift >= 0 {
        product << shift
    } else {
        product >> -shift
    }
}
