//! The proof finds a hash wherever it stands, and nowhere else.

use std::collections::BTreeMap;

use payments::ports::{Durable, StateChange};

use super::*;

/// Node state as it lies on the disk.
struct Stored(BTreeMap<StateKey, Vec<u8>>);

impl NodeState for Stored {
    fn read(&self, key: &StateKey) -> Result<Option<Vec<u8>>, NodeStateError> {
        Ok(self.0.get(key).cloned())
    }

    fn change(&self, _: Vec<StateChange>) -> Durable {
        unreachable!("a proof changes nothing")
    }

    fn list(&self, _: &str, _: &str) -> Result<Vec<String>, NodeStateError> {
        Ok(Vec::new())
    }

    fn scan(&self, visit: &mut dyn FnMut(&StateKey, &[u8])) -> Result<(), NodeStateError> {
        self.0.iter().for_each(|(key, value)| visit(key, value));
        Ok(())
    }
}

fn stored(values: &[(&str, &str, &str, &[&[u8]])]) -> Stored {
    let entries = values.iter().map(|(primary, secondary, key, parts)| {
        let key = StateKey {
            primary: (*primary).to_owned(),
            secondary: (*secondary).to_owned(),
            key: (*key).to_owned(),
        };
        (key, parts.concat())
    });
    Stored(entries.collect())
}

fn hash(byte: u8) -> PaymentHash {
    PaymentHash::from_bytes(std::array::from_fn(|i| byte.wrapping_add(i as u8)))
}

fn unsent(state: &Stored, hashes: &[PaymentHash]) -> Vec<PaymentHash> {
    let unsent = never_sent(state, hashes).expect("readable");
    hashes
        .iter()
        .copied()
        .filter(|hash| unsent.contains(hash))
        .collect()
}

#[test]
fn a_hash_inside_any_larger_value_is_not_proven_unsent() {
    let (manager, monitor, update, event, absent) =
        (hash(1), hash(50), hash(100), hash(150), hash(200));
    let noise = [0xaa; 5_000];
    let state = stored(&[
        ("", "", "manager", &[&noise, manager.as_bytes(), &noise]),
        ("monitors", "", "ab_0", &[monitor.as_bytes(), &noise]),
        ("monitor_updates", "ab_0", "7", &[&noise, update.as_bytes()]),
        ("", "", "events", &[&[1, 2, 3], event.as_bytes()]),
    ]);
    assert_eq!(
        unsent(&state, &[manager, monitor, update, event, absent]),
        [absent]
    );
}

#[test]
fn the_payment_records_prove_nothing_but_their_neighbours_do() {
    let (record, other) = (hash(1), hash(100));
    let state = stored(&[
        ("payments", "", "aa", &[&[0; 40], record.as_bytes()]),
        ("payments", "archived", "bb", &[other.as_bytes()]),
    ]);
    assert_eq!(unsent(&state, &[record, other]), [record]);
}

#[test]
fn a_hash_made_to_overlap_another_one_does_not_hide_it() {
    let (victim, before) = (hash(1), [0x77; 16]);
    let crafted: Vec<u8> = [&before[..], &victim.as_bytes()[..16]].concat();
    let crafted = PaymentHash::from_bytes(crafted.try_into().expect("32 bytes"));
    let state = stored(&[("", "", "manager", &[&before, victim.as_bytes()])]);
    assert!(unsent(&state, &[crafted, victim]).is_empty());
    assert!(unsent(&state, &[victim, crafted]).is_empty());
}

#[test]
fn part_of_a_hash_is_not_the_hash() {
    let wanted = hash(1);
    let (head, tail) = wanted.as_bytes().split_at(31);
    let state = stored(&[
        ("", "", "manager", &[head, &[0], tail]),
        ("", "", "events", &[tail]),
    ]);
    assert_eq!(unsent(&state, &[wanted]), [wanted]);
}

#[test]
fn a_thousand_hashes_are_told_apart_in_one_scan() {
    let hashes: Vec<_> = (0..1_000u32)
        .map(|n| {
            let mut bytes = [0x5a; 32];
            bytes[..4].copy_from_slice(&n.to_le_bytes());
            PaymentHash::from_bytes(bytes)
        })
        .collect();
    let sent: Vec<u8> = hashes
        .iter()
        .step_by(2)
        .flat_map(|hash| *hash.as_bytes())
        .collect();
    let state = stored(&[("", "", "manager", &[&sent])]);
    let expected: Vec<_> = hashes.iter().copied().skip(1).step_by(2).collect();
    assert_eq!(unsent(&state, &hashes), expected);
    assert!(unsent(&state, &[]).is_empty());
}
