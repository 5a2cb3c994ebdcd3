//! Streams both ways, cancellation, client results and groups.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use signalr_server::{HubBuilder, HubException, HubOptions, InvokeError, NO_ARGUMENTS, Upload};
use tokio::sync::mpsc::unbounded_channel;

use super::support::{Server, methods};

fn streaming() -> HubBuilder {
    methods()
        .stream("Numbers", |_, (to,): (u32,)| async move {
            Ok(stream::iter((0..to).map(Ok)))
        })
        .stream("Never", |_, (): ()| async {
            Ok(stream::pending::<Result<u8, HubException>>())
        })
        .stream("Breaks", |_, (): ()| async {
            Ok(stream::iter([Ok(1), Err(HubException::new("midway"))]))
        })
        .stream("Panics", |_, (): ()| async {
            Ok(stream::iter([1]).map(|_| -> Result<u8, _> { panic!("wanted by the test") }))
        })
        .upload(
            "Sum",
            |_, (from,): (i64,), mut items: Upload<i64>| async move {
                let mut sum = from;
                while let Some(item) = items.next().await {
                    sum += item?;
                }
                Ok(sum)
            },
        )
        .upload("First", |_, (): (), mut items: Upload<String>| async move {
            items.next().await.transpose()
        })
}

fn stream_call(id: &str, target: &str, arguments: &str) -> String {
    format!(r#"{{"type":4,"invocationId":"{id}","target":"{target}","arguments":{arguments}}}"#)
}

#[tokio::test]
async fn a_stream_ends_in_a_completion_without_a_result_or_with_an_error() {
    let server = Server::start(streaming()).await;
    let mut client = server.connect().await;
    let failed = "An error occurred on the server while streaming results.";
    let unexpected = "An unexpected error occurred invoking 'Panics' on the server.";
    for (call, expected) in [
        (
            stream_call("7", "Numbers", "[2]"),
            vec![
                r#"{"type":2,"invocationId":"7","item":0}"#.to_owned(),
                r#"{"type":2,"invocationId":"7","item":1}"#.to_owned(),
                r#"{"type":3,"invocationId":"7"}"#.to_owned(),
            ],
        ),
        (
            stream_call("7", "Breaks", "[]"),
            vec![
                r#"{"type":2,"invocationId":"7","item":1}"#.to_owned(),
                format!(
                    r#"{{"type":3,"invocationId":"7","error":"{failed} HubException: midway"}}"#
                ),
            ],
        ),
        (
            stream_call("7", "Panics", "[]"),
            vec![format!(
                r#"{{"type":3,"invocationId":"7","error":"{unexpected}"}}"#
            )],
        ),
    ] {
        client.say(&call).await;
        for message in expected {
            assert_eq!(client.next().await, Some(message), "{call}");
        }
    }
}

#[tokio::test]
async fn an_idle_stream_is_cancelled_promptly_and_its_id_is_free_again() {
    let server = Server::start(streaming()).await;
    let mut client = server.connect().await;
    for _ in 0..2 {
        client.say(&stream_call("7", "Never", "[]")).await;
        client.say(&stream_call("7", "Numbers", "[1]")).await;
        let in_use =
            r#"{"type":3,"invocationId":"7","error":"Invocation ID '7' is already in use."}"#;
        assert_eq!(client.next().await.as_deref(), Some(in_use));
        client.say(r#"{"type":5,"invocationId":"unknown"}"#).await;
        client.say(r#"{"type":5,"invocationId":"7"}"#).await;
        let completion = r#"{"type":3,"invocationId":"7"}"#;
        assert_eq!(client.next().await.as_deref(), Some(completion));
    }
}

#[tokio::test]
async fn a_long_stream_waits_for_its_reader_and_does_not_overflow_its_queue() {
    let options = HubOptions {
        send_queue_messages: 8,
        ..HubOptions::default()
    };
    let server = Server::start(streaming().options(options)).await;
    let mut client = server.connect().await;
    client.say(&stream_call("7", "Numbers", "[5000]")).await;
    for number in 0..5000 {
        let expected = format!(r#"{{"type":2,"invocationId":"7","item":{number}}}"#);
        assert_eq!(client.next().await, Some(expected));
    }
    let completion = r#"{"type":3,"invocationId":"7"}"#;
    assert_eq!(client.next().await.as_deref(), Some(completion));
}

#[tokio::test]
async fn uploads_are_summed_failed_and_dropped() {
    let server = Server::start(streaming()).await;
    let mut client = server.connect().await;
    let call = |target: &str, arguments: &str| {
        format!(
            r#"{{"type":1,"invocationId":"0","target":"{target}","arguments":{arguments},"streamIds":["s"]}}"#
        )
    };
    let item = |item: &str| format!(r#"{{"type":2,"invocationId":"s","item":{item}}}"#);
    let unexpected = |text: &str| {
        format!(
            r#"{{"type":3,"invocationId":"0","error":"{} HubException: {text}"}}"#,
            "An unexpected error occurred invoking 'Sum' on the server."
        )
    };
    let end = r#"{"type":3,"invocationId":"s"}"#;
    // More than the stream's buffer, while another call is answered.
    client.say(&call("Sum", "[1000]")).await;
    for number in 0..50 {
        client.say(&item(&number.to_string())).await;
    }
    client.say(end).await;
    let sum = r#"{"type":3,"invocationId":"0","result":2225}"#;
    assert_eq!(client.next().await.as_deref(), Some(sum));

    client.say(&call("Sum", "[0]")).await;
    client
        .say(r#"{"type":3,"invocationId":"s","error":"Something bad"}"#)
        .await;
    assert_eq!(client.next().await, Some(unexpected("Something bad")));

    client.say(&call("Sum", "[0]")).await;
    client.say(&item(r#""no number""#)).await;
    let unbound = unexpected("Failed to bind Stream message.");
    assert_eq!(client.next().await, Some(unbound));

    // A method that has seen enough: what still comes is ignored.
    client.say(&call("First", "[]")).await;
    for _ in 0..30 {
        client.say(&item(r#""x""#)).await;
    }
    client.say(end).await;
    let first = r#"{"type":3,"invocationId":"0","result":"x"}"#;
    assert_eq!(client.next().await.as_deref(), Some(first));
    assert!(client.call("Echo", r#"["y"]"#).await.contains("\"y\""));
}

#[tokio::test]
async fn more_calls_than_may_be_open_are_answered_with_an_error() {
    let options = HubOptions {
        maximum_open_calls: 3,
        ..HubOptions::default()
    };
    let server = Server::start(streaming().options(options)).await;
    let mut client = server.connect().await;
    for id in 0..4 {
        client
            .say(&stream_call(&id.to_string(), "Never", "[]"))
            .await;
    }
    let answer = client.next().await.unwrap();
    let text = "An unexpected error occurred invoking 'Never' on the server.";
    let expected = format!(
        r#"{{"type":3,"invocationId":"3","error":"{text} HubException: Too many calls."}}"#
    );
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn a_plain_call_sees_that_it_is_cancelled_while_it_runs() {
    let hub = methods().method("Wait", |caller, (): ()| async move {
        caller.cancelled().await;
        Ok("cancelled")
    });
    let server = Server::start(hub).await;
    let mut client = server.connect().await;
    client
        .say(r#"{"type":1,"invocationId":"7","target":"Wait","arguments":[]}"#)
        .await;
    client.say(r#"{"type":5,"invocationId":"7"}"#).await;
    let answer = r#"{"type":3,"invocationId":"7","result":"cancelled"}"#;
    assert_eq!(client.next().await.as_deref(), Some(answer));
}

#[tokio::test]
async fn several_calls_run_at_once_if_that_is_allowed() {
    let options = HubOptions {
        maximum_parallel_invocations: 2,
        ..HubOptions::default()
    };
    let hub = methods()
        .options(options)
        .method("Wait", |caller, (): ()| async move {
            caller.cancelled().await;
            Ok(())
        })
        .method("Ask", |caller, (): ()| async move {
            let asked = caller.invoke::<u8>("Result", &NO_ARGUMENTS).await;
            asked.map_err(|error| HubException::new(error.to_string()))
        });
    let server = Server::start(hub).await;
    let mut client = server.connect().await;
    client
        .say(r#"{"type":1,"invocationId":"7","target":"Wait","arguments":[]}"#)
        .await;
    client
        .say(r#"{"type":1,"invocationId":"8","target":"Ask","arguments":[]}"#)
        .await;
    let asked = r#"{"type":1,"invocationId":"1","target":"Result","arguments":[]}"#;
    assert_eq!(client.next().await.as_deref(), Some(asked));
    client
        .say(r#"{"type":3,"invocationId":"1","result":5}"#)
        .await;
    let answer = r#"{"type":3,"invocationId":"8","result":5}"#;
    assert_eq!(client.next().await.as_deref(), Some(answer));
}

#[tokio::test]
async fn asking_the_own_client_in_its_only_call_fails_instead_of_waiting_for_ever() {
    let (told, mut tells) = unbounded_channel();
    let hub = methods().method("Ask", move |caller, (): ()| {
        let told = told.clone();
        async move {
            let asked = caller.invoke::<u8>("Result", &NO_ARGUMENTS).await;
            told.send(matches!(asked, Err(InvokeError::WouldDeadlock)))
                .map_err(|_| HubException::new("nobody listens"))
        }
    });
    let server = Server::start(hub).await;
    let mut client = server.connect().await;
    client.call("Ask", "[]").await;
    assert_eq!(tells.recv().await, Some(true));
}

#[tokio::test]
async fn a_client_result_is_a_value_an_error_another_type_or_nobody_there() {
    let server = Server::start(methods()).await;
    let mut client = server.connect().await;
    client.call("Nothing", "[]").await;
    let clients = server.hub.clients();
    for (number, answer, expected) in [
        (1, r#""result":5"#, "Ok(5)"),
        (
            2,
            r#""error":"Error: mine""#,
            r#"Err(Client("Error: mine"))"#,
        ),
        (3, r#""result":"text""#, "Err(WrongType)"),
    ] {
        let everybody = clients.clone();
        let asked = tokio::spawn(async move {
            let all = everybody.all();
            format!("{:?}", all.invoke::<u8>("Result", &NO_ARGUMENTS).await)
        });
        let invocation = client.next().await.unwrap();
        assert!(invocation.contains(&format!(r#""invocationId":"{number}""#)));
        client
            .say(&format!(
                r#"{{"type":3,"invocationId":"{number}",{answer}}}"#
            ))
            .await;
        assert_eq!(asked.await.unwrap(), expected);
    }
    let asked = tokio::spawn(async move {
        let all = clients.all();
        all.invoke::<u8>("Result", &NO_ARGUMENTS).await
    });
    client.next().await.unwrap();
    drop(client);
    let asked = tokio::time::timeout(Duration::from_secs(20), asked).await;
    let gone = asked.unwrap().unwrap();
    assert!(matches!(gone, Err(InvokeError::NotConnected)), "{gone:?}");
}

#[tokio::test]
async fn groups_users_and_exceptions_reach_exactly_whom_they_name() {
    let hub = methods()
        .method("Join", |caller, (group,): (String,)| async move {
            caller.join_group(&group);
            Ok(())
        })
        .method("Others", |caller, (): ()| async move {
            let sent = caller.others().send("others", &NO_ARGUMENTS);
            sent.map_err(|error| HubException::new(error.to_string()))
        });
    let server = Server::start(hub).await;
    let (mut one, mut two) = (server.connect().await, server.connect().await);
    let mut ids = Vec::new();
    for client in [&mut one, &mut two] {
        let answer: serde_json::Value =
            serde_json::from_str(&client.call("Id", "[]").await).unwrap();
        ids.push(answer["result"].as_str().unwrap().to_owned());
        client.call("Join", r#"["both"]"#).await;
    }
    two.call("Join", r#"["second"]"#).await;
    let clients = server.hub.clients();
    let sent =
        |recipients: signalr_server::Recipients<'_>| recipients.send("m", &NO_ARGUMENTS).unwrap();
    assert_eq!(sent(clients.group("both")), 2);
    assert_eq!(sent(clients.groups(&["both", "second"])), 2);
    assert_eq!(sent(clients.groups(&[])), 0);
    assert_eq!(sent(clients.group_except("both", &[&ids[0]])), 1);
    assert_eq!(sent(clients.all_except(&[&ids[1], "unknown"])), 1);
    assert_eq!(sent(clients.connections(&[&ids[1], &ids[1]])), 1);
    assert!(clients.remove_from_group(&ids[1], "both"));
    assert!(!clients.remove_from_group(&ids[1], "both"));
    assert!(!clients.add_to_group("unknown", "both"));
    assert_eq!(sent(clients.group("both")), 1);
    let messages = |count: usize| vec![r#"{"type":1,"target":"m","arguments":[]}"#; count];
    for expected in messages(4) {
        assert_eq!(one.next().await.as_deref(), Some(expected));
    }
    for expected in messages(4) {
        assert_eq!(two.next().await.as_deref(), Some(expected));
    }
    assert!(one.call("Others", "[]").await.contains(r#""result":1"#));
    assert!(two.next().await.unwrap().contains("others"));
    drop(two);
    while clients.connection_count() > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(sent(clients.group("second")), 0);
}
