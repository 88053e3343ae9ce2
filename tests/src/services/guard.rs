//! What is left when a test process was killed: nothing, because another process waits for its end.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Reads the id of the process to watch, line by line, until whoever writes is gone: then it ends that process and
/// removes the folder. A server that has just been killed may still have children that write.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
watched=
while read -r line; do watched=$line; done
if [ -n "$watched" ]; then kill -KILL "$watched" 2>/dev/null; fi
for _ in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf -- "$1" 2>/dev/null && break
  sleep 0.2
done
"#;

/// Removes a folder, and ends the process that was named last, once it is dropped or its owner's process is gone.
pub(super) struct Guard(Child);

impl Guard {
    pub(super) fn of(folder: &Path) -> Self {
        let child = Command::new("sh")
            .args(["-c", SCRIPT, "guard"])
            .arg(folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell");
        Self(child)
    }

    /// Names the process to end; the one before is no longer its business.
    pub(super) fn watch(&mut self, id: Option<u32>) {
        let line = id.map(|id| id.to_string()).unwrap_or_default();
        let stdin = self.0.stdin.as_mut().expect("its standard input");
        let _ = writeln!(stdin, "{line}");
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
