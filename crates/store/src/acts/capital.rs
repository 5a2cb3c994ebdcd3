//! Books the operator's own money in a new channel, once for each channel.

use ledger::postings;
use money::Msat;

use super::posting::{PostError, post};
use super::{ActContext, Applied};
use crate::Tx;

/// Books `amount_msat` of the operator's that stands in the channel `channel_id`.
///
/// # Errors
/// [`PostError`], never `AlreadyBooked`.
pub fn add_capital(
    tx: &mut Tx<'_>,
    act: &ActContext,
    channel_id: Vec<u8>,
    amount_msat: Msat,
) -> Result<Applied<()>, PostError> {
    let posting = postings::capital::added(channel_id, amount_msat);
    match post(tx, act, act.ids.fresh(), &posting) {
        Ok(()) => Ok(Applied::Now(())),
        Err(PostError::AlreadyBooked) => Ok(Applied::Before(())),
        Err(error) => Err(error),
    }
}
