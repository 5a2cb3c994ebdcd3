//! The admin API, `/admin/v1/…`: webhooks, accounts and API keys.
//!
//! It is this project's own. A secret stands in the answer that creates it and nowhere else.

mod account;
mod webhook;

pub use account::{Account, ApiKey, CreateAccountRequest, CreateKeyRequest, CreatedApiKey};
pub use webhook::{CreateWebhookRequest, CreatedWebhook, Webhook};

#[cfg(test)]
mod tests;
