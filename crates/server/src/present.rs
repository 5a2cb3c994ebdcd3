//! Domain types in the words of the published contracts, converted by hand.
//!
//! Neither side may shape the other: a field of the contract that the domain does not have is filled here.

use payments::account::AccountBalance;
use payments::deposit::{Deposit, DepositState};
use payments::ids::AccountId;
use payments::invoice::{Invoice, InvoiceState};
use payments::metadata::Metadata;
use payments::network::Network;
use payments::onchain::{DepositAddress, OnchainDeposit, OnchainDepositState};
use payments::withdrawal::{Withdrawal, WithdrawalFailure, WithdrawalState};
use store::queries::transaction::Transaction;
use wire::bitvora::{
    self, LightningPayment, NetworkType, PaymentOutcome, RailType, TransactionStatus,
    TransactionType,
};
use wire::hercle::FailureReason;
use wire::number::{Sats, microsats_from_msat, whole_sats_from_msat};
use wire::time::Micros;

fn network_type(network: Network) -> NetworkType {
    match network {
        Network::Mainnet => NetworkType::Mainnet,
        Network::Testnet => NetworkType::Testnet,
        Network::Signet => NetworkType::Signet,
        Network::Regtest => NetworkType::Regtest,
    }
}

/// A time of the domain as the contracts write it.
#[must_use]
pub fn micros(time: jiff::Timestamp) -> Micros {
    Micros::from_unix_micros(time.as_microsecond())
}

/// What a client attached, as it was checked at the edge.
#[must_use]
pub fn metadata(metadata: Option<&Metadata>) -> wire::Metadata {
    let parsed = metadata.map(|metadata| wire::Metadata::from_json(metadata.as_json()));
    parsed
        .and_then(Result::ok)
        .unwrap_or_else(wire::Metadata::none)
}

/// What a client attached, for the domain to carry along.
#[must_use]
pub fn stored_metadata(metadata: &wire::Metadata) -> Option<Metadata> {
    (!metadata.is_none()).then(|| Metadata::from_json(metadata.to_json()))
}

fn whole_sats(amount: money::Msat) -> u64 {
    whole_sats_from_msat(amount.get()).unwrap_or(0)
}

/// An account's balance: what it can spend.
#[must_use]
pub fn balance(balance: &AccountBalance) -> bitvora::Balance {
    bitvora::Balance::from_msat(balance.available_msat.get())
}

/// The three statuses of the contract: every live state is `pending`.
fn withdrawal_status(state: WithdrawalState) -> TransactionStatus {
    match state {
        WithdrawalState::Unapproved | WithdrawalState::Reserved | WithdrawalState::Dispatched => {
            TransactionStatus::Pending
        }
        WithdrawalState::Settled => TransactionStatus::Settled,
        WithdrawalState::Failed => TransactionStatus::Failed,
    }
}

/// What a withdrawal costs beside its amount: the platform's fee, and the routing fee once it is known.
fn withdrawal_fee_msat(withdrawal: &Withdrawal) -> i64 {
    let charged = withdrawal.charged_routing_fee_msat().get();
    match withdrawal.state {
        WithdrawalState::Failed => 0,
        _ => withdrawal.amounts.platform_fee_msat.get() + charged,
    }
}

fn lnd_reason(failure: Option<WithdrawalFailure>) -> &'static str {
    match failure {
        Some(WithdrawalFailure::NoRoute) => "FAILURE_REASON_NO_ROUTE",
        Some(WithdrawalFailure::RecipientRejected) => "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS",
        Some(WithdrawalFailure::TimedOut | WithdrawalFailure::InvoiceExpired) => {
            "FAILURE_REASON_TIMEOUT"
        }
        _ => "FAILURE_REASON_ERROR",
    }
}

fn lightning_payment(withdrawal: &Withdrawal) -> Option<LightningPayment> {
    let preimage = withdrawal
        .preimage
        .map(|preimage| preimage.reveal())
        .unwrap_or_default();
    let outcome = match withdrawal.state {
        WithdrawalState::Unapproved | WithdrawalState::Reserved => return None,
        WithdrawalState::Dispatched => PaymentOutcome::InFlight,
        WithdrawalState::Settled => PaymentOutcome::Succeeded {
            preimage: &preimage,
            fee_msat: withdrawal.fee_msat.map_or(0, money::Msat::unsigned),
        },
        WithdrawalState::Failed => PaymentOutcome::Failed {
            reason: lnd_reason(withdrawal.failure),
        },
    };
    Some(LightningPayment::new(
        withdrawal.payment_hash.to_string(),
        withdrawal.bolt11.clone(),
        withdrawal.amounts.amount_msat.unsigned(),
        micros(withdrawal.created_at),
        outcome,
    ))
}

/// A withdrawal.
#[must_use]
pub fn withdrawal(withdrawal: &Withdrawal, network: Network) -> bitvora::Withdrawal {
    bitvora::Withdrawal {
        id: withdrawal.id.to_string(),
        company_id: withdrawal.account_id.to_string(),
        ledger_tx_id: withdrawal.hold_posting_id.to_string(),
        amount_sats: whole_sats(withdrawal.amounts.amount_msat),
        recipient: withdrawal.bolt11.clone(),
        fee_sats: Sats::from_msat(withdrawal_fee_msat(withdrawal)),
        network_type: network_type(network),
        rail_type: RailType::Lightning,
        status: withdrawal_status(withdrawal.state),
        lightning_payment: lightning_payment(withdrawal),
        chain_tx_id: None,
        metadata: metadata(withdrawal.metadata.as_ref()),
        created_at: micros(withdrawal.created_at),
        updated_at: micros(withdrawal.updated_at),
    }
}

fn deposit_status(state: DepositState) -> TransactionStatus {
    match state {
        DepositState::Settled => TransactionStatus::Settled,
        DepositState::Failed => TransactionStatus::Failed,
    }
}

/// A deposit.
#[must_use]
pub fn deposit(deposit: &Deposit, network: Network) -> bitvora::Deposit {
    bitvora::Deposit {
        id: deposit.id.to_string(),
        company_id: deposit.account_id.to_string(),
        ledger_tx_id: deposit
            .posting_id
            .map_or_else(String::new, |id| id.to_string()),
        recipient: deposit.bolt11.clone(),
        amount_sats: whole_sats(deposit.amount_msat),
        fee_sats: Sats::from_msat(deposit.platform_fee_msat.get()),
        chain_tx_id: None,
        rail_type: RailType::Lightning,
        network_type: network_type(network),
        status: deposit_status(deposit.state),
        metadata: metadata(deposit.metadata.as_ref()),
        lightning_invoice_id: deposit.invoice_id.map(|id| id.to_string()),
        created_at: micros(deposit.created_at),
        updated_at: micros(deposit.updated_at),
    }
}

/// The three statuses of the contract: what is credited is `settled`, also while it is disputed.
fn onchain_deposit_status(state: OnchainDepositState) -> TransactionStatus {
    match state {
        OnchainDepositState::Pending => TransactionStatus::Pending,
        OnchainDepositState::Settled | OnchainDepositState::Disputed => TransactionStatus::Settled,
        OnchainDepositState::Failed => TransactionStatus::Failed,
    }
}

/// An on-chain deposit.
#[must_use]
pub fn onchain_deposit(deposit: &OnchainDeposit, network: Network) -> bitvora::Deposit {
    bitvora::Deposit {
        id: deposit.id.to_string(),
        company_id: deposit.account_id.to_string(),
        ledger_tx_id: deposit
            .posting_id
            .map_or_else(String::new, |id| id.to_string()),
        recipient: deposit.address.clone(),
        amount_sats: whole_sats(deposit.amount_msat),
        fee_sats: Sats::from_msat(deposit.platform_fee_msat.get()),
        chain_tx_id: Some(deposit.outpoint.txid.to_string()),
        rail_type: RailType::Onchain,
        network_type: network_type(network),
        status: onchain_deposit_status(deposit.state),
        metadata: metadata(deposit.metadata.as_ref()),
        lightning_invoice_id: None,
        created_at: micros(deposit.created_at),
        updated_at: micros(deposit.updated_at),
    }
}

/// An on-chain address of an account.
#[must_use]
pub fn deposit_address(address: &DepositAddress, account: AccountId) -> bitvora::OnChainAddress {
    bitvora::OnChainAddress {
        id: address.id.to_string(),
        company_id: account.to_string(),
        address: address.address.clone(),
        metadata: metadata(address.metadata.as_ref()),
        created_at: micros(address.created_at),
        updated_at: micros(address.created_at),
    }
}

/// One row of the transaction list.
#[must_use]
pub fn transaction(transaction: &Transaction, network: Network) -> bitvora::Transaction {
    let fee_microsats = |fee_msat| microsats_from_msat(fee_msat).unwrap_or(0);
    match transaction {
        Transaction::Deposit(deposit) => bitvora::Transaction {
            id: deposit.id.to_string(),
            company_id: deposit.account_id.to_string(),
            amount_sats: whole_sats(deposit.amount_msat),
            recipient: deposit.bolt11.clone(),
            rail_type: RailType::Lightning,
            network_type: network_type(network),
            kind: TransactionType::Deposit,
            fee_microsats: fee_microsats(deposit.platform_fee_msat.get()),
            status: deposit_status(deposit.state),
            created_at: micros(deposit.created_at),
            updated_at: micros(deposit.updated_at),
        },
        Transaction::OnchainDeposit(deposit) => bitvora::Transaction {
            id: deposit.id.to_string(),
            company_id: deposit.account_id.to_string(),
            amount_sats: whole_sats(deposit.amount_msat),
            recipient: deposit.address.clone(),
            rail_type: RailType::Onchain,
            network_type: network_type(network),
            kind: TransactionType::Deposit,
            fee_microsats: fee_microsats(deposit.platform_fee_msat.get()),
            status: onchain_deposit_status(deposit.state),
            created_at: micros(deposit.created_at),
            updated_at: micros(deposit.updated_at),
        },
        Transaction::Withdrawal(withdrawal) => bitvora::Transaction {
            id: withdrawal.id.to_string(),
            company_id: withdrawal.account_id.to_string(),
            amount_sats: whole_sats(withdrawal.amounts.amount_msat),
            recipient: withdrawal.bolt11.clone(),
            rail_type: RailType::Lightning,
            network_type: network_type(network),
            kind: TransactionType::Withdrawal,
            fee_microsats: fee_microsats(withdrawal_fee_msat(withdrawal)),
            status: withdrawal_status(withdrawal.state),
            created_at: micros(withdrawal.created_at),
            updated_at: micros(withdrawal.updated_at),
        },
    }
}

/// What the customer attached to a transaction, or to its invoice.
#[must_use]
pub fn metadata_of(transaction: &Transaction) -> wire::Metadata {
    metadata(match transaction {
        Transaction::Deposit(deposit) => deposit.metadata.as_ref(),
        Transaction::Withdrawal(withdrawal) => withdrawal.metadata.as_ref(),
        Transaction::OnchainDeposit(deposit) => deposit.metadata.as_ref(),
    })
}

/// An invoice of ours; `node_id` is our node's public key.
#[must_use]
pub fn invoice(invoice: &Invoice, node_id: &str) -> bitvora::Invoice {
    let lifetime = invoice
        .expires_at
        .duration_since(invoice.created_at)
        .as_secs();
    bitvora::Invoice {
        id: invoice.id.to_string(),
        company_id: invoice.account_id.to_string(),
        node_id: node_id.to_owned(),
        memo: invoice.description.clone(),
        r_preimage: String::new(),
        r_hash: invoice.payment_hash.to_string(),
        amount_sats: invoice.amount_msat.map_or(0, whole_sats),
        state: match invoice.state {
            InvoiceState::Open => bitvora::InvoiceState::Open,
            InvoiceState::Settled => bitvora::InvoiceState::Settled,
            InvoiceState::Expired => bitvora::InvoiceState::Canceled,
        },
        settled_at: invoice.settled_at.map(micros),
        payment_request: invoice.bolt11.clone(),
        description_hash: String::new(),
        expiry_seconds: u64::try_from(lifetime).unwrap_or(0),
        metadata: metadata(invoice.metadata.as_ref()),
        lightning_address_id: None,
        created_at: micros(invoice.created_at),
        updated_at: micros(invoice.updated_at),
    }
}

/// Why a withdrawal failed, in the words of the hub's contract.
#[must_use]
pub fn failure_reason(failure: WithdrawalFailure) -> FailureReason {
    match failure {
        WithdrawalFailure::RecipientRejected => FailureReason::IncorrectPaymentDetails,
        WithdrawalFailure::NoRoute => FailureReason::NoRoute,
        WithdrawalFailure::InvoiceExpired => FailureReason::InvoiceExpired,
        WithdrawalFailure::TimedOut => FailureReason::Timeout,
        WithdrawalFailure::Disapproved => FailureReason::RiskScreeningFailed,
        WithdrawalFailure::InvalidInvoice | WithdrawalFailure::Unexpected => FailureReason::Error,
    }
}
