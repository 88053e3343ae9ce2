//! The instances: made on demand up to a limit, used again hot ones first, waited for in order.

use std::collections::VecDeque;
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use authkernel::ports::Host;
use authkernel::{Code, Error};
use tokio::sync::oneshot;

use super::instance::{Factory, Generation, Instance};
use crate::authenticator::Statistics;
use crate::error::BuildError;

/// The instances of one authenticator.
pub(crate) struct Pool<H: 'static> {
    factory: Factory<H>,
    shared: Mutex<Shared<H>>,
    limit: usize,
    queue: usize,
    created: AtomicU64,
    traps: AtomicU64,
    overloaded: AtomicU64,
}

/// Held for a moment only: never while an instance is made, run or dropped.
struct Shared<H: 'static> {
    /// The newest.
    generation: Arc<Generation>,
    /// Of the newest generation; the one used last is on top. Empty while somebody waits.
    #[allow(
        clippy::vec_box,
        reason = "what is moved in and out under the lock is a pointer"
    )]
    idle: Vec<Box<Instance<H>>>,
    /// Places taken: instances that exist, and those being made.
    places: usize,
    /// Who waits, in order of arrival, with rising tickets.
    waiting: VecDeque<(u64, oneshot::Sender<Place<H>>)>,
    next_ticket: u64,
    closed: bool,
}

/// What a caller is given: an instance, or leave to make one.
enum Place<H: 'static> {
    Taken(Box<Instance<H>>),
    Free,
}

impl<H: Host + Send + Sync + 'static> Pool<H> {
    /// Makes the first instance, which checks policy and keys.
    pub(super) async fn new(
        factory: Factory<H>,
        generation: Generation,
        limit: usize,
        queue: usize,
    ) -> Result<Self, BuildError> {
        let first = Box::new(factory.create(&generation).await?);
        Ok(Self {
            factory,
            shared: Mutex::new(Shared {
                generation: Arc::new(generation),
                idle: vec![first],
                places: 1,
                waiting: VecDeque::new(),
                next_ticket: 0,
                closed: false,
            }),
            limit,
            queue,
            created: AtomicU64::new(1),
            traps: AtomicU64::new(0),
            overloaded: AtomicU64::new(0),
        })
    }

    /// From when this returns, only instances of the new policy and keys are handed out.
    pub(crate) async fn replace(&self, policy: &str, keys: &str) -> Result<(), BuildError> {
        let mut generation = Generation {
            number: 0,
            policy: policy.to_owned(),
            keys: keys.to_owned(),
        };
        // Beyond the limit for a moment: a pool whose instances are all busy can be given a new policy too.
        let mut first = Box::new(self.factory.create(&generation).await?);
        self.created.fetch_add(1, Ordering::Relaxed);

        let mut shared = self.lock();
        if shared.closed {
            return Err(BuildError::Closed);
        }
        // The number is given here: of two replacements at once, the one that comes later is in force.
        generation.number = shared.generation.number + 1;
        first.generation = generation.number;
        shared.generation = Arc::new(generation);
        let old = mem::take(&mut shared.idle);
        shared.places -= old.len();
        let surplus = match shared.places < self.limit {
            true => {
                shared.places += 1;
                shared.give(Place::Taken(first));
                None
            }
            false => Some(first),
        };
        drop(shared);
        drop((old, surplus));
        Ok(())
    }

    /// Hands out nothing any more, and drops what is idle.
    pub(crate) fn close(&self) {
        let mut shared = self.lock();
        shared.closed = true;
        let idle = mem::take(&mut shared.idle);
        shared.places -= idle.len();
        drop(shared);
        drop(idle);
    }

    pub(crate) fn statistics(&self) -> Statistics {
        let shared = self.lock();
        Statistics {
            instances: shared.places,
            in_use: shared.places - shared.idle.len(),
            waiting: shared.waiting.len(),
            created: self.created.load(Ordering::Relaxed),
            traps: self.traps.load(Ordering::Relaxed),
            overloaded: self.overloaded.load(Ordering::Relaxed),
        }
    }

    /// An instance for one call.
    pub(super) async fn take(&self) -> Result<Lease<'_, H>, Error> {
        let idle = self.lock().idle.pop();
        let mut lease = Lease {
            pool: self,
            instance: idle,
            returned: false,
        };
        if lease.instance.is_none() {
            // Not yet a place of ours.
            lease.returned = true;
            lease = Box::pin(self.take_slowly()).await?;
        }
        if let Some(instance) = &mut lease.instance {
            instance.begin();
        }
        Ok(lease)
    }

    async fn take_slowly(&self) -> Result<Lease<'_, H>, Error> {
        let place = match self.queue_up()? {
            Ok(place) => place,
            Err(waiting) => waiting.place().await?,
        };
        let mut lease = Lease {
            pool: self,
            instance: None,
            returned: false,
        };
        lease.instance = Some(match place {
            Place::Taken(instance) => instance,
            Place::Free => {
                let generation = Arc::clone(&self.lock().generation);
                let created = self.factory.create(&generation).await;
                self.created.fetch_add(1, Ordering::Relaxed);
                Box::new(created.map_err(|error| {
                    // The same policy and keys were accepted before.
                    tracing::error!(
                        error = &error as &dyn std::error::Error,
                        "no instance could be made"
                    );
                    Error::new(Code::KernelUnavailable)
                })?)
            }
        });
        Ok(lease)
    }

    /// A place at once, or one in the queue.
    fn queue_up(&self) -> Result<Result<Place<H>, Waiting<'_, H>>, Error> {
        let mut shared = self.lock();
        if let Some(instance) = shared.idle.pop() {
            return Ok(Ok(Place::Taken(instance)));
        }
        if shared.places < self.limit {
            shared.places += 1;
            return Ok(Ok(Place::Free));
        }
        if shared.waiting.len() >= self.queue {
            drop(shared);
            self.overloaded.fetch_add(1, Ordering::Relaxed);
            return Err(Error::new(Code::Overloaded));
        }
        let (sender, receiver) = oneshot::channel();
        let ticket = shared.next_ticket;
        shared.next_ticket += 1;
        shared.waiting.push_back((ticket, sender));
        Ok(Err(Waiting {
            pool: self,
            ticket,
            receiver,
        }))
    }
}

impl<H: 'static> Pool<H> {
    /// Takes a place back, with an instance that may serve again or without one.
    fn put(&self, place: Place<H>) {
        let mut shared = self.lock();
        let (place, old) = match place {
            Place::Taken(instance)
                if shared.closed || instance.generation != shared.generation.number =>
            {
                (Place::Free, Some(instance))
            }
            place => (place, None),
        };
        shared.give(place);
        drop(shared);
        drop(old);
    }

    fn lock(&self) -> MutexGuard<'_, Shared<H>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<H> Shared<H> {
    /// To whom waits longest; otherwise instances become idle, and free places are gone.
    fn give(&mut self, mut place: Place<H>) {
        while let Some((_, waiter)) = self.waiting.pop_front() {
            match waiter.send(place) {
                Ok(()) => return,
                // This one has stopped waiting.
                Err(refused) => place = refused,
            }
        }
        match place {
            Place::Taken(instance) => self.idle.push(instance),
            Place::Free => self.places -= 1,
        }
    }
}

/// A place in the queue. Dropped, it makes room, and what was sent to it meanwhile goes to the next.
struct Waiting<'a, H: 'static> {
    pool: &'a Pool<H>,
    ticket: u64,
    receiver: oneshot::Receiver<Place<H>>,
}

impl<H: 'static> Waiting<'_, H> {
    async fn place(mut self) -> Result<Place<H>, Error> {
        let place = (&mut self.receiver).await;
        // Only a pool that is gone drops a sender.
        place.map_err(|_| Error::new(Code::AuthenticatorClosed))
    }
}

impl<H: 'static> Drop for Waiting<'_, H> {
    fn drop(&mut self) {
        self.receiver.close();
        if let Ok(place) = self.receiver.try_recv() {
            return self.pool.put(place);
        }
        let mut shared = self.pool.lock();
        let found = shared
            .waiting
            .binary_search_by_key(&self.ticket, |(ticket, _)| *ticket);
        if let Ok(index) = found {
            shared.waiting.remove(index);
        }
    }
}

/// An instance for one call. Dropped before [`Lease::give_back`], for whatever reason, it takes the instance with
/// it: a call was cut short in the middle. Its place is free again either way.
pub(super) struct Lease<'a, H: 'static> {
    pool: &'a Pool<H>,
    /// There, from when the caller has the lease until it is given back.
    pub(super) instance: Option<Box<Instance<H>>>,
    /// The place is not ours any more.
    returned: bool,
}

impl<H: 'static> Lease<'_, H> {
    /// The call was answered.
    pub(super) fn give_back(mut self) {
        if let Some(instance) = self.instance.take_if(|instance| instance.is_lean()) {
            self.returned = true;
            self.pool.put(Place::Taken(instance));
        }
    }

    /// The call was lost.
    pub(super) fn trapped(self) -> Code {
        self.pool.traps.fetch_add(1, Ordering::Relaxed);
        match self
            .instance
            .as_ref()
            .is_some_and(|instance| instance.wrote())
        {
            true => Code::OutcomeUnknown,
            false => Code::KernelUnavailable,
        }
    }
}

impl<H: 'static> Drop for Lease<'_, H> {
    fn drop(&mut self) {
        if !self.returned {
            drop(self.instance.take());
            self.pool.put(Place::Free);
        }
    }
}
