//! Messages byte by byte, and bytes that are none.
#![expect(clippy::unwrap_used, reason = "test")]

use proptest::prelude::*;

use super::*;
use crate::NO_ARGUMENTS;

fn body(bytes: &[u8]) -> &[u8] {
    assert_eq!(
        usize::from(bytes[0]),
        bytes.len() - 1,
        "a length of one byte"
    );
    &bytes[1..]
}

#[test]
fn what_is_written_is_exact() {
    let (result, null) = (5_u8, None::<u8>);
    let cases: [(Bytes, &[u8]); 9] = [
        (
            invocation(None, "m", &("a",)).unwrap(),
            &[0x96, 1, 0x80, 0xc0, 0xa1, b'm', 0x91, 0xa1, b'a', 0x90],
        ),
        (
            invocation(Some("1"), "m", &NO_ARGUMENTS).unwrap(),
            &[0x96, 1, 0x80, 0xa1, b'1', 0xa1, b'm', 0x90, 0x90],
        ),
        (
            stream_item("1", &result).unwrap(),
            &[0x94, 2, 0x80, 0xa1, b'1', 5],
        ),
        (
            completion("1", None).unwrap(),
            &[0x94, 3, 0x80, 0xa1, b'1', 2],
        ),
        (
            completion("1", Some(&null)).unwrap(),
            &[0x95, 3, 0x80, 0xa1, b'1', 3, 0xc0],
        ),
        (
            failure("1", "e"),
            &[0x95, 3, 0x80, 0xa1, b'1', 1, 0xa1, b'e'],
        ),
        (ping(), &[0x91, 6]),
        (close(None, true), &[0x93, 7, 0xc0, 0xc3]),
        (numbered(9, 300), &[0x92, 9, 0xcd, 1, 44]),
    ];
    for (written, expected) in cases {
        assert_eq!(body(&written), expected);
    }
}

#[test]
fn lists_may_be_shorter_or_longer_than_they_should_be() {
    let five = [0x95, 1, 0x80, 0xa1, b'1', 0xa1, b'm', 0x91, 7];
    let seven = [
        0x97, 1, 0x80, 0xa1, b'1', 0xa1, b'm', 0x91, 7, 0x91, 0xa1, b's', 0xc0,
    ];
    for (bytes, streams) in [(&five[..], 0), (&seven[..], 1)] {
        let Incoming::Invocation(call) = parse(bytes).unwrap_or(Incoming::Ignored) else {
            panic!("{bytes:?}");
        };
        assert_eq!(call.invocation_id.as_deref(), Some("1"));
        assert_eq!(call.target, "m");
        assert_eq!(call.arguments[0].decode::<u8>().unwrap(), 7);
        assert_eq!(call.stream_ids.len(), streams);
    }
    // JavaScript's Close has two elements.
    assert!(matches!(
        parse(&[0x92, 7, 0xc0]),
        Ok(Incoming::Close { error: None })
    ));
    assert!(matches!(parse(&[0x91, 77]), Ok(Incoming::Ignored)));
}

#[test]
fn completions_have_three_forms() {
    let parse = |bytes: &[u8]| match parse(bytes) {
        Ok(Incoming::Completion { outcome, .. }) => outcome,
        _ => panic!("{bytes:?}"),
    };
    let head = [0x95, 3, 0x80, 0xa1, b'1'];
    let with = |rest: &[u8]| [&head[..], rest].concat();
    assert!(matches!(parse(&with(&[1, 0xa1, b'e'])), Outcome::Error(e) if e == "e"));
    assert!(matches!(parse(&with(&[2])), Outcome::Void));
    let Outcome::Result(raw) = parse(&with(&[3, 0xc0])) else {
        panic!("a result");
    };
    assert_eq!(raw.decode::<Option<u8>>().unwrap(), None);
}

#[test]
fn what_is_cut_off_or_of_the_wrong_type_is_an_error() {
    for bytes in [
        &[][..],
        &[0x90],
        &[0xc0],
        &[0x91, 0xa1, b'1'],
        &[0x94, 1, 0x80, 0xc0],
        &[0x95, 1, 0x80, 0xc0, 0xa0, 0x90],
        &[0x95, 1, 0x80, 0xc0, 0xa1, b'm', 0x92, 1],
        &[0x95, 4, 0x80, 0xc0, 0xa1, b'm', 0x90],
        &[0x95, 1, 0x80, 0xc0, 0xa1, 0xff, 0x90],
        &[0x92, 8, 0xff],
    ] {
        assert!(parse(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn bombs_are_refused_before_anything_is_allocated() {
    // Four billion arguments, a list in a list in a list …, a map of billions.
    let head = [0x96, 1, 0x80, 0xc0, 0xa1, b'm'];
    let bombs: [&[u8]; 3] = [
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0x91, 0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0x91, 0xdf, 0xff, 0xff, 0xff, 0xff],
    ];
    for bomb in bombs {
        assert!(parse(&[&head[..], bomb].concat()).is_err());
    }
    let nested = [&head[..], &[0x91; 30_000], &[0xc0, 0x90]].concat();
    let Ok(Incoming::Invocation(call)) = parse(&nested) else {
        panic!("nesting alone is well-formed");
    };
    assert!(call.arguments[0].to_json().is_err());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0_usize..40, byte in any::<u8>()) {
        let arguments = ("text", 1.5, [1, 2, 3], Some("x"), None::<u8>);
        let mut bytes = invocation(Some("17"), "method", &arguments).unwrap().to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(Incoming::Invocation(call)) = parse(&bytes[1..]) {
            for argument in &call.arguments {
                let _ = argument.to_json();
            }
        }
    }
}
