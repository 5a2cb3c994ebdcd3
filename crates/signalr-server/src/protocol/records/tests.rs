//! Cutting, by both framings, at any place.
#![expect(clippy::unwrap_used, reason = "test")]

use proptest::prelude::*;

use super::*;

fn all(records: &mut Records) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    while let Some(record) = records.next_record().unwrap() {
        out.push(record.to_vec());
    }
    out
}

const OVERSIZE: Result<Option<&[u8]>, RecordError> = Err(RecordError::Oversize { limit: 4 });

#[test]
fn the_limit_counts_the_separator() {
    let mut records = Records::new(4);
    records.push(b"abc\x1e");
    assert_eq!(records.next_record().unwrap(), Some(&b"abc"[..]));
    records.push(b"abcd\x1e");
    assert_eq!(records.next_record(), OVERSIZE);
}

#[test]
fn the_limit_counts_the_length_prefix() {
    let mut records = Records::new(4);
    records.set_framing(Framing::Prefixed);
    records.push(&[3, 1, 2, 3]);
    assert_eq!(records.next_record().unwrap(), Some(&[1, 2, 3][..]));
    records.push(&[4]);
    assert_eq!(records.next_record(), OVERSIZE);
}

#[test]
fn an_oversize_record_is_noticed_before_its_end() {
    let mut records = Records::new(4);
    records.push(b"abc");
    assert_eq!(records.next_record().unwrap(), None);
    records.push(b"d");
    assert_eq!(records.next_record(), OVERSIZE);
}

#[test]
fn a_length_has_five_bytes_and_31_bits_at_most() {
    for (bytes, expected) in [
        (&[0xff, 0xff, 0xff, 0xff, 0x08][..], RecordError::Prefix),
        (&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00], RecordError::Prefix),
        (
            &[0xff, 0xff, 0xff, 0xff, 0x07],
            RecordError::Oversize { limit: 1000 },
        ),
    ] {
        let mut records = Records::new(1000);
        records.set_framing(Framing::Prefixed);
        records.push(bytes);
        assert_eq!(records.next_record(), Err(expected));
    }
}

#[test]
fn a_drained_buffer_is_given_back() {
    let mut records = Records::new(1 << 20);
    records.push(&vec![b'a'; 100_000]);
    records.push(b"\x1e");
    assert_eq!(records.next_record().unwrap().unwrap().len(), 100_000);
    assert_eq!(records.next_record().unwrap(), None);
    assert_eq!(records.buffer.capacity(), 0);
}

proptest! {
    #[test]
    fn cutting_does_not_depend_on_how_the_bytes_arrived(
        texts in prop::collection::vec("[a-z]{0,300}", 0..12),
        cut in 1_usize..70,
        framing in prop_oneof![Just(Framing::Separated), Just(Framing::Prefixed)],
    ) {
        let mut bytes = Vec::new();
        for text in &texts {
            match framing {
                Framing::Separated => {
                    bytes.extend_from_slice(text.as_bytes());
                    bytes.push(RECORD_SEPARATOR);
                }
                Framing::Prefixed => bytes.extend(prefixed(text.as_bytes())),
            }
        }
        let mut records = Records::new(400);
        records.set_framing(framing);
        let mut seen = Vec::new();
        for piece in bytes.chunks(cut) {
            records.push(piece);
            seen.extend(all(&mut records));
        }
        let expected: Vec<Vec<u8>> = texts.iter().map(|t| t.clone().into_bytes()).collect();
        prop_assert_eq!(seen, expected);
        prop_assert_eq!(records.waiting(), 0);
    }

    #[test]
    fn arbitrary_bytes_never_hold_more_than_the_limit(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..40),
        framing in prop_oneof![Just(Framing::Separated), Just(Framing::Prefixed)],
    ) {
        let mut records = Records::new(100);
        records.set_framing(framing);
        'pieces: for piece in pieces {
            records.push(&piece);
            loop {
                match records.next_record() {
                    Ok(Some(record)) => prop_assert!(record.len() < 100),
                    Ok(None) => break,
                    Err(_) => break 'pieces,
                }
            }
            prop_assert!(records.waiting() <= 100);
        }
    }
}
