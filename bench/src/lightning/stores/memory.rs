//! A store in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ldk_node::lightning::io;
use ldk_node::lightning::util::async_poll::AsyncResult;
use ldk_node::lightning::util::persist::{KVStore, KVStoreSync};

use super::{Place, asynchronous, missing, place};

/// Everything in one map.
#[derive(Default)]
pub struct MemoryStore {
    values: Mutex<BTreeMap<Place, Vec<u8>>>,
}

impl MemoryStore {
    fn values(&self) -> MutexGuard<'_, BTreeMap<Place, Vec<u8>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_later(
        &self,
        a: &str,
        b: &str,
        key: &str,
        value: Vec<u8>,
    ) -> AsyncResult<'static, (), io::Error> {
        Box::pin(std::future::ready(KVStoreSync::write(
            self, a, b, key, value,
        )))
    }
}

impl KVStoreSync for MemoryStore {
    fn read(&self, a: &str, b: &str, key: &str) -> Result<Vec<u8>, io::Error> {
        let values = self.values();
        values.get(&place(a, b, key)).cloned().ok_or_else(missing)
    }

    fn write(&self, a: &str, b: &str, key: &str, value: Vec<u8>) -> Result<(), io::Error> {
        self.values().insert(place(a, b, key), value);
        Ok(())
    }

    fn remove(&self, a: &str, b: &str, key: &str, _lazy: bool) -> Result<(), io::Error> {
        self.values().remove(&place(a, b, key));
        Ok(())
    }

    fn list(&self, a: &str, b: &str) -> Result<Vec<String>, io::Error> {
        let values = self.values();
        let keys = values.keys().filter(|(x, y, _)| x == a && y == b);
        Ok(keys.map(|(_, _, key)| key.clone()).collect())
    }
}

asynchronous!(MemoryStore);
