//! The admin API, `/admin/v1/…`: webhooks, accounts, API keys, money in suspense and the node.
//!
//! It is this project's own. A secret stands in the answer that creates it and nowhere else.

mod account;
mod console;
mod node;
mod person;
mod suspense;
mod webhook;

pub use account::{
    Account, AccountWithBalance, ApiKey, CreateAccountRequest, CreateKeyRequest, CreatedApiKey,
    KeyBudget, KeySettings,
};
pub use console::{Activity, ActivityDay, Server, ServerState, Story, StoryDelivery, StoryEntry};
pub use node::{
    CloseChannelRequest, ClosingChannel, ConnectPeerRequest, Node, NodeAddress, NodeChannel,
    NodePeer, NodeWallet, OpenChannelRequest,
};
pub use person::{AdminAct, AdminSession, AdminUser, Credentials};
pub use suspense::{AssignSuspendedRequest, SuspendedItem};
pub use webhook::{
    AttemptLatency, CreateWebhookRequest, CreatedWebhook, ReplayRequest, Replayed, RotateRequest,
    TestMessage, Webhook, WebhookAttempt, WebhookDeliveries, WebhookDelivery,
    WebhookDeliveryDetails, WebhookSettings, test_event,
};

#[cfg(test)]
mod tests;
