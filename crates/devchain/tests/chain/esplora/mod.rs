//! The HTTP API, read by the client that ldk-node and bdk use, and by plain requests.

mod blocks;
mod scripts;
mod wire;

use std::time::Duration;

use bitcoin::Transaction;
use devchain::esplora;
use esplora_client::{AsyncClient, Builder};
use serde_json::Value;

use crate::coins::Coins;

/// A chain behind its API on a loopback port.
struct Served {
    coins: Coins,
    url: String,
    client: AsyncClient,
    http: reqwest::Client,
}

impl Served {
    async fn new(mature: u32) -> Self {
        let coins = Coins::new(mature);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = esplora::router(coins.chain.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let client = Builder::new(&url).build_async().unwrap();
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap();
        Self {
            coins,
            url,
            client,
            http,
        }
    }

    async fn get(&self, path: &str) -> (u16, Vec<u8>) {
        let answer = self
            .http
            .get(format!("{}{path}", self.url))
            .send()
            .await
            .unwrap();
        (
            answer.status().as_u16(),
            answer.bytes().await.unwrap().to_vec(),
        )
    }

    async fn text(&self, path: &str) -> String {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}");
        String::from_utf8(body).unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.text(path).await).unwrap()
    }

    async fn broadcast(&self, body: String) -> (u16, String) {
        let post = self.http.post(format!("{}/tx", self.url)).body(body);
        let answer = post.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// A confirmed spend of the first reward.
    fn confirmed(&self) -> Transaction {
        let spend = self.coins.spend(1);
        self.coins.submit(&spend).unwrap();
        self.coins.mine(1);
        spend
    }
}
