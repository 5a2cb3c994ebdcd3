//! The words that stand in the database and on the wire, and the texts that people see: a change of one would orphan
//! what was stored under it.

use std::sync::Arc;

use jiff::Timestamp;
use payments::deposit::DepositState;
use payments::event::EventKind;
use payments::ids::{DepositId, Ids, WithdrawalId};
use payments::invoice::{InvoiceState, MAX_EXPIRY_SECONDS};
use payments::metadata::Metadata;
use payments::network::{Network, ParseNetworkError};
use payments::ports::{Clock, Entropy};
use payments::webhook::{EndpointState, SealedSecret};

#[test]
fn a_stored_word_is_the_same_for_ever_and_reads_back() {
    let deposits = DepositState::ALL.map(DepositState::name);
    assert_eq!(deposits, ["settled", "failed"]);
    assert_eq!(
        deposits.map(DepositState::from_name),
        DepositState::ALL.map(Some)
    );
    let invoices = InvoiceState::ALL.map(InvoiceState::name);
    assert_eq!(invoices, ["open", "settled", "expired"]);
    assert_eq!(
        invoices.map(InvoiceState::from_name),
        InvoiceState::ALL.map(Some)
    );
    let events = EventKind::ALL.map(EventKind::name);
    let contract = [
        "deposit.lightning.completed",
        "deposit.lightning.failed",
        "withdrawal.lightning.pending",
        "withdrawal.lightning.completed",
        "withdrawal.lightning.failed",
        "deposit.onchain.pending",
        "deposit.onchain.completed",
        "deposit.onchain.failed",
    ];
    assert_eq!(events, contract);
    assert_eq!(events.map(EventKind::from_name), EventKind::ALL.map(Some));
    let endpoints = ["active", "disabled"].map(EndpointState::from_name);
    assert_eq!(
        endpoints,
        [Some(EndpointState::Active), Some(EndpointState::Disabled)]
    );
    assert_eq!(EndpointState::Active.name(), "active");
    assert_eq!(EndpointState::Disabled.name(), "disabled");
    assert_eq!(DepositState::from_name("open"), None);
    assert_eq!(InvoiceState::from_name("failed"), None);
    assert_eq!(EventKind::from_name("deposit.lightning"), None);
}

#[test]
fn a_network_is_read_by_the_name_that_it_shows() {
    let names = ["mainnet", "testnet", "signet", "regtest"];
    let networks = [
        Network::Mainnet,
        Network::Testnet,
        Network::Signet,
        Network::Regtest,
    ];
    assert_eq!(names.map(str::parse), networks.map(Ok));
    assert_eq!(networks.map(|network| network.to_string()), names);
    assert_eq!("simnet".parse::<Network>(), Err(ParseNetworkError));
}

#[test]
fn an_invoice_may_be_open_for_thirty_days() {
    assert_eq!(MAX_EXPIRY_SECONDS, 2_592_000);
}

#[test]
fn a_sealed_secret_is_shown_on_purpose_only() {
    let secret = SealedSecret::from_stored("ab12".to_owned());
    assert_eq!(secret.as_stored(), "ab12");
    assert_eq!(format!("{secret:?}"), "SealedSecret(hidden)");
}

#[test]
fn metadata_keeps_its_text_and_hides_it_in_debug() {
    let metadata = Metadata::from_json("{\"table\":\"4\"}".to_owned());
    assert_eq!(metadata.as_json(), "{\"table\":\"4\"}");
    assert_eq!(format!("{metadata:?}"), "Metadata(13 bytes)");
}

/// The time that RFC 9562 shows its UUIDv7 with.
struct Then;

impl Clock for Then {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(0x017f_22e2_79b0).expect("in range")
    }
}

struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x77);
    }
}

#[test]
fn an_id_is_a_uuid_of_its_time_and_reads_back() {
    let ids = Ids::new(Arc::new(Then), Arc::new(Sevens));
    let id: WithdrawalId = ids.fresh();
    let text = "017f22e2-79b0-7777-b777-777777777777";
    assert_eq!((id.to_string().as_str(), text.parse()), (text, Ok(id)));
    assert_eq!(WithdrawalId::from_bytes(id.to_bytes()), id);
    assert_eq!(ids.fresh_bytes(), id.to_bytes());
    assert!("017f22e2".parse::<DepositId>().is_err());
}
