//! An attacker who pays himself through a node of his own: whatever the route takes, the platform is not poorer.

use ledger::SystemAccount;
use money::Msat;
use payments::fee_policy::FeePolicy;
use payments::withdrawal::SendAll;
use store::acts::outcome::Outcome;

use crate::builders::{Customer, msat};
use crate::harness::{CAPITAL_MSAT, SeededEntropy, World, on_both};

on_both! {
    c2_a_thousand_rounds_through_the_attackers_own_hop_cost_the_platform_nothing,
}

fn c2_a_thousand_rounds_through_the_attackers_own_hop_cost_the_platform_nothing(world: &World) {
    let attacker = world.customer();
    let dice = SeededEntropy::new(2);
    let (mut came_in, mut went_out, mut platform) = (0, 0, 0);
    for _ in 0..1_000 {
        let amount = below(&dice, 1 << (1 + below(&dice, 24)));
        let hash = world.open_invoice(&attacker).payment_hash;
        world.credit(hash, msat(amount));
        came_in += amount;
        went_out += take_out(world, &attacker, &dice);
        let (available, held) = world.balance(&attacker);
        let own = came_in - went_out - available - held;
        assert!(
            own >= platform,
            "the platform had {platform}, and has {own}"
        );
        platform = own;
    }
    let float = world.net(SystemAccount::LightningFloat);
    assert_eq!(float, went_out - came_in - CAPITAL_MSAT);
    assert_eq!(world.net(SystemAccount::PlatformFee), platform);
    assert_eq!(world.net(SystemAccount::OperatorLoss), 0);
    assert_eq!(world.halted(), None);
}

/// From 1 to `bound`.
fn below(dice: &SeededEntropy, bound: i64) -> i64 {
    let bound = u64::try_from(bound).expect("above zero");
    1 + i64::try_from(dice.below(bound)).expect("small")
}

/// A withdrawal of a part of the wallet, or of all of it, over a hop that takes what it can. Answers what left.
fn take_out(world: &World, attacker: &Customer, dice: &SeededEntropy) -> i64 {
    let available = msat(world.balance(attacker).0);
    let Some(all) = FeePolicy::default().everything(available, None) else {
        return 0;
    };
    let mut request = world.request(attacker, 1);
    let part = msat(below(dice, all.amount_msat.get()));
    request.new.amounts = request.fees.withdrawal(part).expect("in range");
    if dice.below(3) == 0 {
        request.new.send_all = Some(SendAll {
            stated_msat: None,
            fee_limit_msat: None,
        });
    }
    let reserved = world.reserved_by(&request);
    world.claim(10);
    let hash = reserved.payment_hash;
    if dice.below(5) == 0 {
        assert!(matches!(world.fail(hash), Outcome::Applied(_)));
        return 0;
    }
    // The limit that the node was given is the reserve, and the hop takes all of it, or nearly.
    let reserve = reserved.amounts.fee_reserve_msat;
    let fee = match dice.below(2) {
        0 => reserve,
        _ => reserve
            .checked_sub(Msat::new(1).expect("one"))
            .unwrap_or(Msat::ZERO),
    };
    let Outcome::Applied(settled) = world.settle(hash, fee) else {
        panic!("not settled");
    };
    assert!(settled.charged_routing_fee_msat() >= fee, "{settled:?}");
    settled.amounts.amount_msat.get() + fee.get()
}
