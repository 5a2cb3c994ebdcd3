//! Lightning addresses and on-chain deposit addresses (contract sections 3.9 and 3.10).
//!
//! `handle`, `domain` and `address` may never be null.

use serde::Serialize;

use crate::Metadata;
use crate::schema::describe;
use crate::time::Micros;

/// A Lightning address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LightningAddress {
    /// Its id.
    pub id: String,
    /// The id of the account.
    pub company_id: String,
    /// The part before the `@`.
    pub handle: String,
    /// The part after the `@`.
    pub domain: String,
    /// Both, with the `@`.
    pub address: String,
    /// The metadata of the request.
    pub metadata: Metadata,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// When it was last paid.
    pub last_used_at: Option<Micros>,
    /// When it was deleted.
    pub deleted_at: Option<Micros>,
}

/// An on-chain deposit address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OnChainAddress {
    /// Its id.
    pub id: String,
    /// The id of the account.
    pub company_id: String,
    /// The Bitcoin address.
    pub address: String,
    /// The metadata of the request.
    pub metadata: Metadata,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
}

describe! { LightningAddress, "LightningAddress", flat [],
    id => "id",
    company_id => "company_id",
    handle => "handle",
    domain => "domain",
    address => "address",
    metadata => "metadata",
    created_at => "created_at",
    updated_at => "updated_at",
    last_used_at => "last_used_at",
    deleted_at => "deleted_at",
}

describe! { OnChainAddress, "OnChainAddress", flat [],
    id => "id",
    company_id => "company_id",
    address => "address",
    metadata => "metadata",
    created_at => "created_at",
    updated_at => "updated_at",
}
