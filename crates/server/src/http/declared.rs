//! Every route of REST, with who may call it, what it takes and what it answers: the source of the OpenAPI document.

use axum::http::Method;
use payments::api_key::Scope;
use serde_json::{Value, json};
use wire::admin as body;
use wire::bitvora as contract;
use wire::hercle::HubDescription;

use super::openapi::{Access, Operation, requests};
use super::routes::Routes;
use super::{
    addresses, admin, balance, description, events, export, invoices, transactions, withdrawals,
};

/// All of them.
#[must_use]
pub fn all(routes: Routes) -> Routes {
    let routes = statement_and_details(transactions_of(customers(routes)));
    let routes = supervision(routes);
    let routes = webhooks(routes, "/v1/webhooks", Access::Key(Scope::Webhooks), "own");
    let routes = webhooks(routes, "/admin/v1/webhooks", Access::Operator, "any");
    for_the_console(node(people(access(books(administration(routes))))))
}

/// What the pages of the console show beside the rest.
fn for_the_console(routes: Routes) -> Routes {
    use admin::console;
    let get = |path: &str, id: &str, says| Operation::get(&format!("/admin/v1{path}"), id, says);
    let days = json!({"type": "integer", "minimum": 1, "maximum": 366});
    routes
        .open(
            Operation::get("/hub.json", "describeHub", "What the hub can be asked.")
                .answers::<HubDescription>(200),
            description::hub,
        )
        .operator(
            get("/server", "getServer", "What the server is.").answers::<body::Server>(200),
            console::server,
        )
        .operator(
            get("/server/state", "getServerState", "Whether money moves.")
                .answers::<body::ServerState>(200),
            console::server_state,
        )
        .operator(
            get(
                "/accounts/{id}/activity",
                "getActivity",
                "What went through an account, day by day.",
            )
            .query("days", "How far back.", days)
            .answers::<body::Activity>(200),
            console::activity,
        )
        .operator(
            get(
                "/accounts/{id}/transactions/{subject}/story",
                "getStory",
                "What happened to a deposit or withdrawal.",
            )
            .answers::<body::Story>(200),
            console::story,
        )
}

/// What the contract has, and ours beside it.
fn customers(routes: Routes) -> Routes {
    const INVOICE: &str = "/v1/bitcoin/deposit/lightning-invoice";
    let by_id = |path: &str, id| {
        let path = format!("{INVOICE}{path}");
        Operation::get(&path, id, "One Lightning invoice.").envelops::<contract::Invoice>(200)
    };
    routes
        .key(
            Scope::Receive,
            Operation::post(INVOICE, "createInvoice", "Make a Lightning invoice.")
                .takes(requests::invoice())
                .envelops::<contract::Invoice>(201),
            invoices::create,
        )
        .key(Scope::Read, by_id("/id/{id}", "getInvoice"), invoices::get)
        .key(
            Scope::Read,
            by_id("/{id}", "getInvoiceShort"),
            invoices::get,
        )
        .key(
            Scope::Receive,
            Operation::post(
                "/v1/bitcoin/deposit/on-chain",
                "createAddress",
                "Make an on-chain address.",
            )
            .may_take(&requests::on_chain_address())
            .envelops::<contract::OnChainAddress>(201),
            addresses::create,
        )
        .key(
            Scope::Send,
            Operation::post(
                "/v1/bitcoin/withdraw/confirm",
                "withdraw",
                "Pay a Lightning invoice.",
            )
            .takes(requests::withdrawal())
            .envelops::<contract::Withdrawal>(201),
            withdrawals::confirm,
        )
        .key(
            Scope::Read,
            Operation::get(
                "/v1/events",
                "listEvents",
                "The account's events by number, without gaps.",
            )
            .query(
                "after",
                "The number of the last event that was seen.",
                json!({"type": "integer", "minimum": 0, "maximum": i64::MAX}),
            )
            .query(
                "limit",
                "How many.",
                json!({"type": "integer", "minimum": 1, "maximum": 500}),
            )
            .answers::<wire::events::EventPage>(200),
            events::list,
        )
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn transactions_of(routes: Routes) -> Routes {
    routes
        .key(
            Scope::Read,
            Operation::get(
                "/v1/transactions/balance",
                "getBalance",
                "What the account can spend.",
            )
            .envelops::<contract::Balance>(200),
            balance::get,
        )
        .key(
            Scope::Read,
            Operation::get(
                "/v1/transactions",
                "listTransactions",
                "Deposits and withdrawals, newest first.",
            )
            .paged(json!({"type": "string", "pattern": "^[0-9a-f]{32}$"}))
            .query(
                "status",
                "Only these.",
                json!({"enum": ["pending", "settled", "failed"]}),
            )
            .query(
                "type",
                "Only these.",
                json!({"enum": ["deposit", "withdrawal"]}),
            )
            .query(
                "rail_type",
                "Only these.",
                json!({"enum": ["lightning", "onchain"]}),
            )
            .query("from", "Made at this time or later.", time())
            .query("to", "Made before this time.", time())
            .query(
                "metadata",
                "Only those whose metadata has this pair, as key=value.",
                json!({"type": "string", "pattern": "^[a-z]+=[a-z]*$"}),
            )
            .envelops_list::<contract::Transaction>(),
            transactions::list,
        )
}

fn statement_and_details(routes: Routes) -> Routes {
    routes
        .key(
            Scope::Read,
            Operation::get(
                "/v1/transactions/export",
                "exportTransactions",
                "The account's statement: every change of its balance, between two balances.",
            )
            .query(
                "format",
                "The form of the answer.",
                json!({"enum": ["json", "csv"]}),
            )
            .query("from", "From this time.", time())
            .query("to", "Before this time.", time())
            .query(
                "after",
                "The next_after of the part before.",
                json!({"type": "integer", "minimum": 0}),
            )
            .answers::<wire::statement::Statement>(200)
            .or_csv(),
            export::get,
        )
        .key(
            Scope::Read,
            Operation::get(
                "/v1/transactions/deposits/{id}",
                "getDeposit",
                "One deposit.",
            )
            .envelops::<contract::Deposit>(200),
            transactions::deposit,
        )
        .key(
            Scope::Read,
            Operation::get(
                "/v1/transactions/withdrawals/{id}",
                "getWithdrawal",
                "One withdrawal, and why it is pending while it is.",
            )
            .envelops::<contract::WithdrawalDetails>(200),
            transactions::withdrawal,
        )
}

/// An account's own keys and approvals.
fn supervision(routes: Routes) -> Routes {
    let routes = approvals(routes, "/v1/approvals", Access::Key(Scope::Admin), "own");
    let routes = approvals(routes, "/admin/v1/approvals", Access::Operator, "any");
    routes
        .key(
            Scope::Admin,
            Operation::get("/v1/keys", "listOwnKeys", "The account's keys.")
                .lists::<body::ApiKey>(),
            admin::keys::list,
        )
        .key(
            Scope::Admin,
            Operation::get("/v1/keys/{id}", "getOwnKey", "One key of the account.")
                .answers::<body::ApiKey>(200),
            admin::keys::get,
        )
        .key(
            Scope::Admin,
            Operation::new(
                Method::DELETE,
                "/v1/keys/{id}",
                "revokeOwnKey",
                "Revoke a key of the account.",
            )
            .answers::<body::ApiKey>(200),
            admin::keys::revoke,
        )
}

fn approvals(routes: Routes, under: &str, access: Access, whose: &str) -> Routes {
    use admin::approvals::{approve, list, reject};
    let decision = |word: &str, says| {
        let (path, id) = (format!("{under}/{{id}}/{word}"), format!("{whose}-{word}"));
        Operation::post(&path, &id, says).envelops::<contract::WithdrawalDetails>(200)
    };
    let listing = Operation::get(
        under,
        &format!("{whose}-approvals"),
        "Withdrawals that wait for an approval.",
    )
    .envelops_list::<contract::WithdrawalDetails>();
    routes
        .serve(access, listing, list)
        .serve(access, decision("approve", "Let it go, once."), approve)
        .serve(access, decision("reject", "Give it up, once."), reject)
}

fn webhooks(routes: Routes, under: &str, access: Access, whose: &str) -> Routes {
    use admin::webhooks;
    let path = |rest: &str| format!("{under}{rest}");
    let id = |name: &str| format!("{whose}-{name}");
    let one = |method, name: &str, says| {
        Operation::new(method, &path("/{id}"), &id(name), says).answers::<body::Webhook>(200)
    };
    let switch = |word: &str, says| {
        let name = format!("{word}-webhook");
        Operation::post(&path(&format!("/{{id}}/{word}")), &id(&name), says)
            .answers::<body::Webhook>(200)
    };
    let create = Operation::post(
        under,
        &id("create-webhook"),
        "Make a webhook; its secret is shown here.",
    )
    .takes(requests::webhook())
    .answers::<body::CreatedWebhook>(201);
    let all = Operation::get(under, &id("list-webhooks"), "Webhooks.").lists::<body::Webhook>();
    let get = one(Method::GET, "get-webhook", "One webhook.");
    let change = one(Method::PATCH, "change-webhook", "Change a webhook.");
    let change = change.takes(requests::webhook_settings());
    let delete = one(Method::DELETE, "delete-webhook", "Delete a webhook.");
    let routes = routes
        .serve(access, create, webhooks::create)
        .serve(access, all, webhooks::list)
        .serve(access, get, webhooks::get)
        .serve(access, change, webhooks::change)
        .serve(access, delete, webhooks::delete)
        .serve(access, switch("pause", "Keep its events."), webhooks::pause)
        .serve(access, switch("resume", "Send again."), webhooks::resume)
        .serve(
            access,
            switch("disable", "Switch it off."),
            webhooks::disable,
        );
    deliveries_of(routes, &path("/{id}"), access, whose)
}

/// The secrets, the log, and what is sent again, of one webhook.
fn deliveries_of(routes: Routes, under: &str, access: Access, whose: &str) -> Routes {
    use admin::webhooks::{deliveries, secrets, test_message};
    let path = |rest: &str| format!("{under}{rest}");
    let id = |name: &str| format!("{whose}-{name}");
    let post = |rest: &str, name: &str, says| Operation::post(&path(rest), &id(name), says);
    let rotate = post("/rotate", "rotate-secret", "Replace the secret.")
        .may_take(&requests::rotation())
        .answers::<body::CreatedWebhook>(200);
    let promote = post(
        "/promote",
        "promote-secret",
        "Let the newest secret sign alone.",
    );
    let test = post("/test", "test-webhook", "Send a test message.");
    let log = Operation::get(
        &path("/deliveries"),
        &id("list-deliveries"),
        "The log, newest first.",
    );
    let one = Operation::get(
        &path("/deliveries/{event}"),
        &id("get-delivery"),
        "One delivery.",
    );
    let again = post(
        "/deliveries/{event}/redeliver",
        "redeliver",
        "Send it again.",
    );
    let replay = post("/replay", "replay", "Send what was missed again.")
        .takes(requests::replay())
        .answers::<body::Replayed>(202);
    let promote = promote.answers::<body::Webhook>(200);
    let test = test.answers::<body::TestMessage>(200);
    let log = log.answers::<body::WebhookDeliveries>(200);
    let one = one.answers::<body::WebhookDeliveryDetails>(200);
    let again = again.answers::<body::WebhookDeliveryDetails>(200);
    routes
        .serve(access, rotate, secrets::rotate)
        .serve(access, promote, secrets::promote)
        .serve(access, test, test_message::send)
        .serve(access, log, deliveries::list)
        .serve(access, one, deliveries::get)
        .serve(access, again, deliveries::redeliver)
        .serve(access, replay, deliveries::replay_range)
}

fn administration(routes: Routes) -> Routes {
    use admin::{accounts, suspense};
    let get = |path: &str, id: &str, says| Operation::get(&format!("/admin/v1{path}"), id, says);
    let post = |path: &str, id: &str, says| Operation::post(&format!("/admin/v1{path}"), id, says);
    routes
        .operator(
            post("/accounts", "createAccount", "Make an account.")
                .takes(requests::account())
                .answers::<body::Account>(201),
            accounts::create,
        )
        .operator(
            get(
                "/accounts",
                "listAccounts",
                "Accounts, with what they have.",
            )
            .lists::<body::AccountWithBalance>(),
            accounts::list,
        )
        .operator(
            post(
                "/accounts/{id}/close",
                "closeAccount",
                "Close an empty account.",
            )
            .answers::<body::Account>(200),
            accounts::close,
        )
        .operator(
            get(
                "/suspense",
                "listSuspense",
                "Money that could not be placed.",
            )
            .query("state", "Which.", json!({"enum": ["open", "assigned"]}))
            .lists::<body::SuspendedItem>(),
            suspense::list,
        )
        .operator(
            post(
                "/suspense/{id}/assign",
                "assignSuspended",
                "Give it to an account, once.",
            )
            .takes(requests::assignment())
            .answers::<body::SuspendedItem>(200),
            suspense::assign,
        )
}

fn books(routes: Routes) -> Routes {
    use admin::{audit, reconciliation, resume, withdrawals};
    let get = |path: &str, id: &str, says| Operation::get(&format!("/admin/v1{path}"), id, says);
    let post = |path: &str, id: &str, says| Operation::post(&format!("/admin/v1{path}"), id, says);
    routes
        .operator(
            get(
                "/audit",
                "audit",
                "Whether every invariant of the books holds.",
            ),
            audit::get,
        )
        .operator(
            get(
                "/reconciliation",
                "reconciliation",
                "The books against the node.",
            )
            .query(
                "everything",
                "With true: look at everything now.",
                json!({"type": "string"}),
            ),
            reconciliation::get,
        )
        .operator(
            get(
                "/withdrawals/{id}",
                "getAnyWithdrawal",
                "A withdrawal of any account.",
            )
            .answers::<contract::WithdrawalDetails>(200),
            withdrawals::get,
        )
        .operator(
            post("/resume", "resume", "Let money move again."),
            resume::post,
        )
}

/// Keys and sessions.
fn access(routes: Routes) -> Routes {
    use admin::{keys, sessions};
    const SESSION: &str = "/admin/v1/session";
    const KEY: &str = "/admin/v1/keys/{id}";
    let keyed =
        |method, id: &str, says| Operation::new(method, KEY, id, says).answers::<body::ApiKey>(200);
    routes
        .operator(
            Operation::post(
                "/admin/v1/keys",
                "createKey",
                "Make an API key; it is shown here.",
            )
            .takes(requests::key())
            .answers::<body::CreatedApiKey>(201),
            keys::create,
        )
        .operator(
            Operation::get("/admin/v1/keys", "listKeys", "API keys.")
                .query("account_id", "Only of this account.", requests::uuid())
                .query(
                    "after",
                    "Only those with a higher number.",
                    json!({"type": "integer", "minimum": 0}),
                )
                .lists::<body::ApiKey>(),
            keys::list,
        )
        .operator(keyed(Method::GET, "getKey", "One API key."), keys::get)
        .operator(
            keyed(Method::PATCH, "changeKey", "Change what a key may do.")
                .takes(requests::key_settings()),
            keys::change,
        )
        .operator(
            keyed(Method::DELETE, "revokeKey", "Revoke a key."),
            keys::revoke,
        )
        .open(
            Operation::post(SESSION, "beginSession", "Sign in.")
                .takes(requests::credentials())
                .answers::<body::AdminSession>(201),
            sessions::begin,
        )
        .open(
            Operation::get(SESSION, "getSession", "Who is signed in.")
                .answers::<body::AdminSession>(200),
            sessions::get,
        )
        .open(
            Operation::new(Method::DELETE, SESSION, "endSession", "Sign out.")
                .answers::<body::AdminSession>(200),
            sessions::end,
        )
}

fn people(routes: Routes) -> Routes {
    use admin::{acts, users};
    routes
        .operator(
            Operation::post("/admin/v1/users", "createUser", "Let a person administer.")
                .takes(requests::credentials())
                .answers::<body::AdminUser>(201),
            users::create,
        )
        .operator(
            Operation::get("/admin/v1/users", "listUsers", "People.").lists::<body::AdminUser>(),
            users::list,
        )
        .operator(
            Operation::new(
                Method::DELETE,
                "/admin/v1/users/{name}",
                "removeUser",
                "Remove a person.",
            )
            .lists::<body::AdminUser>(),
            users::remove,
        )
        .operator(
            Operation::new(
                Method::PUT,
                "/admin/v1/users/{name}/password",
                "setPassword",
                "Give a person another password.",
            )
            .takes(requests::password())
            .lists::<body::AdminUser>(),
            users::password,
        )
        .operator(
            Operation::get(
                "/admin/v1/acts",
                "listActs",
                "What administrators did, newest first.",
            )
            .paged(requests::uuid())
            .envelops_list::<body::AdminAct>(),
            acts::list,
        )
}

fn node(routes: Routes) -> Routes {
    use admin::node;
    let post =
        |path: &str, id: &str, says| Operation::post(&format!("/admin/v1/node{path}"), id, says);
    routes
        .operator(
            Operation::get("/admin/v1/node", "getNode", "The Lightning node.")
                .answers::<body::Node>(200),
            node::get,
        )
        .operator(
            post(
                "/address",
                "nodeAddress",
                "An address of the node's wallet.",
            )
            .answers::<body::NodeAddress>(201),
            node::address,
        )
        .operator(
            post("/peers", "connectPeer", "Connect to a peer.")
                .takes(requests::peer())
                .answers::<body::NodePeer>(201),
            node::connect,
        )
        .operator(
            post("/channels", "openChannel", "Open a channel.")
                .takes(requests::channel())
                .answers::<body::NodeChannel>(201),
            node::open,
        )
        .operator(
            post("/channels/{id}/close", "closeChannel", "Close a channel.")
                .may_take(&requests::closing())
                .answers::<body::ClosingChannel>(200),
            node::close,
        )
}
