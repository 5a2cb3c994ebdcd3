//! Customers, invoices and withdrawals for the cases, and the acts in one word each.
//!
//! A builder fills in what a case does not care about; it must never assert what a case is about.

use bitcoin::secp256k1::PublicKey;
use ledger::SystemAccount;
use money::Msat;
use payments::account::Account;
use payments::api_key::{ApiKey, KeyHash};
use payments::deposit::Deposit;
use payments::fee_policy::FeePolicy;
use payments::ids::{Id, WithdrawalId};
use payments::invoice::{Invoice, InvoiceState};
use payments::metadata::Metadata;
use payments::payment_hash::{PaymentHash, PaymentPreimage};
use payments::ports::EventBody;
use payments::withdrawal::{NewWithdrawal, Withdrawal, WithdrawalFailure};
use store::acts::account::{CreateKeyError, create_account, create_api_key};
use store::acts::deposit::{Credited, credit_deposit};
use store::acts::dispatch::{claim_due_withdrawals, lift_resend_bar};
use store::acts::halt;
use store::acts::idempotency::IdempotencyKey;
use store::acts::invoice::{RecordedInvoice, record_invoice};
use store::acts::outcome::{Outcome, fail_unsent_withdrawal, fail_withdrawal, settle_withdrawal};
use store::acts::withdrawal::{ReserveError, ReserveWithdrawal, Reserved, reserve_withdrawal};
use store::queries::account::balance;
use store::queries::payment::barred;
use store::{StoreError, params};

use crate::harness::World;

/// An account with a key.
#[derive(Debug, Clone)]
pub struct Customer {
    pub account: Account,
    pub key: ApiKey,
}

/// Whole satoshis.
pub fn sat(amount: i64) -> Msat {
    Msat::from_sat(amount).expect("in range")
}

/// Millisatoshis.
pub fn msat(amount: i64) -> Msat {
    Msat::new(amount).expect("in range")
}

/// A client's key for the request with this hash.
pub fn key(name: &str, request: u8) -> IdempotencyKey {
    IdempotencyKey {
        scope: "withdraw",
        key: name.to_owned(),
        request_hash: [request; 32],
    }
}

/// The answer that a client gets: it differs from one withdrawal to the next.
pub fn respond(withdrawal: &Withdrawal, body: &EventBody) -> Vec<u8> {
    [withdrawal.id.to_bytes().as_slice(), &body.hub].concat()
}

fn destination() -> PublicKey {
    "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        .parse()
        .expect("the generator point")
}

impl World {
    /// A customer with nothing.
    pub fn customer(&self) -> Customer {
        let made = self.write(|tx, act| -> Result<_, CreateKeyError> {
            let account = create_account(tx, act, "a customer")?;
            let key = create_api_key(tx, act, account.id, "a key", KeyHash([1; 32]))?;
            Ok(Customer { account, key })
        });
        made.expect("a customer")
    }

    /// A customer who was paid this much.
    pub fn customer_with(&self, amount_sat: i64) -> Customer {
        let customer = self.customer();
        self.deposited(&customer, amount_sat);
        customer
    }

    /// A payment hash that was not there before.
    pub fn hash(&self) -> PaymentHash {
        PaymentHash::from_bytes(self.random())
    }

    /// A fresh id.
    pub fn id<I: Id>(&self) -> I {
        self.act().ids.fresh()
    }

    /// An invoice over any amount for an hour, which is not written yet.
    pub fn invoice(&self, of: &Customer) -> Invoice {
        let payment_hash = self.hash();
        Invoice {
            id: self.id(),
            account_id: of.account.id,
            payment_hash,
            bolt11: format!("lnbcrt{payment_hash}"),
            amount_msat: None,
            description: "a coffee".to_owned(),
            metadata: Some(Metadata::from_json("{\"table\":\"4\"}".to_owned())),
            state: InvoiceState::Open,
            received_msat: None,
            settled_at: None,
            expires_at: self.later(3_600),
            created_at: self.now(),
            updated_at: self.now(),
        }
    }

    /// An invoice that is written.
    pub fn open_invoice(&self, of: &Customer) -> Invoice {
        let invoice = self.invoice(of);
        self.record(&invoice);
        invoice
    }

    pub fn record(&self, invoice: &Invoice) {
        let invoice = invoice.clone();
        let written = self.write(move |tx, act| record_invoice(tx, act, &invoice, None));
        assert_eq!(written.map_err(text), Ok(RecordedInvoice::Written));
    }

    pub fn credit(&self, hash: PaymentHash, amount_msat: Msat) -> Credited {
        self.credit_with(hash, amount_msat, FeePolicy::default())
    }

    pub fn credit_with(&self, hash: PaymentHash, amount_msat: Msat, fees: FeePolicy) -> Credited {
        self.write(move |tx, act| credit_deposit(tx, act, &fees, &hash, amount_msat))
            .expect("a report that is taken")
    }

    /// A deposit into an invoice of its own.
    pub fn deposited(&self, of: &Customer, amount_sat: i64) -> Deposit {
        let invoice = self.open_invoice(of);
        match self.credit(invoice.payment_hash, sat(amount_sat)) {
            Credited::Deposit(deposit) => *deposit,
            other => panic!("no deposit: {other:?}"),
        }
    }

    /// A request to pay an invoice of its own, with the default reserve (1 % and 5 sat).
    pub fn request(&self, of: &Customer, amount_sat: i64) -> ReserveWithdrawal {
        let payment_hash = self.hash();
        let amounts = FeePolicy::default().withdrawal(sat(amount_sat));
        ReserveWithdrawal {
            account_id: of.account.id,
            api_key_id: of.key.id,
            client_id: Some("client 1".to_owned()),
            metadata: Some(Metadata::from_json("{}".to_owned())),
            new: NewWithdrawal {
                bolt11: format!("lnbcrt{payment_hash}"),
                payment_hash,
                destination: destination(),
                to_ourselves: false,
                amounts: amounts.expect("in range"),
                send_all: None,
                expires_at: self.later(3_600),
            },
            fees: FeePolicy::default(),
            idempotency: None,
        }
    }

    pub fn reserve(&self, request: &ReserveWithdrawal) -> Result<Reserved, ReserveError> {
        loop {
            let request = request.clone();
            let answer = self.write(move |tx, act| reserve_withdrawal(tx, act, &request, &respond));
            // As the server does: the next try finds who was quicker.
            if !matches!(answer, Err(ReserveError::Overtaken)) {
                return answer;
            }
        }
    }

    /// What this request reserves.
    pub fn reserved_by(&self, request: &ReserveWithdrawal) -> Withdrawal {
        match self.reserve(request) {
            Ok(Reserved::Now(withdrawal, _)) => *withdrawal,
            other => panic!("nothing was reserved: {other:?}"),
        }
    }

    pub fn reserved(&self, of: &Customer, amount_sat: i64) -> Withdrawal {
        self.reserved_by(&self.request(of, amount_sat))
    }

    /// A withdrawal that was handed to a dispatcher, with all that were due.
    pub fn dispatched(&self, of: &Customer, amount_sat: i64) -> Withdrawal {
        let reserved = self.reserved(of, amount_sat);
        let mut claimed = self.claim(1_000).into_iter();
        let found = claimed.find(|withdrawal| withdrawal.id == reserved.id);
        found.expect("a due withdrawal is handed over")
    }

    pub fn claim(&self, limit: i64) -> Vec<Withdrawal> {
        let claim_id = self.id();
        self.write(move |tx, act| claim_due_withdrawals(tx, act, claim_id, limit))
            .expect("a claim")
    }

    pub fn settle(&self, hash: PaymentHash, fee_msat: Msat) -> Outcome {
        let preimage = Some(PaymentPreimage::from_bytes([9; 32]));
        self.write(move |tx, act| settle_withdrawal(tx, act, &hash, preimage, fee_msat))
            .expect("a report that is taken")
    }

    /// The payee refuses it: it is never tried again.
    pub fn fail(&self, hash: PaymentHash) -> Outcome {
        self.come_back(hash, WithdrawalFailure::RecipientRejected)
    }

    pub fn come_back(&self, hash: PaymentHash, reason: WithdrawalFailure) -> Outcome {
        self.write(move |tx, act| fail_withdrawal(tx, act, &hash, reason))
            .expect("a report that is taken")
    }

    /// Lets what came back be sent again, and answers how many bars were lifted.
    pub fn lift_bars(&self) -> usize {
        let lift = |withdrawal: &Withdrawal| {
            let (id, attempt) = (withdrawal.id, withdrawal.attempts);
            self.write(move |tx, _| lift_resend_bar(tx, id, attempt))
                .expect("an answer")
        };
        self.read(barred)
            .iter()
            .filter(|barred| lift(barred))
            .count()
    }

    /// Gives up a withdrawal that was never sent.
    pub fn give_up(&self, id: WithdrawalId) -> Outcome {
        let (attempt, reason) = (self.attempts(id), WithdrawalFailure::NoRoute);
        self.write(move |tx, act| fail_unsent_withdrawal(tx, act, id, attempt, reason))
            .expect("an answer")
    }

    pub fn halt(&self) {
        self.write(|tx, act| halt::halt(tx, act, "a test"))
            .expect("halted");
    }

    pub fn resume(&self) {
        self.write(|tx, _| halt::resume(tx)).expect("resumed");
    }

    pub fn halted(&self) -> Option<String> {
        self.read(halt::halted)
    }

    /// What a customer can spend and what is held, in millisatoshi.
    pub fn balance(&self, of: &Customer) -> (i64, i64) {
        let id = of.account.id;
        let found = self.read(move |tx| balance(tx, id)).expect("an account");
        (found.available_msat.get(), found.held_msat.get())
    }

    /// What a system account has received more than it paid, in millisatoshi.
    pub fn net(&self, account: SystemAccount) -> i64 {
        let totals = self.audit().totals.net_credit_msat;
        totals.get(&account.number().get()).copied().unwrap_or(0)
    }

    /// The names of the events about one subject, in order.
    pub fn events(&self, subject: [u8; 16]) -> Vec<String> {
        self.read(move |tx| {
            let sql = "SELECT kind FROM event WHERE subject_id = $1 ORDER BY seq";
            let rows = tx.query(sql, params![subject])?;
            rows.iter()
                .map(|row| row.text(0).map(str::to_owned))
                .collect()
        })
    }
}

fn text(error: StoreError) -> String {
    error.to_string()
}
