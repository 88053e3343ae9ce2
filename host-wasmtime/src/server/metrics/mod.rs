//! What is counted, in the words of Prometheus. No label ever carries a subject, an address, a token or a path as it
//! was sent: labels are names that this program has written down.

mod timed_storage;

use std::borrow::Cow;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use authkernel::Code;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

pub(crate) use timed_storage::TimedStorage;

use super::places::Full;
use crate::{Observe, Statistics, sockets};

/// From 10 µs, a decision in memory, to 10 s.
const BUCKETS: [f64; 13] = [
    0.000_01, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0,
];

/// Everything that is counted. Clones count together.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    decisions: Family<Decision, Counter>,
    operations: Family<Operation, Histogram, fn() -> Histogram>,
    storage: Family<StorageCall, Histogram, fn() -> Histogram>,
    requests: Family<Request, Counter>,
    request_time: Family<Route, Histogram, fn() -> Histogram>,
    connections_refused: Family<Refused, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Decision {
    operation: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StorageCall {
    call: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: Cow<'static, str>,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: Cow<'static, str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    limit: &'static str,
}

/// What is looked at when somebody asks, not counted as it happens.
pub(crate) struct Now {
    pub(crate) sockets: sockets::Counts,
    pub(crate) pool: Statistics,
    pub(crate) connections: usize,
    /// Disconnects that are owed; absent when storage did not say.
    pub(crate) undelivered: Option<u64>,
    /// When the TLS certificate ends, in seconds since 1970; absent without TLS.
    pub(crate) certificate_ends: Option<u64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        Self {
            operations: Family::new_with_constructor(histogram),
            storage: Family::new_with_constructor(histogram),
            request_time: Family::new_with_constructor(histogram),
            decisions: Family::default(),
            requests: Family::default(),
            connections_refused: Family::default(),
        }
    }

    /// A request was answered. The route is as it is declared, never as it was sent.
    pub(crate) fn request(&self, method: &http::Method, route: &str, status: u16, took: Duration) {
        let method = match method.as_str() {
            "GET" => "GET",
            "POST" => "POST",
            "DELETE" => "DELETE",
            "HEAD" => "HEAD",
            _ => "other",
        };
        let route: Cow<'static, str> = Cow::Owned(route.to_owned());
        let request = Request {
            method,
            route: route.clone(),
            status,
        };
        self.requests.get_or_create(&request).inc();
        let time = self.request_time.get_or_create(&Route { route });
        time.observe(took.as_secs_f64());
    }

    /// A connection found no place.
    pub(crate) fn connection_refused(&self, full: Full) {
        let limit = match full {
            Full::All => "all",
            Full::Address => "address",
        };
        self.connections_refused
            .get_or_create(&Refused { limit })
            .inc();
    }

    pub(crate) fn storage_call(&self, call: &'static str, outcome: &'static str, took: Duration) {
        let call = StorageCall { call, outcome };
        self.storage
            .get_or_create(&call)
            .observe(took.as_secs_f64());
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self, now: &Now) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("authkernel");
        registry.register(
            "decisions",
            "What the kernel decided, by operation and code; ok where nothing was refused",
            self.decisions.clone(),
        );
        registry.register_with_unit(
            "operation_duration",
            "How long operations of the kernel took, storage included",
            Unit::Seconds,
            self.operations.clone(),
        );
        registry.register_with_unit(
            "storage_call_duration",
            "How long storage took to answer",
            Unit::Seconds,
            self.storage.clone(),
        );
        registry.register(
            "http_requests",
            "Requests that were answered, upgrades included",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "How long requests took until their answer began",
            Unit::Seconds,
            self.request_time.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections that found no place, by the limit that was reached",
            self.connections_refused.clone(),
        );
        now.register(&mut registry);
        let mut text = String::new();
        text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

impl Now {
    fn register(&self, registry: &mut Registry) {
        let mut gauge = |name: &str, help: &str, value: u64| {
            let gauge = Gauge::<i64>::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            registry.register(name, help, gauge);
        };
        let Self {
            sockets,
            pool,
            connections,
            undelivered,
            certificate_ends,
        } = self;
        gauge(
            "connections",
            "Connections that are open",
            *connections as u64,
        );
        gauge(
            "open_sockets",
            "Live connections that are open",
            sockets.registered as u64,
        );
        gauge(
            "broker_connected",
            "1 while messages of other processes arrive",
            sockets.connected.into(),
        );
        gauge(
            "pool_instances",
            "Instances of the kernel",
            pool.instances as u64,
        );
        gauge(
            "pool_instances_in_use",
            "Instances that run a call",
            pool.in_use as u64,
        );
        gauge(
            "pool_waiting",
            "Calls that wait for an instance",
            pool.waiting as u64,
        );
        if let Some(undelivered) = undelivered {
            gauge(
                "undelivered_disconnects",
                "Disconnects that are owed to live connections",
                *undelivered,
            );
        }
        if let Some(ends) = certificate_ends {
            gauge(
                "tls_certificate_expiry_timestamp_seconds",
                "When the certificate of the server ends, in seconds since 1970",
                *ends,
            );
        }
        let mut counter = |name: &str, help: &str, value: u64| {
            let counter = Counter::<u64, AtomicU64>::default();
            counter.inc_by(value);
            registry.register(name, help, counter);
        };
        counter(
            "sockets_opened",
            "Live connections that were admitted",
            sockets.opened,
        );
        counter(
            "sockets_refused",
            "Live connections that were refused",
            sockets.refused,
        );
        counter(
            "sockets_closed",
            "Live connections that are gone",
            sockets.closed,
        );
        counter(
            "sockets_revoked",
            "Live connections closed by a revocation",
            sockets.revoked,
        );
        counter(
            "sockets_expired",
            "Live connections closed at their deadline",
            sockets.expired,
        );
        counter(
            "sweep_errors",
            "Verifications that storage did not answer",
            sockets.sweep_errors,
        );
        counter(
            "broker_messages",
            "Messages taken from the broker",
            sockets.messages,
        );
        counter(
            "broker_connection_losses",
            "How often the connection to the broker was lost",
            sockets.lost,
        );
        counter(
            "broker_messages_missed",
            "Messages missed because this process was slow",
            sockets.missed,
        );
        counter("pool_instances_created", "Instances made", pool.created);
        counter(
            "pool_traps",
            "Calls lost because the kernel trapped: a defect",
            pool.traps,
        );
        counter(
            "pool_overloaded",
            "Calls refused because too many waited",
            pool.overloaded,
        );
        let info = prometheus_client::metrics::info::Info::new(vec![(
            "version",
            env!("CARGO_PKG_VERSION"),
        )]);
        registry.register("build", "Which version runs", info);
    }
}

impl Observe for Metrics {
    fn called(&self, operation: &'static str, took: Duration, code: Option<Code>) {
        let decision = Decision {
            operation,
            code: code.map_or("ok", Code::as_str),
        };
        self.decisions.get_or_create(&decision).inc();
        let time = self.operations.get_or_create(&Operation { operation });
        time.observe(took.as_secs_f64());
    }
}
