//! The admin bodies, literally, and where secrets may stand.

use super::*;
use crate::bitvora::EventName;
use crate::time::Micros;

const AT: Micros = Micros::from_unix_micros(1_724_949_003_868_147);

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("bodies serialise")
}

fn webhook() -> Webhook {
    Webhook {
        id: "w1".to_owned(),
        account_id: "a1".to_owned(),
        url: "https://example.com/hook".to_owned(),
        description: "orders".to_owned(),
        events: vec![EventName::DepositLightningCompleted],
        headers: vec!["authorization".to_owned()],
        state: "active",
        disabled: false,
        disabled_reason: None,
        ordered: true,
        retry_seconds: None,
        max_in_flight: 10,
        per_second: Some(5),
        created_at: AT,
        updated_at: AT,
        disabled_at: None,
        failing_since: None,
    }
}

#[test]
fn a_created_webhook_shows_its_secret_in_both_forms_and_never_in_a_log() {
    let created = CreatedWebhook {
        webhook: webhook(),
        secret: "ab".repeat(32),
        standard_secret: "whsec_x".to_owned(),
    };
    let secret = "ab".repeat(32);
    let expected = format!(
        "{},\"secret\":\"{secret}\",\"standard_secret\":\"whsec_x\"}}",
        shown()
    );
    assert_eq!(json(&created), expected);
    let debug = format!("{created:?}");
    assert!(!debug.contains("abab") && !debug.contains("whsec"));
}

#[test]
fn a_listed_webhook_has_no_secret() {
    assert_eq!(json(&webhook()), format!("{}}}", shown()));
}

/// The beginning of both.
fn shown() -> String {
    [
        r#"{"id":"w1","account_id":"a1","url":"https://example.com/hook","description":"orders","#,
        r#""events":["deposit.lightning.completed"],"headers":["authorization"],"state":"active","#,
        r#""disabled":false,"ordered":true,"max_in_flight":10,"per_second":5,"#,
        r#""created_at":"2024-08-29T16:30:03.868147Z","updated_at":"2024-08-29T16:30:03.868147Z""#,
    ]
    .concat()
}

#[test]
fn the_settings_of_a_webhook_are_read_by_name_and_groups_stand_for_their_events() {
    let parse = |body: &str| WebhookSettings::parse(body.as_bytes());
    let none = parse("{}").expect("nothing");
    assert_eq!(none, WebhookSettings::default());
    let some = parse(
        r#"{"events":["deposit.*","withdrawal.lightning.failed"],"headers":{"x-key":"1"},"ordered":false,
            "retry_seconds":[1,2],"max_in_flight":3,"per_second":0,"description":"d"}"#,
    )
    .expect("all of them");
    assert_eq!(some.events.map(|events| events.len()), Some(6));
    assert_eq!(some.ordered, Some(false));
    assert_eq!(some.retry_seconds, Some(Some(vec![1, 2])));
    assert_eq!((some.max_in_flight, some.per_second), (Some(3), Some(None)));
    let usual = parse(r#"{"retry_seconds":"default","per_second":7}"#).expect("the usual");
    assert_eq!(
        (usual.retry_seconds, usual.per_second),
        (Some(None), Some(Some(7)))
    );
    for (body, code) in [
        (r#"{"events":["nothing.*"]}"#, "unknown_event"),
        (r#"{"events":["dep*"]}"#, "unknown_event"),
        (r#"{"max_in_flight":0}"#, "invalid_parameter"),
        (r#"{"max_in_flight":1.5}"#, "invalid_parameter"),
        (r#"{"per_second":-1}"#, "invalid_parameter"),
        (r#"{"retry_seconds":"5"}"#, "invalid_parameter"),
        (r#"{"headers":{"a":1}}"#, "invalid_parameter"),
        (r#"{"ordered":"yes"}"#, "invalid_parameter"),
    ] {
        assert_eq!(parse(body).expect_err(body).code(), code, "{body}");
    }
}

#[test]
fn a_webhook_request_names_its_events_or_means_all_of_them() {
    let parse = |body: &str| CreateWebhookRequest::parse(body.as_bytes());
    let all = parse(r#"{"url":"https://x"}"#).expect("no events");
    assert_eq!(all.settings.events, None, "the server says: all");
    let some = parse(
        r#"{"url":"https://x","events":["withdrawal.lightning.failed","deposit.lightning.completed","withdrawal.lightning.failed"],"account_id":"a1"}"#,
    )
    .expect("valid");
    let chosen = [
        EventName::DepositLightningCompleted,
        EventName::WithdrawalLightningFailed,
    ];
    assert_eq!(some.settings.events.as_deref(), Some(chosen.as_slice()));
    assert_eq!(some.account_id.as_deref(), Some("a1"));
    for (body, code) in [
        ("{}", "missing_parameter"),
        (r#"{"url":"https://x","events":[]}"#, "invalid_parameter"),
        (r#"{"url":"https://x","events":"all"}"#, "invalid_parameter"),
        (
            r#"{"url":"https://x","events":["deposit.chain.failed"]}"#,
            "unknown_event",
        ),
    ] {
        assert_eq!(parse(body).expect_err(body).code(), code);
    }
}

#[test]
fn a_key_is_shown_once_and_never_in_a_log() {
    let info = ApiKey {
        id: "12".to_owned(),
        account_id: "a1".to_owned(),
        name: "shop".to_owned(),
        scopes: vec!["send".to_owned()],
        expires_at: None,
        networks: Vec::new(),
        destinations: Vec::new(),
        max_payment_sats: None,
        approval_above_sats: Some(5),
        budgets: vec![KeyBudget {
            limit_sats: 10_000,
            seconds: 86_400,
        }],
        created_at: AT,
        revoked_at: None,
    };
    let listed = concat!(
        r#"{"id":"12","account_id":"a1","name":"shop","scopes":["send"],"expires_at":null,"networks":[],"#,
        r#""destinations":[],"max_payment_sats":null,"approval_above_sats":5,"#,
        r#""budgets":[{"limit_sats":10000,"seconds":86400}],"#,
        r#""created_at":"2024-08-29T16:30:03.868147Z","revoked_at":null"#
    );
    assert_eq!(json(&info), format!("{listed}}}"));
    let created = CreatedApiKey {
        info,
        key: "12|3f0e".to_owned(),
    };
    assert_eq!(json(&created), format!(r#"{listed},"key":"12|3f0e"}}"#));
    assert!(!format!("{created:?}").contains("3f0e"));
}

#[test]
fn a_name_is_trimmed_and_must_be_there() {
    let account = CreateAccountRequest::parse(br#"{"name":" Shop "}"#).expect("valid");
    assert_eq!(account.name, "Shop");
    for body in ["{}", r#"{"name":" "}"#] {
        let problem = CreateAccountRequest::parse(body.as_bytes()).expect_err(body);
        assert_eq!(problem.parameter(), Some("name"));
        let problem = CreateKeyRequest::parse(body.as_bytes()).expect_err(body);
        assert_eq!(problem.parameter(), Some("name"));
    }
}

#[test]
fn what_a_key_may_do_is_read_by_name_and_null_ends_a_rule() {
    let read = |body: &str| KeySettings::parse(body.as_bytes());
    assert_eq!(read("{}"), Ok(KeySettings::default()));
    let body = r#"{"scopes":["send"],"expires_at":"2024-08-29T16:30:03.868147Z","networks":["10.0.0.0/8"],
        "max_payment_sats":7,"approval_above_sats":0,"budgets":[{"limit_sats":10000,"seconds":86400}]}"#;
    let settings = read(body).expect("valid");
    assert_eq!(settings.expires_at, Some(Some(1_724_949_003_868_147)));
    assert_eq!(settings.max_payment_sats, Some(Some(7)));
    assert_eq!(settings.approval_above_sats, Some(Some(0)));
    assert_eq!(settings.destinations, None);
    let ended = read(r#"{"expires_at":null,"max_payment_sats":null,"budgets":null}"#);
    let ended = ended.expect("valid");
    assert_eq!(ended.expires_at, Some(None));
    assert_eq!(ended.max_payment_sats, Some(None));
    assert_eq!(ended.budgets, Some(Vec::new()));
    for (body, name) in [
        (r#"{"scopes":"send"}"#, "scopes"),
        (r#"{"expires_at":"tomorrow"}"#, "expires_at"),
        (r#"{"expires_at":1724949003}"#, "expires_at"),
        (r#"{"max_payment_sats":-1}"#, "max_payment_sats"),
        (r#"{"max_payment_sats":1.5}"#, "max_payment_sats"),
        (
            r#"{"max_payment_sats":99999999999999999999}"#,
            "max_payment_sats",
        ),
        (r#"{"budgets":[{}]}"#, "budgets"),
        (r#"{"budgets":[{"limit_sats":1}]}"#, "budgets"),
        (r#"{"budgets":[7]}"#, "budgets"),
        (r#"{"budgets":{}}"#, "budgets"),
        (r#"{"networks":["a\u0000"]}"#, "networks"),
    ] {
        assert_eq!(
            read(body).expect_err(body).parameter(),
            Some(name),
            "{body}"
        );
    }
}
