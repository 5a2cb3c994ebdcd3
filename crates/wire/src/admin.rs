//! The admin API, `/admin/v1/…`: webhooks, accounts, API keys and money in suspense.
//!
//! It is this project's own. A secret stands in the answer that creates it and nowhere else.

mod account;
mod suspense;
mod webhook;

pub use account::{Account, ApiKey, CreateAccountRequest, CreateKeyRequest, CreatedApiKey};
pub use suspense::{AssignSuspendedRequest, SuspendedItem};
pub use webhook::{CreateWebhookRequest, CreatedWebhook, Webhook};

#[cfg(test)]
mod tests;
