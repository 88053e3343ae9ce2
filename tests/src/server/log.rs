//! What a server writes while it runs.

use super::*;

/// What a server writes to standard error, read as it comes.
#[derive(Clone)]
pub struct Log {
    shared: Arc<(Mutex<Written>, Condvar)>,
}

#[derive(Default)]
struct Written {
    text: String,
    ended: bool,
}

impl Log {
    pub(super) fn of(error: impl Read + Send + 'static) -> Self {
        let log = Self {
            shared: Arc::default(),
        };
        let writer = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(error).lines().map_while(Result::ok) {
                writer.change(|written| {
                    written.text.push_str(&line);
                    written.text.push('\n');
                });
            }
            writer.change(|written| written.ended = true);
        });
        log
    }

    /// What there is so far.
    pub fn text(&self) -> String {
        let (written, _) = &*self.shared;
        written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .text
            .clone()
    }

    /// Waits until it has this text.
    pub async fn wait_for(&self, text: &'static str) {
        let log = self.clone();
        let waiting = move || log.wait(|written| written.text.contains(text) || written.ended);
        let found = tokio::task::spawn_blocking(waiting).await.expect("the log");
        assert!(found.contains(text), "the log has no {text:?}:\n{found}");
    }

    /// All of it, when the server has ended.
    pub fn whole(&self) -> String {
        self.wait(|written| written.ended)
    }

    fn wait(&self, until: impl Fn(&Written) -> bool) -> String {
        let (written, changed) = &*self.shared;
        let written = written.lock().unwrap_or_else(PoisonError::into_inner);
        let (written, late) = changed
            .wait_timeout_while(written, PATIENCE, |written| !until(written))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(
            !late.timed_out(),
            "the log does not get there:\n{}",
            written.text
        );
        written.text.clone()
    }

    fn change(&self, change: impl FnOnce(&mut Written)) {
        let (written, changed) = &*self.shared;
        change(&mut written.lock().unwrap_or_else(PoisonError::into_inner));
        changed.notify_all();
    }
}
