//! The kernel's ports over one JavaScript function that is called by number.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use authkernel::ports::{
    Broadcast, BroadcastError, Clock, Host, Message, Random, RandomError, Storage, StorageError,
};
use authkernel::record::{
    Consumed, Consumption, CutOff, Deleted, DeliveryClaim, ExpiryBatch, FindQuery, Found,
    Insertion, ListQuery, MatchingRevocation, MatchingRevoked, Record, RecordId, Revocation,
    Revoked, StoredSessions, Timestamp, Touch,
};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::ALLOCATOR;
use crate::known::Known;
use crate::types::{LookedUp, Lookup, storage_answer};
use crate::wire::{Read, Reader, Write, Writer};

#[wasm_bindgen]
extern "C" {
    /// The other side of the ports: `js/wire/ports.ts`.
    pub(crate) type Ports;

    /// Asks a port. The request lies at this place of the memory and must be read at once. Answers the length of the answer that was put
    /// into the buffer, or 0 when it comes later, by `settle` with the same call.
    #[wasm_bindgen(method, structural)]
    fn ask(this: &Ports, call: u32, port: u32, request: *const u8, length: usize) -> usize;

    /// Seconds since the Unix epoch.
    #[wasm_bindgen(method, structural)]
    fn now(this: &Ports) -> f64;

    /// Random bytes, at this place of the memory; whether there were any.
    #[wasm_bindgen(method, structural)]
    fn random(this: &Ports, bytes: *mut u8, length: usize) -> bool;
}

/// The ports as the kernel sees them. Its clones are one.
#[derive(Clone)]
pub(crate) struct JsHost(Rc<Inner>);

struct Inner {
    ports: Ports,
    /// Through here everything crosses, in both directions: it is written by one side and read by the other at once.
    buffer: RefCell<Vec<u8>>,
    known: RefCell<Known>,
    /// The call that is being polled.
    call: Cell<u32>,
    /// Whether the answer that the polled call waited for lies in the buffer.
    answered: Cell<Option<usize>>,
}

impl JsHost {
    pub(crate) fn new(ports: Ports) -> Self {
        Self(Rc::new(Inner {
            ports,
            buffer: RefCell::default(),
            known: RefCell::default(),
            call: Cell::new(0),
            answered: Cell::new(None),
        }))
    }

    /// Where the buffer is, once it is at least this long.
    pub(crate) fn reserve(&self, length: usize) -> *mut u8 {
        let mut buffer = self.0.buffer.borrow_mut();
        if buffer.len() < length {
            ALLOCATOR.long_lived(|| buffer.resize(length, 0));
        }
        buffer.as_mut_ptr()
    }

    /// Reads what JavaScript put into the buffer.
    pub(crate) fn read<T>(&self, length: usize, read: impl FnOnce(&mut Reader<'_>) -> T) -> T {
        let buffer = self.0.buffer.borrow();
        let mut known = self.0.known.borrow_mut();
        read(&mut Reader::new(
            buffer.get(..length).unwrap_or_default(),
            &mut known,
        ))
    }

    /// What JavaScript will read.
    pub(crate) fn written(&self, capacity: usize, write: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
        let mut known = self.0.known.borrow_mut();
        let mut writer = Writer::new(capacity, &mut known);
        write(&mut writer);
        writer.finish()
    }

    /// Puts an answer into the buffer.
    pub(crate) fn put(&self, answer: &[u8]) -> usize {
        self.reserve(answer.len());
        let mut buffer = self.0.buffer.borrow_mut();
        if let Some(place) = buffer.get_mut(..answer.len()) {
            place.copy_from_slice(answer);
        }
        answer.len()
    }

    /// Polls for this call: ports that are asked meanwhile are asked in its name.
    ///
    /// A storage may call the kernel again while it is asked, so the call before is put back.
    pub(crate) fn as_call<T>(
        &self,
        call: u32,
        answered: Option<usize>,
        poll: impl FnOnce() -> T,
    ) -> T {
        let before = self.0.call.replace(call);
        let unread = self.0.answered.replace(answered);
        let result = poll();
        self.0.call.set(before);
        self.0.answered.set(unread);
        result
    }

    /// Asks a port, and reads its answer when it is there.
    fn ask<T>(
        &self,
        port: u32,
        request: impl Write + 'static,
        read: fn(&mut Reader<'_>) -> T,
    ) -> Question<T> {
        Question {
            host: self.clone(),
            port,
            request: Some(Box::new(request)),
            read,
        }
    }

    /// The length of the answer in the buffer, when it is there at once.
    fn cross(&self, port: u32, request: &dyn Write) -> Option<usize> {
        let bytes = self.written(256, |to| request.write(to));
        let (place, length) = (bytes.as_ptr(), bytes.len());
        let answer = self.0.ports.ask(self.0.call.get(), port, place, length);
        Some(answer).filter(|length| *length > 0)
    }

    fn storage<T: Read>(
        &self,
        port: u32,
        request: impl Write + 'static,
    ) -> Question<Result<T, StorageError>> {
        self.ask(port, request, storage_answer)
    }
}

/// A port that is asked when it is first polled.
struct Question<T> {
    host: JsHost,
    port: u32,
    request: Option<Box<dyn Write>>,
    read: fn(&mut Reader<'_>) -> T,
}

impl<T> Future for Question<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        let length = match self.request.take() {
            Some(request) => self.host.cross(self.port, &*request),
            None => self.host.0.answered.take(),
        };
        match length {
            Some(length) => Poll::Ready(self.host.read(length, self.read)),
            None => Poll::Pending,
        }
    }
}

impl Host for JsHost {
    type Storage = Self;
    type Broadcast = Self;
    type Clock = Self;
    type Random = Self;

    fn storage(&self) -> &Self {
        self
    }
    fn broadcast(&self) -> &Self {
        self
    }
    fn clock(&self) -> &Self {
        self
    }
    fn random(&self) -> &Self {
        self
    }
}

// The numbers are the places in the list of `js/wire/ports.ts`.
impl Storage for JsHost {
    async fn find(&self, query: FindQuery) -> Result<Found, StorageError> {
        let LookedUp(found) = self.storage(0, Lookup(query)).await?;
        Ok(found)
    }

    fn find_many(
        &self,
        queries: Vec<FindQuery>,
    ) -> impl Future<Output = Result<Vec<Found>, StorageError>> {
        self.storage(1, queries)
    }

    fn insert(&self, insertion: Insertion) -> impl Future<Output = Result<u64, StorageError>> {
        self.storage(2, insertion)
    }

    fn revoke(
        &self,
        revocation: Revocation,
    ) -> impl Future<Output = Result<Revoked, StorageError>> {
        self.storage(3, revocation)
    }

    fn revoke_matching(
        &self,
        revocation: MatchingRevocation,
    ) -> impl Future<Output = Result<MatchingRevoked, StorageError>> {
        self.storage(4, revocation)
    }

    fn consume(
        &self,
        consumption: Consumption,
    ) -> impl Future<Output = Result<Consumed, StorageError>> {
        self.storage(5, consumption)
    }

    fn touch(&self, touch: Touch) -> impl Future<Output = Result<(), StorageError>> {
        self.storage(6, touch)
    }

    fn list(&self, query: ListQuery) -> impl Future<Output = Result<StoredSessions, StorageError>> {
        self.storage(7, query)
    }

    fn undelivered(
        &self,
        claim: DeliveryClaim,
    ) -> impl Future<Output = Result<Vec<Record>, StorageError>> {
        self.storage(8, claim)
    }

    fn delivered(&self, records: Vec<RecordId>) -> impl Future<Output = Result<(), StorageError>> {
        self.storage(9, records)
    }

    fn delete_expired(
        &self,
        batch: ExpiryBatch,
    ) -> impl Future<Output = Result<Deleted, StorageError>> {
        self.storage(10, batch)
    }

    fn raise_cut_off(&self, cut_off: CutOff) -> impl Future<Output = Result<(), StorageError>> {
        self.storage(11, cut_off)
    }
}

impl Broadcast for JsHost {
    fn publish(
        &self,
        messages: Vec<Message>,
    ) -> impl Future<Output = Vec<Result<(), BroadcastError>>> {
        // A message without an answer was not taken.
        self.ask(12, messages, |from| Read::read(from).unwrap_or_default())
    }
}

impl Clock for JsHost {
    fn now(&self) -> Timestamp {
        self.0.ports.now() as Timestamp
    }
}

impl Random for JsHost {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        match self.0.ports.random(bytes.as_mut_ptr(), bytes.len()) {
            true => Ok(()),
            false => Err(RandomError),
        }
    }
}

/// An error on the wire as text, for documents that are refused before there is a buffer.
pub(crate) fn error_text(error: &authkernel::Error) -> alloc::string::String {
    let mut text = error.code().as_str().to_string();
    text.push('\n');
    text.push_str(error.message());
    text
}
