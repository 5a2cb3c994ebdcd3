//! The node as the engine sees it: the port `Rail`, with a point to die at before and after every call.

use std::collections::HashSet;
use std::time::Duration;

use bitcoin::secp256k1::PublicKey;
use jiff::Timestamp;
use money::Msat;
use payments::payment_hash::PaymentHash;
use payments::ports::{
    Clock, CreateInvoiceError, Direction, ForgetError, InvoiceRequest, NodeStateError, PayAnswer,
    PayRequest, PaymentFailure, Rail, RailEvent, RailInvoice, RailPayment, RailRecord, Rejection,
    StoredPayments,
};

use super::super::dice::Dice;
use super::{Call, Node, Outbound, Stage, State, describe, failed, short};
use crate::invoice::{InvoiceSpec, payee};

/// The node of ours: see [`crate::payee`].
pub(in super::super) const OUR_NODE: u8 = 1;

/// What becomes of a call to pay.
#[derive(Debug, Clone, Copy)]
enum Sent {
    /// Under way, as LDK said.
    Ok,
    /// Under way, and the record could not be written.
    WithoutRecord,
    /// Nothing was sent, and the answer was lost.
    Lost,
    /// The payee has it before the call returns.
    Paid,
    /// It was taken, and the only route was gone a moment later.
    CameBackAtOnce,
    Refused(Rejection),
}

impl Sent {
    fn draw(dice: &mut Dice, unreliable: bool) -> Self {
        let faults = if unreliable { 1 } else { 0 };
        dice.weighted(&[
            (40, Self::Ok),
            (6 * faults, Self::WithoutRecord),
            (5 * faults, Self::Lost),
            (5, Self::Paid),
            (5, Self::CameBackAtOnce),
            (8, Self::Refused(Rejection::NoRoute)),
            (3, Self::Refused(Rejection::NotReady)),
            (3, Self::Refused(Rejection::NoRoom)),
            (2, Self::Refused(Rejection::InvalidInvoice)),
        ])
    }
}

impl State {
    fn send(&mut self, request: &PayRequest, now: Timestamp, dice: &mut Dice) -> PayAnswer {
        let fee_limit_msat = i128::from(request.fee_limit_msat.get());
        self.calls.push(Call {
            payment_hash: request.payment_hash,
            fee_limit_msat,
        });
        let can_still_tell = self.can_still_tell(&request.payment_hash);
        let beside_msat = request.amount_msat.map(|msat| i128::from(msat.get()));
        let Some((preimage, stated_msat)) = self.payees.get(request.payment_hash.as_bytes()) else {
            let hash = request.payment_hash;
            self.violations.push(format!(
                "the node was asked to pay {hash}, which nobody asked for"
            ));
            return PayAnswer::Rejected(Rejection::InvalidInvoice);
        };
        let payment = self
            .outbound
            .entry(*request.payment_hash.as_bytes())
            .or_insert(Outbound {
                stage: Stage::Idle,
                amount_msat: 0,
                fee_limit_msat,
                preimage: *preimage,
                fee_msat: 0,
                is_in_doubt: false,
                record: RailPayment::NotFound,
                recorded_at: now,
                lied: false,
                fee_is_untold: false,
                success_acknowledged: 0,
                failure_acknowledged: 0,
            });
        if stated_msat.is_some() == beside_msat.is_some() {
            let found = format!(
                "{} states {stated_msat:?}, and {beside_msat:?} was given",
                request.payment_hash
            );
            self.violations.push(found);
        }
        let is_resent = payment.stage != Stage::Idle || payment.is_in_doubt || can_still_tell;
        if is_resent && !payment.lied {
            self.violations.push(format!(
                "{} was sent again while an earlier attempt was {:?}, in doubt: {}, its failure can come back: {}",
                request.payment_hash, payment.stage, payment.is_in_doubt, can_still_tell
            ));
        }
        // LDK looks for a route before it looks for a duplicate.
        if payment.stage != Stage::Idle {
            return if dice.percent(50) {
                PayAnswer::Rejected(Rejection::NoRoute)
            } else {
                PayAnswer::Unknown
            };
        }
        payment.fee_limit_msat = fee_limit_msat;
        payment.amount_msat = stated_msat.or(beside_msat).unwrap_or(0);
        if payment.record == RailPayment::Pending {
            // A record without a payment: ldk-node says that it is a duplicate, now and for ever.
            if !payment.lied {
                let hash = request.payment_hash;
                self.violations
                    .push(format!("{hash} was sent with its stale record in the way"));
            }
            payment.is_in_doubt = true;
            return PayAnswer::Unknown;
        }
        let sent = Sent::draw(dice, self.faults.unreliable);
        self.carry_out(request.payment_hash, sent, dice)
    }

    fn carry_out(&mut self, hash: PaymentHash, sent: Sent, dice: &mut Dice) -> PayAnswer {
        let Some(payment) = self.outbound.get_mut(hash.as_bytes()) else {
            return PayAnswer::Unknown;
        };
        payment.is_in_doubt = true;
        match sent {
            Sent::Ok => {
                payment.stage = if dice.percent(50) {
                    Stage::InMemory
                } else {
                    Stage::InFlight
                };
                payment.record = RailPayment::Pending;
            }
            Sent::WithoutRecord => payment.stage = Stage::InFlight,
            Sent::Lost => {}
            Sent::Paid => {
                payment.stage = Stage::InFlight;
                payment.record = RailPayment::Pending;
                let fee_msat = dice.below(payment.fee_limit_msat.unsigned_abs() as u64 + 1);
                let preimage = payment.preimage;
                self.settle(hash, i128::from(fee_msat), true, dice);
                let fee_msat = Msat::from_unsigned(fee_msat).expect("a fee within its reserve");
                return PayAnswer::Paid { preimage, fee_msat };
            }
            Sent::CameBackAtOnce => {
                payment.record = RailPayment::Failed;
                self.tell(failed(hash, PaymentFailure::RouteNotFound));
            }
            Sent::Refused(rejection) => {
                payment.is_in_doubt = false;
                if matches!(rejection, Rejection::NoRoute | Rejection::NoRoom) {
                    payment.record = RailPayment::Failed;
                }
                return PayAnswer::Rejected(rejection);
            }
        }
        PayAnswer::Unknown
    }

    fn acknowledged(&mut self, event: RailEvent) {
        match &event {
            RailEvent::PaymentSucceeded { payment_hash, .. } => {
                match self.outbound.get_mut(payment_hash.as_bytes()) {
                    Some(payment) => {
                        payment.success_acknowledged += 1;
                        let is_first = payment.success_acknowledged == 1;
                        self.alarms += u64::from(payment.fee_is_untold && is_first);
                    }
                    None => match self.stolen.get_mut(payment_hash.as_bytes()) {
                        Some(stolen) => stolen.is_acknowledged = true,
                        None => self.alarms += 1,
                    },
                }
            }
            RailEvent::PaymentFailed { payment_hash, .. } => {
                if let Some(payment) = self.outbound.get_mut(payment_hash.as_bytes()) {
                    payment.failure_acknowledged += 1;
                    payment.is_in_doubt = false;
                }
            }
            RailEvent::PaymentReceived {
                payment_hash,
                amount_msat,
            } => {
                let key = (*payment_hash.as_bytes(), i128::from(amount_msat.get()));
                if let Some(payment) = self.inbound.get_mut(&key) {
                    payment.is_acknowledged = true;
                }
            }
            RailEvent::ChannelClosed { .. } | RailEvent::Other(_) => {}
        }
        self.unsettled.push(event);
    }
}

impl StoredPayments for Node {
    fn never_sent(&self, hashes: &[PaymentHash]) -> Result<HashSet<PaymentHash>, NodeStateError> {
        self.fate.point("before the stored node is searched");
        let state = self.state();
        let stands_somewhere = |hash: &PaymentHash| {
            let payment = state.outbound.get(hash.as_bytes());
            payment.is_some_and(|payment| payment.stage == Stage::InFlight)
                || state.can_still_tell(hash)
        };
        Ok(hashes
            .iter()
            .copied()
            .filter(|hash| !stands_somewhere(hash))
            .collect())
    }
}

impl Rail for Node {
    fn node_id(&self) -> PublicKey {
        payee(OUR_NODE)
    }

    fn create_invoice(&self, request: &InvoiceRequest) -> Result<RailInvoice, CreateInvoiceError> {
        self.fate.point("before the node makes an invoice");
        let is_unreliable = self.state().faults.unreliable;
        if is_unreliable && self.fate.draw(|dice| dice.percent(5)) {
            return Err(CreateInvoiceError::Unavailable("the node is off".into()));
        }
        let signed = InvoiceSpec {
            amount_msat: request.amount_msat.map(Msat::unsigned),
            description: request.description.clone(),
            expiry_seconds: request.expiry_seconds.into(),
            node: OUR_NODE,
            ..InvoiceSpec::new(0, self.clock.now())
        }
        .sign_with(self.fate.draw(Dice::bytes));
        self.fate.point("after the node made an invoice");
        Ok(RailInvoice {
            bolt11: signed.bolt11,
            payment_hash: signed.payment_hash,
        })
    }

    fn pay(&self, request: &PayRequest) -> PayAnswer {
        self.fate.point("before the node is asked to pay");
        let answer = self
            .fate
            .draw(|dice| self.state().send(request, self.clock.now(), dice));
        self.fate.note(format!(
            "    the node is asked to pay {}: {}",
            short(&request.payment_hash),
            told(&answer)
        ));
        self.fate.point("after the node was asked to pay");
        self.meanwhile();
        self.fate.point("before the node's answer");
        answer
    }

    fn payment(&self, payment_hash: &PaymentHash) -> RailPayment {
        self.fate.point("before a record is read");
        let state = self.state();
        if let Some(stolen) = state.stolen.get(payment_hash.as_bytes()) {
            let msat = |amount_msat: i128| {
                i64::try_from(amount_msat)
                    .ok()
                    .and_then(|msat| Msat::new(msat).ok())
            };
            return RailPayment::Succeeded {
                preimage: None,
                fee_msat: msat(stolen.fee_msat),
                amount_msat: msat(stolen.amount_msat),
            };
        }
        let payment = state.outbound.get(payment_hash.as_bytes());
        payment.map_or(RailPayment::NotFound, |payment| payment.record.clone())
    }

    fn next_event(&self, _wait: Duration) -> Option<RailEvent> {
        self.fate.point("before an event is given");
        let mut state = self.state();
        let event = state.queue.front().cloned()?;
        state.is_given = true;
        drop(state);
        self.fate
            .note(format!("    the node tells the {}", describe(&event)));
        Some(event)
    }

    fn acknowledge(&self) {
        self.fate.point("before an acknowledgement");
        let mut state = self.state();
        let is_lost = state.faults.unreliable && self.fate.draw(|dice| dice.percent(3));
        if state.is_given
            && !is_lost
            && let Some(event) = state.queue.pop_front()
        {
            state.is_given = false;
            state.acknowledged(event);
        }
        drop(state);
        self.fate.point("after an acknowledgement");
    }

    fn failure_is_final(&self, payment_hash: &PaymentHash) -> bool {
        self.fate
            .point("before it is asked whether a failure is final");
        !self.state().can_still_tell(payment_hash)
    }

    fn forget_unsent(&self, payment_hash: &PaymentHash) -> Result<(), ForgetError> {
        self.fate.point("before a record is removed");
        let mut state = self.state();
        if let Some(payment) = state.outbound.get_mut(payment_hash.as_bytes()) {
            if matches!(payment.record, RailPayment::Succeeded { .. }) {
                return Err(ForgetError::Paid(*payment_hash));
            }
            if payment.stage != Stage::Idle && !payment.lied {
                let found = format!(
                    "the record of {payment_hash} was removed while it was {:?}",
                    payment.stage
                );
                state.violations.push(found);
                return Ok(());
            }
            payment.record = RailPayment::NotFound;
        }
        drop(state);
        self.fate.point("after a record was removed");
        Ok(())
    }

    fn old_records(&self, before: Timestamp) -> Vec<RailRecord> {
        self.fate.point("before old records are listed");
        let state = self.state();
        let outbound = state
            .outbound
            .iter()
            .filter(|(_, payment)| payment.record != RailPayment::NotFound);
        let outbound =
            outbound.map(|(hash, payment)| (*hash, Direction::Outbound, payment.recorded_at));
        let inbound = state
            .inbound
            .iter()
            .map(|((hash, _), payment)| (*hash, Direction::Inbound, payment.claimed_at));
        let records = outbound
            .chain(inbound)
            .map(|(hash, direction, updated_at)| RailRecord {
                payment_hash: PaymentHash::from_bytes(hash),
                direction,
                updated_at,
            });
        records
            .filter(|record| record.updated_at < before)
            .collect()
    }

    fn forget_record(&self, payment_hash: &PaymentHash) -> Result<(), ForgetError> {
        self.fate.point("before an old record is removed");
        if let Some(payment) = self.state().outbound.get_mut(payment_hash.as_bytes()) {
            payment.record = RailPayment::NotFound;
        }
        Ok(())
    }
}

fn told(answer: &PayAnswer) -> String {
    match answer {
        PayAnswer::Paid { fee_msat, .. } => format!("paid, for a fee of {fee_msat}"),
        PayAnswer::Rejected(rejection) => format!("rejected, {rejection:?}"),
        PayAnswer::Unknown => "unknown".to_owned(),
    }
}
