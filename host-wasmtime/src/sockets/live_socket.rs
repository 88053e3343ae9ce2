//! One live connection, as the task that serves it sees it.

use std::sync::Arc;

use authkernel::types::{Admit, Authenticate, Identity, OpenSocket};
use authkernel::{Code, Error};
use tokio::sync::Mutex;

use super::closing::Closing;
use super::entry::Entry;
use super::registry::{Registry, shutting_down};

/// How often an admission is repeated when the policy changes the topic while it is decided.
const TRIES: u32 = 3;

/// A live connection that was admitted. Keep it as long as the connection, and drop it once the connection is gone:
/// dropping it ends the registration.
///
/// The task that serves the connection must wait for [`closed`](Self::closed) beside everything else it does, ask
/// [`may_act`](Self::may_act) before it acts on anything it has received, and cut the connection at
/// [`Closing::cut_at`] when the peer has not closed by then.
pub struct LiveSocket {
    registry: Arc<Registry>,
    entry: Arc<Entry>,
    /// One prolongation at a time.
    prolonging: Mutex<()>,
    admitted: bool,
}

impl LiveSocket {
    /// Authenticates, subscribes, admits; a registration that leads to nothing is taken back.
    pub(super) async fn open(
        registry: &Arc<Registry>,
        mut admit: Admit,
        endpoint: &str,
    ) -> Result<Self, Error> {
        admit.socket = None;
        let asked_at = registry.decide.now();
        let identity = registry
            .decide
            .authenticate(Authenticate {
                token: admit.token.clone(),
                purposes: admit.purposes.clone(),
                tenant: admit.tenant.clone(),
            })
            .await?;
        let topic = topic(&identity)?;
        let entry = registry.register(endpoint, &topic, identity, asked_at)?;
        let mut socket = Self {
            registry: Arc::clone(registry),
            entry,
            prolonging: Mutex::default(),
            admitted: false,
        };
        socket.admit(admit).await?;
        // A disconnect that came since the registration has left its mark.
        if !socket.entry.accept() {
            return Err(socket.refusal());
        }
        socket.admitted = true;
        socket.registry.observer.opened(&socket.entry);
        Ok(socket)
    }

    /// Whose connection it is: what the token said that it was last admitted with.
    pub fn identity(&self) -> Arc<Identity> {
        self.entry.identity()
    }

    /// The endpoint that it was opened on.
    pub fn endpoint(&self) -> &str {
        &self.entry.endpoint
    }

    /// Whether something that was received now may be acted on: `false` from the disconnect on, and from the
    /// deadline on. Never `true` again once it was `false` for another reason than a deadline that is moved.
    pub fn may_act(&self) -> bool {
        self.entry.may_act()
    }

    /// Returns when the connection has to close. Any number of tasks may wait, and a dropped wait loses nothing.
    pub async fn closed(&self) -> Closing {
        self.entry.closed().await
    }

    /// What [`closed`](Self::closed) would answer now.
    pub fn closing(&self) -> Option<Closing> {
        self.entry.closing()
    }

    /// That the peer was told of the close, and to be awaited before its answer is read and the connection ended: while
    /// many connections are closed at once, all peers are told before any connection is wound up. Returns at once when
    /// no other peer is still to be told, and after a quarter of a second in any case.
    pub async fn told(&self) {
        self.registry.farewell_said(&self.entry);
        self.registry.farewells.all_said().await;
    }

    /// Puts the connection on a later token of the same subject, tenant and session, and moves its deadline to that
    /// token's. Any other token is `socket_mismatch`. A refusal changes nothing: the connection stays on the token
    /// it has.
    pub async fn prolong(&self, mut admit: Admit) -> Result<Arc<Identity>, Error> {
        let _one_at_a_time = self.prolonging.lock().await;
        let held = self.identity();
        admit.socket = Some(OpenSocket {
            tenant: held.tenant.clone(),
            subject: held.subject.clone(),
            sid: held.sid.clone(),
        });
        let admitted = self.admit(admit).await;
        if admitted
            .as_ref()
            .is_err_and(|error| says_dead(error.code()))
        {
            // A token of this very session is dead: its disconnect may have been lost.
            self.registry.sweeps.ask([self.entry.id]);
        }
        admitted?;
        match self.entry.is_open() {
            true => Ok(self.identity()),
            false => Err(self.refusal()),
        }
    }

    /// Admits a token while the connection is subscribed to that token's topic.
    async fn admit(&self, admit: Admit) -> Result<(), Error> {
        let id = self.entry.id;
        let _next = NextTopic(self);
        for _ in 0..TRIES {
            let asked_at = self.registry.decide.now();
            let identity = self.registry.decide.admit(admit.clone()).await?;
            let topic = topic(&identity)?;
            if self.registry.is_subscribed(id, &topic) {
                self.registry
                    .settle(&self.entry, &topic, identity, asked_at);
                return Ok(());
            }
            // Another token's topic: subscribed first, then decided again.
            self.registry.subscribe_next(id, &topic);
        }
        Err(Error::with(
            Code::KernelUnavailable,
            "the policy changes while the connection is admitted: connect again",
        ))
    }

    /// Why it may not act, although its token was admitted.
    fn refusal(&self) -> Error {
        match self.entry.closing() {
            Some(closing) => closing.refusal(),
            None => Error::new(Code::SessionEnded),
        }
    }
}

impl Drop for LiveSocket {
    fn drop(&mut self) {
        self.registry.unregister(self.entry.id);
        // Nobody is there to be told any more.
        self.registry.farewell_said(&self.entry);
        if self.admitted {
            self.registry.observer.closed(&self.entry);
        }
    }
}

impl std::fmt::Debug for LiveSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveSocket")
            .field("endpoint", &self.entry.endpoint)
            .field("sid", &self.identity().sid)
            .field("closing", &self.entry.closing())
            .finish_non_exhaustive()
    }
}

/// The subscription to the topic of a token that is being decided about. Once it was admitted there is none left.
struct NextTopic<'a>(&'a LiveSocket);

impl Drop for NextTopic<'_> {
    fn drop(&mut self) {
        self.0.registry.forget_next(self.0.entry.id);
    }
}

impl Closing {
    /// The same as an answer to whoever wanted to open or prolong the connection.
    fn refusal(&self) -> Error {
        use super::closing::Reason;
        match (self.code, self.reason) {
            (Some(code), _) => Error::new(code),
            (None, Reason::Revoked | Reason::MutedTimeout) => Error::new(Code::TokenRevoked),
            (None, Reason::Expired) => Error::new(Code::TokenExpired),
            (None, Reason::Unverified) => Error::new(Code::StorageUnavailable),
            (None, Reason::Shutdown) => shutting_down(),
        }
    }
}

fn topic(identity: &Identity) -> Result<String, Error> {
    identity.socket_id.clone().ok_or_else(|| {
        Error::with(
            Code::PurposeNotAllowed,
            "a token of this purpose opens no live connection",
        )
    })
}

fn says_dead(code: Code) -> bool {
    matches!(
        code,
        Code::TokenRevoked | Code::SessionEnded | Code::TokenCutOff | Code::KeyRevoked
    )
}
