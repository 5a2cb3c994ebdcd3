//! A TCP proxy before the database, which can stop answering without a word, or cut every connection.
//!
//! It must never change a byte.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// What becomes of the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Forward,
    Hang,
    Cut,
}

struct Shared {
    state: Mutex<(Mode, Vec<TcpStream>)>,
    changed: Condvar,
}

/// A proxy that goes on until the test ends.
pub struct Proxy(Arc<Shared>);

impl Proxy {
    /// A proxy before the server of `url`, and the URL through it.
    ///
    /// # Panics
    /// When the URL names no host, or no port is free.
    #[must_use]
    pub fn before(url: &str) -> (String, Self) {
        let server = url
            .split('@')
            .nth(1)
            .and_then(|rest| rest.split('/').next())
            .expect("a URL with a host")
            .to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("an address").to_string();
        let through = url.replace(&server, &own);
        let shared = Arc::new(Shared {
            state: Mutex::new((Mode::Forward, Vec::new())),
            changed: Condvar::new(),
        });
        let proxy = Self(Arc::clone(&shared));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                shared.connect(client, &server);
            }
        });
        (through, proxy)
    }

    /// Nothing goes through any more, and nobody is told.
    pub fn hang(&self) {
        self.0.set(Mode::Hang);
    }

    /// Every connection ends, and none is accepted.
    pub fn cut(&self) {
        self.0.set(Mode::Cut);
    }

    /// New connections go through again.
    pub fn mend(&self) {
        self.0.set(Mode::Forward);
    }
}

impl Shared {
    fn set(&self, mode: Mode) {
        let mut state = self.state.lock().expect("no panic");
        state.0 = mode;
        if mode == Mode::Cut {
            for stream in state.1.drain(..) {
                // It may have ended by itself.
                drop(stream.shutdown(Shutdown::Both));
            }
        }
        self.changed.notify_all();
    }

    fn connect(self: &Arc<Self>, client: TcpStream, server: &str) {
        let mut state = self.state.lock().expect("no panic");
        if state.0 == Mode::Cut {
            return;
        }
        let server = TcpStream::connect(server).expect("the database's server");
        for (from, to) in [(&client, &server), (&server, &client)] {
            let clone = |stream: &TcpStream| stream.try_clone().expect("a handle");
            let (from, to) = (clone(from), clone(to));
            state.1.push(clone(&from));
            let shared = Arc::clone(self);
            std::thread::spawn(move || shared.forward(from, to));
        }
    }

    fn forward(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            let state = self.state.lock().expect("no panic");
            let hangs = |state: &mut (Mode, Vec<TcpStream>)| state.0 == Mode::Hang;
            drop(self.changed.wait_while(state, hangs).expect("no panic"));
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        // The other direction ends too.
        drop(to.shutdown(Shutdown::Both));
    }
}
