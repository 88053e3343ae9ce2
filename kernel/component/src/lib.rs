//! The auth kernel as a WebAssembly component: `wit/` on the outside, [`authkernel`] on the inside.
//!
//! It converts and calls; nothing is decided here. Policy and keys are parsed once, in `create`. The imports are
//! synchronous, so every operation is ready when it is first polled. Natively this crate is empty.
#![cfg(target_family = "wasm")]
#![no_std]

extern crate alloc;

mod bindings;
mod convert;
mod imports;

use alloc::string::String;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use authkernel::{Kernel, KeySet, Policy};
use authkernel_allocator::Allocator;

use self::bindings::exports::auth::kernel::tokens;
use self::convert::Convert;
use self::imports::Imports;

type Answer<T> = Result<T, tokens::Error>;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator::arena();

struct Component;

impl tokens::Guest for Component {
    type Authenticator = Authenticator;
}

/// Parsed policy and keys.
struct Authenticator(Kernel<Imports>);

impl tokens::GuestAuthenticator for Authenticator {
    fn create(policy: String, keys: String) -> Answer<tokens::Authenticator> {
        ALLOCATOR.long_lived(|| {
            let policy = Policy::parse(&policy).map_err(Convert::convert)?;
            let keys = KeySet::parse(&keys).map_err(Convert::convert)?;
            let kernel = Kernel::new(policy, keys, Imports);
            Ok(tokens::Authenticator::new(Self(kernel)))
        })
    }

    fn begin_sign_in(&self, request: tokens::BeginSignIn) -> Answer<tokens::SignInGuard> {
        ready(self.0.begin_sign_in(request.convert())).convert()
    }

    fn issue(&self, request: tokens::Issue) -> Answer<tokens::Issued> {
        ready(self.0.issue(convert::issue(request)?)).convert()
    }

    fn authenticate(&self, request: tokens::Authenticate) -> Answer<tokens::Identity> {
        ready(self.0.authenticate_as::<String>(request.convert())).convert()
    }

    fn admit(&self, request: tokens::Admit) -> Answer<tokens::Identity> {
        ready(self.0.admit_as::<String>(request.convert())).convert()
    }

    fn revoke(&self, request: tokens::Revoke) -> Answer<tokens::Report> {
        ready(self.0.revoke(request.convert())).convert()
    }

    fn sign_out_everywhere(&self, request: tokens::SignOutEverywhere) -> Answer<tokens::Report> {
        ready(self.0.sign_out_everywhere(request.convert())).convert()
    }

    fn preview(&self, request: tokens::SignOutEverywhere) -> Answer<tokens::Report> {
        ready(self.0.preview(request.convert())).convert()
    }

    fn sessions(&self, request: tokens::Sessions) -> Answer<tokens::SessionPage> {
        ready(self.0.sessions(request.convert())).convert()
    }

    fn credentials_changed(&self, request: tokens::CredentialsChanged) -> Answer<tokens::Report> {
        ready(self.0.credentials_changed(request.convert())).convert()
    }

    fn sweep(&self, sockets: Vec<tokens::SocketState>) -> Answer<tokens::SweepReport> {
        ready(self.0.sweep(sockets.convert())).convert()
    }

    fn redeliver(&self) -> Answer<tokens::Redelivered> {
        ready(self.0.redeliver()).convert()
    }

    fn expunge(&self, limit: u32) -> Answer<tokens::Expunged> {
        ready(self.0.expunge(limit)).convert()
    }
}

/// The answer of an operation. None is ever pending: an import returns when it has its answer.
fn ready<T>(operation: impl Future<Output = T>) -> T {
    match pin!(operation).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => trap(),
    }
}

/// Ends the call, and this instance with it.
fn trap() -> ! {
    core::arch::wasm32::unreachable()
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // Without a word: a message could hold what was being worked on.
    trap()
}
