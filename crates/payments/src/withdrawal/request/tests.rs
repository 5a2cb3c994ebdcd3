//! Which invoices are refused, and with which word.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use lightning_invoice::{Currency, InvoiceBuilder, PaymentSecret};

use super::*;

fn key(byte: u8) -> SecretKey {
    SecretKey::from_slice(&[byte; 32]).expect("a valid key")
}

fn terms() -> Terms {
    let node_id = PublicKey::from_secret_key(&Secp256k1::new(), &key(9));
    Terms {
        network: Network::Regtest,
        node_id,
        fees: FeePolicy::default(),
    }
}

fn invoice(currency: Currency, amount_msat: Option<u64>, payee: u8) -> String {
    let builder = InvoiceBuilder::new(currency)
        .description("order 7".to_owned())
        .payment_hash(sha256::Hash::hash(&[1; 32]))
        .payment_secret(PaymentSecret([2; 32]))
        .duration_since_epoch(std::time::Duration::from_secs(1_700_000_000))
        .expiry_time(std::time::Duration::from_secs(60))
        .min_final_cltv_expiry_delta(144);
    let builder = match amount_msat {
        Some(amount_msat) => builder.amount_milli_satoshis(amount_msat),
        None => builder,
    };
    builder
        .build_signed(|message| Secp256k1::new().sign_ecdsa_recoverable(message, &key(payee)))
        .expect("a sound invoice")
        .to_string()
}

#[test]
fn a_sound_invoice_is_taken_apart() {
    let text = invoice(Currency::Regtest, Some(1_500), 3);
    for written in [
        text.clone(),
        text.to_ascii_uppercase(),
        format!(" lightning:{text}\n"),
    ] {
        let new = check(&terms(), &written, &Asked::default()).expect("sound");
        assert_eq!(new.bolt11, text);
        assert_eq!(new.amounts.amount_msat.get(), 1_500);
        assert_eq!(new.amounts.fee_reserve_msat.get(), 5_015);
        assert_eq!(
            new.destination,
            PublicKey::from_secret_key(&Secp256k1::new(), &key(3))
        );
        assert_eq!(
            new.payment_hash.as_bytes(),
            sha256::Hash::hash(&[1; 32]).as_byte_array()
        );
        assert_eq!(new.expires_at.as_second(), 1_700_000_060);
    }
}

#[test]
fn what_is_no_invoice_is_refused() {
    let sound = invoice(Currency::Regtest, Some(1_500), 3);
    let mut broken = sound.clone();
    broken.replace_range(
        broken.len() - 1..,
        if sound.ends_with('q') { "p" } else { "q" },
    );
    for text in ["", "lnbc1...", "hello", "bcrt1qexample", &broken] {
        assert_eq!(
            check(&terms(), text, &Asked::default()),
            Err(RequestWithdrawalError::InvalidInvoice),
            "{text}"
        );
    }
}

#[test]
fn d6_an_invoice_of_another_network_is_refused() {
    let others = [
        (Currency::Bitcoin, "mainnet"),
        (Currency::BitcoinTestnet, "testnet"),
        (Currency::Signet, "signet"),
        (Currency::Simnet, "simnet"),
    ];
    for (currency, found) in others {
        let refused = check(
            &terms(),
            &invoice(currency, Some(1_500), 3),
            &Asked::default(),
        );
        let expected = Network::Regtest;
        assert_eq!(
            refused,
            Err(RequestWithdrawalError::WrongNetwork { expected, found })
        );
    }
}

#[test]
fn the_amount_is_the_invoices_and_the_request_must_agree() {
    let amount = |msat| Asked {
        amount_msat: Some(Msat::new(msat).expect("in range")),
        ..Asked::default()
    };
    let text = invoice(Currency::Regtest, Some(1_500), 3);
    check(&terms(), &text, &amount(1_500)).expect("the same amount");
    check(&terms(), &text, &amount(2_000)).expect("the started satoshi counted");
    for other in [0, 1, 1_000, 1_499, 1_999, 3_000] {
        let refused = check(&terms(), &text, &amount(other)).expect_err("another amount");
        assert!(
            matches!(refused, RequestWithdrawalError::AmountMismatch { .. }),
            "{other}"
        );
    }
}

#[test]
fn an_invoice_without_an_amount_takes_the_requests() {
    let text = invoice(Currency::Regtest, None, 3);
    let asking = |amount: Option<i64>| Asked {
        amount_msat: amount.map(|msat| Msat::new(msat).expect("in range")),
        ..Asked::default()
    };
    for amount in [1, 1_500, money::MAX_MONEY_MSAT / 2] {
        let new = check(&terms(), &text, &asking(Some(amount))).expect("an amount");
        assert_eq!(new.amounts.amount_msat.get(), amount);
        let named = amount_beside(&new.bolt11, new.amounts.amount_msat);
        assert_eq!(named.map(Msat::get), Some(amount));
    }
    for amount in [None, Some(0)] {
        let refused = check(&terms(), &text, &asking(amount));
        assert_eq!(refused, Err(RequestWithdrawalError::Amountless));
    }
    // An amount of nothing is no amount, whatever the request names beside it.
    let nothing = invoice(Currency::Regtest, Some(0), 3);
    for amount in [None, Some(0), Some(1)] {
        let refused = check(&terms(), &nothing, &asking(amount));
        assert_eq!(refused, Err(RequestWithdrawalError::Amountless));
    }
    let refused = check(&terms(), &text, &asking(Some(money::MAX_MONEY_MSAT)));
    assert_eq!(refused, Err(RequestWithdrawalError::AmountTooLarge));
    let fixed = invoice(Currency::Regtest, Some(1_500), 3);
    assert_eq!(
        amount_beside(&fixed, Msat::new(1_500).expect("in range")),
        None
    );
}

#[test]
fn all_that_there_is_needs_no_amount_and_keeps_what_the_invoice_states() {
    let limit = Some(Msat::new(7).expect("in range"));
    let all = Asked {
        send_all: true,
        fee_limit_msat: limit,
        ..Asked::default()
    };
    let new = check(&terms(), &invoice(Currency::Regtest, None, 3), &all).expect("sound");
    let expected = SendAll {
        stated_msat: None,
        fee_limit_msat: limit,
    };
    assert_eq!(new.send_all, Some(expected));
    assert_eq!(new.amounts.total_msat().expect("in range").get(), 8);
    let new = check(&terms(), &invoice(Currency::Regtest, Some(1_500), 3), &all).expect("sound");
    assert_eq!(
        new.send_all.and_then(|all| all.stated_msat),
        Msat::new(1_500).ok()
    );
}

#[test]
fn what_goes_to_our_own_node_reserves_nothing_for_routing() {
    let own = invoice(Currency::Regtest, Some(1_500), 9);
    let new = check(&terms(), &own, &Asked::default()).expect("sound");
    assert!(new.to_ourselves);
    assert_eq!(new.amounts.fee_reserve_msat, Msat::ZERO);
}

#[test]
fn more_than_all_bitcoin_is_refused() {
    // BOLT 11 counts in tenths of a millisatoshi and cannot state all bitcoin; with its fees it can be more.
    let fees = FeePolicy {
        reserve_share: money::BasisPoints::new(10_000).expect("all of it"),
        ..FeePolicy::default()
    };
    let most = u64::try_from(money::MAX_MONEY_MSAT / 4 * 3).expect("above zero");
    let refused = check(
        &Terms { fees, ..terms() },
        &invoice(Currency::Regtest, Some(most), 3),
        &Asked::default(),
    );
    assert_eq!(refused, Err(RequestWithdrawalError::AmountTooLarge));
}
