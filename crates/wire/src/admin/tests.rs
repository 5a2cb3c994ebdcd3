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
        events: vec![EventName::DepositLightningCompleted],
        disabled: false,
        created_at: AT,
    }
}

#[test]
fn a_created_webhook_shows_its_secret_in_both_forms_and_never_in_a_log() {
    let created = CreatedWebhook {
        webhook: webhook(),
        secret: "ab".repeat(32),
        standard_secret: "whsec_x".to_owned(),
    };
    assert_eq!(
        json(&created),
        r#"{"id":"w1","account_id":"a1","url":"https://example.com/hook","events":["deposit.lightning.completed"],"disabled":false,"created_at":"2024-08-29T16:30:03.868147Z","secret":"abababababababababababababababababababababababababababababababab","standard_secret":"whsec_x"}"#
    );
    let debug = format!("{created:?}");
    assert!(!debug.contains("abab") && !debug.contains("whsec"));
}

#[test]
fn a_listed_webhook_has_no_secret() {
    assert_eq!(
        json(&webhook()),
        r#"{"id":"w1","account_id":"a1","url":"https://example.com/hook","events":["deposit.lightning.completed"],"disabled":false,"created_at":"2024-08-29T16:30:03.868147Z"}"#
    );
}

#[test]
fn a_webhook_request_names_its_events_or_means_all_of_them() {
    let parse = |body: &str| CreateWebhookRequest::parse(body.as_bytes());
    let all = parse(r#"{"url":"https://x"}"#).expect("no events");
    assert_eq!(all.events, EventName::all());
    let some = parse(
        r#"{"url":"https://x","events":["withdrawal.lightning.failed","deposit.lightning.completed","withdrawal.lightning.failed"],"account_id":"a1"}"#,
    )
    .expect("valid");
    assert_eq!(
        some.events,
        [
            EventName::DepositLightningCompleted,
            EventName::WithdrawalLightningFailed
        ]
    );
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
        scopes: vec!["withdrawals:write".to_owned()],
        created_at: AT,
        revoked_at: None,
    };
    let listed = r#"{"id":"12","account_id":"a1","name":"shop","scopes":["withdrawals:write"],"created_at":"2024-08-29T16:30:03.868147Z","revoked_at":null"#;
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
