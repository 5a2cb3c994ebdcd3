//! Published vectors, and an independent implementation as the judge.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

const SAMPLE: &[u8] = br#"{"event":"deposit.lightning.completed","data":{"amount_sats":100,"chain_tx_id":null,"created_at":"2024-08-29T16:30:03.868147Z","fee_sats":0.5,"id":"11111111-1111-4111-8111-111111111111","lightning_invoice_id":"22222222-2222-4222-8222-222222222222","metadata":{"userID":"abc123"},"network_type":"signet","rail_type":"lightning","recipient":"lntbs1example","status":"settled","updated_at":"2024-08-29T16:30:03.868147Z"}}"#;

fn secret(text: &str) -> Secret {
    Secret::from_text(text.to_owned()).expect("a valid secret")
}

fn id(text: &str) -> MessageId {
    MessageId::new(text.to_owned()).expect("a valid id")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the judge compares with the real time"
)]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_secs()).expect("fits")
}

#[test]
fn the_bitvora_signature_of_the_documented_bodies_is_known() {
    let short =
        br#"{"event":"deposit.lightning.completed","data":{"amount_sats":100,"fee_sats":0.5}}"#;
    for (text, body, expected) in [
        (
            "8a83fed4f7c7fed7e57f7c2fe6fa5e9dfd38dfab56b3498dc76e8d43241daa5c",
            short.as_slice(),
            "1c2cf0b7ebcfafb66d822f55bb81abe279a5c0c3d7e1e8b9711fb4b1cd71bf93",
        ),
        (
            "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
            SAMPLE,
            "433f1597d0ce7939db28da8b49938d285d54d63e7d27be33d4abf8bb0c1d7a6c",
        ),
    ] {
        assert_eq!(bitvora_signature(&secret(text), body), expected);
    }
}

#[test]
fn the_standard_signature_of_the_published_vectors_is_known() {
    for (key, id, timestamp, body, expected) in [
        (
            "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
            "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            1_649_367_553,
            r#"{"email":"test@example.com","username":"test_user"}"#,
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
        (
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ] {
        let key = STANDARD.decode(key).expect("base64");
        assert_eq!(standard_one(&key, id, timestamp, body.as_bytes()), expected);
    }
}

#[test]
fn an_independent_library_accepts_every_secret_of_a_rotation_and_no_other() {
    let (current, old) = (Secret::generate([7; 32]), Secret::generate([8; 32]));
    let both = [current.clone(), old.clone()];
    let headers = headers(
        SigningKeys::rotating(&old, &both),
        &id("msg_1"),
        now(),
        SAMPLE,
    );
    for secret in &both {
        let judge = standardwebhooks::Webhook::new(&secret.reveal_standard()).expect("a secret");
        judge.verify(SAMPLE, &headers).expect("a valid signature");
        assert!(judge.verify(b"{}", &headers).is_err());
    }
    let stranger = Secret::generate([9; 32]).reveal_standard();
    let judge = standardwebhooks::Webhook::new(&stranger).expect("a secret");
    assert!(judge.verify(SAMPLE, &headers).is_err());
    assert_eq!(
        headers[BITVORA_SIGNATURE],
        bitvora_signature(&old, SAMPLE).as_str()
    );
}

#[test]
fn an_attempt_has_exactly_these_headers() {
    let key = Secret::generate([0xab; 32]);
    let headers = headers(
        SigningKeys::single(&key),
        &id("msg_1"),
        1_700_000_000,
        SAMPLE,
    );
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "bitvora-signature",
            "content-type",
            "user-agent",
            "webhook-id",
            "webhook-signature",
            "webhook-timestamp",
        ]
    );
    assert_eq!(headers[WEBHOOK_TIMESTAMP], "1700000000");
    assert_eq!(headers[WEBHOOK_ID], "msg_1");
}

#[test]
fn a_generated_secret_is_64_hexadecimal_characters_and_is_never_printed() {
    let secret = Secret::generate([0xab; 32]);
    assert_eq!(secret.reveal(), "ab".repeat(32));
    let standard = secret.reveal_standard();
    let encoded = standard.strip_prefix("whsec_").expect("the prefix");
    assert_eq!(
        STANDARD.decode(encoded).expect("base64"),
        secret.reveal().as_bytes()
    );
    assert!(!format!("{secret:?}{:?}", SigningKeys::single(&secret)).contains("abab"));
}

#[test]
fn a_secret_or_id_that_could_not_be_sent_is_refused() {
    for text in [
        "",
        "short",
        &"a".repeat(23),
        &"a".repeat(65),
        &" ".repeat(32),
        &"é".repeat(20),
    ] {
        assert_eq!(
            Secret::from_text(text.to_owned()),
            Err(SecretError),
            "{text}"
        );
    }
    for text in ["", "a.b", "a b", "a\r\nb", "é", &"a".repeat(65)] {
        assert_eq!(
            MessageId::new(text.to_owned()),
            Err(MessageIdError),
            "{text}"
        );
    }
}
