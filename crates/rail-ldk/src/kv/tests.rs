//! The store against LDK's contract of a key-value store: order, durability, missing keys, and outages.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use payments::ports::StateChange;

use super::*;

/// A byte store whose writes are ordered at once, and durable when the test says so.
#[derive(Default)]
struct Slow {
    values: Mutex<BTreeMap<StateKey, Vec<u8>>>,
    gate: Arc<Mutex<Gate>>,
}

#[derive(Default)]
struct Gate {
    shut: bool,
    waiting: Vec<Waker>,
}

impl Slow {
    fn shut() -> Arc<Self> {
        let slow = Self::default();
        slow.gate.lock().expect("no panic").shut = true;
        Arc::new(slow)
    }

    fn open(&self) {
        let mut gate = self.gate.lock().expect("no panic");
        gate.shut = false;
        gate.waiting.drain(..).for_each(Waker::wake);
    }

    fn durable(&self) -> Durable {
        let gate = Arc::clone(&self.gate);
        Box::pin(std::future::poll_fn(move |context| {
            let mut gate = gate.lock().expect("no panic");
            if gate.shut {
                gate.waiting.push(context.waker().clone());
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        }))
    }
}

impl NodeState for Slow {
    fn read(&self, key: &StateKey) -> Result<Option<Vec<u8>>, NodeStateError> {
        Ok(self.values.lock().expect("no panic").get(key).cloned())
    }

    fn change(&self, changes: Vec<StateChange>) -> Durable {
        let mut values = self.values.lock().expect("no panic");
        for change in changes {
            match change {
                StateChange::Put(key, value) => drop(values.insert(key, value)),
                StateChange::Remove(key) => drop(values.remove(&key)),
            }
        }
        drop(values);
        self.durable()
    }

    fn list(&self, primary: &str, secondary: &str) -> Result<Vec<String>, NodeStateError> {
        let values = self.values.lock().expect("no panic");
        let keys = values
            .keys()
            .filter(|k| k.primary == primary && k.secondary == secondary);
        Ok(keys.map(|k| k.key.clone()).collect())
    }

    fn scan(&self, visit: &mut dyn FnMut(&StateKey, &[u8])) -> Result<(), NodeStateError> {
        self.values
            .lock()
            .expect("no panic")
            .iter()
            .for_each(|(key, value)| visit(key, value));
        Ok(())
    }
}

/// A byte store that cannot be read.
struct Down;

impl NodeState for Down {
    fn read(&self, _: &StateKey) -> Result<Option<Vec<u8>>, NodeStateError> {
        Err(NodeStateError::Unavailable("down".into()))
    }

    fn change(&self, _: Vec<StateChange>) -> Durable {
        Box::pin(std::future::pending())
    }

    fn list(&self, _: &str, _: &str) -> Result<Vec<String>, NodeStateError> {
        Err(NodeStateError::Unavailable("down".into()))
    }

    fn scan(&self, _: &mut dyn FnMut(&StateKey, &[u8])) -> Result<(), NodeStateError> {
        Err(NodeStateError::Unavailable("down".into()))
    }
}

fn is_ready<T>(future: &mut std::pin::Pin<&mut impl Future<Output = T>>) -> bool {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

#[test]
fn what_is_written_is_read_and_listed_until_it_is_removed() {
    let kv = NodeStateKv::new(Arc::new(Slow::default()));
    for (primary, secondary) in [("", ""), ("monitors", ""), ("monitor_updates", "abc_1")] {
        KVStoreSync::write(&kv, primary, secondary, "key", vec![1, 2]).expect("written");
        assert_eq!(
            KVStoreSync::read(&kv, primary, secondary, "key").expect("read"),
            [1, 2]
        );
        assert_eq!(
            KVStoreSync::list(&kv, primary, secondary).expect("listed"),
            ["key"]
        );
        KVStoreSync::remove(&kv, primary, secondary, "key", true).expect("removed");
        assert!(
            KVStoreSync::list(&kv, primary, secondary)
                .expect("listed")
                .is_empty()
        );
    }
}

#[test]
fn a_missing_key_is_not_found_and_a_missing_namespace_is_empty() {
    let kv = NodeStateKv::new(Arc::new(Slow::default()));
    let error = KVStoreSync::read(&kv, "a", "b", "c").expect_err("missing");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    let error = pollster::block_on(KVStore::read(&kv, "a", "b", "c")).expect_err("missing");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert!(KVStoreSync::list(&kv, "a", "b").expect("listed").is_empty());
    KVStoreSync::remove(&kv, "a", "b", "c", false).expect("removing nothing is fine");
}

#[test]
fn an_unreadable_store_never_looks_like_a_missing_key() {
    let kv = NodeStateKv::new(Arc::new(Down));
    let error = KVStoreSync::read(&kv, "", "", "manager").expect_err("down");
    assert_ne!(error.kind(), io::ErrorKind::NotFound);
    let error = pollster::block_on(KVStore::read(&kv, "", "", "manager")).expect_err("down");
    assert_ne!(error.kind(), io::ErrorKind::NotFound);
    assert!(KVStoreSync::list(&kv, "monitors", "").is_err());
}

#[test]
fn writes_keep_the_order_of_their_calls_not_of_their_futures() {
    let kv = NodeStateKv::new(Arc::new(Slow::default()));
    let first = KVStore::write(&kv, "", "", "key", vec![1]);
    let second = KVStore::write(&kv, "", "", "key", vec![2]);
    pollster::block_on(second).expect("written");
    assert_eq!(KVStoreSync::read(&kv, "", "", "key").expect("read"), [2]);
    pollster::block_on(first).expect("written");
    assert_eq!(KVStoreSync::read(&kv, "", "", "key").expect("read"), [2]);
    let removal = KVStore::remove(&kv, "", "", "key", true);
    let third = KVStore::write(&kv, "", "", "key", vec![3]);
    pollster::block_on(third).expect("written");
    pollster::block_on(removal).expect("removed");
    assert_eq!(KVStoreSync::read(&kv, "", "", "key").expect("read"), [3]);
}

#[test]
fn a_write_is_answered_when_it_is_durable_and_not_before() {
    let state = Slow::shut();
    let kv = NodeStateKv::new(Arc::clone(&state) as Arc<dyn NodeState>);
    let mut write = pin!(KVStore::write(&kv, "", "", "key", vec![1]));
    let mut removal = pin!(KVStore::remove(&kv, "", "", "other", false));
    assert!(!is_ready(&mut write) && !is_ready(&mut removal));
    state.open();
    assert!(is_ready(&mut write) && is_ready(&mut removal));
}

#[test]
fn a_blocking_write_waits_for_another_thread_to_make_it_durable() {
    let state = Slow::shut();
    let kv = NodeStateKv::new(Arc::clone(&state) as Arc<dyn NodeState>);
    std::thread::scope(|scope| {
        let write = scope.spawn(|| KVStoreSync::write(&kv, "", "", "key", vec![1]));
        while state.gate.lock().expect("no panic").waiting.is_empty() {
            assert!(!write.is_finished(), "answered before it was durable");
            std::thread::yield_now();
        }
        state.open();
        write.join().expect("no panic").expect("written");
    });
}

#[test]
fn only_a_channel_manager_begun_after_the_mark_counts() {
    let state = Slow::shut();
    let kv = NodeStateKv::new(Arc::clone(&state) as Arc<dyn NodeState>);
    let before = KVStore::write(&kv, "", "", "manager", vec![1]);
    let mark = kv.channel_manager_mark();
    let other = KVStore::write(&kv, "monitors", "", "manager", vec![1]);
    let after = KVStore::write(&kv, "", "", "manager", vec![2]);
    state.open();
    pollster::block_on(before).expect("written");
    pollster::block_on(other).expect("written");
    assert!(!kv.channel_manager_written_since(mark));
    pollster::block_on(after).expect("written");
    assert!(kv.channel_manager_written_since(mark));
    assert!(!kv.channel_manager_written_since(kv.channel_manager_mark()));
}

#[test]
fn records_and_events_are_answered_at_once_and_a_later_write_when_they_are_durable_too() {
    let state = Slow::shut();
    let kv = NodeStateKv::new(Arc::clone(&state) as Arc<dyn NodeState>);
    KVStoreSync::write(&kv, "payments", "", "a hash", vec![1]).expect("answered");
    KVStoreSync::write(&kv, "", "", "events", vec![0, 1, 7]).expect("answered");
    let mut manager = pin!(KVStore::write(&kv, "", "", "manager", vec![1]));
    assert!(!is_ready(&mut manager));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| kv.wait_until_durable());
        while state.gate.lock().expect("no panic").waiting.len() < 2 {
            assert!(!waiting.is_finished(), "answered before it was durable");
            std::thread::yield_now();
        }
        state.open();
    });
    assert!(is_ready(&mut manager));
}

#[test]
fn an_acknowledgement_is_known_not_to_be_durable() {
    let state = Slow::shut();
    let kv = NodeStateKv::new(Arc::clone(&state) as Arc<dyn NodeState>);
    KVStoreSync::write(&kv, "", "", "events", vec![0, 1, 7]).expect("answered");
    assert!(kv.are_acknowledgements_durable(), "there was none");
    kv.acknowledging(|| KVStoreSync::write(&kv, "", "", "events", vec![0, 0]))
        .expect("answered");
    assert!(!kv.are_acknowledgements_durable());
    state.open();
    assert!(kv.are_acknowledgements_durable());
}
