//! What the fuzz targets run: every parser that a stranger's bytes reach, and what must hold of its results. The same
//! functions run in the tests, over random bytes and damaged messages.
//!
//! Not a part of the API: only with the feature `fuzzing`, and changed without notice.

use crate::protocol::{Framing, Incoming, Outcome, Protocol, Records, parse_handshake};
use crate::value::{Raw, Value};

/// The limit of [`records`], in bytes.
const LIMIT: usize = 256;

/// A handshake.
pub fn handshake(bytes: &[u8]) {
    if let Ok(accepted) = parse_handshake(bytes) {
        assert!((0..=2).contains(&accepted.version));
    }
}

/// A message of the JSON protocol.
pub fn json(bytes: &[u8]) {
    message(Protocol::Json, bytes);
}

/// A message of the MessagePack protocol.
pub fn messagepack(bytes: &[u8]) {
    message(Protocol::MessagePack, bytes);
}

/// Reads a message and everything in it, in every way in which a hub does.
fn message(protocol: Protocol, bytes: &[u8]) {
    let Ok(message) = protocol.parse(bytes) else {
        return;
    };
    match message {
        Incoming::Invocation(call) | Incoming::StreamInvocation(call) => {
            assert!(!call.target.is_empty());
            // Every argument and every id has at least a byte of its own.
            assert!(call.arguments.len() + call.stream_ids.len() <= bytes.len());
            call.arguments.iter().for_each(value);
        }
        Incoming::StreamItem { id, item } => {
            assert!(!id.is_empty());
            value(&item);
        }
        Incoming::Completion {
            outcome: Outcome::Result(result),
            ..
        } => value(&result),
        _ => {}
    }
}

/// A value that can be read can be written in both protocols, and is then read as the same.
fn value(raw: &Raw) {
    drop(raw.decode::<(String, Vec<u64>)>());
    let json = raw.to_json();
    let Ok(value) = raw.decode::<Value>() else {
        return;
    };
    assert!(json.is_ok(), "what is a value is JSON");
    for protocol in [Protocol::Json, Protocol::MessagePack] {
        let frame = protocol.invocation(Some("1"), "m", &[&value]);
        let frame = frame.expect("what was read can be written");
        let mut records = Records::new(usize::MAX);
        records.set_framing(protocol.framing());
        records.push(&frame.bytes);
        let record = records.next_record();
        let record = record.expect("framed by ourselves").expect("and whole");
        let Ok(Incoming::Invocation(call)) = protocol.parse(record) else {
            panic!("an invocation");
        };
        assert!(call.arguments[0].decode::<Value>().is_ok());
    }
}

/// Bytes in pieces of `1 + first byte`: they are cut alike however they arrive, and no more than the limit is kept.
pub fn records(bytes: &[u8]) {
    let Some((piece, bytes)) = bytes.split_first() else {
        return;
    };
    for framing in [Framing::Separated, Framing::Prefixed] {
        let whole = cut(bytes, bytes.len().max(1), framing);
        let pieces = cut(bytes, 1 + usize::from(*piece), framing);
        assert_eq!(whole, pieces);
    }
}

/// The records, and whether they ended in an error.
fn cut(bytes: &[u8], piece: usize, framing: Framing) -> (Vec<Vec<u8>>, bool) {
    let mut records = Records::new(LIMIT);
    records.set_framing(framing);
    let mut seen = Vec::new();
    for part in bytes.chunks(piece) {
        records.push(part);
        loop {
            match records.next_record() {
                Ok(Some(record)) => {
                    assert!(record.len() < LIMIT);
                    seen.push(record.to_vec());
                }
                Ok(None) => break,
                Err(_) => return (seen, true),
            }
        }
        assert!(records.waiting() <= LIMIT);
    }
    (seen, false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Timestamp;

    /// Messages as clients send them, without framing.
    fn sound() -> Vec<Vec<u8>> {
        let texts = [
            r#"{"protocol":"json","version":1}"#,
            r#"{"type":1,"invocationId":"1","target":"m","arguments":[1,"a",null,[{}],1.5e300],"streamIds":["s"]}"#,
            r#"{"arguments":[{"a":[true,false,-1,18446744073709551615]}],"target":"m","type":4,"invocationId":"x"}"#,
            r#"{"type":2,"invocationId":"s","item":{"deep":[[[["\u001e\ud83d\ude00"]]]]}}"#,
            r#"{"type":3,"invocationId":"1","result":{"k":"v"}}"#,
            r#"{"type":3,"invocationId":"1","error":"e"}"#,
            r#"{"type":7,"error":"e","allowReconnect":true}"#,
            r#"{"type":8,"sequenceId":9}"#,
        ];
        let mut all: Vec<Vec<u8>> = texts.map(|text| text.as_bytes().to_vec()).into();
        let time = Timestamp {
            seconds: 1,
            nanoseconds: 5,
        };
        let arguments = ("text", 1.5, [1, 2, 3], time, crate::Binary(vec![1, 2]));
        let frame = Protocol::MessagePack.invocation(Some("17"), "method", &arguments);
        all.push(frame.expect("it is sound").bytes[1..].to_vec());
        all.push(Protocol::MessagePack.failure("1", "e").bytes[1..].to_vec());
        all.push(Protocol::MessagePack.sequence(300).bytes[1..].to_vec());
        all
    }

    fn run(bytes: &[u8]) {
        for target in [handshake, json, messagepack, records] {
            target(bytes);
        }
    }

    #[test]
    fn sound_messages_go_through_every_target() {
        sound().iter().for_each(|message| run(message));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn every_target_survives_random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            run(&bytes);
        }

        #[test]
        fn every_target_survives_damaged_messages(
            which in 0_usize..11,
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..6),
        ) {
            let mut bytes = sound().swap_remove(which);
            for (at, byte, change) in changes {
                let at = at.index(bytes.len() + 1);
                match change {
                    0 => bytes.insert(at, byte),
                    1 => bytes.truncate(at),
                    2 => bytes.extend_from_within(at..),
                    _ => {
                        if let Some(old) = bytes.get_mut(at) {
                            *old = byte;
                        }
                    }
                }
            }
            run(&bytes);
        }
    }
}
