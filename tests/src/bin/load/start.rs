//! From the start of the process until the server can answer.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::server::Server;

/// How long starts took.
pub(crate) struct Starts {
    /// With an empty data folder: keys and database are made, the component is compiled.
    pub(crate) first: Duration,
    /// With everything there, shortest first.
    pub(crate) later: Vec<Duration>,
}

/// Starts and stops a server so many times after the first, on one data folder.
pub(crate) fn measure(program: &Path, times: usize) -> Result<Starts> {
    eprintln!("starting the server {} times …", times + 1);
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let start = || -> Result<Duration> {
        let server = Server::start(program, &data)?;
        let taken = server.ready_after;
        server.stop()?;
        Ok(taken)
    };
    let first = start()?;
    let mut later = (0..times).map(|_| start()).collect::<Result<Vec<_>>>()?;
    later.sort_unstable();
    Ok(Starts { first, later })
}
