//! Who is told of each call, for metrics.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use authkernel::{Code, Error};

/// Is told of each operation of an [`Authenticator`](crate::Authenticator), after it has ended.
///
/// It runs on the path of every call: it should count, and return.
pub trait Observe: Send + Sync + 'static {
    /// An operation, by its name in snake case, has ended after so long; `code` is absent when it succeeded.
    fn called(&self, operation: &'static str, took: Duration, code: Option<Code>);
}

/// Tells of a call where somebody listens.
pub(crate) async fn observed<T>(
    observer: Option<&Arc<dyn Observe>>,
    operation: &'static str,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(observer) = observer else {
        return call.await;
    };
    let begun = Instant::now();
    let answer = call.await;
    let code = answer.as_ref().err().map(Error::code);
    observer.called(operation, begun.elapsed(), code);
    answer
}
