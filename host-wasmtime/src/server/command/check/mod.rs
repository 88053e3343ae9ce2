//! `authkernel check`: tries every part that `serve` would use, and says what to do where one is no good.
//!
//! It may run beside the server: it changes nothing but one session of a subject of its own, which it opens and ends.

mod files;
mod kernel;
mod network;
mod report;
mod shared;
mod storage;

use serde_json::json;

use self::report::Report;
use super::super::settings::Settings;
use super::super::start::StartError;
use super::Format;

/// Tries everything. Fails when a part would keep `serve` from working.
pub(super) async fn run(settings: Settings, format: Format) -> Result<(), StartError> {
    let mut report = Report::default();
    let policy = files::policy(&settings, &mut report);
    let keys = files::keys(&settings, &mut report);
    files::clients(&settings, &mut report);
    files::certificate(&settings, &mut report);
    files::audit_log(&settings, &mut report);
    let folder = files::data(&settings, &mut report);
    files::clock(&settings, &mut report);
    let storage = storage::try_out(&settings, folder, &mut report).await;
    kernel::try_out(&settings, policy, keys, storage, &mut report).await;
    network::public_url(&settings, &mut report);
    network::listen(&settings, &mut report).await;
    network::open_files(&settings, &mut report);

    let good = report.is_good();
    format.answer(&json!({ "ok": good, "parts": report.parts() }), |line| {
        report.lines(line)
    })?;
    match good {
        true => Ok(()),
        false => Err(StartError::answered(1)),
    }
}
