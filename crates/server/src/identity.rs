//! Who is calling: an API key, looked up by its number and checked by its hash in constant time, and what it may do.

use std::net::IpAddr;

use payments::api_key::{PresentedKey, Scope, Scopes};
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
    /// The number of the key, by which people know it.
    pub key_number: i64,
    /// What the key may do.
    pub scopes: Scopes,
}

impl Identity {
    /// Refuses a call that the key may not make.
    ///
    /// # Errors
    /// [`Problem::Forbidden`].
    pub fn need(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.has(scope) {
            return Ok(());
        }
        Err(Problem::Forbidden {
            scope: scope.name().into(),
        })
    }
}

/// Recognises an API key that is used from `address`.
///
/// # Errors
/// [`Problem::InvalidApiKey`], [`Problem::AddressForbidden`], or the database's.
pub async fn identify(
    app: &App,
    token: &str,
    address: Option<IpAddr>,
) -> Result<Identity, ApiError> {
    let presented = PresentedKey::parse(token).ok_or(Problem::InvalidApiKey)?;
    let number = presented.number;
    let stored = app
        .store
        .read_async(move |tx| key_by_number(tx, number))
        .await?;
    let key = stored
        .filter(|key| presented.matches(&key.hash) && key.is_live(app.clock.now()))
        .ok_or(Problem::InvalidApiKey)?;
    if !key.rules.admits(address) {
        return Err(Problem::AddressForbidden.into());
    }
    Ok(Identity {
        account_id: key.account_id,
        api_key_id: key.id,
        key_number: key.number,
        scopes: key.rules.scopes,
    })
}
