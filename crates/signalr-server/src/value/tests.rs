//! Values through both protocols and back.
#![expect(clippy::unwrap_used, reason = "test")]

use axum::body::Bytes;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::*;

fn json<T: Serialize>(value: &T) -> String {
    let mut out = Vec::new();
    write_json(value, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn packed<T: Serialize>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    write_messagepack(value, &mut out).unwrap();
    out
}

fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> T {
    Raw::MessagePack(Bytes::copy_from_slice(bytes))
        .decode()
        .unwrap()
}

#[test]
fn bytes_are_bin_or_base64() {
    let bytes = Binary(vec![1, 2, 3]);
    assert_eq!(json(&bytes), r#""AQID""#);
    assert_eq!(packed(&bytes), [0xc4, 3, 1, 2, 3]);
    assert_eq!(unpack::<Binary>(&[0xc4, 3, 1, 2, 3]), bytes);
    assert_eq!(serde_json::from_str::<Binary>(r#""AQID""#).unwrap(), bytes);
}

#[test]
fn times_are_an_extension_or_rfc_3339() {
    for (seconds, nanoseconds, text, payload) in [
        (946_684_800, 0, "2000-01-01T00:00:00Z", 4),
        (951_782_400, 5_000_000, "2000-02-29T00:00:00.005Z", 8),
        (-1, 0, "1969-12-31T23:59:59Z", 12),
        (32_503_680_000, 0, "3000-01-01T00:00:00Z", 12),
    ] {
        let time = Timestamp {
            seconds,
            nanoseconds,
        };
        assert_eq!(json(&time), format!("{text:?}"));
        assert_eq!(Timestamp::parse(text), Some(time));
        let bytes = packed(&time);
        assert_eq!(unpack::<Timestamp>(&bytes), time);
        let header = if payload == 12 { 3 } else { 2 };
        assert_eq!(bytes.len() - header, payload, "{text}");
    }
    let offset = Timestamp::parse("2000-01-01T01:30:00+01:30").unwrap();
    assert_eq!(offset.seconds, 946_684_800);
    for wrong in [
        "",
        "2000-01-01",
        "2000-13-01T00:00:00Z",
        "2000-01-01T00:00:00",
        "é",
    ] {
        assert_eq!(Timestamp::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn objects_have_string_keys_and_ids_are_strings_in_both() {
    #[derive(Serialize)]
    struct Object {
        id: std::net::Ipv4Addr,
        #[serde(rename = "Name")]
        name: Option<String>,
    }
    let object = Object {
        id: [127, 0, 0, 1].into(),
        name: None,
    };
    let value: Value = unpack(&packed(&object));
    assert_eq!(json(&value), r#"{"id":"127.0.0.1","Name":null}"#);
    assert_eq!(json(&object), json(&value));
}

#[test]
fn json_that_is_there_is_sent_unchanged_or_translated() {
    let text = r#"{"b": 1, "a":[0.00000012,"x",null,18446744073709551615]}"#;
    let raw = RawValue::from_string(text.to_owned()).unwrap();
    assert_eq!(json(&JsonText(&raw)), text);
    let raw = Raw::MessagePack(packed(&JsonText(&raw)).into());
    let back = raw.to_json().unwrap();
    assert_eq!(
        back.get(),
        r#"{"b":1,"a":[1.2e-7,"x",null,18446744073709551615]}"#
    );
}

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    let deep = [&[0x91; 100_000][..], &[0xc0]].concat();
    assert!(Raw::MessagePack(deep.into()).decode::<Value>().is_err());
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(serde_json::from_str::<Value>(&deep).is_err());
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        (i64::MAX as u64 + 1..).prop_map(Value::Unsigned),
        any::<i32>().prop_map(|n| Value::Float(f64::from(n) + 0.5)),
        ".{0,12}".prop_map(Value::String),
        prop::collection::vec(any::<u8>(), 0..20).prop_map(|b| Value::Binary(Binary(b))),
        (-99_999_999_999_i64..99_999_999_999, 0..1_000_000_000_u32).prop_map(
            |(seconds, nanoseconds)| {
                Value::Timestamp(Timestamp {
                    seconds,
                    nanoseconds,
                })
            }
        ),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((".{0,6}", inner), 0..5).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn every_value_survives_messagepack(value in values()) {
        prop_assert_eq!(unpack::<Value>(&packed(&value)), value);
    }

    #[test]
    fn times_survive_their_text(seconds in -62_135_596_800_i64..253_402_300_799, ns in 0..1_000_000_000_u32) {
        let time = Timestamp { seconds, nanoseconds: ns };
        prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let raw = Raw::MessagePack(bytes.into());
        let _ = raw.decode::<Value>();
        let _ = raw.decode::<(String, u8)>();
        let _ = raw.to_json();
    }
}
