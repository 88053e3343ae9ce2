//! Every connection is an open file, here and in the server.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that a process needs beside its connections.
const OTHERS: u64 = 200;

/// Raises the limit as far as it goes, for this process and those that it starts, and answers how many connections
/// of the wanted ones fit.
pub(crate) fn sockets(wanted: usize) -> Result<usize> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let _ = setrlimit(Resource::Nofile, raised);
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let room = usize::try_from(allowed.saturating_sub(OTHERS)).unwrap_or(usize::MAX);
    ensure!(
        room > 0,
        "only {allowed} files may be open: raise the limit with `ulimit -n`"
    );
    if room < wanted {
        eprintln!(
            "\nWARNING: only {allowed} files may be open, so only {room} connections are opened instead of {wanted}.\n\
             WARNING: the numbers are NOT those that were asked for; raise the limit with `ulimit -n`.\n"
        );
    }
    Ok(wanted.min(room))
}
