//! What happens at the node and in the network by itself.

use jiff::Timestamp;
use money::Msat;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::{PaymentFailure, RailEvent, RailPayment};

use super::super::dice::Dice;
use super::{Inbound, Stage, State, Stolen, describe, failed, short};

const REASONS: [PaymentFailure; 5] = [
    PaymentFailure::RecipientRejected,
    PaymentFailure::RouteNotFound,
    PaymentFailure::RetriesExhausted,
    PaymentFailure::Expired,
    PaymentFailure::Unexpected,
];

impl State {
    /// LDK makes what it has in memory durable: channels and channel manager.
    pub(in super::super) fn make_durable(&mut self) -> &'static str {
        for payment in self.outbound.values_mut() {
            if payment.stage == Stage::InMemory {
                payment.stage = Stage::InFlight;
            }
        }
        self.unsettled.clear();
        "the node makes its state durable"
    }

    /// The network ends one payment in flight.
    pub(in super::super) fn end_one(&mut self, dice: &mut Dice) -> Option<String> {
        let in_flight = |stage: Stage| matches!(stage, Stage::InFlight | Stage::InMemory);
        let under_way: Vec<[u8; 32]> = self
            .outbound
            .iter()
            .filter(|(_, payment)| in_flight(payment.stage))
            .map(|(hash, _)| *hash)
            .collect();
        let hash = PaymentHash::from_bytes(*dice.pick(&under_way)?);
        let payment = self.outbound.get_mut(hash.as_bytes())?;
        payment.stage = Stage::InFlight;
        let broken = self.faults.broken;
        if broken && !payment.lied && dice.percent(6) {
            payment.lied = true;
            self.tell(failed(hash, *dice.pick(&REASONS)?));
            return Some(format!(
                "the node says that {} failed, and it is in flight",
                short(&hash)
            ));
        }
        if payment.lied || dice.percent(65) {
            let mut fee_msat =
                i128::from(dice.below(payment.fee_limit_msat.unsigned_abs() as u64 + 1));
            if broken && dice.percent(8) {
                fee_msat = payment.fee_limit_msat + i128::from(dice.between(1, 5_000));
            }
            let tells_fee = !(broken && dice.percent(4));
            self.settle(hash, fee_msat, tells_fee, dice);
            return Some(format!("{} is paid for a fee of {fee_msat}", short(&hash)));
        }
        payment.stage = Stage::Idle;
        if payment.record != RailPayment::NotFound {
            payment.record = RailPayment::Failed;
        }
        let event = failed(hash, *dice.pick(&REASONS)?);
        if self.faults.unreliable && dice.percent(15) {
            self.tell(event.clone());
        }
        self.tell(event);
        Some(format!("{} comes back", short(&hash)))
    }

    /// The payee has the money.
    pub(super) fn settle(
        &mut self,
        hash: PaymentHash,
        fee_msat: i128,
        tells_fee: bool,
        dice: &mut Dice,
    ) {
        let unreliable = self.faults.unreliable;
        let Some(payment) = self.outbound.get_mut(hash.as_bytes()) else {
            return;
        };
        payment.stage = Stage::Paid;
        payment.fee_msat = fee_msat;
        payment.fee_is_untold = !tells_fee;
        let fee = i64::try_from(fee_msat)
            .ok()
            .and_then(|fee| Msat::new(fee).ok());
        let told = fee.filter(|_| tells_fee);
        let preimage = payment.preimage;
        let has_record = payment.record != RailPayment::NotFound;
        let record_knows = !unreliable || dice.percent(80);
        if has_record && record_knows {
            payment.record = RailPayment::Succeeded {
                preimage: Some(preimage),
                fee_msat: told,
                amount_msat: i64::try_from(payment.amount_msat)
                    .ok()
                    .and_then(|msat| Msat::new(msat).ok()),
            };
        }
        // What the event leaves out stands in the record, unless nobody knows it.
        let leaves_out = has_record && record_knows && unreliable && dice.percent(20);
        let event = RailEvent::PaymentSucceeded {
            payment_hash: hash,
            preimage: Some(preimage).filter(|_| !leaves_out),
            fee_msat: told.filter(|_| !leaves_out),
        };
        if unreliable && dice.percent(15) {
            self.tell(event.clone());
        }
        self.tell(event);
    }

    /// LDK hands one of its events over: any of them, which is what puts them out of order.
    pub(in super::super) fn hand_over(&mut self, dice: &mut Dice) -> Option<String> {
        if self.brewing.is_empty() {
            return None;
        }
        self.queue_up(dice.index(self.brewing.len()));
        let event = self.queue.back()?.clone();
        let twin = match &event {
            RailEvent::PaymentSucceeded { payment_hash, .. }
                if self.faults.unreliable && dice.percent(12) =>
            {
                Some(failed(*payment_hash, *dice.pick(&REASONS)?))
            }
            _ => None,
        };
        self.queue.extend(twin);
        Some(format!("the node queues the {}", describe(&event)))
    }

    /// Somebody pays one of our invoices, or a hash that no invoice of ours has.
    pub(in super::super) fn receive(
        &mut self,
        payment_hash: PaymentHash,
        amount_msat: Msat,
        now: Timestamp,
        dice: &mut Dice,
    ) {
        let key = (*payment_hash.as_bytes(), i128::from(amount_msat.get()));
        self.inbound.entry(key).or_insert(Inbound {
            amount_msat: key.1,
            is_acknowledged: false,
            claimed_at: now,
        });
        let event = RailEvent::PaymentReceived {
            payment_hash,
            amount_msat,
        };
        if self.faults.unreliable && dice.percent(20) {
            self.tell(event.clone());
        }
        self.tell(event);
    }

    /// The node pays what nobody asked for: somebody has its keys.
    pub(in super::super) fn pay_by_itself(&mut self, dice: &mut Dice) -> String {
        let preimage = PaymentPreimage::from_bytes(dice.bytes());
        let fee_msat = dice.below(3_000);
        let payment_hash = preimage.payment_hash();
        let stolen = Stolen {
            amount_msat: i128::from(dice.between(1_000, 500_000)),
            fee_msat: i128::from(fee_msat),
            is_acknowledged: false,
        };
        self.stolen.insert(*payment_hash.as_bytes(), stolen);
        self.tell(RailEvent::PaymentSucceeded {
            payment_hash,
            preimage: Some(preimage),
            fee_msat: Msat::from_unsigned(fee_msat).ok(),
        });
        format!("the node pays {} by itself", short(&payment_hash))
    }

    /// The process died: what was in memory only is gone, and what no durable channel manager knows comes again.
    pub(in super::super) fn crash(&mut self, dice: &mut Dice) {
        for payment in self.outbound.values_mut() {
            payment.is_in_doubt = false;
            if payment.stage == Stage::InMemory {
                payment.stage = Stage::Idle;
                if dice.percent(50) {
                    payment.record = RailPayment::NotFound;
                }
            }
        }
        self.is_given = false;
        for event in std::mem::take(&mut self.unsettled) {
            if dice.percent(70) {
                self.tell(event);
            }
        }
    }

    /// The node was stopped in order: everything is durable.
    pub(in super::super) fn stop(&mut self) {
        self.make_durable();
        for payment in self.outbound.values_mut() {
            payment.is_in_doubt = false;
        }
        self.is_given = false;
    }
}
