//! Channels that a crash has closed: one is opened for each, whenever the process dies.

use std::cell::RefCell;

use money::Msat;
use payments::ports::{NodeOperator, RailEvent};
use server::workers::reopening::{Told, look};
use store::acts::channel::{keep_returned, settle_channels};
use store::acts::halt::{halt, resume};
use store::acts::reopening::{Begun, begin_reopening};
use store::queries::reopening::{closed_by_crash, reopenings};
use testkit::payee;

use super::engine::{Engine, on_both_databases};

on_both_databases! {
    a_channel_that_a_crash_closed_is_reopened_once_when_its_money_is_back,
    a_death_after_the_intent_opens_no_second_channel,
    a_death_before_the_node_was_asked_loses_no_reopening,
    an_opening_that_came_to_nothing_is_tried_again_later,
    an_opening_that_failed_but_was_made_all_the_same_is_not_repeated,
    nothing_is_reopened_while_money_is_halted,
    a_channel_that_was_reopened_and_closed_again_by_a_crash_is_reopened_again,
    two_closed_channels_are_reopened_one_after_the_other,
    what_nobody_wants_reopened_is_given_up,
}

const CLOSED: [u8; 32] = [1; 32];
const PEER: u8 = 2;

fn closes(engine: &Engine, channel_id: [u8; 32], by_crash: bool) {
    engine.rail.push(RailEvent::ChannelClosed {
        channel_id,
        peer: Some(payee(PEER)),
        by_crash,
        reason: "stale".to_owned(),
    });
    engine.take_events();
}

/// Everything that the channel gave back is in the wallet and booked.
fn settles(engine: &Engine, channel_id: [u8; 32], returned_sat: i64) {
    let returned_msat = Msat::from_sat(returned_sat).expect("an amount");
    let act = engine.app.acting();
    let settled = engine.app.store.write(move |tx| {
        keep_returned(tx, channel_id, returned_msat)?;
        settle_channels(tx, &act, &[channel_id], Msat::ZERO)
    });
    settled.expect("settled");
}

/// A crash has closed a channel of 500,000 sat, which are back.
fn back_in_the_wallet(engine: &Engine) {
    let known = engine.rail.connect(payee(PEER), "10.0.0.2:9735");
    known.expect("a peer");
    engine.rail.set_spendable(600_000);
    closes(engine, CLOSED, true);
    settles(engine, CLOSED, 500_000);
}

fn looks(engine: &Engine, times: usize) {
    let told = RefCell::new(Told::new());
    for _ in 0..times {
        let looked = look(
            &engine.app,
            engine.rail.as_ref(),
            true,
            &mut told.borrow_mut(),
        );
        looked.expect("a look");
    }
}

fn asked(engine: &Engine) -> usize {
    engine.rail.opening_requests().len()
}

/// How many channels a crash has closed, and how many of them are reopened.
fn counts(engine: &Engine) -> (i64, i64) {
    engine.app.store.read(closed_by_crash).expect("a count")
}

fn is_over(engine: &Engine) -> bool {
    engine
        .app
        .store
        .read(reopenings)
        .expect("a read")
        .is_empty()
}

fn a_channel_that_a_crash_closed_is_reopened_once_when_its_money_is_back(engine: &mut Engine) {
    let known = engine.rail.connect(payee(PEER), "10.0.0.2:9735");
    known.expect("a peer");
    engine.rail.set_spendable(600_000);
    closes(engine, CLOSED, true);
    closes(engine, [3; 32], false);
    looks(engine, 3);
    assert_eq!(asked(engine), 0, "its money is on its way");
    settles(engine, CLOSED, 500_000);
    settles(engine, [3; 32], 100_000);
    looks(engine, 3);
    let [request] = &engine.rail.opening_requests()[..] else {
        panic!("one");
    };
    assert_eq!(
        (request.peer, request.address.as_str(), request.amount_sat),
        (payee(PEER), "10.0.0.2:9735", 490_000)
    );
    assert_eq!(counts(engine), (1, 0), "its funding is not confirmed");
    engine.rail.confirm_channels();
    looks(engine, 3);
    assert_eq!((counts(engine), asked(engine)), ((1, 1), 1));
    assert!(is_over(engine));
    // Told once more, the event changes nothing.
    closes(engine, CLOSED, true);
    looks(engine, 3);
    assert_eq!((counts(engine), asked(engine)), ((1, 1), 1));
}

fn a_death_after_the_intent_opens_no_second_channel(engine: &mut Engine) {
    back_in_the_wallet(engine);
    looks(engine, 1);
    engine.die();
    looks(engine, 3);
    engine.rail.confirm_channels();
    engine.die();
    looks(engine, 3);
    assert_eq!((counts(engine), asked(engine)), ((1, 1), 1));
}

fn a_death_before_the_node_was_asked_loses_no_reopening(engine: &mut Engine) {
    back_in_the_wallet(engine);
    let act = engine.app.acting();
    let begun = engine
        .app
        .store
        .write(move |tx| begin_reopening(tx, &act, CLOSED));
    assert_eq!(begun.expect("an intent"), Begun::Yes);
    let act = engine.app.acting();
    let again = engine
        .app
        .store
        .write(move |tx| begin_reopening(tx, &act, CLOSED));
    assert_eq!(again.expect("a look"), Begun::Overtaken);
    engine.die();
    // The node has no channel: nothing came of the intent.
    looks(engine, 3);
    assert_eq!(asked(engine), 0, "not at once");
    engine.clock.advance_seconds(5);
    looks(engine, 3);
    engine.rail.confirm_channels();
    looks(engine, 1);
    assert_eq!((counts(engine), asked(engine)), ((1, 1), 1));
}

fn an_opening_that_came_to_nothing_is_tried_again_later(engine: &mut Engine) {
    back_in_the_wallet(engine);
    engine.rail.fail_openings(Some(false));
    looks(engine, 5);
    assert_eq!(asked(engine), 1);
    engine.rail.fail_openings(None);
    engine.clock.advance_seconds(5);
    looks(engine, 5);
    assert_eq!(asked(engine), 2);
    // The peer backs out before the funding is confirmed.
    engine.rail.lose_channels();
    looks(engine, 1);
    engine.clock.advance_seconds(14);
    looks(engine, 5);
    assert_eq!(asked(engine), 2);
    engine.clock.advance_seconds(1);
    looks(engine, 5);
    engine.rail.confirm_channels();
    looks(engine, 1);
    assert_eq!((counts(engine), asked(engine)), ((1, 1), 3));
}

fn an_opening_that_failed_but_was_made_all_the_same_is_not_repeated(engine: &mut Engine) {
    back_in_the_wallet(engine);
    engine.rail.fail_openings(Some(true));
    looks(engine, 3);
    engine.clock.advance_seconds(10_000);
    engine.die();
    looks(engine, 3);
    engine.rail.confirm_channels();
    looks(engine, 3);
    assert_eq!((counts(engine), asked(engine)), ((1, 1), 1));
}

fn nothing_is_reopened_while_money_is_halted(engine: &mut Engine) {
    back_in_the_wallet(engine);
    let act = engine.app.acting();
    let halted = engine
        .app
        .store
        .write(move |tx| halt(tx, &act, "a person looks"));
    halted.expect("a halt");
    looks(engine, 3);
    assert_eq!(asked(engine), 0);
    engine.app.store.write(resume).expect("a resume");
    looks(engine, 3);
    assert_eq!(asked(engine), 1);
}

fn a_channel_that_was_reopened_and_closed_again_by_a_crash_is_reopened_again(engine: &mut Engine) {
    back_in_the_wallet(engine);
    looks(engine, 1);
    engine.rail.confirm_channels();
    looks(engine, 1);
    let reopened = engine.rail.status().channels[0].channel_id;
    engine.rail.lose_channels();
    closes(engine, reopened, true);
    settles(engine, reopened, 480_000);
    engine.clock.advance_seconds(1);
    looks(engine, 3);
    assert_eq!((counts(engine), asked(engine)), ((2, 1), 2));
    engine.rail.confirm_channels();
    looks(engine, 1);
    assert_eq!((counts(engine), asked(engine)), ((2, 2), 2));
}

fn two_closed_channels_are_reopened_one_after_the_other(engine: &mut Engine) {
    back_in_the_wallet(engine);
    closes(engine, [2; 32], true);
    settles(engine, [2; 32], 100_000);
    looks(engine, 5);
    engine.die();
    looks(engine, 5);
    assert_eq!(asked(engine), 1);
    engine.rail.confirm_channels();
    looks(engine, 5);
    assert_eq!((counts(engine), asked(engine)), ((2, 1), 2));
    engine.rail.confirm_channels();
    looks(engine, 5);
    assert_eq!((counts(engine), asked(engine)), ((2, 2), 2));
}

fn what_nobody_wants_reopened_is_given_up(engine: &mut Engine) {
    back_in_the_wallet(engine);
    closes(engine, [2; 32], true);
    settles(engine, [2; 32], 40_000);
    let look = |is_wanted| {
        let looked = look(
            &engine.app,
            engine.rail.as_ref(),
            is_wanted,
            &mut Told::new(),
        );
        looked.expect("a look");
    };
    // Against the policy, then too little.
    look(false);
    assert_eq!(asked(engine), 0);
    for _ in 0..3 {
        look(true);
    }
    assert_eq!((counts(engine), asked(engine)), ((2, 0), 0));
    assert!(is_over(engine));
}
