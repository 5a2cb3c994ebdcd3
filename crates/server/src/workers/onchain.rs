//! Looks at the chain and writes down what it says of the customers' coins.
//!
//! A look tells everything, and what is written down already is written again without effect: whatever could not be
//! committed is made up for at the next look. What cannot be found is asked for, and a backend that is behind what was
//! seen before is not believed.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bitcoin::{OutPoint, Txid};
use jiff::{SignedDuration, Timestamp};
use money::Msat;
use payments::onchain::{ConfirmationPolicy, Input, OnchainDeposit, OnchainDepositState};
use payments::ports::{
    ChainPosition, ChainTip, ChainUnavailable, ChainView, ChainWallet, Fate, Keychain, WalletCoin,
};
use store::StoreError;
use store::acts::onchain::deposit::{ObserveError, Observed, Sighting, lose_sight, observe};
use store::acts::onchain::wallet::{KeepWalletError, keep_tip, keep_wallet};
use store::queries::onchain::{changeable, wallet};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::problem::chain;

/// How far back a settled deposit is looked for at each look, in blocks: deeper reorganisations than the deepest that a
/// public chain has seen.
const WATCHED_BLOCKS: u32 = 1_000;

/// How often it is written down that the newest block is still the newest.
const SEEN_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// Why a look was not written down.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The chain could not be asked.
    #[error(transparent)]
    Chain(#[from] ChainUnavailable),
    /// The backend is behind what was seen before.
    #[error("the backend of the chain is at height {found}, and {known} was seen before")]
    Behind {
        /// Where it is.
        found: u32,
        /// Where it was.
        known: u32,
    },
    /// The wallet's row is gone: a fault of the program.
    #[error("the on-chain wallet is not in the database")]
    NoWallet,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// At least one coin could not be written down; the others were.
    #[error("{0} coins could not be written down")]
    Unwritten(usize),
}

/// What looks at the chain.
pub struct ChainWatcher {
    app: App,
    wallet: Arc<dyn ChainWallet>,
    policy: ConfirmationPolicy,
    /// What was last written down of each output. One look at a time.
    written: Mutex<HashMap<OutPoint, Input>>,
    /// The newest block that is written down, and since when.
    kept: Mutex<Option<(ChainTip, Timestamp)>>,
}

impl ChainWatcher {
    /// Keeps what the wallet is made of; nothing is looked at yet. Blocks.
    ///
    /// # Errors
    /// [`KeepWalletError`].
    pub fn begin(
        app: App,
        wallet: Arc<dyn ChainWallet>,
        policy: ConfirmationPolicy,
    ) -> Result<Self, KeepWalletError> {
        let (act, descriptors) = (app.acting(), wallet.descriptors());
        app.store
            .write(move |tx| keep_wallet(tx, &act, &descriptors))?;
        Ok(Self {
            app,
            wallet,
            policy,
            written: Mutex::default(),
            kept: Mutex::default(),
        })
    }

    /// Looks at the chain once and writes down what it says. Blocks.
    ///
    /// # Errors
    /// [`LookError`]; the next look makes up for it.
    pub fn look(&self) -> Result<(), LookError> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.app.store.read(wallet)?.ok_or(LookError::NoWallet)?;
        let view = self.wallet.look(kept.issued)?;
        if let Some(known) = kept.tip_height.filter(|known| view.tip.height < *known) {
            let found = view.tip.height;
            return Err(LookError::Behind { found, known });
        }
        let mut unwritten = self.write_seen(&view, &mut written);
        unwritten += self.write_unseen(&view, &mut written)?;
        if unwritten > 0 {
            return Err(LookError::Unwritten(unwritten));
        }
        self.keep_tip(view.tip)
    }

    /// Writes the newest block down, and that it was seen, when it is new or that was a while ago: a server that waits
    /// for the chain writes next to nothing.
    fn keep_tip(&self, tip: ChainTip) -> Result<(), LookError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let act = self.app.acting();
        let now = act.now;
        let is_kept = kept.is_some_and(|(known, at)| {
            known == tip && (SignedDuration::ZERO..SEEN_EVERY).contains(&now.duration_since(at))
        });
        if !is_kept {
            self.app.store.write(move |tx| keep_tip(tx, &act, &tip))?;
            *kept = Some((tip, now));
        }
        Ok(())
    }

    /// Writes down the coins of the view that changed; answers how many could not be.
    fn write_seen(&self, view: &ChainView, written: &mut HashMap<OutPoint, Input>) -> usize {
        let mut unwritten = 0;
        for seen in sightings(view, &self.policy) {
            if written.get(&seen.outpoint) == Some(&seen.input) {
                continue;
            }
            let (outpoint, input) = (seen.outpoint, seen.input);
            let (act, fees) = (self.app.acting(), self.app.fees);
            let observed = self
                .app
                .store
                .write(move |tx| observe(tx, &act, &fees, &seen));
            if tell(outpoint, observed) {
                written.insert(outpoint, input);
            } else {
                unwritten += 1;
            }
        }
        unwritten
    }

    /// Asks what became of the deposits that the view does not show; answers how many could not be written down.
    fn write_unseen(
        &self,
        view: &ChainView,
        written: &mut HashMap<OutPoint, Input>,
    ) -> Result<usize, LookError> {
        let seen: HashSet<OutPoint> = view.coins.iter().map(|coin| coin.outpoint).collect();
        let from = view.tip.height.saturating_sub(WATCHED_BLOCKS);
        let watched = self.app.store.read(move |tx| changeable(tx, from))?;
        let mut fates: HashMap<Txid, Fate> = HashMap::new();
        let mut unwritten = 0;
        for deposit in watched.iter().filter(|one| !seen.contains(&one.outpoint)) {
            let (outpoint, input) = (deposit.outpoint, self.fate(deposit, &mut fates)?);
            let act = self.app.acting();
            let observed = self
                .app
                .store
                .write(move |tx| lose_sight(tx, &act, outpoint, input));
            written.remove(&outpoint);
            unwritten += usize::from(!tell(outpoint, observed));
        }
        Ok(unwritten)
    }

    fn fate(
        &self,
        deposit: &OnchainDeposit,
        fates: &mut HashMap<Txid, Fate>,
    ) -> Result<Input, ChainUnavailable> {
        let txid = deposit.outpoint.txid;
        let fate = match fates.get(&txid) {
            Some(fate) => *fate,
            None => self.wallet.fate(txid, &deposit.inputs)?,
        };
        fates.insert(txid, fate);
        Ok(match fate {
            Fate::Unknown => Input::Missing,
            Fate::Replaced => Input::Replaced,
            Fate::DoubleSpent => Input::DoubleSpent,
        })
    }
}

/// What the view says of each coin that came to an address that was given out.
fn sightings(view: &ChainView, policy: &ConfirmationPolicy) -> Vec<Sighting> {
    let deposits = || {
        let coins = view.coins.iter();
        coins.filter(|coin| coin.keychain == Keychain::Deposits)
    };
    let mut totals: HashMap<Txid, Msat> = HashMap::new();
    for coin in deposits() {
        let total = totals.entry(coin.outpoint.txid).or_insert(Msat::ZERO);
        // More than all bitcoin cannot be in one transaction.
        *total = total.checked_add(coin.amount_msat).unwrap_or(*total);
    }
    let input = |coin: &WalletCoin| match coin.position {
        ChainPosition::Mempool => Input::InMempool,
        ChainPosition::Block(height) => {
            let confirmations = (view.tip.height + 1).saturating_sub(height);
            let total = totals.get(&coin.outpoint.txid).copied();
            let required = policy.required(total.unwrap_or(coin.amount_msat), coin.is_coinbase);
            if confirmations >= required {
                Input::Confirmed
            } else {
                Input::InBlock
            }
        }
    };
    deposits()
        .map(|coin| Sighting {
            outpoint: coin.outpoint,
            index: coin.index,
            amount_msat: coin.amount_msat,
            inputs: coin.inputs.to_vec(),
            input: input(coin),
            height: match coin.position {
                ChainPosition::Block(height) => Some(height),
                ChainPosition::Mempool => None,
            },
        })
        .collect()
}

/// Tells the log of what was written down; whether it was.
fn tell(outpoint: OutPoint, observed: Result<Observed, ObserveError>) -> bool {
    match observed {
        Ok(Observed::Before) => {}
        Ok(Observed::Changed(deposit)) => told_of(&deposit),
        Ok(Observed::TakenBack(deposit, loss_msat)) => tracing::error!(
            deposit = %deposit.id,
            %outpoint,
            loss_msat = loss_msat.get(),
            "ALERT: a credited deposit was double-spent and is taken back"
        ),
        Ok(Observed::Booked("suspended")) => tracing::error!(
            %outpoint,
            "ALERT: coins came to an address that was given to nobody, and are in suspense"
        ),
        Ok(Observed::Booked(kind)) => tracing::info!(%outpoint, kind, "coins came"),
        Err(error) => {
            tracing::error!(error = %chain(&error), %outpoint, "a coin could not be written down");
            return false;
        }
    }
    true
}

fn told_of(deposit: &OnchainDeposit) {
    let state = deposit.state.name();
    if deposit.state == OnchainDepositState::Disputed {
        tracing::error!(
            deposit = %deposit.id,
            "ALERT: the block of a credited deposit left the chain; its account cannot withdraw meanwhile"
        );
    } else {
        tracing::info!(deposit = %deposit.id, state, "an on-chain deposit changed");
    }
}

/// Looks at the chain again and again until `stop`.
pub async fn run(watcher: Arc<ChainWatcher>, every: Duration, stop: CancellationToken) {
    loop {
        let looking = Arc::clone(&watcher);
        match tokio::task::spawn_blocking(move || looking.look()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(error = %chain(&error), "the chain is not looked at now");
            }
            Err(error) => tracing::error!(%error, "a look at the chain panicked"),
        }
        let rest = tokio::time::sleep(every);
        if stop.run_until_cancelled(rest).await.is_none() {
            return;
        }
    }
}
