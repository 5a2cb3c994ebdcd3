//! Gives out addresses: each once, in the transaction that says to whom.
//!
//! The number of the next address is a row, so two requests never get the same one, and whatever was given out is
//! watched, however many addresses before it were never paid.

use payments::ids::{AccountId, DepositAddressId};
use payments::metadata::Metadata;
use payments::onchain::DepositAddress;

use crate::acts::ActContext;
use crate::acts::idempotency::{Claim, IdempotencyKey, answer_with, claim};
use crate::rows::micros;
use crate::{StoreError, Tx, params};

/// Who wants an address.
#[derive(Debug, Clone)]
pub struct WantedAddress {
    /// Whom its coins credit; `None`: the operator.
    pub account_id: Option<AccountId>,
    /// The customer's notes.
    pub metadata: Option<Metadata>,
    /// How a repeat is recognised; the operator has none.
    pub idempotency: Option<IdempotencyKey>,
}

/// What became of the wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GivenAddress {
    /// A fresh address, and the answer that its client gets.
    Fresh(Box<DepositAddress>, Vec<u8>),
    /// The idempotency key's first answer.
    Replay(Vec<u8>),
    /// The idempotency key was used for another request.
    KeyReused,
    /// The wallet has not run on this database yet.
    NoWallet,
}

/// What makes an address of its number, and an answer of an address; both pure.
pub struct Making<'a> {
    /// The address with this number; `None` when the keys give none.
    pub derive: &'a dyn Fn(u32) -> Option<String>,
    /// The client's answer.
    pub respond: &'a dyn Fn(&DepositAddress) -> Vec<u8>,
}

/// Gives out the next address.
///
/// # Errors
/// The database's.
pub fn give_address(
    tx: &mut Tx<'_>,
    act: &ActContext,
    wanted: &WantedAddress,
    making: &Making<'_>,
) -> Result<GivenAddress, StoreError> {
    let key = wanted.account_id.zip(wanted.idempotency.as_ref());
    if let Some((account, key)) = key {
        match claim(tx, act, account, key, &[])? {
            Claim::Fresh => {}
            Claim::Replay(response) => return Ok(GivenAddress::Replay(response)),
            Claim::Reused => return Ok(GivenAddress::KeyReused),
        }
    }
    let next = tx.query_opt(
        "UPDATE onchain_wallet SET next_index = next_index + 1 WHERE id = 1 RETURNING next_index - 1",
        params![],
    )?;
    let Some(next) = next else {
        return Ok(GivenAddress::NoWallet);
    };
    let derived = u32::try_from(next.int(0)?)
        .ok()
        .and_then(|index| Some((index, (making.derive)(index)?)));
    let Some((index, address)) = derived else {
        return Err(StoreError::Inconsistent {
            what: "the on-chain wallet gives no address",
        });
    };
    let address = DepositAddress {
        id: act.ids.fresh::<DepositAddressId>(),
        account_id: wanted.account_id,
        index,
        address,
        metadata: wanted.metadata.clone(),
        created_at: act.now,
    };
    insert(tx, &address)?;
    let response = (making.respond)(&address);
    if let Some((account, key)) = key {
        answer_with(tx, account, key, &response)?;
    }
    Ok(GivenAddress::Fresh(Box::new(address), response))
}

fn insert(tx: &mut Tx<'_>, address: &DepositAddress) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO onchain_address (id, account_id, address_index, address, metadata, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            address.id.to_bytes(),
            address.account_id.map(AccountId::to_bytes),
            i64::from(address.index),
            address.address.as_str(),
            address
                .metadata
                .as_ref()
                .map(|metadata| metadata.as_json().to_owned()),
            micros(address.created_at)
        ],
    )?;
    Ok(())
}
