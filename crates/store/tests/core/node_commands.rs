//! What other processes ask of the node's: each command is claimed once, answered once, and not at all when it is late.

use std::sync::Arc;

use money::Msat;
use payments::ids::{Ids, NodeCommandId};
use payments::payment_hash::PaymentHash;
use payments::ports::{InvoiceRequest, RailInvoice, SystemClock, SystemEntropy};
use store::acts::node_command::{
    InvoiceAnswer, InvoiceCommand, answer_command, ask_for_invoice, claim_commands, forget_command,
    forget_lapsed_commands, publish_node, reopen_commands,
};
use store::queries::node::{answer_to, is_command_waiting, node_key};
use store::testing::Database;
use store::{Store, StoreError};

use crate::cases::on_both;

on_both! {
    a_command_is_claimed_and_answered_once,
    a_command_that_nobody_waits_for_is_not_carried_out,
    a_command_that_died_with_its_process_is_claimed_again,
    the_node_of_a_database_is_told_once,
}

fn request(number: i64) -> InvoiceRequest {
    InvoiceRequest {
        amount_msat: (number > 0).then(|| Msat::new(number).expect("an amount")),
        description: format!("number {number}"),
        expiry_seconds: 600,
    }
}

fn ask(store: &Store, number: i64, patience_ms: i64) -> NodeCommandId {
    let id = Ids::new(Arc::new(SystemClock), Arc::new(SystemEntropy)).fresh();
    let asked = store.write(move |tx| ask_for_invoice(tx, id, &request(number), patience_ms));
    asked.map_err(|error: StoreError| error).expect("asked");
    id
}

fn claim(store: &Store) -> Vec<InvoiceCommand> {
    store.write(|tx| claim_commands(tx, 10)).expect("claimed")
}

fn answer(store: &Store, id: NodeCommandId, answer: &InvoiceAnswer) -> bool {
    let answer = answer.clone();
    let written = store.write(move |tx| answer_command(tx, id, &answer));
    written.expect("answered")
}

fn read(store: &Store, id: NodeCommandId) -> Option<InvoiceAnswer> {
    store.read(move |tx| answer_to(tx, id)).expect("read")
}

fn is_waiting(store: &Store) -> bool {
    store.read(is_command_waiting).expect("read")
}

fn a_command_is_claimed_and_answered_once(database: &mut Database) {
    let store = database.store();
    let ids = [
        ask(store, 0, 60_000),
        ask(store, 7, 60_000),
        ask(store, 8, 60_000),
    ];
    let mut claimed = claim(store);
    claimed.sort_by_key(|command| command.request.amount_msat);
    let found: Vec<_> = claimed
        .iter()
        .map(|command| command.request.clone())
        .collect();
    assert_eq!(found, [request(0), request(7), request(8)]);
    assert_eq!(claim(store), []);
    assert!(!is_waiting(store));
    let made = InvoiceAnswer::Made(RailInvoice {
        bolt11: "lnbcrt1…".to_owned(),
        payment_hash: PaymentHash::from_bytes([7; 32]),
    });
    let answers = [made, InvoiceAnswer::Refused, InvoiceAnswer::Unavailable];
    for (id, said) in ids.into_iter().zip(&answers) {
        assert_eq!(read(store, id), None);
        assert!(answer(store, id, said));
        assert!(!answer(store, id, &InvoiceAnswer::Unavailable), "once");
        assert_eq!(read(store, id).as_ref(), Some(said));
    }
    let forgotten = store.write(move |tx| forget_command(tx, ids[0]));
    forgotten
        .map_err(|error: StoreError| error)
        .expect("forgotten");
    assert_eq!(read(store, ids[0]), None);
}

fn a_command_that_nobody_waits_for_is_not_carried_out(database: &mut Database) {
    let store = database.store();
    let lapsed = ask(store, 1, -1);
    let live = ask(store, 2, 60_000);
    let claimed = claim(store);
    assert_eq!(claimed.iter().map(|c| c.id).collect::<Vec<_>>(), [live]);
    assert_eq!(store.write(forget_lapsed_commands), Ok(1));
    assert!(
        !answer(store, lapsed, &InvoiceAnswer::Refused),
        "it is gone"
    );
    assert!(answer(store, live, &InvoiceAnswer::Refused));
}

fn a_command_that_died_with_its_process_is_claimed_again(database: &mut Database) {
    let store = database.store();
    let (live, lapsed) = (ask(store, 1, 60_000), ask(store, 2, 60_000));
    assert_eq!(claim(store).len(), 2);
    let sql = "UPDATE node_command SET expires_at = 0 WHERE amount_msat = 2";
    database.run(sql);
    assert_eq!(store.write(reopen_commands), Ok(1));
    let again = claim(store);
    assert_eq!(again.iter().map(|c| c.id).collect::<Vec<_>>(), [live]);
    assert_eq!(read(store, lapsed), None);
}

fn the_node_of_a_database_is_told_once(database: &mut Database) {
    let store = database.store();
    let key = |byte| {
        let secret = bitcoin::secp256k1::SecretKey::from_slice(&[byte; 32]).expect("a key");
        secret.public_key(&bitcoin::secp256k1::Secp256k1::new())
    };
    let told = || store.read(|tx| node_key(tx, "main")).expect("read");
    assert_eq!(told(), None);
    for byte in [1, 1, 2] {
        let published = store.write(move |tx| publish_node(tx, "main", &key(byte)));
        published
            .map_err(|error: StoreError| error)
            .expect("published");
        assert_eq!(told(), Some(key(1)));
    }
}
