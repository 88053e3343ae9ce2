//! The kernel as a component in wasmtime. Only the files of this folder name wasmtime.

mod bindings;
mod cache;
mod convert;
mod imports;
mod instance;
mod pool;
mod runtime;
mod state;

use std::sync::Arc;

use authkernel::Error;
use authkernel::ports::Host;
use authkernel::record::Deleted;
use authkernel::types::{
    Admit, Authenticate, BeginSignIn, CredentialsChanged, Identity, Issue, Issued, Redelivered,
    Report, Revoke, SessionPage, Sessions, SignInGuard, SignOutEverywhere, SocketState,
    SweepReport,
};

use self::bindings::exports::auth::kernel::tokens;
use self::convert::Convert;
use self::instance::{Factory, Generation};
pub(crate) use self::pool::Pool;
use self::runtime::Runtime;
use crate::engine::Start;
use crate::error::BuildError;

impl<H: Host + Send + Sync + 'static> Pool<H> {
    /// Compiles the component, or takes it from the cache, and makes the first instance.
    pub(crate) async fn start(start: Start, host: Arc<H>) -> Result<Self, BuildError> {
        let Start {
            policy,
            keys,
            limits,
            component,
            cache_dir,
        } = start;
        let load = move || match component {
            Some(bytes) => Runtime::compile(&bytes, cache_dir.as_deref()).map(Arc::new),
            None => Runtime::embedded(cache_dir.as_deref()),
        };
        let runtime = tokio::task::spawn_blocking(load)
            .await
            .map_err(|error| BuildError::Component(Box::new(error)))??;
        let (places, queue) = (limits.instances, limits.queue);
        let factory = Factory::new(runtime, host, limits)?;
        let generation = Generation {
            number: 0,
            policy,
            keys,
        };
        Self::new(factory, generation, places, queue).await
    }
}

/// Each operation takes an instance, converts, calls, converts back and returns the instance.
macro_rules! operations {
    ($(
        $operation:ident($($argument:ident: $request:ty)?) -> $answer:ty,
        $call:ident($($lowered:expr)?), $convert:expr;
    )*) => {
        impl<H: Host + Send + Sync + 'static> Pool<H> {
            $(pub(crate) async fn $operation(
                &self,
                $($argument: $request)?
            ) -> Result<$answer, Error> {
                let mut lease = self.take().await?;
                let Some(instance) = lease.instance.as_mut() else {
                    return Err(Error::new(lease.trapped()));
                };
                let (guest, store, authenticator) = instance.parts();
                match guest.$call(store, authenticator, $($lowered)?).await {
                    Ok(answer) => {
                        lease.give_back();
                        answer.map_err(Convert::convert).and_then($convert)
                    }
                    Err(error) => {
                        let code = lease.trapped();
                        tracing::error!(operation = stringify!($operation), %code, ?error, "the kernel trapped");
                        Err(Error::new(code))
                    }
                }
            })*
        }
    };
}

fn ok<T: Convert<U>, U>(answer: T) -> Result<U, Error> {
    Ok(answer.convert())
}

fn all(sockets: Vec<SocketState>) -> Vec<tokens::SocketState> {
    sockets.convert()
}

operations! {
    begin_sign_in(request: BeginSignIn) -> SignInGuard, call_begin_sign_in(&request.convert()), ok;
    issue(request: Issue) -> Issued, call_issue(&request.convert()), convert::issued;
    authenticate(request: Authenticate) -> Identity, call_authenticate(&request.convert()), convert::identity;
    admit(request: Admit) -> Identity, call_admit(&request.convert()), convert::identity;
    revoke(request: Revoke) -> Report, call_revoke(&request.convert()), ok;
    sign_out_everywhere(request: SignOutEverywhere) -> Report, call_sign_out_everywhere(&request.convert()), ok;
    preview(request: SignOutEverywhere) -> Report, call_preview(&request.convert()), ok;
    sessions(request: Sessions) -> SessionPage, call_sessions(&request.convert()), ok;
    credentials_changed(request: CredentialsChanged) -> Report, call_credentials_changed(&request.convert()), ok;
    sweep(sockets: Vec<SocketState>) -> SweepReport, call_sweep(&all(sockets)), ok;
    redeliver() -> Redelivered, call_redeliver(), ok;
    expunge(limit: u32) -> Deleted, call_expunge(limit), ok;
}
