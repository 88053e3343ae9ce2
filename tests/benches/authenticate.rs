//! `authenticate`: the kernel in process, in its authenticator, as a component, and beside `jsonwebtoken`.
//!
//! The same token everywhere, a record that must be there, ten thousand other records in memory. Every contender
//! must let the token pass before it is timed, and hands out who it is.

mod support;

use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use authkernel::ports::Ports;
use authkernel::testing::MemoryStorage;
use authkernel::types::Authenticate;
use authkernel::{Kernel, KeySet, Policy};
use authkernel_wasmtime::{Authenticator, Engine, SystemClock, SystemRandom};
use cpu_time::ThreadTime;
use criterion::Criterion;
use serde_json::Value;
use tokio::runtime::Runtime;

use support::by_hand::ByHand;
use support::keys;
use support::race::{self, Contender, Timing};
use support::report::{self, Ratios};
use support::setting::{self, PURPOSE, TakesAll};

/// Records of others in the same memory.
const OTHERS: usize = 10_000;

const BY_HAND: &str = "jsonwebtoken + HashMap";
const IN_PROCESS: &str = "kernel in process";
const NATIVE: &str = "authenticator, native";
const COMPONENT: &str = "authenticator, component";
const CONTENDERS: [&str; 4] = [BY_HAND, IN_PROCESS, NATIVE, COMPONENT];

type Host = Ports<MemoryStorage, TakesAll, SystemClock, SystemRandom>;

/// An algorithm, its key, and how much longer the component may take than the native call, and the native call than
/// the same by hand.
struct Algorithm {
    name: &'static str,
    key: Value,
    component: Option<f64>,
    native: Option<f64>,
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let algorithms = [
        Algorithm {
            name: "HS256",
            key: keys::hs256(),
            component: Some(1.8),
            native: Some(1.5),
        },
        Algorithm {
            name: "EdDSA",
            key: keys::eddsa(),
            component: Some(1.3),
            native: None,
        },
        Algorithm {
            name: "ES256",
            key: keys::es256(),
            component: None,
            native: None,
        },
    ];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime starts");
    if report::measures() {
        report::begin("authenticate");
    }
    let mut ratios = Ratios::new("authenticate: ratios");
    for algorithm in &algorithms {
        let group = format!("authenticate/{}", algorithm.name);
        let names = CONTENDERS.map(|contender| format!("{group}/{contender}"));
        if !report::wants(names.iter().map(String::as_str)) {
            continue;
        }
        let service = Service::start(&algorithm.key, &runtime);
        let mut contenders = service.contenders(&runtime);
        race::criterion(&mut criterion, &group, &mut contenders);
        if !report::measures() {
            continue;
        }
        let timings = race::race(&mut contenders);
        let title = format!(
            "authenticate, {}, a token of {} bytes",
            algorithm.name,
            service.token.len()
        );
        report::medians(&title, &timings).publish("authenticate");
        let of = |name: &str| find(&timings, name);
        let name = algorithm.name;
        ratios.add(name, of(COMPONENT), of(IN_PROCESS), algorithm.component);
        ratios.add(name, of(COMPONENT), of(NATIVE), None);
        ratios.add(name, of(IN_PROCESS), of(BY_HAND), algorithm.native);
    }
    criterion.final_summary();
    if report::measures() {
        ratios.publish("authenticate");
    }
}

fn find<'t>(timings: &'t [Timing], name: &str) -> &'t Timing {
    timings
        .iter()
        .find(|timing| timing.name == name)
        .expect("every contender was timed")
}

/// The same service, put together in four ways, and one of its tokens.
struct Service {
    token: String,
    by_hand: ByHand,
    kernel: Kernel<Host>,
    native: Authenticator<Host>,
    component: Authenticator<Host>,
}

impl Service {
    fn start(key: &Value, runtime: &Runtime) -> Self {
        let policy = setting::policy();
        let keys = setting::key_set(key);
        let storage = MemoryStorage::default();
        let kernel = Kernel::new(
            Policy::parse(&policy).expect("the policy is valid"),
            KeySet::parse(&keys).expect("the keys are valid"),
            host(&storage),
        );
        let mut by_hand = ByHand::new(key);
        for n in 0..OTHERS {
            let issued = at_once(kernel.issue(setting::issue(&format!("other-{n}"))));
            by_hand.store(issued.expect("a token is issued").identity);
        }
        let issued = at_once(kernel.issue(setting::issue("user-4711"))).expect("a token is issued");
        by_hand.store(issued.identity);
        let start = |engine| {
            let builder = Authenticator::builder().policy(&policy).keys(&keys);
            let started = runtime.block_on(builder.host(host(&storage)).engine(engine).build());
            started.expect("the authenticator starts")
        };
        let service = Self {
            token: issued.token,
            by_hand,
            kernel,
            native: start(Engine::Native),
            component: start(Engine::Component),
        };
        service.check(runtime);
        service
    }

    /// All decide alike, for the token and for one that somebody changed.
    fn check(&self, runtime: &Runtime) {
        let forged = format!(
            "{}A{}",
            &self.token[..self.token.len() - 9],
            &self.token[self.token.len() - 8..]
        );
        let ask = |token: &str| Authenticate {
            token: token.to_owned(),
            ..self.request()
        };
        let expected =
            at_once(self.kernel.authenticate(ask(&self.token))).expect("it passes in process");
        assert_eq!(expected.subject, "user-4711");
        for authenticator in [&self.native, &self.component] {
            let identity = runtime.block_on(authenticator.authenticate(ask(&self.token)));
            assert_eq!(identity.expect("it passes"), expected);
            assert!(
                runtime
                    .block_on(authenticator.authenticate(ask(&forged)))
                    .is_err()
            );
        }
        assert!(at_once(self.kernel.authenticate(ask(&forged))).is_err());
        assert_eq!(
            self.by_hand
                .authenticate(&self.token)
                .expect("it passes by hand")
                .sub,
            expected.subject
        );
        assert!(self.by_hand.authenticate(&forged).is_none());
    }

    fn request(&self) -> Authenticate {
        Authenticate {
            token: self.token.clone(),
            purposes: vec![PURPOSE.to_owned()],
            tenant: None,
        }
    }

    /// Each makes its request anew in every call, as a server does.
    fn contenders<'a>(&'a self, runtime: &'a Runtime) -> Vec<Contender<'a>> {
        vec![
            Contender::new(BY_HAND, |times| {
                race::times(times, || self.by_hand.authenticate(&self.token))
            }),
            Contender::new(IN_PROCESS, |times| {
                race::times(times, || at_once(self.kernel.authenticate(self.request())))
            }),
            Contender::new(NATIVE, |times| self.through(&self.native, times, runtime)),
            Contender::new(COMPONENT, |times| {
                self.through(&self.component, times, runtime)
            }),
        ]
    }

    /// The runtime is entered once for all calls, as a server's task is.
    fn through(
        &self,
        authenticator: &Authenticator<Host>,
        times: u64,
        runtime: &Runtime,
    ) -> Duration {
        runtime.block_on(async {
            let start = ThreadTime::now();
            for _ in 0..times {
                let _ = black_box(authenticator.authenticate(self.request()).await);
            }
            start.elapsed()
        })
    }
}

fn host(storage: &MemoryStorage) -> Host {
    Ports {
        storage: storage.clone(),
        broadcast: TakesAll,
        clock: SystemClock,
        random: SystemRandom,
    }
}

/// Storage in memory answers at once: the operation is ready when it is first polled.
fn at_once<T>(operation: impl Future<Output = T>) -> T {
    match pin!(operation).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("storage in memory does not wait"),
    }
}
