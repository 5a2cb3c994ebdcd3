//! Who is calling: an API key, looked up by its number and checked by its hash in constant time.

use payments::api_key::PresentedKey;
use payments::ids::{AccountId, ApiKeyId};
use store::queries::account::key_by_number;
use wire::Problem;

use crate::app::App;
use crate::problem::ApiError;

/// The account and the key that a call speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account_id: AccountId,
    /// The key.
    pub api_key_id: ApiKeyId,
}

/// Recognises an API key.
///
/// # Errors
/// [`Problem::InvalidApiKey`], or the database's.
pub async fn identify(app: &App, token: &str) -> Result<Identity, ApiError> {
    let presented = PresentedKey::parse(token).ok_or(Problem::InvalidApiKey)?;
    let number = presented.number;
    let stored = app
        .store
        .read_async(move |tx| key_by_number(tx, number))
        .await?;
    match stored {
        Some(key) if presented.matches(&key.hash) => Ok(Identity {
            account_id: key.account_id,
            api_key_id: key.id,
        }),
        _ => Err(Problem::InvalidApiKey.into()),
    }
}
