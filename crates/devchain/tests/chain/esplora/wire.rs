//! Broadcasts, fees, the mempool, errors, and the shapes to the letter.

use bitcoin::Block;
use bitcoin::consensus::encode::{deserialize, serialize, serialize_hex};
use serde_json::json;

use super::Served;
use crate::coins::{FEE_SAT, child_of};

#[tokio::test]
async fn fee_estimates_fall_with_patience_and_never_below_what_is_relayed() {
    let served = Served::new(1).await;
    let estimates = served.client.get_fee_estimates().await.unwrap();
    assert_eq!(
        (estimates[&1], estimates[&6], estimates[&1008]),
        (2.0, 1.0, 1.0)
    );
    assert!(estimates.values().all(|rate| *rate >= 1.0));
}

#[tokio::test]
async fn the_mempool_is_told() {
    let served = Served::new(1).await;
    let spend = served.coins.spend(1);
    let child = child_of(&spend);
    served.coins.submit(&spend).unwrap();
    served.coins.submit(&child).unwrap();
    let stats = served.client.get_mempool_stats().await.unwrap();
    assert_eq!((stats.count, stats.total_fee), (2, 2 * FEE_SAT));
    assert_eq!(stats.vsize, spend.vsize() + child.vsize());
    let txids = served.client.get_mempool_txids().await.unwrap();
    assert_eq!(txids, vec![spend.compute_txid(), child.compute_txid()]);
    let recent = served.client.get_mempool_recent_txs().await.unwrap();
    assert_eq!(recent[0].txid, child.compute_txid());
}

#[tokio::test]
async fn a_broadcast_answers_with_the_id_or_with_cores_reason() {
    let served = Served::new(1).await;
    let spend = served.coins.spend(1);
    let id = spend.compute_txid().to_string();
    let accepted = served
        .broadcast(format!("{}\n", serialize_hex(&spend)))
        .await;
    assert_eq!(accepted, (200, id.clone()));
    // As in Core, what is in the mempool may be sent again.
    assert_eq!(served.broadcast(serialize_hex(&spend)).await, (200, id));
    let mut double = spend.clone();
    double.output[0].value -= bitcoin::Amount::from_sat(1);
    let refused = |code: i32, message: &str| {
        let error = json!({ "code": code, "message": message });
        (400, format!("sendrawtransaction RPC error: {error}"))
    };
    assert_eq!(
        served.broadcast(serialize_hex(&double)).await,
        refused(-26, "insufficient fee")
    );
    let orphan = child_of(&double);
    let missing = refused(-25, "bad-txns-inputs-missingorspent");
    assert_eq!(served.broadcast(serialize_hex(&orphan)).await, missing);
    let undecodable = "TX decode failed. Make sure the tx has at least one input.";
    assert_eq!(
        served.broadcast("beef".to_owned()).await,
        refused(-22, undecodable)
    );
    served.coins.mine(1);
    let known = refused(-27, "Transaction outputs already in utxo set");
    assert_eq!(served.broadcast(serialize_hex(&spend)).await, known);
    assert!(served.client.broadcast(&double).await.is_err());
}

#[tokio::test]
async fn the_shapes_are_esploras_to_the_letter() {
    let served = Served::new(1).await;
    let spend = served.confirmed();
    let txid = spend.compute_txid();
    assert_eq!(
        served.get(&format!("/tx/{txid}/raw")).await,
        (200, serialize(&spend))
    );
    assert_eq!(
        served.text(&format!("/tx/{txid}/hex")).await,
        serialize_hex(&spend)
    );
    assert_eq!(
        served.json(&format!("/tx/{txid}/outspend/0")).await,
        json!({"spent": false})
    );
    assert_eq!(served.text("/blocks/tip/height").await, "101");
    let info = served.coins.chain.block_at(101).unwrap();
    let status = json!({
        "confirmed": true, "block_height": 101, "block_hash": info.hash.to_string(),
        "block_time": info.block.header.time,
    });
    assert_eq!(served.json(&format!("/tx/{txid}/status")).await, status);
    let tx = served.json(&format!("/tx/{txid}")).await;
    assert_eq!(tx["vin"][0]["witness"][0], json!("616e79"));
    assert_eq!(tx["vout"][0]["scriptpubkey_type"], json!("v0_p2wsh"));
    let (code, raw) = served.get(&format!("/block/{}/raw", info.hash)).await;
    assert_eq!(
        (code, deserialize::<Block>(&raw).unwrap()),
        (200, (*info.block).clone())
    );
    let proof = served.text(&format!("/tx/{txid}/merkleblock-proof")).await;
    assert!(!proof.is_empty() && proof.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let blocks = served.json("/blocks").await;
    assert!(blocks[0]["bits"].is_u64() && blocks[0]["previousblockhash"].is_string());
    let genesis = served.json("/blocks/0").await;
    assert!(genesis[0]["previousblockhash"].is_null());
    served.coins.submit(&child_of(&spend)).unwrap();
    let spent = served.json(&format!("/tx/{txid}/outspend/0")).await;
    assert_eq!(spent["status"], json!({"confirmed": false}));
}

#[tokio::test]
async fn what_is_unknown_is_not_found_and_what_is_malformed_is_refused() {
    let served = Served::new(1).await;
    let none = "00".repeat(32);
    let waiting = served.coins.submit(&served.coins.spend(1)).unwrap();
    for path in [
        format!("/tx/{none}"),
        format!("/tx/{none}/raw"),
        format!("/tx/{none}/status"),
        format!("/tx/{none}/merkleblock-proof"),
        format!("/tx/{waiting}/merkleblock-proof"),
        format!("/tx/{waiting}/merkle-proof"),
        format!("/block/{none}"),
        format!("/block/{none}/header"),
        "/block-height/101".to_owned(),
        "/blocks/101".to_owned(),
        "/no/such/thing".to_owned(),
    ] {
        assert_eq!(served.get(&path).await.0, 404, "{path}");
    }
    for path in [
        "/tx/beef",
        "/block/beef",
        "/block-height/x",
        "/scripthash/beef/txs",
    ] {
        assert_eq!(served.get(path).await.0, 400, "{path}");
    }
    let unknown = served.json(&format!("/block/{none}/status")).await;
    assert_eq!(
        unknown,
        json!({"in_best_chain": false, "height": null, "next_best": null})
    );
    assert_eq!(
        served.json(&format!("/scripthash/{none}/txs")).await,
        json!([])
    );
}
