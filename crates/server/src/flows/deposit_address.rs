//! Give out an on-chain address: any process can, because it takes no key and asks nobody.

use payments::onchain::DepositAddress;
use store::acts::onchain::address::{GivenAddress, Making, WantedAddress, give_address};
use store::queries::onchain::wallet;
use wire::Problem;

use crate::app::App;
use crate::problem::ApiError;

/// Gives out the next address; `respond` makes the answer that this request and every repeat of it get.
///
/// # Errors
/// [`ApiError`]; no address was given out then.
pub async fn give(
    app: &App,
    wanted: WantedAddress,
    respond: impl Fn(&DepositAddress) -> Vec<u8> + Send + 'static,
) -> Result<Vec<u8>, ApiError> {
    let unavailable = || Problem::RailUnavailable {
        rail: "onchain".into(),
    };
    let kept = app.store.read_async(wallet).await?;
    let descriptor = kept.ok_or_else(unavailable)?.descriptors.deposits;
    let (act, network) = (app.acting(), app.network);
    let given = app
        .store
        .write_async(move |tx| {
            let making = Making {
                derive: &|index| onchain::deposit_address(&descriptor, network, index).ok(),
                respond: &respond,
            };
            give_address(tx, &act, &wanted, &making)
        })
        .await?;
    match given {
        GivenAddress::Fresh(address, response) => {
            tracing::info!(address = %address.id, index = address.index, "an address is given out");
            Ok(response)
        }
        GivenAddress::Replay(response) => Ok(response),
        GivenAddress::KeyReused => Err(Problem::IdempotencyKeyReused.into()),
        GivenAddress::NoWallet => Err(unavailable().into()),
    }
}
