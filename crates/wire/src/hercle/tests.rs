//! Envelopes held against the texts of the contract, and the arguments in both calling forms.

use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;
use crate::Problem;

const NODE: &str = "02a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1b2";
const CREATED: &str = r#"{"channel":"executionEvents","topic":"execution","subject":"execution.withdrawal.lightspark.created","type":"message","clientId":"my-withdrawal-123","data":{"httpStatusCode":200,"paymentId":"pay_abc123def456","status":"PENDING","amountBTC":0.001,"destinationPublicKey":"02a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1b2","message":"Lightning withdrawal created successfully"}}"#;
const CREATED_AS_STRING: &str = r#"{"channel":"executionEvents","topic":"execution","subject":"execution.withdrawal.lightspark.created","type":"message","clientId":"my-withdrawal-123","data":"{\"httpStatusCode\":200,\"paymentId\":\"pay_abc123def456\",\"status\":\"PENDING\",\"amountBTC\":0.001,\"destinationPublicKey\":\"02a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1b2\",\"message\":\"Lightning withdrawal created successfully\"}"}"#;
const COMPLETED: &str = r#"{"channel":"executionEvents","topic":"execution","subject":"execution.withdrawal.lightspark.completed","type":"message","clientId":"my-withdrawal-123","data":{"httpStatusCode":200,"paymentId":"pay_abc123def456","status":"SUCCESS","amountBTC":0.001,"destinationPublicKey":"02a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1b2","message":"Lightning withdrawal completed","feeBTC":0.00000012,"preimage":"0000000000000000000000000000000000000000000000000000000000000000"}}"#;
const FAILED: &str = r#"{"channel":"executionEvents","topic":"execution","subject":"execution.withdrawal.lightspark.failed","type":"message","clientId":"my-withdrawal-123","data":{"httpStatusCode":400,"paymentId":"pay_abc123def456","status":"FAILED","amountBTC":0.001,"destinationPublicKey":"02a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1b2","message":"Lightning withdrawal failed","reason":"NO_ROUTE"}}"#;

fn created() -> WithdrawalCreated {
    WithdrawalCreated::new("pay_abc123def456".to_owned(), 100_000_000, NODE.to_owned())
}

fn event<T: serde::Serialize>(subject: Subject, data: &T, format: DataFormat) -> String {
    Envelope::new(subject, "my-withdrawal-123".to_owned(), data, format).to_json()
}

#[test]
fn the_three_events_of_a_withdrawal_are_those_of_the_contract() {
    let object = DataFormat::default();
    assert_eq!(
        event(Subject::WithdrawalCreated, &created(), object),
        CREATED
    );
    let completed = created().completed(12_000, "0".repeat(64));
    assert_eq!(
        event(Subject::WithdrawalCompleted, &completed, object),
        COMPLETED
    );
    let failed = created().failed(FailureReason::NoRoute);
    assert_eq!(event(Subject::WithdrawalFailed, &failed, object), FAILED);
}

#[test]
fn data_is_a_json_string_when_it_is_asked_for() {
    let text = event(Subject::WithdrawalCreated, &created(), DataFormat::String);
    assert_eq!(text, CREATED_AS_STRING);
}

#[test]
fn the_raw_value_is_the_same_text() {
    let envelope = Envelope::new(
        Subject::WithdrawalCreated,
        "my-withdrawal-123".to_owned(),
        &created(),
        DataFormat::Object,
    );
    assert_eq!(envelope.to_raw_value().get(), CREATED);
}

#[test]
fn an_error_travels_in_the_same_envelope_under_its_own_subject() {
    let envelope = Envelope::error(
        &Problem::ClientIdLength { length: 37 },
        "my-withdrawal-123".to_owned(),
        DataFormat::Object,
    );
    assert_eq!(
        envelope.to_json(),
        r#"{"channel":"executionEvents","topic":"execution","subject":"preChecksError","type":"message","clientId":"my-withdrawal-123","data":{"httpStatusCode":400,"message":"ClientId must be at most 36 characters; it has 37.","code":"client_id_length"}}"#
    );
    let envelope = Envelope::error(&Problem::AlreadyPaid, String::new(), DataFormat::Object);
    let value: serde_json::Value = serde_json::from_str(&envelope.to_json()).expect("JSON");
    assert_eq!(value["subject"], "execution.withdrawal.lightspark.error");
    assert_eq!(value["data"]["statusError"], value["data"]["message"]);
}

#[test]
fn the_topic_is_the_first_segment_of_the_subject() {
    for subject in Subject::all() {
        let expected = match subject {
            Subject::PreChecksError => "execution",
            Subject::InvoicesSnapshot => "lightspark",
            Subject::BalancesSnapshot => "account",
            _ => "execution",
        };
        assert_eq!(subject.topic(), expected);
    }
}

#[test]
fn the_rest_withdrawal_has_the_documented_form() {
    let body = br#"{"paymentRequestHash":" lnbc1... "}"#;
    let request = RestWithdrawalRequest::parse(body).expect("the documented request");
    assert_eq!(request.payment_request, "lnbc1...");
    let answer = RestWithdrawal::new(
        "pay_abc123def456".to_owned(),
        false,
        100_000_000,
        NODE.to_owned(),
    );
    assert_eq!(
        serde_json::to_string(&answer).expect("serialises"),
        r#"{"paymentId":"pay_abc123def456","status":"OPEN","amountBTC":0.001,"destinationPublicKey":"02a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2e3f4a5b6c7d8e9f0a1b2"}"#
    );
    let problem = RestWithdrawalRequest::parse(b"{}").expect_err("nothing to pay");
    assert_eq!(problem.parameter(), Some("paymentRequestHash"));
}

fn raw(arguments: &str) -> Vec<Box<RawValue>> {
    serde_json::from_str(arguments).expect("an array")
}

fn parse(arguments: &str) -> Result<WithdrawLightningArguments, Problem> {
    let owned = raw(arguments);
    let borrowed: Vec<&RawValue> = owned.iter().map(AsRef::as_ref).collect();
    WithdrawLightningArguments::parse(&borrowed)
}

fn client_id(arguments: &str) -> String {
    let owned = raw(arguments);
    let borrowed: Vec<&RawValue> = owned.iter().map(AsRef::as_ref).collect();
    client_id_of(&borrowed)
}

#[test]
fn both_calling_forms_mean_the_same() {
    let expected = WithdrawLightningArguments {
        client_id: "my-withdrawal-123".to_owned(),
        payment_request: "lnbc1...".to_owned(),
    };
    for arguments in [
        r#"["my-withdrawal-123","lnbc1..."]"#,
        r#"[["my-withdrawal-123"," lnbc1...\n"]]"#,
    ] {
        assert_eq!(parse(arguments).as_ref(), Ok(&expected));
    }
}

#[test]
fn what_is_wrong_with_the_arguments_is_named() {
    for (arguments, code, name) in [
        ("[]", "missing_parameter", Some("ClientId")),
        ("[[]]", "missing_parameter", Some("ClientId")),
        ("[null,\"lnbc1\"]", "missing_parameter", Some("ClientId")),
        ("[7,\"lnbc1\"]", "invalid_parameter", Some("ClientId")),
        ("[{\"a\":1}]", "invalid_parameter", Some("ClientId")),
        ("[\"\",\"lnbc1\"]", "client_id_length", None),
        ("[\"a\"]", "missing_parameter", Some("PaymentRequestHash")),
        ("[[\"a\"]]", "missing_parameter", Some("PaymentRequestHash")),
        (
            "[\"a\",\" \"]",
            "missing_parameter",
            Some("PaymentRequestHash"),
        ),
        (
            "[\"a\",null]",
            "missing_parameter",
            Some("PaymentRequestHash"),
        ),
        ("[\"a\",7]", "invalid_parameter", Some("PaymentRequestHash")),
        (
            "[\"a\",[\"b\"]]",
            "invalid_parameter",
            Some("PaymentRequestHash"),
        ),
        (
            "[[\"a\",\"b\"],\"c\"]",
            "invalid_parameter",
            Some("ClientId"),
        ),
        ("[[[\"a\",\"b\"]]]", "invalid_parameter", Some("ClientId")),
        ("[\"a\",\"b\",\"c\"]", "too_many_arguments", None),
        ("[[\"a\",\"b\",null]]", "too_many_arguments", None),
    ] {
        let problem = parse(arguments).expect_err(arguments);
        assert_eq!(
            (problem.code(), problem.parameter()),
            (code, name),
            "{arguments}"
        );
        assert_eq!(problem.hub_subject(), Subject::PreChecksError);
    }
}

#[test]
fn a_client_id_is_measured_in_utf_16_units() {
    assert_eq!(check_client_id(&"a".repeat(36)), Ok(()));
    assert_eq!(check_client_id(&"é".repeat(36)), Ok(()));
    assert_eq!(check_client_id(&"😀".repeat(18)), Ok(()));
    let too_long = Err(Problem::ClientIdLength { length: 38 });
    assert_eq!(check_client_id(&"😀".repeat(19)), too_long);
    assert_eq!(
        check_client_id(""),
        Err(Problem::ClientIdLength { length: 0 })
    );
}

#[test]
fn an_error_carries_the_client_id_as_far_as_it_can_be_read() {
    assert_eq!(client_id(r#"["my-id",7]"#), "my-id");
    assert_eq!(client_id(r#"[["my-id"]]"#), "my-id");
    assert_eq!(client_id("[7]"), "");
    assert_eq!(client_id("[]"), "");
    let long = format!("[\"a{}\"]", "😀".repeat(1_000));
    assert_eq!(client_id(&long).encode_utf16().count(), 35);
}

proptest! {
    #[test]
    fn no_arguments_make_it_panic_and_every_refusal_is_a_validation(
        texts in proptest::collection::vec(
            prop_oneof![
                Just("null".to_owned()),
                Just("[]".to_owned()),
                Just("{}".to_owned()),
                any::<i32>().prop_map(|number| number.to_string()),
                ".{0,50}".prop_map(|text| serde_json::Value::from(text).to_string()),
            ],
            0..4,
        ),
        nested in any::<bool>(),
    ) {
        let inner = format!("[{}]", texts.join(","));
        let arguments = if nested { format!("[{inner}]") } else { inner };
        match parse(&arguments) {
            Ok(read) => {
                prop_assert!(check_client_id(&read.client_id).is_ok());
                prop_assert!(!read.payment_request.is_empty());
            }
            Err(problem) => {
                prop_assert_eq!(problem.hub_subject(), Subject::PreChecksError);
                prop_assert!(client_id(&arguments).encode_utf16().count() <= 36);
            }
        }
    }
}

#[test]
fn a_stored_event_is_the_same_and_its_data_can_become_a_string() {
    let data = WithdrawalCreated::new("id".to_owned(), 1_000, "02aa".to_owned());
    let client_id = "quote \" and \u{7f}".to_owned();
    let object = Envelope::new(
        Subject::WithdrawalCreated,
        client_id.clone(),
        &data,
        DataFormat::Object,
    );
    let string = Envelope::new(
        Subject::WithdrawalCreated,
        client_id,
        &data,
        DataFormat::String,
    );
    let stored = object.to_json();
    let same = Envelope::stored(&stored, DataFormat::Object).expect("stored");
    assert_eq!(same.get(), stored);
    let restored = Envelope::stored(&stored, DataFormat::String).expect("stored");
    assert_eq!(restored.get(), string.to_json());
    assert!(Envelope::stored("{", DataFormat::Object).is_none());
}

#[test]
fn a_text_that_a_database_cannot_keep_is_refused_by_name() {
    let raw = RawValue::from_string(r#""a\u0000b""#.to_owned()).expect("JSON");
    let invoice = RawValue::from_string(r#""lnbc1""#.to_owned()).expect("JSON");
    let problem = WithdrawLightningArguments::parse(&[&raw, &invoice]).expect_err("U+0000");
    assert_eq!(problem.parameter(), Some("ClientId"));
}
