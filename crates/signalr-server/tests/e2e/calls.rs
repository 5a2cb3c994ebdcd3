//! Handshake and calls.

use super::support::{Server, methods};
use signalr_server::{HubException, HubOptions};

#[tokio::test]
async fn answers_are_exact() {
    let server = Server::start(methods()).await;
    let mut client = server.connect().await;
    let unexpected =
        |name: &str| format!("An unexpected error occurred invoking '{name}' on the server.");
    let failed = |name: &str| format!("Failed to invoke '{name}' due to an error on the server.");
    let error = |text: String| format!(r#"{{"type":3,"invocationId":"0","error":"{text}"}}"#);
    let cases = [
        (
            "Echo",
            r#"["hé\n"]"#,
            r#"{"type":3,"invocationId":"0","result":"hé\n"}"#.to_owned(),
        ),
        (
            "eCHO",
            r#"["x"]"#,
            r#"{"type":3,"invocationId":"0","result":"x"}"#.to_owned(),
        ),
        (
            "Nothing",
            "[]",
            r#"{"type":3,"invocationId":"0"}"#.to_owned(),
        ),
        (
            "Null",
            "[]",
            r#"{"type":3,"invocationId":"0","result":null}"#.to_owned(),
        ),
        ("Nope", "[]", error("Unknown hub method 'Nope'".to_owned())),
        (
            "fail",
            "[]",
            error(format!("{} HubException: because", unexpected("fail"))),
        ),
        ("Break", "[]", error(unexpected("Break"))),
        ("Panic", "[]", error(unexpected("Panic"))),
        ("Echo", "[5]", error(failed("Echo"))),
        ("Echo", "[]", error(failed("Echo"))),
        ("Echo", r#"["a","b"]"#, error(failed("Echo"))),
    ];
    for (target, arguments, answer) in cases {
        assert_eq!(
            client.call(target, arguments).await,
            answer,
            "{target}{arguments}"
        );
    }
}

#[tokio::test]
async fn detailed_errors_name_what_happened() {
    let options = HubOptions {
        detailed_errors: true,
        ..HubOptions::default()
    };
    let server = Server::start(methods().options(options)).await;
    let mut client = server.connect().await;
    let answer = client.call("Break", "[]").await;
    assert!(
        answer.contains("'Break' on the server. InvalidOperationException: secret"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_stream_call_of_a_plain_method_gets_its_own_text() {
    let server = Server::start(methods()).await;
    let mut client = server.connect().await;
    for (target, text) in [
        (
            "Echo",
            "The client attempted to invoke the non-streaming 'Echo' method with a streaming \
             invocation.",
        ),
        ("Nope", "Unknown hub method 'Nope'"),
    ] {
        let call = format!(r#"{{"type":4,"invocationId":"9","target":"{target}","arguments":[]}}"#);
        client.say(&call).await;
        let expected = format!(r#"{{"type":3,"invocationId":"9","error":"{text}"}}"#);
        assert_eq!(client.next().await, Some(expected));
    }
    client
        .say(r#"{"type":1,"invocationId":"9","target":"Echo","arguments":[],"streamIds":["1"]}"#)
        .await;
    let answer = client.next().await.unwrap();
    assert!(
        answer.contains("HubException: Client sent 1 stream(s), Hub method expects 0."),
        "{answer}"
    );
}

#[tokio::test]
async fn a_caller_without_leave_and_a_stream_called_as_a_method_have_their_texts() {
    let hub = methods()
        .method("Forbidden", |_, (): ()| async {
            Err::<(), _>(HubException::unauthorized())
        })
        .stream("Items", |_, (): ()| async {
            Ok(futures_util::stream::empty::<Result<u8, HubException>>())
        });
    let server = Server::start(hub).await;
    let mut client = server.connect().await;
    for (target, text) in [
        (
            "Forbidden",
            "Failed to invoke 'Forbidden' because user is unauthorized",
        ),
        (
            "Items",
            "The client attempted to invoke the streaming 'Items' method with a non-streaming \
             invocation.",
        ),
    ] {
        let expected = format!(r#"{{"type":3,"invocationId":"0","error":"{text}"}}"#);
        assert_eq!(client.call(target, "[]").await, expected);
    }
}

#[tokio::test]
async fn what_needs_no_answer_gets_none() {
    let server = Server::start(methods()).await;
    let mut client = server.connect().await;
    for message in [
        r#"{"type":1,"target":"Echo","arguments":["x"]}"#,
        r#"{"type":1,"target":"Nope","arguments":[]}"#,
        r#"{"type":1,"target":"Panic","arguments":[]}"#,
        r#"{"type":1,"target":"Echo","arguments":[5]}"#,
        r#"{"type":2,"invocationId":"x","item":1}"#,
        r#"{"type":3,"invocationId":"x","result":1}"#,
        r#"{"type":5,"invocationId":"x"}"#,
        r#"{"type":6}"#,
        r#"{"type":8,"sequenceId":1}"#,
        r#"{"type":9,"sequenceId":1}"#,
        r#"{"type":77}"#,
    ] {
        client.say(message).await;
    }
    let answer = client.call("Echo", r#"["last"]"#).await;
    assert_eq!(answer, r#"{"type":3,"invocationId":"0","result":"last"}"#);
}

#[tokio::test]
async fn frames_may_hold_many_messages_or_a_part_of_one() {
    let server = Server::start(methods()).await;
    let mut client = server.open(server.upgrade("/hub")).await.unwrap();
    let call = |id: u8| {
        format!(r#"{{"type":1,"invocationId":"{id}","target":"Echo","arguments":["{id}"]}}"#)
    };
    let all = format!(
        "{{\"protocol\":\"json\",\"version\":0}}\u{1e}{}\u{1e}{}\u{1e}{}\u{1e}",
        call(1),
        call(2),
        call(3)
    );
    let (first, rest) = all.split_at(60);
    let (second, third) = rest.split_at(90);
    for part in [first, second, third] {
        client.send(part.to_owned()).await;
    }
    assert_eq!(client.next().await.as_deref(), Some("{}"));
    for id in 1..=3 {
        let expected = format!(r#"{{"type":3,"invocationId":"{id}","result":"{id}"}}"#);
        assert_eq!(client.next().await, Some(expected));
    }
}

#[tokio::test]
async fn binary_frames_are_read_like_text() {
    let server = Server::start(methods()).await;
    let mut client = server.open(server.upgrade("/hub")).await.unwrap();
    let bytes = b"{\"protocol\":\"json\",\"version\":2}\x1e".to_vec();
    futures_util::SinkExt::send(&mut client.socket, bytes.into())
        .await
        .unwrap();
    assert_eq!(client.next().await.as_deref(), Some("{}"));
}

#[tokio::test]
async fn a_refused_handshake_says_why_and_closes() {
    let server = Server::start(methods()).await;
    for (handshake, text) in [
        (
            r#"{"protocol":"x","version":1}"#,
            "The protocol 'x' is not supported.",
        ),
        (
            r#"{"protocol":"json","version":3}"#,
            "The server does not support version 3 of the 'json' protocol.",
        ),
        (
            "x",
            "An unexpected error occurred during connection handshake.",
        ),
    ] {
        let mut client = server.open(server.upgrade("/hub")).await.unwrap();
        client.say(handshake).await;
        assert_eq!(
            client.next().await,
            Some(format!(r#"{{"error":"{text}"}}"#))
        );
        assert_eq!(client.next().await, None);
    }
}

#[tokio::test]
async fn what_a_method_sends_arrives_before_its_answer_and_calls_stay_in_order() {
    let server = Server::start(methods()).await;
    let mut client = server.connect().await;
    for id in 0..3 {
        let call = r#""target":"Count","arguments":[50]"#;
        client
            .say(&format!(r#"{{"type":1,"invocationId":"{id}",{call}}}"#))
            .await;
    }
    for id in 0..3 {
        for number in 0..50 {
            let expected = format!(r#"{{"type":1,"target":"number","arguments":[{number}]}}"#);
            assert_eq!(client.next().await, Some(expected));
        }
        let expected = format!(r#"{{"type":3,"invocationId":"{id}"}}"#);
        assert_eq!(client.next().await, Some(expected));
    }
}

#[tokio::test]
async fn methods_see_the_query_but_no_secret_in_it() {
    let server = Server::start(methods()).await;
    let mut client = server.connect_at("/HUB/?DATA=string&access_token=t").await;
    for (name, result) in [
        ("data", "\"string\""),
        ("access_token", "null"),
        ("id", "null"),
    ] {
        let answer = client.call("Query", &format!(r#"["{name}"]"#)).await;
        assert_eq!(
            answer,
            format!(r#"{{"type":3,"invocationId":"0","result":{result}}}"#)
        );
    }
}

#[tokio::test]
async fn a_client_that_calls_before_it_reads_is_held_back_and_gets_every_answer() {
    let options = HubOptions {
        send_queue_messages: 16,
        ..HubOptions::default()
    };
    let server = Server::start(methods().options(options)).await;
    let mut client = server.connect().await;
    for id in 0..2_000 {
        let call = r#""target":"Count","arguments":[1]"#;
        client
            .say(&format!(r#"{{"type":1,"invocationId":"{id}",{call}}}"#))
            .await;
    }
    for id in 0..2_000 {
        let number = r#"{"type":1,"target":"number","arguments":[0]}"#;
        assert_eq!(client.next().await.as_deref(), Some(number));
        let answer = format!(r#"{{"type":3,"invocationId":"{id}"}}"#);
        assert_eq!(client.next().await, Some(answer));
    }
}
