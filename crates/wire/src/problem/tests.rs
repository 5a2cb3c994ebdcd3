//! The catalogue is closed, its codes are unique, and every member says something useful.

use std::collections::BTreeSet;

use super::{Class, Problem};

/// The statuses of the Hercle REST errors, and those that HTTP itself asks for (405, 413, 415).
const ALLOWED: [u16; 13] = [
    400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 502, 503,
];

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("bodies serialise")
}

#[test]
fn codes_are_unique_and_in_lower_case_with_underscores() {
    let all = Problem::catalogue();
    let codes: BTreeSet<_> = all.iter().map(Problem::code).collect();
    assert_eq!(codes.len(), all.len());
    for code in codes {
        assert!(
            code.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{code}"
        );
    }
}

#[test]
fn every_status_is_one_that_the_contracts_know() {
    for problem in Problem::catalogue() {
        assert!(ALLOWED.contains(&problem.status()), "{problem:?}");
    }
}

#[test]
fn every_member_has_its_own_message_and_leaves_no_placeholder() {
    let all = Problem::catalogue();
    let messages: BTreeSet<_> = all.iter().map(Problem::message).collect();
    assert_eq!(
        messages.len(),
        all.len(),
        "a member fell through to the message of another"
    );
    for message in messages {
        assert!(message.len() > 20, "{message}");
        assert!(!message.contains(['{', '}', '\n']), "{message}");
        assert!(!message.contains("  "), "{message}");
    }
}

#[test]
fn validation_goes_to_prechecks_and_the_rest_to_the_withdrawal_error() {
    for problem in Problem::catalogue() {
        let subject = match problem.class() {
            Class::Validation => "preChecksError",
            Class::Operational => "execution.withdrawal.lightspark.error",
        };
        assert_eq!(problem.hub_subject().as_str(), subject);
    }
}

#[test]
fn a_rest_error_has_no_data() {
    let problem = Problem::InvalidApiKey;
    assert_eq!(
        json(&problem.to_bitvora()),
        concat!(
            r#"{"status":401,"message":"Invalid API key provided. Check that it is complete and has "#,
            r#"not been revoked.","code":"invalid_api_key"}"#
        )
    );
}

#[test]
fn a_hub_error_has_status_error_only_when_it_is_operational() {
    let funds = Problem::InsufficientFunds {
        available_msat: 50_000,
        required_msat: 101_500,
    };
    let text = "Insufficient funds: 101.5 sats are needed with the fee reserve, and 50 sats are \
                available. Deposit more or send less.";
    assert_eq!(
        json(&funds.to_hub()),
        format!(
            r#"{{"httpStatusCode":400,"message":"{text}","statusError":"{text}","code":"insufficient_funds"}}"#
        )
    );
    assert_eq!(
        json(&Problem::ClientIdLength { length: 37 }.to_hub()),
        concat!(
            r#"{"httpStatusCode":400,"message":"ClientId must be at most 36 characters; it has 37.","#,
            r#""code":"client_id_length"}"#
        )
    );
}

#[test]
fn a_hercle_rest_error_has_the_documented_shape() {
    let problem = Problem::MissingParameter {
        name: "amount".into(),
    };
    assert_eq!(
        json(&problem.to_hercle()),
        concat!(
            r#"{"error":{"code":"missing_parameter","message":"Missing required parameter: amount","#,
            r#""param":"amount","type":"invalid_request_error"}}"#
        )
    );
    assert_eq!(
        Problem::AuthenticationRequired.to_hercle().error.kind,
        "authentication_error"
    );
}

#[test]
fn a_made_up_event_name_is_cut_when_it_is_shown() {
    let problem = Problem::UnknownEvent {
        name: "x".repeat(10_000),
    };
    assert!(problem.message().len() < 200);
}

#[test]
fn only_a_rate_limit_says_when_to_try_again() {
    for problem in Problem::catalogue() {
        let limited = problem.code() == "rate_limited";
        assert_eq!(problem.retry_after_seconds().is_some(), limited);
    }
}

/// The page `docs/problems.md` shows the whole catalogue as it is: its table is made here, from the code, and compared.
#[test]
fn the_page_of_problems_shows_the_catalogue() {
    let page = include_str!("../../../../docs/problems.md");
    let mut table = String::new();
    for problem in Problem::catalogue() {
        let (code, status, message) = (problem.code(), problem.status(), problem.message());
        table.push_str(&format!("| `{code}` | {status} | {message} |\n"));
    }
    assert!(
        page.contains(&table),
        "docs/problems.md should have:\n{table}"
    );
}
