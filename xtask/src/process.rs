//! Running other programs: streamed, captured, bounded in time.

use std::env;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How a bounded program ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// By itself.
    Exited(ExitStatus),
    /// Killed by us, with everything it had started.
    TimedOut(Duration),
}

impl Ending {
    /// Success, or the reason in words.
    pub(crate) fn success(&self) -> Result<()> {
        match self {
            Self::Exited(status) if status.success() => Ok(()),
            Self::Exited(status) => bail!("{status}"),
            Self::TimedOut(limit) => bail!("no end within {} s, stopped", limit.as_secs()),
        }
    }
}

/// What a captured program said.
#[derive(Debug)]
pub(crate) struct Captured {
    pub(crate) ending: Ending,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Captured {
    /// The standard output of a program that succeeded, else its last words.
    pub(crate) fn success(self) -> Result<String> {
        match self.ending.success() {
            Ok(()) => Ok(self.stdout),
            Err(error) => match last_words(&self.stderr, &self.stdout) {
                Some(words) => Err(error.context(words)),
                None => Err(error),
            },
        }
    }
}

fn last_words(stderr: &str, stdout: &str) -> Option<String> {
    let text = if stderr.trim().is_empty() {
        stdout
    } else {
        stderr
    };
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(3)..].join(" | ");
    (!last.is_empty()).then_some(last)
}

/// Runs a program with its output on the terminal; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {}", describe(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", describe(command));
    }
    Ok(())
}

/// Like [`run`], for programs that may hang.
pub(crate) fn run_limited(command: &mut Command, limit: Duration) -> Result<Ending> {
    let mut child = own_group(command)
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {}", describe(command)))?;
    wait(&mut child, limit)
}

/// Runs a program to its end or the limit and returns what it printed.
pub(crate) fn capture(command: &mut Command, limit: Duration) -> Result<Captured> {
    let mut child = own_group(command)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {}", describe(command)))?;
    // Both pipes are read at once: a program that fills one while we wait for the other never ends.
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let ending = wait(&mut child, limit)?;
    Ok(Captured {
        ending,
        stdout: stdout.join().unwrap_or_default(),
        stderr: stderr.join().unwrap_or_default(),
    })
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What was read before an error is still worth showing.
            let _ = pipe.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for a program of its own group; past the limit the whole group is killed.
pub(crate) fn wait(child: &mut Child, limit: Duration) -> Result<Ending> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ending::Exited(status));
        }
        if started.elapsed() >= limit {
            signal_group(child, "KILL");
            // Also reaps it; where there are no groups this is what ends it.
            let _ = child.kill();
            child.wait()?;
            return Ok(Ending::TimedOut(limit));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Puts the program into a process group of its own, so that it can be ended with all it starts.
pub(crate) fn own_group(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

/// Sends a signal (`TERM`, `KILL`) to the group of a program started with [`own_group`].
pub(crate) fn signal_group(child: &Child, signal: &str) {
    // The shell's own `kill`: the standard library can only send KILL, and only to one process.
    let script = format!("kill -{signal} -{}", child.id());
    let _ = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// Becomes the other program where the system can, so that Ctrl-C and every signal go straight to it.
pub(crate) fn become_program(command: &mut Command) -> Result<ExitStatus> {
    #[cfg(unix)]
    {
        let error = std::os::unix::process::CommandExt::exec(command);
        Err(error).with_context(|| format!("cannot start {}", describe(command)))
    }
    #[cfg(not(unix))]
    command
        .status()
        .with_context(|| format!("cannot start {}", describe(command)))
}

/// The program of that name on the search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
}

/// The command line, for messages.
pub(crate) fn describe(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program.file_name().unwrap_or(command.get_program());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_program_past_its_limit_is_ended_with_its_children() {
        let started = Instant::now();
        let mut shell = Command::new("sh");
        shell.args(["-c", "sleep 30 & echo begun; wait"]);
        let captured = capture(&mut shell, Duration::from_millis(300)).unwrap();
        assert!(matches!(captured.ending, Ending::TimedOut(_)));
        assert_eq!(captured.stdout, "begun\n");
        // The pipe closes only when the grandchild is gone too.
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_failing_program_is_quoted() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo why >&2; exit 3"]);
        let error = capture(&mut shell, Duration::from_secs(10))
            .unwrap()
            .success()
            .unwrap_err();
        assert_eq!(format!("{error:#}"), "why: exit status: 3");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = run(&mut Command::new("no-such-program-anywhere")).unwrap_err();
        assert!(error.to_string().contains("no-such-program-anywhere"));
    }
}
