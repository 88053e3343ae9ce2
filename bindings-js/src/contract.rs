//! The storage contract of the kernel, run against a storage that is written in JavaScript.
//!
//! The cases are those that every storage in Rust passes, compiled to WebAssembly and polled like operations: the case itself is call 0, each
//! task that it starts is a call of its own. A case fails by a panic, which traps; what it said is kept for the runner.

use std::boxed::Box;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::string::{String, ToString};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use authkernel::testing::contract::{Task, cases};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::calls::Calls;
use crate::ports::{JsHost, Ports};

std::thread_local! {
    /// What the last panic said.
    static PANIC: RefCell<String> = const { RefCell::new(String::new()) };
    /// What runs the tasks of the case: a task is started by a plain function, which can hold nothing.
    static RUNNING: RefCell<Option<Rc<Running>>> = const { RefCell::new(None) };
}

struct Running {
    host: JsHost,
    calls: Calls,
    next: Cell<u32>,
}

/// One case of the contract, on one storage.
#[wasm_bindgen]
pub struct Contract(Rc<Running>);

#[wasm_bindgen]
impl Contract {
    /// A runner for one case. One instance of the module runs one case at a time.
    #[wasm_bindgen(constructor)]
    #[allow(
        private_interfaces,
        reason = "a JavaScript object, whatever it is called here"
    )]
    pub fn new(ports: Ports) -> Self {
        std::panic::set_hook(Box::new(|info| {
            PANIC.with_borrow_mut(|text| *text = info.to_string());
        }));
        let running = Rc::new(Running {
            host: JsHost::new(ports),
            calls: Calls::default(),
            next: Cell::new(1),
        });
        RUNNING.set(Some(Rc::clone(&running)));
        Self(running)
    }

    /// The names of all cases, one a line.
    pub fn cases() -> String {
        NAMES.join("\n")
    }

    /// What the last panic said.
    pub fn panic() -> String {
        PANIC.with_borrow(Clone::clone)
    }

    /// Where the buffer is, once it is at least this long.
    pub fn reserve(&self, length: usize) -> *mut u8 {
        self.0.host.reserve(length)
    }

    /// Starts a case; whether it has ended.
    pub fn start(&self, name: &str) -> bool {
        let case = case(name, self.0.host.clone());
        let written = Box::pin(async move {
            case.await;
            vec![0]
        });
        self.0.calls.start(&self.0.host, 0, written) > 0
    }

    /// Goes on with what waited for a port; whether the case has ended.
    pub fn settle(&self, call: u32, length: usize) -> bool {
        let running = &self.0;
        let ended = running.calls.settle(&running.host, call, length) > 0;
        match call {
            0 => ended,
            // A task has gone on, perhaps to its end: the case may have waited for it.
            _ => running.calls.nudge(&running.host, 0) > 0,
        }
    }
}

/// Starts a task of its own; the answer waits for its end.
fn spawn(task: Task) -> Task {
    let running = RUNNING.with_borrow(Clone::clone).expect("a case runs");
    let call = running.next.get();
    running.next.set(call + 1);
    let ended = Rc::new(Cell::new(false));
    let end = Rc::clone(&ended);
    let written = Box::pin(async move {
        task.await;
        end.set(true);
        vec![0]
    });
    running.calls.start(&running.host, call, written);
    Box::pin(Ended(ended))
}

struct Ended(Rc<Cell<bool>>);

impl Future for Ended {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match self.0.get() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

type Case = Pin<Box<dyn Future<Output = ()>>>;

macro_rules! by_name {
    (cases: $($case:ident),+; races: $($race:ident),+;) => {
        const NAMES: &[&str] = &[$(stringify!($case),)+ $(stringify!($race),)+];

        fn case(name: &str, storage: JsHost) -> Case {
            match name {
                $(stringify!($case) => Box::pin(async move { cases::$case(&storage).await }),)+
                $(stringify!($race) => Box::pin(async move {
                    cases::$race(&Arc::new(storage), spawn).await;
                }),)+
                _ => panic!("there is no case {name}"),
            }
        }
    };
}

authkernel::storage_cases!(by_name!);
