//! The key that seals the secrets of webhooks: a file beside the database, `webhook-key`.
//!
//! A key is made only where nothing was ever sealed: with another one every delivery would fail for good, so a process
//! that has not the right key does not start.

use std::path::{Path, PathBuf};

use payments::ids::EndpointId;
use payments::ports::{Entropy, SystemEntropy};
use payments::webhook::SealedSecret;
use store::queries::webhook::any_secret;
use store::{Store, StoreError};
use webhooks::seal::NONCE_BYTES;
use webhooks::{SealingKey, Secret};

use crate::secret_file::{SecretFileError, hex_or_new};

/// Why secrets cannot be sealed and opened.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// The file.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The database.
    #[error("the secrets of webhooks cannot be read")]
    Store(#[from] StoreError),
    /// What is in the database was sealed with another key.
    #[error(
        "the secrets of webhooks are sealed with a key that is not in {}: copy the file from the machine that made it",
        .0.display()
    )]
    OtherKey(PathBuf),
}

/// The key in `folder`, which is made where the database holds nothing that is sealed.
///
/// # Errors
/// [`SealingError`].
pub async fn key(store: &Store, folder: &Path) -> Result<SealingKey, SealingError> {
    let file = folder.join("webhook-key");
    let kept: Option<(EndpointId, SealedSecret)> = store.read_async(any_secret).await?;
    if kept.is_some() && !file.exists() {
        return Err(SealingError::OtherKey(file));
    }
    let key = SealingKey::new(hex_or_new(&file, &SystemEntropy)?);
    match kept {
        Some((endpoint, secret)) if open(&key, endpoint, &secret).is_none() => {
            Err(SealingError::OtherKey(file))
        }
        _ => Ok(key),
    }
}

/// Seals a secret for its endpoint.
#[must_use]
pub(crate) fn seal(
    key: &SealingKey,
    entropy: &dyn Entropy,
    endpoint: EndpointId,
    secret: &Secret,
) -> SealedSecret {
    let mut nonce = [0; NONCE_BYTES];
    entropy.fill(&mut nonce);
    let sealed = key.seal(secret, endpoint.to_bytes(), nonce);
    SealedSecret::from_stored(sealed.expect("a secret has at most 64 characters"))
}

/// Opens a secret of an endpoint; `None` when it is damaged, or sealed with another key.
pub(crate) fn open(
    key: &SealingKey,
    endpoint: EndpointId,
    sealed: &SealedSecret,
) -> Option<Secret> {
    key.open(sealed.as_stored(), endpoint.to_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use payments::ids::AccountId;
    use payments::webhook::WebhookEndpoint;
    use store::acts::ActContext;
    use store::acts::account::create_account;
    use store::acts::webhook::endpoint::create_endpoint;
    use store::testing::Database;

    use super::*;
    use crate::app::App;

    /// An endpoint with a secret that is sealed with `key`.
    fn endpoint(database: &Database, key: &SealingKey) {
        let app = App::new(
            database.store().clone(),
            payments::network::Network::Regtest,
            payments::fee_policy::FeePolicy::default(),
        );
        let act: ActContext = app.acting();
        let id: EndpointId = app.ids.fresh();
        let secret = seal(key, &SystemEntropy, id, &Secret::generate([2; 32]));
        let made = app.store.write(move |tx| {
            let account_id: AccountId = create_account(tx, &act, "a customer")?.id;
            let url = "https://example.com/".to_owned();
            let endpoint = WebhookEndpoint::new(id, account_id, url, secret.clone(), act.now);
            create_endpoint(tx, &endpoint)
        });
        made.map_err(|error: StoreError| error)
            .expect("an endpoint");
    }

    #[tokio::test]
    async fn the_key_is_made_once_and_no_other_is_taken_afterwards() {
        let (database, folder) = (
            store::testing::sqlite(),
            tempfile::tempdir().expect("a folder"),
        );
        let store = database.store();
        let made = key(store, folder.path()).await.expect("a key is made");
        endpoint(&database, &made);
        key(store, folder.path()).await.expect("the same key");
        let elsewhere = tempfile::tempdir().expect("a folder");
        for written in [false, true] {
            if written {
                std::fs::write(elsewhere.path().join("webhook-key"), "07".repeat(32))
                    .expect("a file");
            }
            let refused = key(store, elsewhere.path()).await;
            assert!(
                matches!(refused, Err(SealingError::OtherKey(_))),
                "{refused:?}"
            );
            let is_made = elsewhere.path().join("webhook-key").exists();
            assert_eq!(is_made, written, "no key is made for nothing");
        }
    }
}
