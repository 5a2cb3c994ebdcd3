//! The requests, as each published client sends them, and what is refused.

use super::super::*;
use crate::{Metadata, Problem};

fn withdraw(body: &str) -> Result<WithdrawRequest, Problem> {
    WithdrawRequest::parse(body.as_bytes())
}

fn amount_msat(body: &str) -> Result<i64, Problem> {
    let request = withdraw(body)?;
    request
        .amount
        .expect("the body has an amount")
        .bitcoin_msat()
}

#[test]
fn a_withdraw_request_is_read_as_every_client_sends_it() {
    let body = r#"{"amount":21,"currency":"sats","destination":"someone@example.com","metadata":{"userID":"1234"}}"#;
    let request = withdraw(body).expect("the documented request");
    assert_eq!(
        request.amount,
        Some(RequestedAmount::Bitcoin {
            amount_msat: 21_000
        })
    );
    assert_eq!(request.destination, "someone@example.com");
    assert_eq!(request.metadata.to_json(), r#"{"userID":"1234"}"#);
    for metadata in ["", r#","metadata":null"#] {
        let body = format!(r#"{{"amount":21.0,"currency":"SATS","destination":"x"{metadata}}}"#);
        assert_eq!(withdraw(&body).expect("valid").metadata, Metadata::none());
    }
}

#[test]
fn amounts_are_exact_in_sats_and_btc() {
    for (amount, currency, msat) in [
        ("100", "sats", 100_000),
        ("100.0", "Sats", 100_000),
        ("1e3", "sats", 1_000_000),
        ("0.001", "sats", 1),
        ("1e-7", "BTC", 10_000),
        ("0.00000001", "btc", 1_000),
        ("21000000", "btc", MAX_AMOUNT_MSAT),
        ("0.1", "btc", 10_000_000_000),
    ] {
        let body = format!(r#"{{"amount":{amount},"currency":"{currency}","destination":"x"}}"#);
        assert_eq!(amount_msat(&body), Ok(msat), "{body}");
    }
}

#[test]
fn the_alias_of_older_clients_is_taken_and_may_not_contradict() {
    let read = |body: &str| amount_msat(body);
    assert_eq!(read(r#"{"destination":"x","amount_sats":21}"#), Ok(21_000));
    assert_eq!(
        read(r#"{"destination":"x","amount_sats":21,"amount":0.00000021,"currency":"btc"}"#),
        Ok(21_000)
    );
    let both = r#"{"destination":"x","amount_sats":21,"amount":22,"currency":"sats"}"#;
    assert_eq!(
        read(both).expect_err("contradiction").parameter(),
        Some("amount_sats")
    );
}

/// Bodies with one thing wrong: the problem, and the field it names.
const WRONG: &[(&str, &str, &str)] = &[
    (
        r#"{"amount":1,"currency":"sats"}"#,
        "missing_parameter",
        "destination",
    ),
    (
        r#"{"amount":1,"currency":"sats","destination":" "}"#,
        "missing_parameter",
        "destination",
    ),
    (
        r#"{"amount":1,"destination":"x"}"#,
        "missing_parameter",
        "currency",
    ),
    (
        r#"{"amount":1,"currency":"eth","destination":"x"}"#,
        "invalid_parameter",
        "currency",
    ),
    (
        r#"{"amount":1,"currency":7,"destination":"x"}"#,
        "invalid_parameter",
        "currency",
    ),
    (
        r#"{"amount":"1","currency":"sats","destination":"x"}"#,
        "invalid_parameter",
        "amount",
    ),
    (
        r#"{"amount":-1,"currency":"sats","destination":"x"}"#,
        "invalid_parameter",
        "amount",
    ),
    (
        r#"{"amount":0,"currency":"sats","destination":"x"}"#,
        "invalid_parameter",
        "amount",
    ),
    (
        r#"{"amount":0.0001,"currency":"sats","destination":"x"}"#,
        "invalid_parameter",
        "amount",
    ),
    (
        r#"{"amount":21000001,"currency":"btc","destination":"x"}"#,
        "invalid_parameter",
        "amount",
    ),
    (
        r#"{"amount":1e99,"currency":"btc","destination":"x"}"#,
        "invalid_parameter",
        "amount",
    ),
    (
        r#"{"amount":0,"currency":"usd","destination":"x"}"#,
        "invalid_parameter",
        "amount",
    ),
    (
        r#"{"amount":true,"currency":"usd","destination":"x"}"#,
        "invalid_parameter",
        "amount",
    ),
    (
        r#"{"amount_sats":1.00001,"destination":"x"}"#,
        "invalid_parameter",
        "amount_sats",
    ),
    (
        r#"{"amount_sats":1,"destination":{}}"#,
        "invalid_parameter",
        "destination",
    ),
    (
        r#"{"amount_sats":1,"destination":"x","metadata":[]}"#,
        "invalid_parameter",
        "metadata",
    ),
    (
        r#"{"amount_sats":1,"destination":"x","metadata":{"n":1}}"#,
        "invalid_parameter",
        "metadata",
    ),
    (
        r#"{"amount_sats":1,"destination":"x","destination":"y"}"#,
        "invalid_parameter",
        "destination",
    ),
    (
        r#"{"amount_sats":1,"amount_sat\u0073":2,"destination":"x"}"#,
        "invalid_parameter",
        "amount_sats",
    ),
];

#[test]
fn a_wrong_field_is_named() {
    for (body, code, name) in WRONG.iter().copied() {
        let problem = withdraw(body).expect_err(body);
        assert_eq!(
            (problem.code(), problem.parameter()),
            (code, Some(name)),
            "{body}"
        );
        assert_eq!(problem.status(), 400);
    }
}

#[test]
fn what_is_not_a_json_object_is_malformed() {
    for body in [
        "",
        "null",
        "[]",
        "\"x\"",
        "1",
        "{",
        "{\"a\":1}x",
        "{\"a\":NaN}",
        "\u{feff}{}",
    ] {
        assert_eq!(
            withdraw(body).expect_err(body).code(),
            "malformed_json",
            "{body}"
        );
    }
    let invalid_utf8 = b"{\"destination\":\"\xff\"}";
    assert!(WithdrawRequest::parse(invalid_utf8).is_err());
}

#[test]
fn a_deeply_nested_field_costs_an_error_and_no_stack() {
    let depth = 200_000;
    let body = format!(
        r#"{{"metadata":{}{}}}"#,
        "[".repeat(depth),
        "]".repeat(depth)
    );
    assert!(withdraw(&body).is_err());
}

#[test]
fn a_fiat_amount_is_kept_exactly_and_needs_rates() {
    let body = br#"{"amount":6.99,"currency":"usd","destination":"someone@example.com"}"#;
    let request = EstimateRequest::parse(body).expect("the documented request");
    let Some(RequestedAmount::Fiat { currency, amount }) = request.amount else {
        panic!("usd is no bitcoin unit");
    };
    assert_eq!((currency, amount.scaled(2)), (Currency::Usd, Ok(699)));
    let problem = request
        .amount
        .expect("given")
        .bitcoin_msat()
        .expect_err("no rates");
    assert_eq!(problem.code(), "currency_unavailable");
}

#[test]
fn a_withdrawal_without_an_amount_leaves_it_to_the_invoice() {
    assert_eq!(
        withdraw(r#"{"destination":"lnbc1"}"#)
            .expect("valid")
            .amount,
        None
    );
}

#[test]
fn an_invoice_request_is_read_as_every_client_sends_it() {
    let body = concat!(
        r#"{"amount":1000,"currency":"sats","description":"order 7","expiry_seconds":3600,"#,
        r#""metadata":{"userID":"abc123"}}"#
    );
    let request = LightningInvoiceRequest::parse(body.as_bytes()).expect("the documented request");
    assert_eq!(
        request.amount,
        RequestedAmount::Bitcoin {
            amount_msat: 1_000_000
        }
    );
    assert_eq!(request.description, "order 7");
    assert_eq!(request.expiry_seconds, Some(3_600));
    let legacy = LightningInvoiceRequest::parse(br#"{"amount_sats":5,"description":null}"#);
    let legacy = legacy.expect("the request of the older TypeScript client");
    assert_eq!(
        (legacy.description.as_str(), legacy.expiry_seconds),
        ("", None)
    );
}

#[test]
fn an_invoice_request_needs_an_amount_and_a_real_expiry() {
    let parse = |body: &str| LightningInvoiceRequest::parse(body.as_bytes());
    assert_eq!(
        parse("{}").expect_err("no amount").parameter(),
        Some("amount")
    );
    for expiry in ["0", "-1", "1.5", "\"60\"", "1e30", "true"] {
        let body = format!(r#"{{"amount_sats":1,"expiry_seconds":{expiry}}}"#);
        assert_eq!(
            parse(&body).expect_err(&body).parameter(),
            Some("expiry_seconds")
        );
    }
    let whole = parse(r#"{"amount_sats":1,"expiry_seconds":60.0}"#).expect("60.0 is whole");
    assert_eq!(whole.expiry_seconds, Some(60));
}

#[test]
fn all_four_forms_of_a_lightning_address_request_are_read() {
    for body in [
        "",
        " \r\n",
        "null",
        "{}",
        r#"{"handle":null,"domain":null,"metadata":null}"#,
        r#"{"handle":"","domain":" ","metadata":null}"#,
    ] {
        let request = LightningAddressRequest::parse(body.as_bytes()).expect(body);
        assert_eq!((request.handle, request.domain), (None, None));
    }
    let body = br#"{"handle":"shop","domain":"example.com","metadata":{"k":"v"}}"#;
    let request = LightningAddressRequest::parse(body).expect("the full form");
    assert_eq!(request.handle.as_deref(), Some("shop"));
    assert_eq!(request.domain.as_deref(), Some("example.com"));
    assert_eq!(request.metadata.to_json(), r#"{"k":"v"}"#);
}

#[test]
fn an_on_chain_request_ignores_what_it_does_not_know() {
    for body in [r#"{"metadata":null}"#, r#"{"address_type":"segwit"}"#, ""] {
        let request = OnChainAddressRequest::parse(body.as_bytes()).expect(body);
        assert!(request.metadata.is_none());
    }
}

#[test]
fn the_twelve_currencies_are_read_without_regard_to_case() {
    assert_eq!(Currency::all().len(), 12);
    for currency in Currency::all() {
        let upper = currency.as_str().to_ascii_uppercase();
        assert_eq!(Currency::from_request(&upper), Some(*currency));
    }
    assert_eq!(Currency::from_request("sat"), None);
}
