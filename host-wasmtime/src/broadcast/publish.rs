//! Publishing in packets, with one answer per message.

use std::future::Future;
use std::time::Duration;

use authkernel::ports::{BroadcastError, Message};

use super::packets::{Packet, pack};

/// Publishes messages in packets of at most so many bytes, in order. `send` hands over all packets; an error means
/// that it is not known to have been taken, whole or in part. Whatever was wrong is `Unavailable`: the kernel sends
/// the messages again later, and a message may come twice.
pub(super) async fn publish_packets<F>(
    messages: &[Message],
    max_bytes: usize,
    send: impl FnOnce(Vec<Packet>) -> F,
) -> Vec<Result<(), BroadcastError>>
where
    F: Future<Output = Result<(), String>>,
{
    let too_large = || {
        Err(BroadcastError::Other(
            "the message is larger than the broker takes".to_owned(),
        ))
    };
    let mut answers: Vec<_> = messages.iter().map(|_| too_large()).collect();
    let packets = pack(messages, max_bytes);
    if packets.is_empty() {
        return answers;
    }
    let places: Vec<_> = packets
        .iter()
        .map(|packet| packet.first..packet.first + packet.count)
        .collect();
    let sent = send(packets).await.map_err(BroadcastError::Unavailable);
    for place in places {
        if let Some(answers) = answers.get_mut(place) {
            answers.fill(sent.clone());
        }
    }
    answers
}

/// Fails when the answer takes longer; what was asked for may still happen.
pub(super) async fn within<T, E: From<Late>>(
    limit: Duration,
    what: &'static str,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(E::from(Late { what, limit })),
    }
}

/// What took too long.
#[derive(Debug)]
pub(super) struct Late {
    what: &'static str,
    limit: Duration,
}

impl std::fmt::Display for Late {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} took longer than {} ms",
            self.what,
            self.limit.as_millis()
        )
    }
}

impl From<Late> for String {
    fn from(late: Late) -> Self {
        late.to_string()
    }
}

#[cfg(test)]
mod tests {
    use authkernel::ports::Disconnect;

    use super::*;

    fn messages(topics: &[&str]) -> Vec<Message> {
        let message = |topic: &&str| {
            Message::Disconnect(Disconnect {
                endpoint: "web".into(),
                topic: (*topic).into(),
            })
        };
        topics.iter().map(message).collect()
    }

    #[tokio::test]
    async fn each_message_has_the_answer_of_its_packet() {
        let large = "x".repeat(500);
        let messages = messages(&["a", &large, "b"]);
        let taken = publish_packets(&messages, 250, async |packets: Vec<Packet>| {
            assert_eq!(packets.len(), 2);
            Ok(())
        });
        let taken = taken.await;
        assert!(taken[0].is_ok() && taken[2].is_ok());
        assert!(
            matches!(&taken[1], Err(BroadcastError::Other(_))),
            "{taken:?}"
        );
        let away = publish_packets(&messages, 250, async |_| Err("away".to_owned())).await;
        let unavailable = Err(BroadcastError::Unavailable("away".into()));
        assert_eq!([&away[0], &away[2]], [&unavailable, &unavailable]);
        assert!(
            matches!(&away[1], Err(BroadcastError::Other(_))),
            "{away:?}"
        );
    }

    #[tokio::test]
    async fn nothing_to_send_is_not_sent() {
        let never = async |_| panic!("it was sent");
        assert_eq!(publish_packets(&[], 250, never).await, []);
        let large = messages(&[&"x".repeat(500)]);
        assert_eq!(publish_packets(&large, 250, never).await.len(), 1);
    }
}
