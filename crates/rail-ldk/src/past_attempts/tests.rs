//! Every order of marks, monitors and deaths around a payment that is sent a second time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lightning::util::persist::KVStoreSync;
use payments::ports::StoredPayments;

use super::*;
use crate::StoredNode;
use crate::kv::NodeStateKv;

const HASH: PaymentHash = PaymentHash::from_bytes([7; 32]);
const OTHER: PaymentHash = PaymentHash::from_bytes([8; 32]);

/// Node state that is durable at once.
#[derive(Default)]
struct Memory {
    values: Mutex<BTreeMap<StateKey, Vec<u8>>>,
    /// How many changes came together the last time.
    together: AtomicUsize,
}

impl NodeState for Memory {
    fn read(&self, key: &StateKey) -> Result<Option<Vec<u8>>, NodeStateError> {
        Ok(self.values.lock().expect("no panic").get(key).cloned())
    }

    fn change(&self, changes: Vec<StateChange>) -> Durable {
        self.together.store(changes.len(), Ordering::SeqCst);
        let mut values = self.values.lock().expect("no panic");
        for change in changes {
            match change {
                StateChange::Put(key, value) => drop(values.insert(key, value)),
                StateChange::Remove(key) => drop(values.remove(&key)),
            }
        }
        Box::pin(std::future::ready(()))
    }

    fn list(&self, primary: &str, secondary: &str) -> Result<Vec<String>, NodeStateError> {
        let values = self.values.lock().expect("no panic");
        let keys = values
            .keys()
            .filter(|key| key.primary == primary && key.secondary == secondary);
        Ok(keys.map(|key| key.key.clone()).collect())
    }

    fn scan(&self, visit: &mut dyn FnMut(&StateKey, &[u8])) -> Result<(), NodeStateError> {
        let values = self.values.lock().expect("no panic");
        values.iter().for_each(|(key, value)| visit(key, value));
        Ok(())
    }
}

/// A process of the node, and what lies on the disk when it dies.
struct Process {
    state: Arc<Memory>,
    kv: NodeStateKv,
}

impl Process {
    fn on(state: &Arc<Memory>) -> Self {
        let kv = NodeStateKv::load(Arc::clone(state) as Arc<dyn NodeState>).expect("readable");
        Self {
            state: Arc::clone(state),
            kv,
        }
    }

    /// One whose channel has held a payment that came back for good.
    fn after_a_failure() -> Self {
        let process = Self::on(&Arc::default());
        process.write_monitor(&HASH);
        process.kv.end_attempts(&HASH);
        process
    }

    fn dies(self) -> Self {
        Self::on(&self.state)
    }

    fn write(&self, (primary, secondary, key): (&str, &str, &str), hash: &PaymentHash) {
        let value = [&[1; 40], &hash.as_bytes()[..], &[2; 40]].concat();
        KVStoreSync::write(&self.kv, primary, secondary, key, value).expect("written");
    }

    fn write_monitor(&self, hash: &PaymentHash) {
        self.write(("monitors", "", "ab_0"), hash);
    }

    fn is_proven_unsent(&self) -> bool {
        let proven = StoredNode(self.state.as_ref()).never_sent(&[HASH]);
        proven.expect("readable").contains(&HASH)
    }
}

#[test]
fn what_was_sent_once_is_in_doubt_until_it_is_over() {
    let process = Process::on(&Arc::default());
    process.write_monitor(&HASH);
    assert!(!process.is_proven_unsent());
    process.kv.end_attempts(&HASH);
    assert!(process.is_proven_unsent());
    assert!(process.dies().is_proven_unsent());
}

#[test]
fn a_death_between_the_claim_and_the_call_leaves_a_proof() {
    let process = Process::after_a_failure().dies();
    assert!(process.is_proven_unsent());
    assert!(process.kv.begin_attempt(&HASH));
    assert!(process.is_proven_unsent(), "no monitor has taken it in");
    assert!(process.dies().is_proven_unsent());
}

#[test]
fn the_monitor_that_takes_it_in_removes_the_mark_in_the_same_change() {
    for place in [("monitors", "", "ab_0"), ("monitor_updates", "ab_0", "7")] {
        let process = Process::after_a_failure();
        assert!(process.kv.begin_attempt(&HASH));
        process.write(place, &HASH);
        let together = process.state.together.load(Ordering::SeqCst);
        assert_eq!(together, 2, "the value and the mark");
        assert!(!process.is_proven_unsent());
        let next = process.dies();
        assert!(!next.is_proven_unsent());
        assert!(!next.kv.begin_attempt(&HASH), "no mark came back");
    }
}

#[test]
fn a_monitor_that_is_written_whole_before_the_attempt_changes_nothing() {
    let process = Process::after_a_failure();
    process.write_monitor(&HASH);
    assert!(process.is_proven_unsent());
    assert!(process.kv.begin_attempt(&HASH));
    process.write_monitor(&OTHER);
    assert!(process.is_proven_unsent());
}

#[test]
fn a_refused_attempt_is_over_even_if_a_monitor_with_its_past_was_written_meanwhile() {
    for written in [false, true] {
        let process = Process::after_a_failure();
        assert!(process.kv.begin_attempt(&HASH));
        if written {
            process.write_monitor(&HASH);
        }
        process.kv.end_attempts(&HASH);
        assert!(process.is_proven_unsent());
        // The next attempt is announced anew.
        process.write_monitor(&HASH);
        assert!(process.is_proven_unsent());
        assert!(process.kv.begin_attempt(&HASH));
        process.write_monitor(&HASH);
        assert!(!process.is_proven_unsent());
    }
}

#[test]
fn a_mark_is_no_proof_while_the_hash_stands_anywhere_else() {
    for place in [("", "", "manager"), ("", "", "events"), ("x", "y", "z")] {
        let process = Process::after_a_failure();
        process.write(place, &HASH);
        assert!(!process.is_proven_unsent(), "{place:?}");
    }
}

#[test]
fn a_first_attempt_has_no_mark_and_needs_none() {
    let process = Process::on(&Arc::default());
    assert!(!process.kv.begin_attempt(&HASH));
    process.write_monitor(&HASH);
    assert!(!process.is_proven_unsent());
    assert!(process.kv.past_attempts().is_empty());
}

#[test]
fn what_is_forgotten_is_no_longer_marked_nor_proven() {
    let process = Process::after_a_failure();
    assert_eq!(process.kv.past_attempts(), [HASH]);
    process.kv.forget_attempts(&HASH);
    assert!(process.kv.past_attempts().is_empty());
    assert!(!process.is_proven_unsent());
    assert!(process.dies().kv.past_attempts().is_empty());
}
