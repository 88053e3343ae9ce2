//! Live connections as their peers meet them: the kernel in process, storage in memory, and a real axum server on a
//! real port, with WebSockets and server-sent events.

mod broken_parts;
mod events;
mod hostile_peers;
mod race;
mod service;
mod sign_out;
mod web_socket;
