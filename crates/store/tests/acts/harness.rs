//! Books for each case: a clock that stands still until it is moved, seeded randomness, plain
//! event bodies, and the audit at the end.
//!
//! A case must never see another's database, nor the machine's clock.

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use jiff::{SignedDuration, Timestamp};
use money::Msat;
use payments::event::Event;
use payments::ids::{Ids, WithdrawalId};
use payments::ports::{Clock, Entropy, EventBodies, EventBody};
use store::acts::{ActContext, capital};
use store::queries::audit::{Audit, audit};
use store::testing::Database;
use store::{Store, StoreError, Tx};

/// Makes a test on each database of every function named, which takes a `&World`. The audit holds
/// at the end of each.
macro_rules! on_both {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test]
            fn $case() {
                crate::harness::run(&store::testing::sqlite(), super::$case);
            })+
        }
        mod on_postgres {
            $(#[test]
            fn $case() {
                if let Some(database) = store::testing::postgres() {
                    crate::harness::run(&database, super::$case);
                }
            })+
        }
    };
}
pub(crate) use on_both;

/// What the operator put into the node before each case, so that it can bear a loss.
pub const CAPITAL_MSAT: i64 = 1_000_000_000;

/// Runs one case on books of its own, and audits them.
pub fn run(database: &Database, case: fn(&World)) {
    let world = World::new(database);
    case(&world);
    world.assert_the_books_hold();
}

/// The world of a case. Clones share everything.
#[derive(Clone)]
pub struct World {
    stores: Vec<Store>,
    turn: Arc<AtomicUsize>,
    clock: Arc<StillClock>,
    entropy: Arc<SeededEntropy>,
}

impl World {
    /// A world whose books hold the operator's capital and nothing else.
    pub fn new(database: &Database) -> Self {
        let mut stores = vec![database.store().clone()];
        // A SQLite file belongs to one process; PostgreSQL serves several.
        if database.file().is_none() {
            let second = Store::open(database.config()).expect("a second store");
            stores.push(second);
        }
        let world = Self {
            stores,
            turn: Arc::default(),
            clock: Arc::new(StillClock(AtomicI64::new(1_790_000_000_000_000))),
            entropy: Arc::new(SeededEntropy(AtomicU64::new(7))),
        };
        let amount_msat = Msat::new(CAPITAL_MSAT).expect("in range");
        world
            .write(move |tx, act| capital::add_capital(tx, act, vec![1], amount_msat))
            .expect("the operator's capital");
        world
    }

    /// The next store: acts go to them in turn.
    pub fn store(&self) -> &Store {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &self.stores[turn % self.stores.len()]
    }

    /// Whether the books are in a SQLite file.
    pub fn is_sqlite(&self) -> bool {
        self.stores.len() == 1
    }

    /// What an act at this moment gets.
    pub fn act(&self) -> ActContext {
        ActContext {
            ids: Ids::new(self.clock.clone(), self.entropy.clone()),
            now: self.now(),
            bodies: Arc::new(PlainBodies),
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The time in `seconds`.
    pub fn later(&self, seconds: i64) -> Timestamp {
        self.now() + SignedDuration::from_secs(seconds)
    }

    /// Moves the clock, also back.
    pub fn pass(&self, seconds: i64) {
        let micros = seconds * 1_000_000;
        self.clock.0.fetch_add(micros, Ordering::Relaxed);
    }

    /// 32 bytes that were not there before.
    pub fn random(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// Runs an act in a transaction.
    pub fn write<T, E>(
        &self,
        mut act: impl FnMut(&mut Tx<'_>, &ActContext) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let context = self.act();
        self.store().write(move |tx| act(tx, &context))
    }

    /// Asks a question that cannot fail.
    pub fn read<T: Send + 'static>(
        &self,
        query: impl FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.store().read(query).expect("a query")
    }

    /// The verdict on the books.
    pub fn audit(&self) -> Audit {
        self.read(audit)
    }

    /// The names of the invariants that are broken.
    pub fn broken(&self) -> Vec<&'static str> {
        let checks = self.audit().checks.into_iter();
        let broken = checks.filter(|check| !check.broken_by.is_empty());
        broken.map(|check| check.invariant).collect()
    }

    /// Fails with what the audit found, if it found anything.
    pub fn assert_the_books_hold(&self) {
        let audit = self.audit();
        assert!(audit.holds(), "{:#?}", audit.checks);
    }

    /// Counts rows.
    /// How often a withdrawal was dispatched; 0 when there is none.
    pub fn attempts(&self, id: WithdrawalId) -> i64 {
        let row = self.read(move |tx| {
            let sql = "SELECT attempts FROM withdrawal WHERE id = $1";
            tx.query_opt(sql, store::params![id.to_bytes()])
        });
        row.map_or(0, |row| row.int(0).expect("a number"))
    }

    pub fn count(&self, sql: &'static str) -> i64 {
        self.read(move |tx| tx.query(sql, &[])?[0].int(0))
    }
}

/// Runs `work` on `threads` threads that start together, and collects what they answer.
pub fn together<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        let spawned: Vec<_> = (0..threads)
            .map(|number| {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    work(number)
                })
            })
            .collect();
        let joined = spawned.into_iter().map(|thread| thread.join());
        joined.map(|answer| answer.expect("no panic")).collect()
    })
}

struct StillClock(AtomicI64);

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        let micros = self.0.load(Ordering::Relaxed);
        Timestamp::from_microsecond(micros).expect("a time in range")
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same bytes in every run of one thread.
pub struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    /// From this seed.
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&self, bound: u64) -> u64 {
        self.next() % bound
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_be_bytes()[..chunk.len()]);
        }
    }
}

/// Bodies that show the whole event.
pub struct PlainBodies;

impl EventBodies for PlainBodies {
    fn render(&self, event: &Event) -> EventBody {
        EventBody {
            webhook: format!("webhook {event:?}").into_bytes(),
            hub: format!("hub {event:?}").into_bytes(),
        }
    }
}
