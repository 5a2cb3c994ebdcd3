//! The history of scripts, addresses and outputs, as the client reads it.

use bitcoin::{Address, Network};

use super::Served;
use crate::coins::anyone;

#[tokio::test]
async fn a_script_history_comes_in_pages_the_mempool_first_and_the_newest_before_the_older() {
    let served = Served::new(1).await;
    let (chain, client) = (&served.coins.chain, &served.client);
    let txid = served.coins.submit(&served.coins.spend(1)).unwrap();
    let first = client.scripthash_txs(&anyone(), None).await.unwrap();
    assert_eq!(first.len(), 26);
    assert_eq!((first[0].txid, first[0].status.confirmed), (txid, false));
    let mut seen: Vec<_> = first.iter().skip(1).map(|tx| tx.txid).collect();
    loop {
        let page = client
            .scripthash_txs(&anyone(), seen.last().copied())
            .await
            .unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 25);
        seen.extend(page.iter().map(|tx| tx.txid));
    }
    let mut expected = chain.history(&anyone()).confirmed;
    expected.reverse();
    assert_eq!(seen, expected);
    assert_eq!(seen.len(), 100);

    let stats = client.get_scripthash_stats(&anyone()).await.unwrap();
    assert_eq!(
        (stats.chain_stats.tx_count, stats.mempool_stats.tx_count),
        (100, 1)
    );
    assert_eq!(
        (
            stats.mempool_stats.spent_txo_count,
            stats.chain_stats.spent_txo_count
        ),
        (1, 0)
    );
    let utxos = client.get_scripthash_utxos(&anyone()).await.unwrap();
    assert_eq!(utxos.len(), 100);
    assert_eq!(
        utxos.iter().filter(|utxo| !utxo.status.confirmed).count(),
        1
    );
}

#[tokio::test]
async fn an_address_answers_as_its_script_does() {
    let served = Served::new(1).await;
    let address = Address::from_script(&anyone(), Network::Regtest).unwrap();
    served.coins.submit(&served.coins.spend(1)).unwrap();
    let client = &served.client;
    let of_script = client.scripthash_txs(&anyone(), None).await.unwrap();
    assert_eq!(
        client.get_address_txs(&address, None).await.unwrap(),
        of_script
    );
    let unconfirmed = client.get_mempool_address_txs(&address).await.unwrap();
    assert_eq!(unconfirmed, of_script[..1]);
    assert_eq!(client.get_address_utxos(&address).await.unwrap().len(), 100);
    let stats = client.get_address_stats(&address).await.unwrap();
    assert_eq!(
        (stats.address, stats.chain_stats.tx_count),
        (address.to_string(), 100)
    );
    assert_eq!(served.get("/address/nonsense").await.0, 400);
    let mainnet = "/address/bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4";
    assert_eq!(served.get(mainnet).await.0, 400);
}

#[tokio::test]
async fn the_client_sees_an_output_spent_in_the_mempool_and_then_in_a_block() {
    let served = Served::new(1).await;
    let (outpoint, _) = served.coins.reward(1);
    let status = || served.client.get_output_status(&outpoint.txid, 0);
    assert!(!status().await.unwrap().unwrap().spent);
    let spend = served.coins.spend(1);
    served.client.broadcast(&spend).await.unwrap();
    let unconfirmed = status().await.unwrap().unwrap();
    assert_eq!(
        (unconfirmed.txid, unconfirmed.vin),
        (Some(spend.compute_txid()), Some(0))
    );
    assert!(!unconfirmed.status.unwrap().confirmed);
    served.coins.mine(1);
    let confirmed = status().await.unwrap().unwrap().status.unwrap();
    assert_eq!(confirmed.block_height, Some(101));
    let all = served
        .client
        .get_tx_outspends(&outpoint.txid)
        .await
        .unwrap();
    assert_eq!(
        all.iter().map(|output| output.spent).collect::<Vec<_>>(),
        [true, false]
    );
}
