//! Tables of messages, read in any member order and written exactly.
#![expect(clippy::unwrap_used, reason = "test")]

use proptest::prelude::*;

use super::*;

/// Every order of the members of a message.
fn orders(members: &[&str]) -> Vec<String> {
    fn go(left: &[&str], taken: &mut Vec<String>, out: &mut Vec<String>) {
        if left.is_empty() {
            out.push(format!("{{{}}}", taken.join(",")));
        }
        for index in 0..left.len() {
            let mut rest = left.to_vec();
            taken.push(rest.remove(index).to_owned());
            go(&rest, taken, out);
            taken.pop();
        }
    }
    let mut out = Vec::new();
    go(members, &mut Vec::new(), &mut out);
    out
}

#[test]
fn an_invocation_reads_alike_in_every_member_order() {
    let members = [
        r#""type":1"#,
        r#""invocationId":"7""#,
        r#""target":"Echo""#,
        r#""arguments":["a",{"b":[1]},null]"#,
        r#""headers":{"x":"y"}"#,
    ];
    for text in orders(&members) {
        let Incoming::Invocation(call) = parse(text.as_bytes()).unwrap() else {
            panic!("{text}");
        };
        assert_eq!(call.invocation_id.as_deref(), Some("7"), "{text}");
        assert_eq!(call.target, "Echo");
        let raw: Vec<_> = call
            .arguments
            .iter()
            .map(|raw| raw.to_json().unwrap())
            .collect();
        let raw: Vec<&str> = raw.iter().map(|value| value.get()).collect();
        assert_eq!(raw, [r#""a""#, r#"{"b":[1]}"#, "null"]);
        assert!(call.stream_ids.is_empty());
    }
}

#[test]
fn a_stream_invocation_reads_alike_in_every_member_order() {
    let members = [
        r#""type":4"#,
        r#""invocationId":"7""#,
        r#""target":"S""#,
        r#""arguments":[]"#,
        r#""streamIds":["1","2"]"#,
    ];
    for text in orders(&members) {
        let Incoming::StreamInvocation(call) = parse(text.as_bytes()).unwrap() else {
            panic!("{text}");
        };
        assert_eq!(
            (call.invocation_id.as_deref(), call.stream_ids.len()),
            (Some("7"), 2)
        );
    }
}

#[test]
fn every_other_type_reads_alike_in_every_member_order() {
    type Check = fn(&Incoming) -> bool;
    let cases: [(&[&str], Check); 10] = [
        (
            &[r#""type":2"#, r#""invocationId":"1""#, r#""item":{"a":1}"#],
            |m| matches!(m, Incoming::StreamItem { .. }),
        ),
        (
            &[r#""type":3"#, r#""invocationId":"1""#, r#""result":5"#],
            |m| matches!(m, Incoming::Completion { .. }),
        ),
        (
            &[r#""type":3"#, r#""invocationId":"1""#, r#""error":"e""#],
            |m| matches!(m, Incoming::Completion { .. }),
        ),
        (&[r#""type":5"#, r#""invocationId":"1""#], |m| {
            matches!(m, Incoming::CancelInvocation { .. })
        }),
        (&[r#""type":6"#], |m| matches!(m, Incoming::Ping)),
        (
            &[r#""type":7"#, r#""error":"e""#],
            |m| matches!(m, Incoming::Close { error: Some(text) } if text == "e"),
        ),
        (&[r#""type":7"#, r#""allowReconnect":true"#], |m| {
            matches!(m, Incoming::Close { error: None })
        }),
        (&[r#""type":8"#, r#""sequenceId":3"#], |m| {
            matches!(m, Incoming::Ack(3))
        }),
        (&[r#""type":9"#, r#""sequenceId":4"#], |m| {
            matches!(m, Incoming::Sequence(4))
        }),
        (&[r#""type":99"#, r#""target":5"#], |m| {
            matches!(m, Incoming::Ignored)
        }),
    ];
    for (members, check) in cases {
        for text in orders(members) {
            let message = parse(text.as_bytes()).unwrap();
            assert!(check(&message), "{text}");
        }
    }
}

#[test]
fn an_absent_null_or_empty_id_means_no_answer() {
    for id in ["", r#","invocationId":null"#, r#","invocationId":"""#] {
        let text = format!(r#"{{"type":1,"target":"a","arguments":[]{id}}}"#);
        let Incoming::Invocation(call) = parse(text.as_bytes()).unwrap() else {
            panic!("{text}");
        };
        assert_eq!(call.invocation_id, None, "{text}");
    }
}

#[test]
fn what_is_no_message_is_refused() {
    for text in [
        "",
        "[]",
        "[1,\"0\",\"Echo\",[]]",
        "5",
        "{",
        "{}",
        r#"{"type":"1"}"#,
        r#"{"type":1.5}"#,
        r#"{"type":1,"target":"a"}"#,
        r#"{"type":1,"arguments":[]}"#,
        r#"{"type":1,"target":"","arguments":[]}"#,
        r#"{"type":1,"target":"a","arguments":{}}"#,
        r#"{"type":1,"target":"a","arguments":[],"invocationId":5}"#,
        r#"{"type":4,"target":"a","arguments":[]}"#,
        r#"{"type":3}"#,
        r#"{"type":5}"#,
        "{\"type\":6} x",
        "\u{feff}{\"type\":6}",
    ] {
        assert!(parse(text.as_bytes()).is_err(), "{text}");
    }
    assert!(parse(b"{\"type\":6,\"x\":\"\xff\"}").is_err());
}

#[test]
fn messages_are_written_exactly() {
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(
        text(invocation(None, "m", &("a", 1, None::<u8>)).unwrap()),
        "{\"type\":1,\"target\":\"m\",\"arguments\":[\"a\",1,null]}\u{1e}"
    );
    assert_eq!(
        text(invocation(None, "m", &crate::NO_ARGUMENTS).unwrap()),
        "{\"type\":1,\"target\":\"m\",\"arguments\":[]}\u{1e}"
    );
    assert_eq!(
        text(completion("0", None).unwrap()),
        "{\"type\":3,\"invocationId\":\"0\"}\u{1e}"
    );
    assert_eq!(
        text(completion("0", Some(&None::<u8>)).unwrap()),
        "{\"type\":3,\"invocationId\":\"0\",\"result\":null}\u{1e}"
    );
    assert_eq!(
        text(completion("0", Some(&"x\u{1e}y")).unwrap()),
        "{\"type\":3,\"invocationId\":\"0\",\"result\":\"x\\u001ey\"}\u{1e}"
    );
    assert_eq!(
        text(failure("0", "no")),
        "{\"type\":3,\"invocationId\":\"0\",\"error\":\"no\"}\u{1e}"
    );
    assert_eq!(
        text(invocation(Some("1"), "m", &crate::NO_ARGUMENTS).unwrap()),
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"m\",\"arguments\":[]}\u{1e}"
    );
    assert_eq!(
        text(stream_item("0", &None::<u8>).unwrap()),
        "{\"type\":2,\"invocationId\":\"0\",\"item\":null}\u{1e}"
    );
    assert_eq!(
        text(numbered(8, 12)),
        "{\"type\":8,\"sequenceId\":12}\u{1e}"
    );
    assert_eq!(text(ping()), "{\"type\":6}\u{1e}");
    assert_eq!(text(close(None, false)), "{\"type\":7}\u{1e}");
    assert_eq!(
        text(close(Some("e"), true)),
        "{\"type\":7,\"error\":\"e\",\"allowReconnect\":true}\u{1e}"
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn a_changed_byte_never_panics_and_what_is_read_can_be_read_again(
        at in 0_usize..200,
        byte in any::<u8>(),
    ) {
        let arguments = ("text", 1.5, [1, 2, 3], Some("x"), None::<u8>);
        let mut bytes = invocation(Some("17"), "method", &arguments).unwrap().to_vec();
        bytes.pop();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(Incoming::Invocation(call)) = parse(&bytes) {
            for argument in &call.arguments {
                prop_assert!(argument.decode::<crate::Value>().is_ok());
            }
        }
    }

    #[test]
    fn any_text_comes_back_from_a_message(text in ".{0,40}") {
        let bytes = invocation(Some(&text), &text, &[&text]).unwrap();
        prop_assert_eq!(bytes.iter().filter(|byte| **byte == RECORD_SEPARATOR).count(), 1);
        if let Ok(Incoming::Invocation(call)) = parse(&bytes[..bytes.len() - 1]) {
            prop_assert_eq!(call.invocation_id.unwrap_or_default(), text.clone());
            prop_assert_eq!(&call.target, &text);
            prop_assert_eq!(call.arguments[0].decode::<String>().unwrap(), text);
        } else {
            prop_assert!(text.is_empty());
        }
    }
}

#[test]
fn deep_json_is_an_error_and_no_crash() {
    let deep = "[".repeat(30_000);
    let text = format!(r#"{{"type":1,"target":"m","arguments":[{deep}"#);
    assert!(parse(text.as_bytes()).is_err());
    let closed = format!("{deep}{}", "]".repeat(30_000));
    let text = format!(r#"{{"type":1,"target":"m","arguments":[{closed}]}}"#);
    if let Ok(Incoming::Invocation(call)) = parse(text.as_bytes()) {
        assert!(call.arguments[0].decode::<crate::Value>().is_err());
    }
}
