//! The operator puts money of its own into the node.
//!
//! A channel that carries our money from its start is booked once, by its id.

use money::Msat;

use crate::account::SystemAccount;
use crate::posting::{Fact, FactKind, Leg, Posting, PostingCode};

/// Books `amount_msat` that stands on our side of a new channel.
pub fn added(channel_id: Vec<u8>, amount_msat: Msat) -> Posting {
    Posting {
        code: PostingCode::CapitalAdded,
        fact: Fact {
            kind: FactKind::Channel,
            id: channel_id,
        },
        legs: vec![Leg::Transfer {
            debit: SystemAccount::LightningFloat.number(),
            credit: SystemAccount::OperatorCapital.number(),
            amount_msat,
        }],
    }
}
