//! The reference server: `authkernel serve`.
//!
//! HTTP and live connections (WebSocket, server-sent events) over one kernel. Accounts and tokens are kept in one SQLite
//! file, and broadcast stays inside the process; or both are shared by several servers (`backing/`). Everything is JSON;
//! errors are `{"error": {"code", "message"}}`.
//!
//! A request goes from [`listener`](self) through the route's own file in `routes/` to one operation of the
//! [`Authenticator`](crate::Authenticator), which decides. What is here is only what a kernel must not know: HTTP,
//! passwords, cookies, tickets, limits.

mod accounts;
mod acts;
mod audit;
mod backing;
mod body;
mod client;
mod closes;
mod command;
mod cookie;
mod credential;
mod data;
mod error;
mod fault;
mod form;
mod keys;
mod listener;
mod live_clients;
mod log;
mod metrics;
mod oauth_clients;
mod oauth_error;
mod observe;
mod openapi;
mod origin;
mod page;
mod places;
mod policy;
mod push;
mod rate_limit;
mod reload;
mod routes;
mod service;
mod settings;
mod signals;
mod stall;
mod start;
mod state;
mod ticket;
mod tls;
mod tries;
mod upkeep;

pub use backing::{Backends, BackingUrl};
pub use command::main;
pub use openapi::document as openapi;
pub use origin::PublicUrl;
pub use policy::DEFAULT_POLICY;
pub use settings::{LogFormat, Settings};
pub use start::{StartError, serve};
