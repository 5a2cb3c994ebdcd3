//! The body of a webhook (contract section 4): `{"event", "data"}`, as bytes.
//!
//! The bytes are stored, signed and sent as they are. They must survive
//! `JSON.stringify(JSON.parse(body))`, because the documented check hashes the parsed body again.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::event::EventName;
use super::transaction::{Deposit, Withdrawal};

#[derive(Serialize)]
struct Body {
    event: EventName,
    data: BTreeMap<String, Box<RawValue>>,
}

/// The body of a deposit event, with the fields of the documented sample: those of the deposit
/// without `company_id` and `ledger_tx_id`, in alphabetical order.
#[must_use]
pub fn deposit_event(event: EventName, deposit: &Deposit) -> Vec<u8> {
    let mut data = alphabetical(deposit);
    data.remove("company_id");
    data.remove("ledger_tx_id");
    bytes(&Body { event, data })
}

/// The body of a withdrawal event: the whole withdrawal, its fields in alphabetical order.
#[must_use]
pub fn withdrawal_event(event: EventName, withdrawal: &Withdrawal) -> Vec<u8> {
    bytes(&Body {
        event,
        data: alphabetical(withdrawal),
    })
}

/// The fields of an object by name, each value still in its own bytes.
fn alphabetical<T: Serialize>(object: &T) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_slice(&bytes(object)).expect("an object with unique string keys")
}

fn bytes<T: Serialize>(body: &T) -> Vec<u8> {
    serde_json::to_vec(body).expect("strings, integers and plain decimals always serialise")
}
