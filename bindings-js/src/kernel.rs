//! The exported class: each operation by its number, which is its place in the list of `js/wire/operations.ts`.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::future::Future;

use authkernel::{Code, Error, KeySet, Policy};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::ALLOCATOR;
use crate::calls::{Calls, Operation};
use crate::ports::{JsHost, Ports, error_text};
use crate::types;
use crate::wire::{Read, Reader, Write};

/// Parsed policy and keys over the ports of one application.
#[wasm_bindgen]
pub struct Kernel {
    kernel: Rc<authkernel::Kernel<JsHost>>,
    calls: Calls,
}

#[wasm_bindgen]
impl Kernel {
    #[allow(
        private_interfaces,
        reason = "a JavaScript object, whatever it is called here"
    )]
    /// Parses both documents. Refused with a text: the code, a line feed, the message.
    pub fn create(ports: Ports, policy: &str, keys: &str) -> Result<Kernel, JsValue> {
        let parsed =
            Policy::parse(policy).and_then(|policy| KeySet::parse(keys).map(|keys| (policy, keys)));
        let (policy, keys) = parsed.map_err(|error| JsValue::from_str(&error_text(&error)))?;
        Ok(Self {
            kernel: Rc::new(authkernel::Kernel::new(policy, keys, JsHost::new(ports))),
            calls: Calls::default(),
        })
    }

    /// Where the buffer is, once it is at least this long. It may move whenever a function of this class is called.
    pub fn reserve(&self, length: usize) -> *mut u8 {
        self.kernel.host().reserve(length)
    }

    /// Starts an operation whose request lies in the buffer. Answers the length of its answer in the buffer, or 0 when it waits for a port.
    pub fn start(&self, call: u32, operation: u32, length: usize) -> usize {
        ALLOCATOR.short_lived(|| {
            let host = self.kernel.host();
            let operation = host.read(length, |from| self.operation(operation, from));
            self.calls.start(host, call, operation)
        })
    }

    /// Gives a waiting operation the answer of its port, which lies in the buffer; answers as [`Kernel::start`] does.
    pub fn settle(&self, call: u32, length: usize) -> usize {
        ALLOCATOR.short_lived(|| self.calls.settle(self.kernel.host(), call, length))
    }

    /// Forgets a waiting operation.
    pub fn forget(&self, call: u32) {
        self.calls.forget(call);
    }
}

impl Kernel {
    fn operation(&self, operation: u32, from: &mut Reader<'_>) -> Operation {
        let kernel = Rc::clone(&self.kernel);
        let host = kernel.host().clone();
        match operation {
            0 => call(host, Read::read(from), async move |it| {
                kernel.begin_sign_in(it).await
            }),
            1 => call(host, types::issue(from), async move |it| {
                kernel.issue(it?).await
            }),
            2 => call(host, Read::read(from), async move |it| {
                kernel.authenticate_as::<String>(it).await
            }),
            3 => call(host, Read::read(from), async move |it| {
                kernel.admit_as::<String>(it).await
            }),
            4 => call(host, Read::read(from), async move |it| {
                kernel.revoke(it).await
            }),
            5 => call(host, Read::read(from), async move |it| {
                kernel.sign_out_everywhere(it).await
            }),
            6 => call(host, Read::read(from), async move |it| {
                kernel.preview(it).await
            }),
            7 => call(host, Read::read(from), async move |it| {
                kernel.sessions(it).await
            }),
            8 => call(host, Read::read(from), async move |it| {
                kernel.credentials_changed(it).await
            }),
            9 => call(host, Read::read(from), async move |it: Vec<_>| {
                kernel.sweep(it).await
            }),
            10 => call(host, Read::read(from), async move |()| {
                kernel.redeliver().await
            }),
            11 => call(host, Read::read(from), async move |limit| {
                kernel.expunge(limit).await
            }),
            _ => call(host, None, async |()| Ok(0_u32)),
        }
    }
}

/// An operation on a request, with its answer written. What could not be read is refused; JavaScript sees to it that this does not happen.
fn call<T: 'static, A: Write, F>(
    host: JsHost,
    request: Option<T>,
    operation: impl FnOnce(T) -> F + 'static,
) -> Operation
where
    F: Future<Output = Result<A, Error>>,
{
    Box::pin(async move {
        let answer = match request {
            Some(request) => operation(request).await,
            None => Err(Error::new(Code::InputInvalid)),
        };
        host.written(512, |to| match answer {
            Ok(answer) => {
                to.push(0);
                answer.write(to);
            }
            Err(error) => {
                to.push(1);
                error.write(to);
            }
        })
    })
}
