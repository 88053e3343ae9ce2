//! Operations that wait for a port.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use crate::ALLOCATOR;
use crate::ports::JsHost;

/// An operation: its answer as it is written.
pub(crate) type Operation = Pin<Box<dyn Future<Output = Vec<u8>>>>;

/// The operations that wait, by the number that JavaScript gave them.
#[derive(Default)]
pub(crate) struct Calls(RefCell<BTreeMap<u32, Operation>>);

impl Calls {
    /// Polls a new operation. Answers the length of its answer in the buffer, or 0 when it waits.
    pub(crate) fn start(&self, host: &JsHost, call: u32, operation: Operation) -> usize {
        self.poll(host, call, operation, None)
    }

    /// Goes on with an operation whose port has answered. 0 also for one that is not known (any more).
    pub(crate) fn settle(&self, host: &JsHost, call: u32, length: usize) -> usize {
        let waiting = self.0.borrow_mut().remove(&call);
        match waiting {
            Some(operation) => self.poll(host, call, operation, Some(length)),
            None => 0,
        }
    }

    /// Polls a waiting operation again, because something else than a port may have changed for it.
    #[cfg(feature = "contract")]
    pub(crate) fn nudge(&self, host: &JsHost, call: u32) -> usize {
        let waiting = self.0.borrow_mut().remove(&call);
        match waiting {
            Some(operation) => self.poll(host, call, operation, None),
            None => 0,
        }
    }

    /// Forgets an operation: nothing more of it is done.
    pub(crate) fn forget(&self, call: u32) {
        let waiting = self.0.borrow_mut().remove(&call);
        drop(waiting);
    }

    fn poll(
        &self,
        host: &JsHost,
        call: u32,
        mut operation: Operation,
        answered: Option<usize>,
    ) -> usize {
        // Nothing is woken: JavaScript says when to poll.
        let mut context = Context::from_waker(Waker::noop());
        match host.as_call(call, answered, || operation.as_mut().poll(&mut context)) {
            Poll::Ready(answer) => host.put(&answer),
            Poll::Pending => {
                // The map stays when the call is over; with many calls that wait, that could be all of the arena.
                ALLOCATOR.long_lived(|| self.0.borrow_mut().insert(call, operation));
                0
            }
        }
    }
}
