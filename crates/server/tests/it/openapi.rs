//! The OpenAPI document, and what is generated from it: who may call each route, and that no account reaches another's.

use axum::http::Method;
use serde_json::{Value, json};
use testkit::{ADMIN_TOKEN, Answer, Customer, TestReceiver, TestServer};

on_sqlite!(
    the_document_describes_what_it_serves,
    i1_no_account_reaches_anything_of_another_by_any_route,
    i2_every_route_wants_the_scope_that_the_document_names,
);

struct Operation {
    method: Method,
    path: String,
    body: Value,
}

async fn operations(server: &TestServer) -> Vec<Operation> {
    let document = server.get("/openapi.json").send().await.json();
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, body) in methods.as_object().expect("methods") {
            found.push(Operation {
                method: method.to_ascii_uppercase().parse().expect("a method"),
                path: path.clone(),
                body: body.clone(),
            });
        }
    }
    assert!(found.len() > 60, "{}", found.len());
    found
}

impl Operation {
    fn scope(&self) -> Option<&str> {
        self.body["x-scope"].as_str()
    }

    /// Calls it with `key`, its variable segments filled from `ids`, and a body that names account `of`.
    async fn call(
        &self,
        server: &TestServer,
        key: &str,
        ids: &[(&str, String)],
        of: &str,
    ) -> Answer {
        let mut path = self.path.clone();
        for (name, id) in ids {
            path = path.replace(&format!("{{{name}}}"), id);
        }
        let call = server.call(self.method.clone(), &path).key(key);
        let form = json!({
            "account_id": of, "url": "http://127.0.0.1:9/", "from": "2020-01-01T00:00:00Z", "name": "x",
            "description": "taken over",
        });
        match self.method {
            Method::GET | Method::DELETE => call.send().await,
            _ => call.json(&form).send().await,
        }
    }
}

async fn the_document_describes_what_it_serves(server: &mut TestServer) {
    let document = server.get("/openapi.json").send().await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#/").skip(1) {
        let pointer = reference.split('"').next().expect("a reference");
        assert!(
            document.pointer(&format!("/{pointer}")).is_some(),
            "{pointer}"
        );
    }
    let mut ids = std::collections::BTreeSet::new();
    for operation in operations(server).await {
        let id = operation.body["operationId"]
            .as_str()
            .expect("an id")
            .to_owned();
        assert!(ids.insert(id.clone()), "{id} is there twice");
        let uuid = "9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01".to_owned();
        let ids = ["id", "event", "name"].map(|name| (name, uuid.clone()));
        let answer = operation.call(server, "nobody", &ids, &uuid).await;
        // An open route asks for something else than a token.
        let open = operation.body["security"] == json!([]);
        assert!(answer.status == 401 || open, "{id}: {answer:?}");
        assert!(
            operation.body["responses"]
                .get(answer.status.to_string())
                .is_some(),
            "{id} does not say that it may be answered with {}",
            answer.status
        );
    }
}

/// What `of` has: one of everything that a path can name.
async fn belongings(server: &TestServer, of: &Customer) -> Vec<Vec<(&'static str, String)>> {
    let receiver = TestReceiver::start().await;
    let webhook = server.webhook(of, &receiver, &["*"]).await.id;
    let form = json!({"amount": 7, "currency": "sats", "description": "secret coffee"});
    let call = server
        .post("/v1/bitcoin/deposit/lightning-invoice")
        .key(&of.key);
    let invoice = call.json(&form).send().await.data(201);
    let foreign = server.foreign_invoice(100);
    let withdrawal = server.accepted_withdrawal(of, &foreign, 100).await;
    let careful = server
        .ruled_key(of.account_id, &json!({"approval_above_sats": 0}))
        .await;
    let careful = Customer {
        key: careful,
        ..of.clone()
    };
    let foreign = server.foreign_invoice(100);
    let waits = server.accepted_withdrawal(&careful, &foreign, 100).await;
    let list = server
        .get("/v1/transactions")
        .key(&of.key)
        .send()
        .await
        .data(200);
    let deposit = list
        .as_array()
        .and_then(|rows| rows.iter().find(|row| row["type"] == "deposit"))
        .expect("a deposit")["id"]
        .clone();
    let events = server.get("/v1/events").key(&of.key).send().await.json();
    let event = events["data"][0]["id"]
        .as_str()
        .expect("an event")
        .to_owned();
    let number = of.key.split_once('|').expect("a key").0.to_owned();
    let text = |value: &Value| value.as_str().expect("an id").to_owned();
    [
        webhook,
        text(&invoice["id"]),
        withdrawal,
        waits,
        text(&deposit),
        number,
    ]
    .map(|id| vec![("id", id), ("event", event.clone())])
    .to_vec()
}

async fn i1_no_account_reaches_anything_of_another_by_any_route(server: &mut TestServer) {
    let (owner, thief) = (server.customer(1_000).await, server.customer(0).await);
    let everything = json!({"scopes": ["read", "receive", "send", "webhooks", "admin"]});
    let key = server.ruled_key(thief.account_id, &everything).await;
    let owners_key = server.ruled_key(owner.account_id, &everything).await;
    let belongings = belongings(server, &owner).await;
    let account = owner.account_id.to_string();
    let seen = async |key: &str| {
        let mut texts = Vec::new();
        for path in [
            "/v1/transactions",
            "/v1/webhooks",
            "/v1/keys",
            "/v1/approvals",
            "/v1/transactions/balance",
        ] {
            texts.push(server.get(path).key(key).send().await.body);
        }
        texts
    };
    let before = seen(&owners_key).await;
    let mut calls = 0;
    for operation in operations(server).await {
        if operation.scope().is_none() {
            // The operator's: no key of anybody opens it.
            if operation.body["security"] != json!([]) {
                let answer = operation.call(server, &key, &belongings[0], &account).await;
                assert_eq!(
                    answer.status, 401,
                    "{} {}",
                    operation.method, operation.path
                );
            }
            continue;
        }
        for ids in &belongings {
            let answer = operation.call(server, &key, ids, &account).await;
            let about = format!("{} {} {ids:?} {answer:?}", operation.method, operation.path);
            if operation.path.contains('{') {
                assert_eq!(answer.status, 404, "{about}");
            }
            assert!(answer.status < 500, "{about}");
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(
                !text.contains(&account) && !text.contains("secret coffee"),
                "{about}"
            );
            for (_, id) in ids.iter().filter(|(_, id)| id.len() > 8) {
                assert!(!text.contains(id.as_str()), "{about}");
            }
            calls += 1;
        }
    }
    assert!(calls > 150, "{calls}");
    assert_eq!(
        seen(&owners_key).await,
        before,
        "nothing of the owner's has changed"
    );
    server
        .get("/admin/v1/accounts")
        .key(ADMIN_TOKEN)
        .send()
        .await;
}

async fn i2_every_route_wants_the_scope_that_the_document_names(server: &mut TestServer) {
    let customer = server.customer(0).await;
    let scopes = ["read", "receive", "send", "webhooks", "admin"];
    let uuid = "9d2f5f0a-6a53-4d0e-9a53-0a7a3a8a3b01".to_owned();
    let ids = ["id", "event", "name"].map(|name| (name, uuid.clone()));
    let operations = operations(server).await;
    for scope in scopes {
        let key = server
            .ruled_key(customer.account_id, &json!({"scopes": [scope]}))
            .await;
        for operation in operations.iter().filter(|one| one.scope().is_some()) {
            let answer = operation.call(server, &key, &ids, &uuid).await;
            let is_open = operation.scope() == Some(scope);
            let about = format!("{scope} {} {} {answer:?}", operation.method, operation.path);
            assert_eq!(answer.status == 403, !is_open, "{about}");
        }
    }
}
