//! The wallet over a real chain and its Esplora API: what it sees is what is there.

use std::net::SocketAddr;

use bitcoin::{FeeRate, ScriptBuf};
use devchain::Chain;
use onchain::{OnchainWallet, WalletKeys, deposit_address};
use payments::network::Network;
use payments::ports::{ChainPosition, ChainWallet, Fate, Keychain};
use tokio::net::TcpListener;

/// A chain with coins to give away, and where its API is. It ends with the runtime.
struct World {
    chain: Chain,
    url: String,
    _runtime: tokio::runtime::Runtime,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let chain = Chain::in_memory();
        chain.faucet().mine(110).expect("coins");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.expect("a free port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let router = devchain::esplora::router(chain.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            chain,
            url: format!("http://{address}"),
            _runtime: runtime,
        }
    }

    fn wallet(&self) -> OnchainWallet {
        let keys = WalletKeys::of_seed(Network::Regtest, &[9; 64]).expect("keys");
        OnchainWallet::new(&keys, &self.url).expect("a wallet")
    }

    fn pay(&self, script: ScriptBuf, sat: u64) -> bitcoin::Txid {
        let paid = self.chain.faucet().pay(script, sat, FeeRate::BROADCAST_MIN);
        paid.expect("the faucet pays")
    }
}

fn script(wallet: &OnchainWallet, index: u32) -> ScriptBuf {
    let address = deposit_address(&wallet.descriptors().deposits, Network::Regtest, index);
    let address: bitcoin::Address<_> = address.expect("an address").parse().expect("the same");
    address.assume_checked().script_pubkey()
}

#[test]
fn a_coin_is_seen_in_the_mempool_and_then_in_its_block() {
    let world = World::new();
    let wallet = world.wallet();
    assert!(wallet.look(3).expect("a view").coins.is_empty());
    let txid = world.pay(script(&wallet, 2), 70_000);
    let view = wallet.look(3).expect("a view");
    let [coin] = view.coins.as_slice() else {
        panic!("one coin: {view:?}");
    };
    assert_eq!(coin.outpoint.txid, txid);
    assert_eq!(coin.amount_msat.get(), 70_000_000);
    assert_eq!((coin.keychain, coin.index), (Keychain::Deposits, 2));
    assert_eq!(coin.position, ChainPosition::Mempool);
    assert!(!coin.is_coinbase && !coin.inputs.is_empty());
    let fate = wallet.fate(txid, &coin.inputs).expect("an answer");
    assert_eq!(fate, Fate::Unknown);
    world.chain.faucet().mine(2).expect("blocks");
    let view = wallet.look(3).expect("a view");
    assert_eq!(view.coins[0].position, ChainPosition::Block(111));
    assert_eq!(view.tip.height, 112);
}

#[test]
fn f5_a_wallet_made_anew_from_its_seed_finds_every_coin_also_beyond_what_the_books_know() {
    let world = World::new();
    let wallet = world.wallet();
    world.pay(script(&wallet, 0), 10_000);
    world.chain.faucet().mine(500).expect("blocks");
    world.pay(script(&wallet, 90), 20_000);
    world.pay(script(&wallet, 130), 30_000);
    let restored = world.wallet();
    let view = restored.look(0).expect("a view");
    let mut indexes: Vec<u32> = view.coins.iter().map(|coin| coin.index).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, [0, 90, 130]);
}

#[test]
fn dust_and_other_peoples_coins_are_left_out_and_rewards_are_told_apart() {
    let world = World::new();
    let wallet = world.wallet();
    world.pay(script(&wallet, 0), 545);
    world.pay(script(&wallet, 0), 546);
    world.pay(world.chain.faucet().script(), 10_000);
    world.chain.mine(1, script(&wallet, 1)).expect("a block");
    let view = wallet.look(2).expect("a view");
    let mut found: Vec<_> = view
        .coins
        .iter()
        .map(|coin| (coin.index, coin.is_coinbase))
        .collect();
    found.sort_unstable();
    assert_eq!(found, [(0, false), (1, true)]);
}

#[test]
fn a_backend_that_does_not_answer_proves_nothing() {
    let keys = WalletKeys::of_seed(Network::Regtest, &[9; 64]).expect("keys");
    let wallet = OnchainWallet::new(&keys, "http://127.0.0.1:9").expect("a wallet");
    assert!(wallet.look(1).is_err());
    assert!(wallet.fate(bitcoin::hashes::Hash::all_zeros(), &[]).is_ok());
}

#[test]
fn its_keys_are_not_those_of_the_nodes_wallet() {
    let world = World::new();
    let descriptors = world.wallet().descriptors();
    assert!(
        descriptors.deposits.contains("/84'/1'/1']tpub"),
        "{descriptors:?}"
    );
    assert!(!descriptors.deposits.contains("prv"), "{descriptors:?}");
    assert_ne!(descriptors.deposits, descriptors.change);
}

#[test]
fn f1_a_coin_that_is_replaced_is_seen_no_more_and_its_fate_is_known() {
    let world = World::new();
    let wallet = world.wallet();
    let txid = world.pay(script(&wallet, 0), 70_000);
    let inputs = wallet.look(1).expect("a view").coins[0].inputs.clone();
    world.chain.faucet().replace(txid).expect("a replacement");
    assert!(wallet.look(1).expect("a view").coins.is_empty());
    assert_eq!(
        wallet.fate(txid, &inputs).expect("an answer"),
        Fate::Replaced
    );
    world.chain.faucet().mine(1).expect("a block");
    assert!(wallet.look(1).expect("a view").coins.is_empty());
    let fate = wallet.fate(txid, &inputs).expect("an answer");
    assert_eq!(fate, Fate::DoubleSpent);
}

#[test]
fn f2_a_coin_whose_block_leaves_the_chain_waits_again_until_it_is_in_another() {
    let world = World::new();
    let wallet = world.wallet();
    world.pay(script(&wallet, 0), 70_000);
    world.chain.faucet().mine(3).expect("blocks");
    let position = || {
        let view = wallet.look(1).expect("a view");
        (view.coins[0].position, view.tip.height)
    };
    assert_eq!(position(), (ChainPosition::Block(111), 113));
    world.chain.reorganise(3, 1).expect("another branch");
    assert_eq!(position(), (ChainPosition::Mempool, 114));
    world.chain.faucet().mine(1).expect("a block");
    assert_eq!(position(), (ChainPosition::Block(115), 115));
    // A wallet that was made anew sees the same.
    let anew = world.wallet().look(1).expect("a view");
    assert_eq!(anew.coins[0].position, ChainPosition::Block(115));
}
