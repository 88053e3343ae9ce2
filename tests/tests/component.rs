//! Every vector on the component in wasmtime, through the host that applications use.

use authkernel::Error;
use authkernel_tests::answer::Answer;
use authkernel_tests::call::Call;
use authkernel_tests::fixtures::Fixtures;
use authkernel_tests::host::{VectorHost, vector_host};
use authkernel_tests::{Target, check_all, run_call};
use authkernel_wasmtime::{Authenticator, BuildError, Engine};

struct Component(Authenticator<VectorHost>);

impl Target for Component {
    const NAME: &'static str = "component";
    const FEATURES: &'static [&'static str] = &["es256"];

    async fn build(
        policy: &str,
        keys: &str,
        host: VectorHost,
    ) -> anyhow::Result<Result<Self, Error>> {
        let builder = Authenticator::builder()
            .policy(policy)
            .keys(keys)
            .host(host);
        match builder.engine(Engine::Component).build().await {
            Ok(authenticator) => Ok(Ok(Self(authenticator))),
            Err(BuildError::Refused(error)) => Ok(Err(error)),
            Err(error) => Err(error.into()),
        }
    }

    async fn run(&self, call: Call) -> Result<Answer, Error> {
        run_call!(&self.0, call)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_vector_on_the_component() {
    if is_built().await {
        check_all::<Component>().await;
    }
}

/// Whether the component is embedded; says so loudly when it is not.
async fn is_built() -> bool {
    let fixtures = Fixtures::read().expect("the fixtures can be read");
    let policy = fixtures.policy(None).expect("there is a default policy");
    let keys = fixtures.key_set(None).expect("there is a default key set");
    let (host, _) = vector_host(fixtures.now, 0);
    let builder = Authenticator::builder()
        .policy(&policy)
        .keys(&keys)
        .host(host);
    match builder.engine(Engine::Component).build().await {
        Err(BuildError::ComponentMissing) => {
            println!(
                "skipped: the component is not built; run `cargo xtask build`, then test again"
            );
            false
        }
        Err(error) => panic!("the component does not start: {error:?}"),
        Ok(_) => true,
    }
}
