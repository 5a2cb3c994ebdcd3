//! The channels of our node: seen, closed, settled, and what they cost the chain.
//!
//! Every fact is booked once, by its txid or its channel. Nothing here touches a customer's account.

use bitcoin::OutPoint;
use bitcoin::secp256k1::PublicKey;
use ledger::{Posting, postings};
use money::Msat;
use payments::ports::WalletMove;

use super::posting::{PostError, post};
use super::{ActContext, Applied};
use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// The longest reason that is kept, in characters: a peer words some of it.
const REASON_CHARS: usize = 200;

/// Keeps a channel that the node has open. One that was seen before is left as it is.
///
/// # Errors
/// The database's.
pub fn record_open(
    tx: &mut Tx<'_>,
    act: &ActContext,
    channel_id: [u8; 32],
    funding: OutPoint,
    is_announced: bool,
) -> Result<(), StoreError> {
    let funding = bitcoin::consensus::serialize(&funding);
    tx.execute(
        "INSERT INTO channel (id, funding, state, opened_at, is_announced) VALUES ($1, $2, 'open', $3, $4)
         ON CONFLICT (id) DO NOTHING",
        params![channel_id, funding, micros(act.now), is_announced],
    )?;
    Ok(())
}

/// A channel that is closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosedChannel {
    /// Which.
    pub channel_id: [u8; 32],
    /// Its other side, when the node tells it.
    pub peer: Option<PublicKey>,
    /// Whether a crash has closed it, so that another one is wanted.
    pub by_crash: bool,
    /// Why, in the node's words.
    pub reason: String,
}

/// Keeps that a channel is closed, and why. The first reason stays. Answers whether it was open.
///
/// # Errors
/// The database's.
pub fn record_closed(
    tx: &mut Tx<'_>,
    act: &ActContext,
    closed: &ClosedChannel,
) -> Result<bool, StoreError> {
    let reason: String = closed
        .reason
        .chars()
        .filter(|c| *c != '\0')
        .take(REASON_CHARS)
        .collect();
    let is_wanted = closed.by_crash && closed.peer.is_some();
    let changed = tx.execute(
        "INSERT INTO channel (id, state, close_reason, opened_at, closed_at, peer, reopening, reopen_at)
         VALUES ($1, 'closed', $2, $3, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET state = 'closed', close_reason = excluded.close_reason,
             closed_at = excluded.closed_at, peer = excluded.peer, reopening = excluded.reopening,
             reopen_at = excluded.reopen_at WHERE channel.state = 'open'",
        params![
            closed.channel_id,
            reason,
            micros(act.now),
            closed.peer.map(|peer| peer.serialize()),
            is_wanted.then_some("wanted"),
            is_wanted.then(|| micros(act.now))
        ],
    )?;
    Ok(changed == 1)
}

/// Keeps what the node says is ours in a closed channel, if it is more than it said before: what was in flight may
/// turn out to be ours later.
///
/// # Errors
/// The database's.
pub fn keep_returned(
    tx: &mut Tx<'_>,
    channel_id: [u8; 32],
    returned_msat: Msat,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE channel SET returned_msat = $1
         WHERE id = $2 AND state <> 'settled' AND COALESCE(returned_msat, -1) < $1",
        params![returned_msat.get(), channel_id],
    )?;
    Ok(())
}

/// Books a transaction of the node's wallet, once.
///
/// # Errors
/// [`PostError`], never `AlreadyBooked`.
pub fn book_wallet_move(
    tx: &mut Tx<'_>,
    act: &ActContext,
    txid: [u8; 32],
    moved: &WalletMove,
) -> Result<Applied<()>, PostError> {
    book(
        tx,
        act,
        &match *moved {
            WalletMove::Funded { arrived_msat } => postings::chain::funded(txid, arrived_msat),
            WalletMove::Opened {
                channel_msat,
                fee_msat,
            } => postings::chain::opened(txid, channel_msat, fee_msat),
            WalletMove::Swept {
                arrived_msat,
                fee_msat,
            } => postings::chain::swept(txid, arrived_msat, fee_msat),
            WalletMove::Spent { left_msat } => postings::chain::spent(txid, left_msat),
        },
    )
}

/// Ends closed channels that gave back all they will, `lost_msat` less than was in them.
///
/// # Errors
/// [`PostError`], never `AlreadyBooked`.
pub fn settle_channels(
    tx: &mut Tx<'_>,
    act: &ActContext,
    channel_ids: &[[u8; 32]],
    lost_msat: Msat,
) -> Result<(), PostError> {
    let Some(first) = channel_ids.first() else {
        return Ok(());
    };
    if !lost_msat.is_zero() {
        book(tx, act, &postings::chain::ended(*first, lost_msat))?;
    }
    for channel_id in channel_ids {
        tx.execute(
            "UPDATE channel SET state = 'settled' WHERE id = $1 AND state = 'closed'",
            params![*channel_id],
        )?;
    }
    Ok(())
}

fn book(tx: &mut Tx<'_>, act: &ActContext, posting: &Posting) -> Result<Applied<()>, PostError> {
    match post(tx, act, act.ids.fresh(), posting) {
        Ok(()) => Ok(Applied::Now(())),
        Err(PostError::AlreadyBooked) => Ok(Applied::Before(())),
        Err(error) => Err(error),
    }
}
