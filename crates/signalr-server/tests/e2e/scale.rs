//! Two hubs joined by a lifetime: what is sent in one reaches whom it names, wherever they are connected.

use signalr_server::{
    HubBuilder, HubException, HubLifetime, InvokeError, LocalConnections, NO_ARGUMENTS, Recipients,
    UnknownMessage,
};
use tokio::sync::{broadcast, mpsc};

use super::support::{Server, Wire, guarded};

/// Carries messages between hubs of one process.
#[derive(Clone)]
struct Bus(broadcast::Sender<String>);

impl HubLifetime for Bus {
    fn begin(&self, local: LocalConnections) {
        let mut messages = self.0.subscribe();
        tokio::spawn(async move {
            while let Ok(message) = messages.recv().await {
                assert_eq!(local.deliver(&message), Ok(()), "{message}");
            }
        });
    }

    fn publish(&self, message: String) {
        assert!(!message.contains('\n'));
        drop(self.0.send(message));
    }
}

fn hub(bus: &Bus) -> HubBuilder {
    guarded()
        .lifetime(bus.clone())
        .method("Join", |caller, (group,): (String,)| async move {
            caller.join_group(&group);
            Ok(())
        })
}

/// A client of each of two servers, and their connection ids.
struct Two {
    servers: [Server; 2],
    wires: [Wire; 2],
    ids: [String; 2],
}

impl Two {
    async fn start() -> Self {
        let bus = Bus(broadcast::channel(64).0);
        let servers = [
            Server::start(hub(&bus)).await,
            Server::start(hub(&bus)).await,
        ];
        let (ann, ann_id) = client(&servers[0], "ann").await;
        let (bob, bob_id) = client(&servers[1], "bob").await;
        Self {
            servers,
            wires: [ann, bob],
            ids: [ann_id, bob_id],
        }
    }

    /// Calls a method of the clients, as the first server addresses them, and looks who hears it.
    async fn reaches<'a>(&mut self, to: Recipients<'a>, expected: [bool; 2]) {
        let here = to.send("m", &("é", 1)).unwrap();
        assert_eq!(here, usize::from(expected[0]));
        for (wire, is_meant) in self.wires.iter_mut().zip(expected) {
            if is_meant {
                let message = r#"{"type":1,"target":"m","arguments":["é",1]}"#;
                assert_eq!(wire.next().await.as_deref(), Some(message));
            }
        }
    }
}

async fn client(server: &Server, name: &str) -> (Wire, String) {
    let mut wire = server
        .connect_at(&format!("/hub?access_token=token-{name}"))
        .await;
    let answer: serde_json::Value = serde_json::from_str(&wire.call("Id", "[]").await).unwrap();
    (wire, answer["result"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn every_address_reaches_whom_it_names_in_both_processes_and_nobody_else() {
    let mut two = Two::start().await;
    for wire in &mut two.wires {
        wire.call("Join", r#"["both"]"#).await;
    }
    two.wires[1].call("Join", r#"["second"]"#).await;
    let (clients, ids) = (two.servers[0].hub.clients(), two.ids.clone());
    let [ann, bob] = [ids[0].as_str(), ids[1].as_str()];
    let here = clients.here();
    two.reaches(clients.all(), [true, true]).await;
    two.reaches(here.all(), [true, false]).await;
    two.reaches(clients.all_except(&[ann]), [false, true]).await;
    two.reaches(clients.all_except(&[bob]), [true, false]).await;
    two.reaches(clients.connection(bob), [false, true]).await;
    two.reaches(clients.connections(&[ann, bob]), [true, true])
        .await;
    two.reaches(clients.group("both"), [true, true]).await;
    two.reaches(clients.groups(&["both", "second"]), [true, true])
        .await;
    two.reaches(clients.group_except("both", &[bob]), [true, false])
        .await;
    two.reaches(clients.user("bob"), [false, true]).await;
    two.reaches(clients.users(&["ann", "bob", "nobody"]), [true, true])
        .await;
    two.reaches(clients.user("nobody"), [false, false]).await;
    // Nothing else has come: the last message is the next.
    two.reaches(clients.groups(&["second", "both"]), [true, true])
        .await;
}

#[tokio::test]
async fn connections_of_other_processes_join_and_leave_groups_and_are_ended() {
    let mut two = Two::start().await;
    let (clients, ids) = (two.servers[0].hub.clients(), two.ids.clone());
    assert!(clients.add_to_group(&ids[0], "g"));
    assert!(!clients.add_to_group(&ids[1], "g"), "not connected here");
    two.reaches(clients.group("g"), [true, true]).await;
    clients.remove_from_group(&ids[1], "g");
    two.reaches(clients.group("g"), [true, false]).await;
    clients.connection(&ids[1]).abort();
    assert_eq!(two.wires[1].next().await.as_deref(), Some(r#"{"type":7}"#));
    two.reaches(clients.all(), [true, false]).await;
}

#[tokio::test]
async fn a_client_of_another_process_is_asked_and_its_answer_comes_back() {
    let mut two = Two::start().await;
    for (answer, expected) in [
        (r#""result":5"#, "Ok(5)"),
        (r#""error":"Error: mine""#, r#"Err(Client("Error: mine"))"#),
        (r#""result":"text""#, "Err(WrongType)"),
    ] {
        let (clients, id) = (two.servers[0].hub.clients(), two.ids[1].clone());
        let asking = tokio::spawn(async move {
            let client = clients.connection(&id);
            format!("{:?}", client.invoke::<u8>("Result", &NO_ARGUMENTS).await)
        });
        let asked: serde_json::Value =
            serde_json::from_str(&two.wires[1].next().await.unwrap()).unwrap();
        assert_eq!(asked["target"], "Result");
        let id = asked["invocationId"].as_str().unwrap();
        two.wires[1]
            .say(&format!(r#"{{"type":3,"invocationId":"{id}",{answer}}}"#))
            .await;
        assert_eq!(asking.await.unwrap(), expected);
    }
    let (clients, id) = (two.servers[0].hub.clients(), two.ids[1].clone());
    let asking = tokio::spawn(async move {
        let client = clients.connection(&id);
        client.invoke::<u8>("Result", &NO_ARGUMENTS).await
    });
    two.wires[1].next().await.unwrap();
    two.wires[1].say(r#"{"type":7}"#).await;
    let gone = asking.await.unwrap();
    assert!(matches!(gone, Err(InvokeError::NotConnected)), "{gone:?}");
}

#[tokio::test]
async fn a_broadcast_is_written_in_the_protocol_of_each_receiver() {
    use futures_util::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;
    let two = Two::start().await;
    let path = "/hub?access_token=token-eve";
    let mut wire = two.servers[1]
        .open(two.servers[1].upgrade(path))
        .await
        .unwrap();
    wire.send("{\"protocol\":\"messagepack\",\"version\":1}\u{1e}".to_owned())
        .await;
    let welcome = wire.socket.next().await.unwrap().unwrap();
    assert_eq!(welcome, Message::binary(&b"{}\x1e"[..]));
    let call = [
        11, 0x95, 1, 0x80, 0xa1, b'1', 0xa4, b'N', b'u', b'l', b'l', 0x90,
    ];
    wire.socket
        .send(Message::binary(call.to_vec()))
        .await
        .unwrap();
    wire.socket.next().await.unwrap().unwrap();
    two.servers[0]
        .hub
        .clients()
        .user("eve")
        .send("m", &(7,))
        .unwrap();
    let expected = [9, 0x96, 1, 0x80, 0xc0, 0xa1, b'm', 0x91, 7, 0x90];
    let seen = wire.socket.next().await.unwrap().unwrap();
    assert_eq!(seen, Message::binary(expected.to_vec()));
}

/// Keeps what is published, and lets a test deliver what it likes.
struct Held(mpsc::UnboundedSender<LocalConnections>);

impl HubLifetime for Held {
    fn begin(&self, local: LocalConnections) {
        self.0.send(local).unwrap();
    }

    fn publish(&self, _: String) {}
}

#[tokio::test]
async fn what_is_no_message_is_told_and_does_nothing_and_nothing_outlives_the_hub() {
    let (given, mut gives) = mpsc::unbounded_channel();
    let hub = guarded().lifetime(Held(given)).build();
    let local = gives.recv().await.unwrap();
    for text in [
        "",
        "nonsense",
        "{}",
        r#"{"from":"x","errand":{"unknown":{}}}"#,
        r#"{"from":"x","errand":{"send":{"to":"all","call":{"json":"","messagepack":"?"}}}}"#,
    ] {
        assert_eq!(local.deliver(text), Err(UnknownMessage), "{text}");
    }
    let abort = r#"{"from":"x","errand":{"abort":{"to":"all"}},"later":1}"#;
    assert_eq!(local.deliver(abort), Ok(()));
    assert!(!local.is_gone());
    drop(hub);
    assert!(local.is_gone());
    assert_eq!(local.deliver("nonsense"), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_no_process_has_is_not_waited_for_for_long() {
    let (given, _gives) = mpsc::unbounded_channel();
    let hub = guarded().lifetime(Held(given)).build();
    let clients = hub.clients();
    let client = clients.connection("x");
    let asked = client.invoke::<u8>("Result", &NO_ARGUMENTS);
    assert!(matches!(asked.await, Err(InvokeError::NotConnected)));
    let failed = clients.all().invoke::<u8>("Result", &NO_ARGUMENTS).await;
    let error = failed.map_err(|error| HubException::new(error.to_string()));
    assert!(error.is_err());
}
