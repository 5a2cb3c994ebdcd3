//! The hubs of two processes: an event that is caused through one reaches the clients of both, and a `kill -9` of one
//! loses no client of the other.

use futures_util::future::join_all;
use testkit::HubClient;

use super::cluster::{Account, Cluster, run, until};
use super::economy::INVOICE_SAT;
use super::process::Process;

const CLIENTS: usize = 4;
/// Above the reserve of the channel: below it nothing can be sent.
const FUNDS_SAT: i64 = 1_000_000;
const CREATED: &str = "execution.withdrawal.lightspark.created";
const COMPLETED: &str = "execution.withdrawal.lightspark.completed";

#[test]
fn an_event_reaches_the_clients_of_all_processes_and_a_kill_loses_none_of_the_others() {
    run(async |cluster| {
        let first = cluster.start("api,node,worker").await;
        first.until_it_runs_the_node();
        let second = cluster.start("api,worker").await;
        let account = cluster.account(&first.url, "the customer").await;
        cluster.fund(&first.url, &account, FUNDS_SAT).await;

        let mut of_first = clients(&first, &account).await;
        let mut of_second = clients(&second, &account).await;
        for through in [&first, &second] {
            withdraw(cluster, through, &account).await;
            let everybody = of_first.iter_mut().chain(&mut of_second);
            let heard = join_all(everybody.map(async |client| {
                let events = [client.event().await, client.event().await];
                events.map(|event| event["subject"].as_str().map(str::to_owned))
            }));
            for subjects in heard.await {
                let subjects = subjects.map(Option::unwrap_or_default);
                assert_eq!(subjects, [CREATED, COMPLETED]);
            }
        }

        // The one that has no node dies: the clients of the other go on, and its own come back to the other.
        tokio::task::block_in_place(|| second.kill());
        join_all(of_second.into_iter().map(HubClient::gone)).await;
        of_first.push(HubClient::connect_to(address(&first), &account.key).await);
        withdraw(cluster, &first, &account).await;
        for client in &mut of_first {
            assert_eq!(client.event().await["subject"], CREATED);
            assert_eq!(client.event().await["subject"], COMPLETED);
        }

        // The one with the node dies: what is accepted without one is told all the same.
        let third = cluster.start("api,worker").await;
        let mut of_third = clients(&third, &account).await;
        tokio::task::block_in_place(|| first.kill());
        join_all(of_first.into_iter().map(HubClient::gone)).await;
        ask(cluster, &third, &account).await;
        for client in &mut of_third {
            assert_eq!(client.event().await["subject"], CREATED);
        }
        cluster.audit().await;
    });
}

fn address(process: &Process) -> &str {
    process.url.strip_prefix("http://").expect("a URL")
}

async fn clients(process: &Process, account: &Account) -> Vec<HubClient> {
    let connecting = (0..CLIENTS).map(|_| HubClient::connect_to(address(process), &account.key));
    join_all(connecting).await
}

/// One payment to the node of the test, when it can be made.
async fn withdraw(cluster: &Cluster, process: &Process, account: &Account) {
    let economy = &cluster.economy;
    until("the channel", async || economy.has_channel().then_some(())).await;
    ask(cluster, process, account).await;
}

/// Asks for it, whether it can be made or not.
async fn ask(cluster: &Cluster, process: &Process, account: &Account) {
    let invoice = tokio::task::block_in_place(|| cluster.economy.invoice());
    let asked = cluster.withdraw(&process.url, account, &invoice.bolt11, INVOICE_SAT);
    let (status, answer) = asked.await.expect("an answer");
    assert_eq!(status, 201, "{answer}");
}
