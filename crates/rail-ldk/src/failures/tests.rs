//! Every order in which LDK, its queue and the channel manager can be written around a failure.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use lightning::util::persist::{
    CHANNEL_MANAGER_PERSISTENCE_KEY, CHANNEL_MANAGER_PERSISTENCE_PRIMARY_NAMESPACE,
    CHANNEL_MANAGER_PERSISTENCE_SECONDARY_NAMESPACE, KVStoreSync,
};
use payments::ports::{Durable, NodeState, NodeStateError, StateChange, StateKey};

use super::*;

const HASH: PaymentHash = PaymentHash::from_bytes([7; 32]);

/// Node state that is durable at once, or when the test says so.
#[derive(Default)]
struct Memory {
    values: Mutex<BTreeMap<StateKey, Vec<u8>>>,
    is_slow: Arc<AtomicBool>,
}

impl Memory {
    fn values(&self) -> MutexGuard<'_, BTreeMap<StateKey, Vec<u8>>> {
        self.values.lock().expect("no panic")
    }
}

impl NodeState for Memory {
    fn read(&self, key: &StateKey) -> Result<Option<Vec<u8>>, NodeStateError> {
        Ok(self.values().get(key).cloned())
    }

    fn change(&self, changes: Vec<StateChange>) -> Durable {
        let mut values = self.values();
        for change in changes {
            match change {
                StateChange::Put(key, value) => drop(values.insert(key, value)),
                StateChange::Remove(key) => drop(values.remove(&key)),
            }
        }
        let is_slow = Arc::clone(&self.is_slow);
        Box::pin(std::future::poll_fn(move |_| {
            match is_slow.load(Ordering::SeqCst) {
                true => Poll::Pending,
                false => Poll::Ready(()),
            }
        }))
    }

    fn list(&self, _: &str, _: &str) -> Result<Vec<String>, NodeStateError> {
        Ok(Vec::new())
    }

    fn scan(&self, _: &mut dyn FnMut(&StateKey, &[u8])) -> Result<(), NodeStateError> {
        Ok(())
    }
}

/// One process of the node on a state.
struct Process {
    kv: NodeStateKv,
    failures: Failures,
}

impl Process {
    fn on(state: &Arc<Memory>) -> Self {
        let kv = NodeStateKv::new(Arc::clone(state) as Arc<dyn NodeState>);
        // ldk-node reads its queue when it is built.
        let _ = KVStoreSync::read(&kv, "", "", "events");
        Self {
            kv,
            failures: Failures::default(),
        }
    }

    fn write_queue(&self, hashes: &[PaymentHash]) {
        let count = u16::try_from(hashes.len()).expect("few").to_be_bytes();
        let events: Vec<u8> = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
        let value = [&count[..], &events].concat();
        KVStoreSync::write(&self.kv, "", "", "events", value).expect("written");
    }

    fn write_channels(&self, hashes: &[PaymentHash]) {
        let events: Vec<u8> = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
        KVStoreSync::write(
            &self.kv,
            CHANNEL_MANAGER_PERSISTENCE_PRIMARY_NAMESPACE,
            CHANNEL_MANAGER_PERSISTENCE_SECONDARY_NAMESPACE,
            CHANNEL_MANAGER_PERSISTENCE_KEY,
            [&b"manager"[..], &events].concat(),
        )
        .expect("written");
    }

    fn give(&self) {
        self.failures.given(&self.kv, Some(HASH));
    }

    fn acknowledge(&self, left: &[PaymentHash]) {
        self.kv.acknowledging(|| self.write_queue(left));
        self.failures.acknowledged();
    }

    fn is_final(&self) -> bool {
        self.failures.is_final(&self.kv, &HASH)
    }
}

#[test]
fn a_failure_is_final_when_it_is_acknowledged_and_a_later_channel_manager_is_durable() {
    let process = Process::on(&Arc::default());
    process.write_channels(&[HASH]);
    process.write_queue(&[HASH]);
    process.give();
    assert!(!process.is_final());
    process.acknowledge(&[]);
    assert!(
        !process.is_final(),
        "a crash would hand LDK's own copy out again"
    );
    process.write_channels(&[]);
    assert!(process.is_final());
    assert!(process.is_final(), "asking changes nothing");
}

#[test]
fn a_failure_can_come_back_until_its_acknowledgement_is_durable() {
    let state: Arc<Memory> = Arc::default();
    let process = Process::on(&state);
    process.write_channels(&[HASH]);
    process.write_queue(&[HASH]);
    process.write_channels(&[]);
    process.give();
    state.is_slow.store(true, Ordering::SeqCst);
    process.acknowledge(&[]);
    assert!(
        !process.is_final(),
        "a crash would find the event in the queue"
    );
    state.is_slow.store(false, Ordering::SeqCst);
    assert!(process.is_final());
}

#[test]
fn the_write_that_ldk_makes_for_the_event_counts_however_late_the_event_is_taken() {
    let process = Process::on(&Arc::default());
    process.write_channels(&[HASH]);
    process.write_queue(&[HASH]);
    process.write_channels(&[]);
    process.give();
    assert!(!process.is_final(), "it is not acknowledged");
    process.acknowledge(&[]);
    assert!(process.is_final(), "an idle node writes no other");
}

#[test]
fn a_channel_manager_that_was_written_before_the_event_was_handled_proves_nothing() {
    let process = Process::on(&Arc::default());
    process.write_channels(&[]);
    // The event was given before its queue was stored.
    process.give();
    process.write_queue(&[HASH]);
    process.acknowledge(&[]);
    assert!(!process.is_final());
    process.write_channels(&[]);
    assert!(process.is_final());
}

#[test]
fn what_the_channel_manager_or_the_queue_still_carries_can_come_back() {
    let process = Process::on(&Arc::default());
    process.write_queue(&[HASH]);
    process.give();
    process.acknowledge(&[]);
    process.write_channels(&[HASH]);
    assert!(!process.is_final());
    process.write_channels(&[]);
    process.write_queue(&[HASH]);
    assert!(!process.is_final(), "it was told a second time");
    process.give();
    process.acknowledge(&[]);
    process.write_channels(&[]);
    assert!(process.is_final());
}

#[test]
fn a_failure_of_an_earlier_process_needs_a_channel_manager_of_this_one_and_an_empty_queue() {
    let state = Arc::default();
    let before = Process::on(&state);
    before.write_channels(&[HASH]);
    before.write_queue(&[HASH]);
    before.give();

    let process = Process::on(&state);
    assert!(!process.is_final());
    process.give();
    // LDK hands its own copy out again, and writes for it.
    process.write_queue(&[HASH, HASH]);
    process.write_channels(&[]);
    process.acknowledge(&[HASH]);
    assert!(!process.is_final(), "the copy waits");
    process.give();
    process.acknowledge(&[]);
    assert!(process.is_final());

    // Everything was acknowledged and durable, and only the books did not know: the next write tells.
    let process = Process::on(&state);
    assert!(!process.is_final());
    process.write_channels(&[]);
    assert!(process.is_final());
}
