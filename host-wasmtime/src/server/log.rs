//! Where log lines go: the service's log to standard error, the audit log beside it or to a file.

use std::fs::OpenOptions;
use std::io::IsTerminal;
use std::sync::Mutex;

use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use super::audit;
use super::settings::{LogFormat, Settings};
use super::start::StartError;

/// What the compiler of the kernel says of itself helps nobody who asks for `debug`; naming it brings it back.
const QUIET: &str =
    "cranelift_codegen=warn,regalloc2=warn,wasmtime=info,wasmtime_internal_cranelift=warn";

/// What speaks with databases and brokers. At `debug` it writes down statements with their parameters: e-mail addresses
/// and password hashes. That gets into no log, whatever the filter says.
const DRIVERS: [&str; 3] = ["async_nats", "redis", "tokio_postgres"];

fn may_be_written(event: &Metadata<'_>) -> bool {
    let of = event.target().split("::").next().unwrap_or_default();
    let detailed = *event.level() > Level::INFO;
    event.target() != audit::TARGET && !(detailed && DRIVERS.contains(&of))
}

/// Sets up logging for the process. To be called once.
///
/// Fails when the filter cannot be read, the audit log cannot be opened, or logging was set up before.
pub(super) fn start(settings: &Settings) -> Result<(), StartError> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", settings.log))
        .map_err(|error| StartError::config(format!("--log {:?}: {error}", settings.log)))?
        .and(filter_fn(may_be_written));
    let service = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let service = match settings.log_format {
        LogFormat::Text => service.with_filter(filter).boxed(),
        LogFormat::Json => service
            .json()
            .flatten_event(true)
            .with_filter(filter)
            .boxed(),
    };
    let events = fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(audit_writer(settings)?)
        .with_filter(filter_fn(|event| event.target() == audit::TARGET));
    tracing_subscriber::registry()
        .with(service)
        .with(events)
        .try_init()
        .map_err(|error| StartError::other(error.to_string()))
}

fn audit_writer(settings: &Settings) -> Result<BoxMakeWriter, StartError> {
    let Some(path) = &settings.audit_log else {
        return Ok(BoxMakeWriter::new(std::io::stderr));
    };
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options
        .open(path)
        .map_err(|error| StartError::other(format!("audit log {}: {error}", path.display())))?;
    Ok(BoxMakeWriter::new(Mutex::new(file)))
}
