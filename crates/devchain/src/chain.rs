//! The handle on a chain: opening it, submitting transactions, mining blocks.
//!
//! One writer at a time: it checks against the state, makes the step durable in the log, and only
//! then shows it. Readers are never held up by a disk or a script; nothing must be visible that a
//! kill could take back.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use bitcoin::hashes::Hash;
use bitcoin::secp256k1::SecretKey;
use bitcoin::{BlockHash, ScriptBuf, Transaction, Txid};
use tokio::sync::watch;

use crate::clock::{self, Clock};
use crate::faucet::{Faucet, fixed_key, random_key};
use crate::log::{Log, LogError};
use crate::miner;
use crate::record::Record;
use crate::reject::Reject;
use crate::reorganisation::{self, reorganise};
use crate::state::{State, Unconnectable};
use crate::utxo::MAX_SCRIPT_SIZE;
use crate::validate;

/// The newest block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Its height; the genesis block has 0.
    pub height: u32,
    /// Its hash.
    pub hash: BlockHash,
}

/// Why a kept chain could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file could not be read or made.
    #[error("{}: {source}", path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process, or another handle in this one, has it open.
    #[error("{} is in use", path.display())]
    Locked {
        /// The log.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not the log of a chain", path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
    },
    /// The log is damaged before its end. Nothing was changed.
    #[error("{} is damaged at byte {offset}", path.display())]
    Corrupt {
        /// The log.
        path: PathBuf,
        /// Where the first bad record begins.
        offset: u64,
    },
}

/// Why no blocks were mined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MineError {
    /// The script for the reward is longer than 10,000 bytes: nobody could spend it.
    #[error("the coinbase script is {bytes} bytes long, more than 10,000")]
    ScriptTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The log could not be written. It takes nothing more until it is opened anew.
    #[error("chain log not written ({kind})")]
    NotStored {
        /// What the operating system said.
        kind: io::ErrorKind,
    },
}

/// Why no other branch took over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReorganiseError {
    /// The depth is nothing, or all that there is.
    #[error("from 1 to {height} blocks can leave the chain, less one")]
    Depth {
        /// The height of the chain.
        height: u32,
    },
    /// The log could not be written. It takes nothing more until it is opened anew.
    #[error("chain log not written ({kind})")]
    NotStored {
        /// What the operating system said.
        kind: io::ErrorKind,
    },
}

/// A regtest chain. Clones are handles on the same one; any thread may use it, without a runtime.
#[derive(Clone)]
pub struct Chain {
    inner: Arc<Inner>,
}

struct Inner {
    /// Held by whoever changes the chain, from the check to the change. Taken before `state`.
    writer: Mutex<Option<Log>>,
    state: RwLock<State>,
    tip: watch::Sender<Tip>,
    clock: Clock,
    faucet_key: SecretKey,
    /// Held while the faucet chooses coins, so that two payments do not choose the same.
    faucet_turn: Mutex<()>,
}

impl Chain {
    /// A new chain of the genesis block, gone with its last handle.
    pub fn in_memory() -> Self {
        Self::new(None, State::genesis(), fixed_key(), clock::system())
    }

    /// Like [`Chain::in_memory`], with block timestamps from `clock` (seconds since 1970).
    pub fn in_memory_with_clock(clock: impl Fn() -> u32 + Send + Sync + 'static) -> Self {
        Self::new(None, State::genesis(), fixed_key(), Box::new(clock))
    }

    /// Opens the chain that is kept in the file `path`, or makes one; its folder has to be there.
    ///
    /// Blocks and mempool are as they were last acknowledged, also after a kill or a power failure.
    /// The file is readable by its owner only, and locked against a second opening.
    ///
    /// # Errors
    /// See [`OpenError`]. A file with an error is left as it was.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_boxed(path, clock::system())
    }

    /// Like [`Chain::open`], with block timestamps from `clock` (seconds since 1970).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_with_clock(
        path: &Path,
        clock: impl Fn() -> u32 + Send + Sync + 'static,
    ) -> Result<Self, OpenError> {
        Self::open_boxed(path, Box::new(clock))
    }

    fn open_boxed(path: &Path, clock: Clock) -> Result<Self, OpenError> {
        let io = |source| OpenError::Io {
            path: path.to_owned(),
            source,
        };
        let corrupt = |offset| OpenError::Corrupt {
            path: path.to_owned(),
            offset,
        };
        let (mut log, frames) = Log::open(path).map_err(|error| match error {
            LogError::Io(source) => io(source),
            LogError::Locked => OpenError::Locked {
                path: path.to_owned(),
            },
            LogError::NotALog => OpenError::NotALog {
                path: path.to_owned(),
            },
            LogError::Corrupt { offset } => corrupt(offset),
        })?;
        let mut key = None;
        let mut state = State::genesis();
        for frame in frames {
            let record = Record::decode(frame.kind, &frame.payload);
            replay(&mut state, &mut key, record.ok()).ok_or_else(|| corrupt(frame.offset))?;
        }
        let key = match key {
            Some(key) => key,
            None => {
                let key = random_key();
                append(Some(&mut log), &Record::FaucetKey(key)).map_err(io)?;
                key
            }
        };
        Ok(Self::new(Some(log), state, key, clock))
    }

    fn new(log: Option<Log>, state: State, faucet_key: SecretKey, clock: Clock) -> Self {
        let (tip, _) = watch::channel(tip_of(&state));
        let inner = Inner {
            writer: Mutex::new(log),
            state: RwLock::new(state),
            tip,
            clock,
            faucet_key,
            faucet_turn: Mutex::new(()),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Checks a transaction in full and takes it into the mempool; durable when it returns.
    ///
    /// # Errors
    /// The first check it fails, in Bitcoin Core's order; the chain is unchanged. What pays more than
    /// those that it conflicts with takes their place (full replace-by-fee, as in Core).
    pub fn submit(&self, tx: Transaction) -> Result<Txid, Reject> {
        let mut writer = self.writer();
        let entry = validate::check(&self.state(), tx)?;
        append(
            writer.as_mut(),
            &Record::Transaction(Transaction::clone(&entry.tx)),
        )
        .map_err(|error| Reject::NotStored { kind: error.kind() })?;
        let txid = entry.txid;
        self.change(|state| state.accept(entry));
        tracing::debug!(%txid, "transaction accepted");
        Ok(txid)
    }

    /// Mines blocks that pay subsidy and fees to `coinbase_script`, from the lowest to the highest.
    ///
    /// The first of them take the mempool, as far as it fits. All are durable when it returns;
    /// killed before, all or none are there. Timestamps keep to the median-time rule: a long burst
    /// runs ahead of the clock by one second for six blocks.
    ///
    /// # Errors
    /// See [`MineError`]; the chain is unchanged.
    pub fn mine(
        &self,
        blocks: u32,
        coinbase_script: ScriptBuf,
    ) -> Result<Vec<BlockHash>, MineError> {
        let bytes = coinbase_script.len();
        if bytes > MAX_SCRIPT_SIZE {
            return Err(MineError::ScriptTooLong { bytes });
        }
        if blocks == 0 {
            return Ok(Vec::new());
        }
        let mut writer = self.writer();
        let now = (self.inner.clock)();
        let planned = miner::plan(&self.state(), blocks, &coinbase_script, now);
        let hashes = planned.iter().map(bitcoin::Block::block_hash).collect();
        let record = Record::Blocks(planned);
        append(writer.as_mut(), &record)
            .map_err(|error| MineError::NotStored { kind: error.kind() })?;
        let Record::Blocks(planned) = record else {
            return Ok(hashes);
        };
        let tip = self.change(|state| {
            for block in planned {
                state
                    .connect(block)
                    .expect("the block was planned on this tip");
            }
            tip_of(state)
        });
        self.inner.tip.send_replace(tip);
        tracing::debug!(blocks, height = tip.height, "blocks mined");
        Ok(hashes)
    }

    /// Lets another branch take over: the newest `depth` blocks leave the chain, and `longer` more than
    /// as many come, with nothing in them. What was in the old ones waits again, as far as it is still
    /// valid; nobody has the rewards of the new ones. Durable when it returns.
    ///
    /// # Errors
    /// See [`ReorganiseError`]; the chain is unchanged.
    pub fn reorganise(&self, depth: u32, longer: u32) -> Result<Tip, ReorganiseError> {
        let mut writer = self.writer();
        let mut next = self.state().clone();
        if depth == 0 || depth >= next.height() {
            return Err(ReorganiseError::Depth {
                height: next.height(),
            });
        }
        // Another branch from the same place, in the same second, is another one.
        let script = ScriptBuf::new_op_return(next.tip().hash.to_byte_array());
        let mut fork = next.clone();
        let unplanned = |Unconnectable| ReorganiseError::Depth { height: depth };
        reorganisation::rewind(&mut fork, depth).map_err(unplanned)?;
        let count = depth.saturating_add(longer.max(1));
        let blocks = miner::plan_empty(&fork, count, &script, (self.inner.clock)());
        reorganise(&mut next, depth, blocks.clone()).map_err(unplanned)?;
        append(writer.as_mut(), &Record::Reorganisation(depth, blocks))
            .map_err(|error| ReorganiseError::NotStored { kind: error.kind() })?;
        let tip = self.change(|state| {
            *state = next;
            tip_of(state)
        });
        self.inner.tip.send_replace(tip);
        tracing::debug!(depth, height = tip.height, "another branch took over");
        Ok(tip)
    }

    /// The newest block, and notice of every later one. A receiver may skip blocks in between.
    pub fn watch_tip(&self) -> watch::Receiver<Tip> {
        self.inner.tip.subscribe()
    }

    /// The faucet of this chain: a key with coins to give away.
    pub fn faucet(&self) -> Faucet {
        Faucet::new(self.clone(), self.inner.faucet_key)
    }

    pub(crate) fn faucet_turn(&self) -> MutexGuard<'_, ()> {
        self.inner
            .faucet_turn
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn writer(&self) -> MutexGuard<'_, Option<Log>> {
        self.inner
            .writer
            .lock()
            .expect("no writer panics between check and change")
    }

    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        self.inner
            .state
            .read()
            .expect("no change of the state panics")
    }

    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self
            .inner
            .state
            .write()
            .expect("no change of the state panics"))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chain")
            .field("tip", &*self.inner.tip.borrow())
            .finish_non_exhaustive()
    }
}

pub(crate) fn tip_of(state: &State) -> Tip {
    Tip {
        height: state.height(),
        hash: state.tip().hash,
    }
}

fn append(log: Option<&mut Log>, record: &Record) -> io::Result<()> {
    let Some(log) = log else { return Ok(()) };
    let (kind, payload) = record.encode();
    log.append(kind, &payload)
}

/// Does again what a record says. `None`: it cannot have been written after those before it.
fn replay(state: &mut State, key: &mut Option<SecretKey>, record: Option<Record>) -> Option<()> {
    match (record?, *key) {
        (Record::FaucetKey(first), None) => *key = Some(first),
        (Record::Transaction(tx), Some(_)) => {
            state.accept(validate::check_but_scripts(state, tx).ok()?);
        }
        (Record::Blocks(blocks), Some(_)) => {
            for block in blocks {
                state.connect(block).ok()?;
            }
        }
        (Record::Reorganisation(depth, blocks), Some(_)) => {
            reorganise(state, depth, blocks).ok()?;
        }
        (Record::FaucetKey(_), Some(_)) | (_, None) => return None,
    }
    Some(())
}
