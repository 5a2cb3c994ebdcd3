//! `/admin/v1/node…`: the operator funds the node, connects it, opens and closes channels.

use serde_json::{Value, json};
use server::compose::NODE;
use server::roles::{Role, Roles};
use store::LeaseOptions;
use testkit::{ADMIN_TOKEN, Answer, TestServer, payee};

on_sqlite!(
    an_operator_funds_connects_opens_and_closes,
    what_the_node_cannot_do_is_said,
    what_is_no_peer_no_amount_and_no_channel_is_refused,
);
on_postgres!(a_process_that_does_not_run_the_node_says_where_it_runs,);

async fn get(server: &TestServer) -> Answer {
    server.get("/admin/v1/node").key(ADMIN_TOKEN).send().await
}

async fn post(server: &TestServer, path: &str, body: &Value) -> Answer {
    let call = server.post(&format!("/admin/v1/node/{path}"));
    call.key(ADMIN_TOKEN).json(body).send().await
}

fn peer() -> String {
    format!("{}@peer.example:9735", payee(2))
}

async fn an_operator_funds_connects_opens_and_closes(server: &mut TestServer) {
    let address = post(server, "address", &json!({})).await;
    assert_eq!(address.status, 201);
    assert_eq!(address.json()["address"], "bcrt1qfake1");
    server.rail.set_spendable(1_000_000);
    let connected = post(server, "peers", &json!({ "peer": peer() })).await;
    assert_eq!(connected.status, 200);
    assert_eq!(
        connected.json(),
        json!({"node_id": payee(2).to_string(), "address": "peer.example:9735", "connected": true})
    );
    let request = json!({ "peer": peer(), "amount_sats": 400_000, "announced": true });
    let opened = post(server, "channels", &request).await;
    assert_eq!(opened.status, 201);
    let channel = opened.json();
    assert_eq!(
        (
            &channel["state"],
            &channel["capacity_sats"],
            &channel["announced"]
        ),
        (&json!("opening"), &json!(400_000), &json!(true))
    );
    server.rail.confirm_channels();
    let node = get(server).await.json();
    assert_eq!(node["node_id"], payee(1).to_string());
    assert_eq!(node["wallet"]["total_sats"], 1_000_000);
    assert_eq!(node["channels"][0]["id"], channel["id"]);
    assert_eq!(node["channels"][0]["state"], "usable");
    assert_eq!(node["channels"][0]["outbound_msat"], 400_000_000);
    assert_eq!(node["peers"][0]["node_id"], payee(2).to_string());
    let id = channel["id"].as_str().expect("an id");
    let path = format!("channels/{id}/close");
    let closed = post(server, &path, &json!({ "force": true })).await;
    assert_eq!(closed.status, 200);
    assert_eq!(closed.json(), json!({ "id": id, "forced": true }));
    assert!(server.rail.closed_channels()[0].1);
    let again = post(server, &path, &json!({})).await;
    assert_eq!(again.problem(), (404, "not_found".to_owned()));
}

async fn what_the_node_cannot_do_is_said(server: &mut TestServer) {
    let open = json!({ "peer": peer(), "amount_sats": 400_000 });
    server.rail.set_spendable(399_999);
    let refused = post(server, "channels", &open).await;
    assert_eq!(refused.problem(), (400, "node_funds_too_low".to_owned()));
    assert!(refused.message().contains("399999 sats"), "{refused:?}");
    server.rail.set_spendable(1_000_000);
    server.rail.fail_openings(Some(false));
    let refused = post(server, "channels", &open).await;
    assert_eq!(refused.problem(), (409, "node_refused".to_owned()));
    server.rail.take_peers_away(true);
    for (path, body) in [("channels", open), ("peers", json!({ "peer": peer() }))] {
        let refused = post(server, path, &body).await;
        assert_eq!(refused.problem(), (502, "peer_unreachable".to_owned()));
    }
    server.rail.set_down(true);
    let refused = post(server, "address", &json!({})).await;
    assert_eq!(refused.problem(), (503, "rail_unavailable".to_owned()));
}

async fn what_is_no_peer_no_amount_and_no_channel_is_refused(server: &mut TestServer) {
    let key = payee(2).to_string();
    for wrong in [
        "",
        "peer.example:9735",
        "02ab@peer.example:9735",
        key.as_str(),
    ] {
        let refused = post(server, "peers", &json!({ "peer": wrong })).await;
        assert_eq!(
            refused.problem(),
            (400, "invalid_parameter".to_owned()),
            "{wrong}"
        );
    }
    for wrong in [json!("1"), json!(1.5), json!(-1)] {
        let body = json!({ "peer": peer(), "amount_sats": wrong });
        let refused = post(server, "channels", &body).await;
        assert_eq!(
            refused.problem(),
            (400, "invalid_parameter".to_owned()),
            "{wrong}"
        );
    }
    let refused = post(server, "channels", &json!({ "peer": peer() })).await;
    assert_eq!(refused.problem(), (400, "missing_parameter".to_owned()));
    for wrong in ["00", "xyz", &"00".repeat(32)] {
        let refused = post(server, &format!("channels/{wrong}/close"), &json!({})).await;
        assert_eq!(refused.problem(), (404, "not_found".to_owned()), "{wrong}");
    }
    assert_eq!(server.rail.opening_requests(), []);
}

async fn a_process_that_does_not_run_the_node_says_where_it_runs(server: &mut TestServer) {
    let mut api = server.beside_as(Roles::only(&[Role::Api])).await;
    let nowhere = get(&api).await;
    assert_eq!(nowhere.problem(), (503, "rail_unavailable".to_owned()));
    let leased = server.lease_node(NODE, LeaseOptions::default()).await;
    for answer in [
        get(&api).await,
        post(&api, "address", &json!({})).await,
        post(&api, "peers", &json!({ "peer": peer() })).await,
    ] {
        assert_eq!(answer.problem(), (503, "node_elsewhere".to_owned()));
        let process = std::process::id().to_string();
        assert!(answer.message().contains(&process), "{answer:?}");
    }
    let dropped = tokio::task::spawn_blocking(move || drop(leased));
    dropped.await.expect("the lease is given back");
    api.stop().await;
}
