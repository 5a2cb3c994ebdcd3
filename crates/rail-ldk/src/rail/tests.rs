//! Every answer of the node to a payment, as the three words of the domain.

use lightning::types::payment::{PaymentHash as LdkHash, PaymentPreimage as LdkPreimage};
use money::Msat;

use super::*;

/// Every error of ldk-node 0.7.1.
const ERRORS: [NodeError; 55] = {
    use NodeError::*;
    [
        AlreadyRunning,
        NotRunning,
        OnchainTxCreationFailed,
        ConnectionFailed,
        InvoiceCreationFailed,
        InvoiceRequestCreationFailed,
        OfferCreationFailed,
        RefundCreationFailed,
        PaymentSendingFailed,
        InvalidCustomTlvs,
        ProbeSendingFailed,
        ChannelCreationFailed,
        ChannelClosingFailed,
        ChannelSplicingFailed,
        ChannelConfigUpdateFailed,
        PersistenceFailed,
        FeerateEstimationUpdateFailed,
        FeerateEstimationUpdateTimeout,
        WalletOperationFailed,
        WalletOperationTimeout,
        OnchainTxSigningFailed,
        TxSyncFailed,
        TxSyncTimeout,
        GossipUpdateFailed,
        GossipUpdateTimeout,
        LiquidityRequestFailed,
        UriParameterParsingFailed,
        InvalidAddress,
        InvalidSocketAddress,
        InvalidPublicKey,
        InvalidSecretKey,
        InvalidOfferId,
        InvalidNodeId,
        InvalidPaymentId,
        InvalidPaymentHash,
        InvalidPaymentPreimage,
        InvalidPaymentSecret,
        InvalidAmount,
        InvalidInvoice,
        InvalidOffer,
        InvalidRefund,
        InvalidChannelId,
        InvalidNetwork,
        InvalidUri,
        InvalidQuantity,
        InvalidNodeAlias,
        InvalidDateTime,
        InvalidFeeRate,
        DuplicatePayment,
        UnsupportedCurrency,
        InsufficientFunds,
        LiquiditySourceUnavailable,
        LiquidityFeeTooHigh,
        InvalidBlindedPaths,
        AsyncPaymentServicesDisabled,
    ]
};

fn no_record() -> RailPayment {
    panic!("only a duplicate looks at the record")
}

#[test]
fn only_three_errors_of_the_node_are_certainly_unsent() {
    for error in ERRORS {
        let expected = match error {
            NodeError::NotRunning => PayAnswer::Rejected(Rejection::NotReady),
            NodeError::InvalidInvoice => PayAnswer::Rejected(Rejection::InvalidInvoice),
            NodeError::PaymentSendingFailed => PayAnswer::Rejected(Rejection::NoRoute),
            NodeError::DuplicatePayment => continue,
            _ => PayAnswer::Unknown,
        };
        let refusal = || Rejection::NoRoute;
        assert_eq!(answer(error, refusal, no_record), expected, "{error:?}");
    }
}

#[test]
fn a_duplicate_is_paid_only_when_its_record_proves_it() {
    let preimage = PaymentPreimage::from_bytes([3; 32]);
    let fee_msat = Msat::new(7).expect("in range");
    let succeeded = |preimage, fee_msat| RailPayment::Succeeded {
        preimage,
        fee_msat,
        amount_msat: None,
    };
    let refusal = || panic!("a duplicate is not refused for want of room");
    let duplicate = |record: RailPayment| answer(NodeError::DuplicatePayment, refusal, || record);
    let paid = PayAnswer::Paid { preimage, fee_msat };
    assert_eq!(duplicate(succeeded(Some(preimage), Some(fee_msat))), paid);
    for record in [
        succeeded(None, Some(fee_msat)),
        succeeded(Some(preimage), None),
        RailPayment::Pending,
        RailPayment::Failed,
        RailPayment::NotFound,
    ] {
        assert_eq!(duplicate(record.clone()), PayAnswer::Unknown, "{record:?}");
    }
}

fn record(direction: PaymentDirection, status: PaymentStatus) -> PaymentDetails {
    let kind = PaymentKind::Bolt11 {
        hash: LdkHash([1; 32]),
        preimage: Some(LdkPreimage([3; 32])),
        secret: None,
    };
    PaymentDetails {
        id: PaymentId([1; 32]),
        kind,
        amount_msat: Some(1_000),
        fee_paid_msat: Some(7),
        direction,
        status,
        latest_update_timestamp: 0,
    }
}

#[test]
fn an_outbound_record_tells_how_its_payment_stands() {
    let told = |status| rail_payment(Some(record(PaymentDirection::Outbound, status)));
    let succeeded = RailPayment::Succeeded {
        preimage: Some(PaymentPreimage::from_bytes([3; 32])),
        fee_msat: Some(Msat::new(7).expect("in range")),
        amount_msat: Some(Msat::new(1_000).expect("in range")),
    };
    assert_eq!(told(PaymentStatus::Pending), RailPayment::Pending);
    assert_eq!(told(PaymentStatus::Failed), RailPayment::Failed);
    assert_eq!(told(PaymentStatus::Succeeded), succeeded);
    assert_eq!(rail_payment(None), RailPayment::NotFound);
}

#[test]
fn an_inbound_record_says_nothing_about_an_outbound_payment() {
    for status in [
        PaymentStatus::Pending,
        PaymentStatus::Failed,
        PaymentStatus::Succeeded,
    ] {
        let inbound = record(PaymentDirection::Inbound, status);
        assert!(!is_unsent(&inbound));
        assert_eq!(rail_payment(Some(inbound)), RailPayment::NotFound);
    }
}

#[test]
fn the_record_of_a_success_is_never_forgotten() {
    assert!(!is_unsent(&record(
        PaymentDirection::Outbound,
        PaymentStatus::Succeeded
    )));
    assert!(is_unsent(&record(
        PaymentDirection::Outbound,
        PaymentStatus::Pending
    )));
}
