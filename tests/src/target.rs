//! What a host must be for the vectors to run on it: ten lines, see [`target!`](crate::target).

use std::future::Future;

use authkernel::Error;

use crate::answer::Answer;
use crate::call::Call;
use crate::host::VectorHost;

/// A host of the kernel: it parses policy and keys, and runs the operations over a [`VectorHost`].
pub trait Target: Sized {
    /// What to call it in messages.
    const NAME: &'static str;
    /// What its build has of what may be missing, such as `es256` or `rsa`.
    const FEATURES: &'static [&'static str];

    /// Parses both documents; the refusal is the kernel's own.
    fn build(
        policy: &str,
        keys: &str,
        host: VectorHost,
    ) -> impl Future<Output = anyhow::Result<Result<Self, Error>>>;

    /// Runs one operation.
    fn run(&self, call: Call) -> impl Future<Output = Result<Answer, Error>>;
}

/// Runs a [`Call`](crate::call::Call) on anything that has the operations as async methods.
#[macro_export]
macro_rules! run_call {
    ($target:expr, $call:expr) => {{
        use $crate::answer::Answer;
        use $crate::call::Call;
        let target = $target;
        match $call {
            Call::BeginSignIn(it) => target.begin_sign_in(it).await.map(Answer::Guard),
            Call::Issue(it) => target
                .issue(it)
                .await
                .map(|it| Answer::Issued(Box::new(it))),
            Call::Authenticate(it) => target
                .authenticate(it)
                .await
                .map(|it| Answer::Identity(Box::new(it))),
            Call::Admit(it) => target
                .admit(it)
                .await
                .map(|it| Answer::Identity(Box::new(it))),
            Call::Revoke(it) => target.revoke(it).await.map(Answer::Report),
            Call::SignOutEverywhere(it) => target.sign_out_everywhere(it).await.map(Answer::Report),
            Call::Preview(it) => target.preview(it).await.map(Answer::Report),
            Call::Sessions(it) => target.sessions(it).await.map(Answer::Sessions),
            Call::CredentialsChanged(it) => {
                target.credentials_changed(it).await.map(Answer::Report)
            }
            Call::Sweep(it) => target.sweep(it).await.map(Answer::Swept),
            Call::Redeliver => target.redeliver().await.map(Answer::Redelivered),
            Call::Expunge(limit) => target.expunge(limit).await.map(Answer::Expunged),
        }
    }};
}
