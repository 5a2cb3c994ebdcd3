//! The bytes of every event, for webhooks and for the hub: pure, and made once.

use payments::event::{Event, EventKind, EventSubject};
use payments::network::Network;
use payments::ports::{EventBodies, EventBody};
use payments::withdrawal::{Withdrawal, WithdrawalFailure};
use wire::bitvora::{self, EventName};
use wire::hercle::{DataFormat, Envelope, Subject, WithdrawalCreated};

use crate::present;

/// Renders events in the words of the published contracts.
#[derive(Debug, Clone, Copy)]
pub struct WireBodies {
    /// The network that bodies name.
    pub network: Network,
}

impl EventBodies for WireBodies {
    fn render(&self, event: &Event) -> EventBody {
        match &event.subject {
            EventSubject::Withdrawal(withdrawal) => self.withdrawal(event.kind, withdrawal),
            EventSubject::Deposit(deposit) => {
                self.deposit(event.kind, &present::deposit(deposit, self.network))
            }
            EventSubject::OnchainDeposit(deposit) => {
                self.deposit(event.kind, &present::onchain_deposit(deposit, self.network))
            }
        }
    }
}

impl WireBodies {
    fn withdrawal(&self, kind: EventKind, withdrawal: &Withdrawal) -> EventBody {
        let body = present::withdrawal(withdrawal, self.network);
        EventBody {
            webhook: bitvora::withdrawal_event(event_name(kind), &body),
            hub: hub_envelope(kind, withdrawal).to_json().into_bytes(),
        }
    }

    /// Deposits are not told of on the hub: its contract has no event for them.
    fn deposit(self, kind: EventKind, body: &bitvora::Deposit) -> EventBody {
        EventBody {
            webhook: bitvora::deposit_event(event_name(kind), body),
            hub: Vec::new(),
        }
    }
}

/// The name of an event in the webhook contract.
#[must_use]
pub fn event_name(kind: EventKind) -> EventName {
    match kind {
        EventKind::DepositLightningCompleted => EventName::DepositLightningCompleted,
        EventKind::DepositLightningFailed => EventName::DepositLightningFailed,
        EventKind::WithdrawalLightningPending => EventName::WithdrawalLightningPending,
        EventKind::WithdrawalLightningCompleted => EventName::WithdrawalLightningCompleted,
        EventKind::WithdrawalLightningFailed => EventName::WithdrawalLightningFailed,
        EventKind::DepositOnchainPending => EventName::DepositOnchainPending,
        EventKind::DepositOnchainCompleted => EventName::DepositOnchainCompleted,
        EventKind::DepositOnchainFailed => EventName::DepositOnchainFailed,
    }
}

fn hub_envelope(kind: EventKind, withdrawal: &Withdrawal) -> Envelope {
    let client_id = withdrawal.client_id.clone().unwrap_or_default();
    let created = WithdrawalCreated::new(
        withdrawal.id.to_string(),
        withdrawal.amounts.amount_msat.get(),
        withdrawal.destination.to_string(),
    );
    let format = DataFormat::Object;
    match kind {
        EventKind::WithdrawalLightningCompleted => {
            let fee_msat = withdrawal.charged_routing_fee_msat().get();
            let preimage = withdrawal.preimage.map(|preimage| preimage.reveal());
            let data = created.completed(fee_msat, preimage.unwrap_or_default());
            Envelope::new(Subject::WithdrawalCompleted, client_id, &data, format)
        }
        EventKind::WithdrawalLightningFailed => {
            let failure = withdrawal.failure.unwrap_or(WithdrawalFailure::Unexpected);
            let data = created.failed(present::failure_reason(failure));
            Envelope::new(Subject::WithdrawalFailed, client_id, &data, format)
        }
        _ => Envelope::new(Subject::WithdrawalCreated, client_id, &created, format),
    }
}
