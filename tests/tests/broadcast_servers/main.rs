//! The adapters of brokers, on real ones that stop, hang, come back, and hear from others.

mod brokers;
mod foreign;
mod javascript;
mod others;
mod proxy;
mod secrets;
mod trouble;
