//! Payments between accounts of one server: settled in the books, whole or not at all.

use ledger::SystemAccount;
use money::{BasisPoints, Msat};
use payments::fee_policy::FeePolicy;
use payments::invoice::{Invoice, InvoiceState};
use payments::suspense::SuspenseReason;
use payments::withdrawal::{Withdrawal, WithdrawalState};
use store::acts::deposit::Credited;
use store::acts::withdrawal::{ReserveError, ReserveWithdrawal, Reserved};
use store::queries::payment;

use crate::builders::{Customer, key, msat, sat};
use crate::harness::{CAPITAL_MSAT, World, on_both, together};

on_both! {
    an_invoice_of_our_own_is_paid_in_the_books_with_every_event,
    a2_one_internal_invoice_submitted_at_once_by_one_wallet_is_one_payment,
    a3_an_internal_invoice_paid_by_two_wallets_at_once_is_paid_by_one,
    a4_an_invoice_paid_internally_and_from_outside_at_once_is_credited_once,
    a4_money_that_comes_after_an_internal_payment_is_kept_apart_once,
    a4_an_internal_payer_who_comes_after_the_money_keeps_his,
    a6_transfers_both_ways_lose_nothing_and_end,
    d1_an_invoice_that_only_carries_our_payment_hash_is_not_paid,
    d2_a_wallet_that_pays_itself_is_as_before_fees_apart,
    d3_an_amountless_invoice_of_our_own_is_credited_with_what_was_paid,
    d8_an_expired_or_settled_invoice_of_our_own_is_refused_as_what_it_is,
    nothing_is_paid_internally_while_money_is_halted,
    c5_all_of_a_wallet_goes_to_another_without_a_rest,
}

impl World {
    /// An open invoice of `of`.
    pub fn own_invoice(&self, of: &Customer, amount_msat: Option<Msat>) -> Invoice {
        let invoice = Invoice {
            amount_msat,
            ..self.invoice(of)
        };
        self.record(&invoice);
        invoice
    }

    /// The request of `by` to pay an invoice of this server.
    pub fn internal(
        &self,
        by: &Customer,
        invoice: &Invoice,
        amount_msat: Msat,
    ) -> ReserveWithdrawal {
        let mut request = self.request(by, 1);
        let fees = request.fees;
        request.new.bolt11.clone_from(&invoice.bolt11);
        request.new.payment_hash = invoice.payment_hash;
        request.new.to_ourselves = true;
        request.new.amounts = fees
            .withdrawal_within(amount_msat, Some(Msat::ZERO))
            .expect("in range");
        request.new.expires_at = invoice.expires_at;
        request
    }
}

fn stored(world: &World, of: &Customer, invoice: &Invoice) -> Invoice {
    let (account, id) = (of.account.id, invoice.id);
    world
        .read(move |tx| payment::invoice(tx, account, id))
        .expect("it is there")
}

fn paid(answer: Result<Reserved, ReserveError>) -> Withdrawal {
    match answer {
        Ok(Reserved::Now(withdrawal, _)) => *withdrawal,
        other => panic!("nothing was paid: {other:?}"),
    }
}

fn is_taken(answer: &Result<Reserved, ReserveError>) -> bool {
    let settled = WithdrawalState::Settled;
    match answer {
        Err(ReserveError::InvoiceSettled) => true,
        Err(ReserveError::Duplicate { state }) => *state == settled,
        _ => false,
    }
}

fn an_invoice_of_our_own_is_paid_in_the_books_with_every_event(world: &World) {
    let (alice, bob) = (world.customer_with(1_000), world.customer());
    let invoice = world.own_invoice(&bob, Some(sat(100)));
    let fees = FeePolicy {
        withdrawal_fee: BasisPoints::new(100).expect("a share"),
        deposit_fee: BasisPoints::new(50).expect("a share"),
        ..FeePolicy::default()
    };
    let mut request = world.internal(&alice, &invoice, sat(100));
    request.fees = fees;
    request.new.amounts = fees
        .withdrawal_within(sat(100), Some(Msat::ZERO))
        .expect("in range");
    request.idempotency = Some(key("k", 1));
    let withdrawal = paid(world.reserve(&request));
    assert_eq!(withdrawal.state, WithdrawalState::Settled);
    assert_eq!(
        (withdrawal.fee_msat, withdrawal.preimage),
        (Some(Msat::ZERO), None)
    );
    let (account, id) = (alice.account.id, withdrawal.id);
    let found = world.read(move |tx| payment::withdrawal(tx, account, id));
    assert_eq!(found, Some(withdrawal));

    // One percent beside it, half a percent of it, and nothing for a route.
    assert_eq!(world.balance(&alice), (899_000, 0));
    assert_eq!(world.balance(&bob), (99_500, 0));
    assert_eq!(world.net(SystemAccount::PlatformFee), 1_500);
    let float = CAPITAL_MSAT + 1_000_000;
    assert_eq!(world.net(SystemAccount::LightningFloat), -float);
    assert_eq!(world.net(SystemAccount::LightningOutClearing), 0);

    let seen = stored(world, &bob, &invoice);
    assert_eq!(
        (seen.state, seen.received_msat),
        (InvoiceState::Settled, Some(sat(100)))
    );
    assert_eq!(
        world.events(id.to_bytes()),
        [
            "withdrawal.lightning.pending",
            "withdrawal.lightning.completed"
        ]
    );
    assert_eq!(
        world.count("SELECT COUNT(*) FROM event WHERE kind = 'deposit.lightning.completed'"),
        2
    );
    assert!(matches!(world.reserve(&request), Ok(Reserved::Replay(_))));
    assert!(world.claim(10).is_empty());
}

fn a2_one_internal_invoice_submitted_at_once_by_one_wallet_is_one_payment(world: &World) {
    let (payer, payee) = (world.customer_with(1_000), world.customer());
    for round in 1..=5 {
        let invoice = world.own_invoice(&payee, Some(sat(50)));
        let request = world.internal(&payer, &invoice, sat(50));
        let answers = together(8, |_| world.reserve(&request));
        let mut ids = std::collections::BTreeSet::new();
        let mut made = 0;
        for answer in answers {
            match answer {
                Ok(Reserved::Now(withdrawal, _)) => {
                    made += 1;
                    ids.insert(withdrawal.id);
                }
                Ok(Reserved::Earlier(withdrawal, _)) => {
                    ids.insert(withdrawal.id);
                }
                other => panic!("not the same payment: {other:?}"),
            }
        }
        assert_eq!((made, ids.len()), (1, 1));
        assert_eq!(world.balance(&payee), (round * 50_000, 0));
    }
}

fn a3_an_internal_invoice_paid_by_two_wallets_at_once_is_paid_by_one(world: &World) {
    let payers = [world.customer_with(1_000), world.customer_with(1_000)];
    let payee = world.customer();
    for round in 1..=10 {
        let invoice = world.own_invoice(&payee, Some(sat(50)));
        let answers = together(2, |number| {
            world.reserve(&world.internal(&payers[number], &invoice, sat(50)))
        });
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert_eq!(
            answers.iter().filter(|answer| is_taken(answer)).count(),
            1,
            "{answers:?}"
        );
        assert_eq!(world.balance(&payee), (round * 50_000, 0));
        let left = world.balance(&payers[0]).0 + world.balance(&payers[1]).0;
        assert_eq!(left, 2_000_000 - round * 50_000);
    }
}

fn a4_an_invoice_paid_internally_and_from_outside_at_once_is_credited_once(world: &World) {
    let (payer, payee) = (world.customer_with(10_000), world.customer());
    let mut seen = [0, 0];
    for round in 1..=20 {
        let invoice = world.own_invoice(&payee, Some(sat(50)));
        let answers = together(2, |number| {
            if number == 0 {
                is_taken(&world.reserve(&world.internal(&payer, &invoice, sat(50))))
            } else {
                matches!(
                    world.credit(invoice.payment_hash, sat(50)),
                    Credited::Suspense(SuspenseReason::PaidInternally)
                )
            }
        });
        // One of the two came second: the payer keeps his money, or the money that came is kept apart.
        assert_eq!(
            answers.iter().filter(|second| **second).count(),
            1,
            "{answers:?}"
        );
        seen[usize::from(answers[1])] += 1;
        assert_eq!(world.balance(&payee), (round * 50_000, 0));
    }
    assert_eq!(world.net(SystemAccount::Suspense), seen[1] * 50_000);
    assert_eq!(world.balance(&payer), (10_000_000 - seen[1] * 50_000, 0));
}

fn a4_money_that_comes_after_an_internal_payment_is_kept_apart_once(world: &World) {
    let (payer, payee) = (world.customer_with(1_000), world.customer());
    let invoice = world.own_invoice(&payee, Some(sat(50)));
    paid(world.reserve(&world.internal(&payer, &invoice, sat(50))));
    let suspended = Credited::Suspense(SuspenseReason::PaidInternally);
    assert_eq!(world.credit(invoice.payment_hash, sat(50)), suspended);
    for _ in 0..3 {
        assert_eq!(
            world.credit(invoice.payment_hash, sat(50)),
            Credited::Before
        );
    }
    assert_eq!(world.balance(&payee), (50_000, 0));
    assert_eq!(world.net(SystemAccount::Suspense), 50_000);
    assert_eq!(world.expire(10), 0);
}

fn a4_an_internal_payer_who_comes_after_the_money_keeps_his(world: &World) {
    let (payer, payee) = (world.customer_with(1_000), world.customer());
    let invoice = world.own_invoice(&payee, Some(sat(50)));
    assert!(matches!(
        world.credit(invoice.payment_hash, sat(50)),
        Credited::Deposit(_)
    ));
    let answer = world.reserve(&world.internal(&payer, &invoice, sat(50)));
    assert!(is_taken(&answer), "{answer:?}");
    assert_eq!(world.balance(&payer), (1_000_000, 0));
    assert_eq!(world.balance(&payee), (50_000, 0));
}

fn a6_transfers_both_ways_lose_nothing_and_end(world: &World) {
    let both = [world.customer_with(20_000), world.customer_with(20_000)];
    // A thousand on SQLite; PostgreSQL pays two round trips and more for each.
    let each = if world.is_sqlite() { 125 } else { 40 };
    let invoices: Vec<Vec<_>> = (0..8)
        .map(|thread| {
            let payee = &both[thread % 2];
            (0..each)
                .map(|_| world.own_invoice(payee, Some(sat(1))))
                .collect()
        })
        .collect();
    let made = together(8, |thread| {
        let payer = &both[(thread + 1) % 2];
        for invoice in &invoices[thread] {
            paid(world.reserve(&world.internal(payer, invoice, sat(1))));
        }
        invoices[thread].len()
    });
    assert_eq!(made.iter().sum::<usize>(), 8 * each);
    for customer in &both {
        assert_eq!(world.balance(customer), (20_000_000, 0));
    }
}

fn d1_an_invoice_that_only_carries_our_payment_hash_is_not_paid(world: &World) {
    let (payer, payee) = (world.customer_with(1_000), world.customer());
    let invoice = world.own_invoice(&payee, Some(sat(100)));
    let sound = world.internal(&payer, &invoice, sat(100));
    // Another text with our hash, which names us or another node as its payee; and the true text with another payee.
    for (to_ourselves, text) in [
        (true, "lnbcrt1forged".to_owned()),
        (false, "lnbcrt1forged".to_owned()),
        (false, invoice.bolt11.clone()),
    ] {
        let mut forged = sound.clone();
        forged.new.to_ourselves = to_ourselves;
        forged.new.bolt11 = text;
        let refused = world.reserve(&forged);
        assert!(
            matches!(refused, Err(ReserveError::ForgedInvoice)),
            "{refused:?}"
        );
    }
    // Our node, and a hash that we never made.
    let mut unknown = sound.clone();
    unknown.new.payment_hash = world.hash();
    let refused = world.reserve(&unknown);
    assert!(
        matches!(refused, Err(ReserveError::UnknownInvoice)),
        "{refused:?}"
    );
    assert_eq!(world.count("SELECT COUNT(*) FROM withdrawal"), 0);
    assert_eq!(world.balance(&payer), (1_000_000, 0));
    assert_eq!(stored(world, &payee, &invoice), invoice);
    paid(world.reserve(&sound));
}

fn d2_a_wallet_that_pays_itself_is_as_before_fees_apart(world: &World) {
    let alice = world.customer_with(1_000);
    for amount in [1, 999_999, 1_000_000] {
        let invoice = world.own_invoice(&alice, Some(msat(amount)));
        paid(world.reserve(&world.internal(&alice, &invoice, msat(amount))));
        assert_eq!(world.balance(&alice), (1_000_000, 0));
    }
    let invoice = world.own_invoice(&alice, Some(msat(1_000_001)));
    let refused = world.reserve(&world.internal(&alice, &invoice, msat(1_000_001)));
    assert!(
        matches!(refused, Err(ReserveError::InsufficientFunds { .. })),
        "{refused:?}"
    );
    assert_eq!(world.balance(&alice), (1_000_000, 0));
}

fn d3_an_amountless_invoice_of_our_own_is_credited_with_what_was_paid(world: &World) {
    let (payer, payee) = (world.customer_with(1_000), world.customer());
    let mut credited = 0;
    for amount in [1, 2_500, 900_000] {
        let invoice = world.own_invoice(&payee, None);
        paid(world.reserve(&world.internal(&payer, &invoice, msat(amount))));
        credited += amount;
        assert_eq!(world.balance(&payee), (credited, 0));
        assert_eq!(
            stored(world, &payee, &invoice).received_msat,
            Some(msat(amount))
        );
    }
    assert_eq!(world.balance(&payer), (1_000_000 - credited, 0));
    let most = Msat::new(money::MAX_MONEY_MSAT).expect("in range");
    let refused = world.reserve(&world.internal(&payer, &world.own_invoice(&payee, None), most));
    assert!(
        matches!(refused, Err(ReserveError::InsufficientFunds { .. })),
        "{refused:?}"
    );
    // From outside: nothing is no payment, one millisatoshi and all that there can be are.
    let invoice = world.own_invoice(&payee, None);
    assert_eq!(
        world.credit(invoice.payment_hash, Msat::ZERO),
        Credited::Before
    );
    assert!(matches!(
        world.credit(invoice.payment_hash, msat(1)),
        Credited::Deposit(_)
    ));
    let invoice = world.own_invoice(&world.customer(), None);
    assert!(matches!(
        world.credit(invoice.payment_hash, most),
        Credited::Deposit(_)
    ));
}

fn d8_an_expired_or_settled_invoice_of_our_own_is_refused_as_what_it_is(world: &World) {
    let (payer, payee) = (world.customer_with(1_000), world.customer());
    let invoice = world.own_invoice(&payee, Some(sat(10)));
    let settled = world.own_invoice(&payee, Some(sat(10)));
    world.credit(settled.payment_hash, sat(10));
    world.pass(3_600);
    // Its time is over before the worker that ends it has looked, and after.
    for _ in 0..2 {
        let refused = world.reserve(&world.internal(&payer, &invoice, sat(10)));
        assert!(matches!(refused, Err(ReserveError::Expired)), "{refused:?}");
        world.expire(10);
    }
    let refused = world.reserve(&world.internal(&payer, &settled, sat(10)));
    assert!(
        matches!(refused, Err(ReserveError::InvoiceSettled)),
        "{refused:?}"
    );
    assert_eq!(world.balance(&payer), (1_000_000, 0));
    // Late money from outside is the customer's all the same.
    assert!(matches!(
        world.credit(invoice.payment_hash, sat(10)),
        Credited::Deposit(_)
    ));
    assert_eq!(world.balance(&payee), (20_000, 0));
}

fn nothing_is_paid_internally_while_money_is_halted(world: &World) {
    let (payer, payee) = (world.customer_with(1_000), world.customer());
    let invoice = world.own_invoice(&payee, Some(sat(10)));
    let request = world.internal(&payer, &invoice, sat(10));
    world.halt();
    let refused = world.reserve(&request);
    assert!(matches!(refused, Err(ReserveError::Halted)), "{refused:?}");
    world.resume();
    paid(world.reserve(&request));
}

fn c5_all_of_a_wallet_goes_to_another_without_a_rest(world: &World) {
    let (payer, payee) = (world.customer_with(1_000), world.customer());
    let all = payments::withdrawal::SendAll {
        stated_msat: None,
        fee_limit_msat: Some(Msat::ZERO),
    };
    let invoice = world.own_invoice(&payee, None);
    let mut request = world.internal(&payer, &invoice, msat(1));
    request.new.send_all = Some(all);
    let withdrawal = paid(world.reserve(&request));
    assert_eq!(withdrawal.amounts.amount_msat, sat(1_000));
    assert_eq!(withdrawal.charged_routing_fee_msat(), Msat::ZERO);
    assert_eq!(
        (world.balance(&payer), world.balance(&payee)),
        ((0, 0), (1_000_000, 0))
    );
}
