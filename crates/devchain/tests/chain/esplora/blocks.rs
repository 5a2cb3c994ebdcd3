//! Blocks, transactions and proofs, as the client reads them.

use bitcoin::MerkleBlock;

use super::Served;
use crate::coins::{FEE_SAT, anyone};

#[tokio::test]
async fn the_client_reads_blocks() {
    let served = Served::new(1).await;
    let (chain, client) = (&served.coins.chain, &served.client);
    assert_eq!(client.get_height().await.unwrap(), 100);
    assert_eq!(client.get_tip_hash().await.unwrap(), chain.tip().hash);
    for height in [0, 42, 100] {
        let info = chain.block_at(height).unwrap();
        assert_eq!(client.get_block_hash(height).await.unwrap(), info.hash);
        assert_eq!(
            client.get_header_by_hash(&info.hash).await.unwrap(),
            info.block.header
        );
        let block = client.get_block_by_hash(&info.hash).await.unwrap().unwrap();
        assert_eq!(block, *info.block);
        let status = client.get_block_status(&info.hash).await.unwrap();
        assert!(status.in_best_chain);
        assert_eq!((status.height, status.next_best), (Some(height), info.next));
        let summary = client.get_block_info(&info.hash).await.unwrap();
        assert_eq!(
            (summary.height, summary.mediantime),
            (height, u64::from(info.median_time))
        );
        assert_eq!(summary.merkle_root, info.block.header.merkle_root);
        assert_eq!(summary.bits, info.block.header.bits);
        assert_eq!(summary.previousblockhash.is_none(), height == 0);
        let txids = client.get_block_txids(&info.hash).await.unwrap();
        assert_eq!(txids, vec![info.block.txdata[0].compute_txid()]);
        assert_eq!(
            client.get_block_txs(&info.hash, None).await.unwrap().len(),
            1
        );
    }
    let newest = client.get_block_infos(None).await.unwrap();
    let heights: Vec<u32> = newest.iter().map(|info| info.height).collect();
    assert_eq!(heights, (91..=100).rev().collect::<Vec<u32>>());
    assert_eq!(client.get_block_infos(Some(3)).await.unwrap().len(), 4);
}

#[tokio::test]
async fn the_client_reads_transactions() {
    let served = Served::new(1).await;
    let spend = served.confirmed();
    let client = &served.client;
    let txid = spend.compute_txid();
    assert_eq!(client.get_tx(&txid).await.unwrap().unwrap(), spend);
    let info = client.get_tx_info(&txid).await.unwrap().unwrap();
    assert_eq!(info.to_tx(), spend);
    assert_eq!((info.fee, info.weight), (FEE_SAT, spend.weight().to_wu()));
    assert_eq!(info.vin[0].prevout.as_ref().unwrap().scriptpubkey, anyone());
    let status = client.get_tx_status(&txid).await.unwrap();
    assert_eq!((status.confirmed, status.block_height), (true, Some(101)));
    let coinbase = served.coins.chain.block_at(7).unwrap().block.txdata[0].compute_txid();
    let info = client.get_tx_info(&coinbase).await.unwrap().unwrap();
    assert!(info.vin[0].is_coinbase && info.vin[0].prevout.is_none());
    assert_eq!(info.fee, 0);
}

#[tokio::test]
async fn the_client_verifies_merkle_proofs() {
    let served = Served::new(5).await;
    for height in 1..=5 {
        served.coins.submit(&served.coins.spend(height)).unwrap();
    }
    let waiting = served.coins.chain.mempool_txids()[0];
    assert!(
        served
            .client
            .get_merkle_block(&waiting)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        served
            .client
            .get_merkle_proof(&waiting)
            .await
            .unwrap()
            .is_none()
    );
    served.coins.mine(1);
    let info = served.coins.chain.block_at(105).unwrap();
    for (position, tx) in info.block.txdata.iter().enumerate() {
        let txid = tx.compute_txid();
        let merkle: MerkleBlock = served
            .client
            .get_merkle_block(&txid)
            .await
            .unwrap()
            .unwrap();
        let (mut matches, mut indexes) = (vec![], vec![]);
        merkle.extract_matches(&mut matches, &mut indexes).unwrap();
        assert_eq!(
            (matches, merkle.header.block_hash()),
            (vec![txid], info.hash)
        );
        let proof = served
            .client
            .get_merkle_proof(&txid)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((proof.block_height, proof.pos), (105, position));
        let root = fold(txid, &proof.merkle, position);
        assert_eq!(root, info.block.header.merkle_root.to_raw_hash());
    }
}

/// Walks a merkle path up to the root.
fn fold(
    txid: bitcoin::Txid,
    path: &[bitcoin::Txid],
    mut position: usize,
) -> bitcoin::hashes::sha256d::Hash {
    use bitcoin::hashes::{Hash, sha256d};
    path.iter().fold(txid.to_raw_hash(), |hash, neighbour| {
        let mut pair = [hash.to_byte_array(), neighbour.to_byte_array()];
        if position % 2 == 1 {
            pair.reverse();
        }
        position /= 2;
        sha256d::Hash::hash(&pair.concat())
    })
}
