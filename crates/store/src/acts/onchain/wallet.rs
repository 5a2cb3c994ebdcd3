//! What the wallet is made of, and where it last saw the chain.

use payments::ports::{ChainTip, WalletDescriptors};

use crate::acts::ActContext;
use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// Why a wallet was not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeepWalletError {
    /// The books are those of another wallet: its coins would be nobody's.
    #[error("the database is that of another on-chain wallet")]
    OtherWallet,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps what the wallet is made of, at its first start; at a later one it must be the same.
///
/// # Errors
/// [`KeepWalletError`].
pub fn keep_wallet(
    tx: &mut Tx<'_>,
    act: &ActContext,
    wallet: &WalletDescriptors,
) -> Result<(), KeepWalletError> {
    tx.execute(
        "INSERT INTO onchain_wallet (id, deposits, change, created_at) VALUES (1, $1, $2, $3)
         ON CONFLICT (id) DO NOTHING",
        params![
            wallet.deposits.as_str(),
            wallet.change.as_str(),
            micros(act.now)
        ],
    )?;
    match crate::queries::onchain::wallet(tx)? {
        Some(known) if known.descriptors == *wallet => Ok(()),
        _ => Err(KeepWalletError::OtherWallet),
    }
}

/// Keeps that the chain was seen now, with this newest block.
///
/// # Errors
/// The database's.
pub fn keep_tip(tx: &mut Tx<'_>, act: &ActContext, tip: &ChainTip) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE onchain_wallet SET tip_height = $1, tip_hash = $2, tip_time = $3, seen_at = $4 WHERE id = 1",
        params![
            i64::from(tip.height),
            tip.hash,
            micros(tip.time),
            micros(act.now)
        ],
    )?;
    Ok(())
}
