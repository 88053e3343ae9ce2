//! The connection that publishes: one, shared by all calls, made anew when it breaks.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// What became of something that was sent.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection is broken: another one may do.
    Lost(String),
    /// The broker refused.
    Refused(String),
}

impl Failure {
    fn into_text(self) -> String {
        match self {
            Self::Lost(text) | Self::Refused(text) => text,
        }
    }
}

/// A connection, or the place for one.
#[derive(Debug)]
pub(super) struct Link<C> {
    open: Mutex<Option<(u64, C)>>,
    made: AtomicU64,
}

impl<C: Clone> Link<C> {
    pub(super) fn new(connection: C) -> Self {
        Self {
            open: Mutex::new(Some((0, connection))),
            made: AtomicU64::new(1),
        }
    }

    /// Sends over the connection that is there. When that turns out to be broken, a new one is made and it is sent once
    /// more: an idle one may have been broken for long, and a message that comes twice is harmless.
    pub(super) async fn send<E, T, F, G>(
        &self,
        connect: impl Fn() -> F,
        send: impl Fn(C) -> G,
    ) -> Result<T, String>
    where
        E: std::fmt::Display,
        F: Future<Output = Result<C, E>>,
        G: Future<Output = Result<T, Failure>>,
    {
        loop {
            let (number, connection, new) = self.connection(&connect).await?;
            match send(connection).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Lost(text)) => {
                    self.forget(number).await;
                    if new {
                        return Err(text);
                    }
                }
                Err(refused) => return Err(refused.into_text()),
            }
        }
    }

    /// One caller makes a connection, the others wait for it.
    async fn connection<E, F>(&self, connect: impl Fn() -> F) -> Result<(u64, C, bool), String>
    where
        E: std::fmt::Display,
        F: Future<Output = Result<C, E>>,
    {
        let mut open = self.open.lock().await;
        if let Some((number, connection)) = &*open {
            return Ok((*number, connection.clone(), false));
        }
        let connection = connect().await.map_err(|error| error.to_string())?;
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        *open = Some((number, connection.clone()));
        Ok((number, connection, true))
    }

    async fn forget(&self, number: u64) {
        let mut open = self.open.lock().await;
        if open.as_ref().is_some_and(|(other, _)| *other == number) {
            *open = None;
        }
    }

    /// Forgets whatever is there: it did not answer in time. Where the lock is held, one is being made.
    pub(super) fn reset(&self) {
        if let Ok(mut open) = self.open.try_lock() {
            *open = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Record;

    use super::*;

    /// Sends over connections that are numbers; those below `broken` are lost. Answers what happened.
    async fn outcome(link: &Link<u32>, next: u32, broken: u32) -> (Result<u32, String>, Vec<u32>) {
        let sent = Record::new(Vec::new());
        let connect = async || Ok::<_, String>(next);
        let answer = link.send(connect, async |connection| {
            sent.lock().unwrap().push(connection);
            if connection < broken {
                Err(Failure::Lost("lost".into()))
            } else {
                Ok(connection)
            }
        });
        let answer = answer.await;
        (answer, sent.into_inner().unwrap())
    }

    #[tokio::test]
    async fn a_broken_connection_is_made_anew_and_used_once_more() {
        let link = Link::new(1);
        assert_eq!(outcome(&link, 2, 0).await, (Ok(1), vec![1]));
        assert_eq!(outcome(&link, 2, 2).await, (Ok(2), vec![1, 2]));
        let lost = Err("lost".to_owned());
        assert_eq!(outcome(&link, 3, 9).await, (lost.clone(), vec![2, 3]));
        // Nothing is there now: a new one that is broken at once is not tried again.
        assert_eq!(outcome(&link, 4, 9).await, (lost, vec![4]));
        assert_eq!(outcome(&link, 5, 0).await, (Ok(5), vec![5]));
        link.reset();
        assert_eq!(outcome(&link, 6, 0).await, (Ok(6), vec![6]));
    }

    #[tokio::test]
    async fn what_is_refused_is_not_repeated() {
        let link = Link::new(1);
        let answer = link.send(
            async || Ok::<_, String>(2),
            async |_| Err::<(), _>(Failure::Refused("no".into())),
        );
        assert_eq!(answer.await, Err("no".into()));
        assert_eq!(outcome(&link, 2, 0).await, (Ok(1), vec![1]));
    }
}
