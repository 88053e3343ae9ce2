//! Every vector on the kernel in process.

use authkernel::keys::KeySet;
use authkernel::policy::Policy;
use authkernel::{Error, Kernel};
use authkernel_tests::answer::Answer;
use authkernel_tests::call::Call;
use authkernel_tests::host::VectorHost;
use authkernel_tests::{Target, check_all, run_call};

struct Native(Kernel<VectorHost>);

impl Target for Native {
    const NAME: &'static str = "native";
    const FEATURES: &'static [&'static str] = &["es256", "rsa"];

    async fn build(
        policy: &str,
        keys: &str,
        host: VectorHost,
    ) -> anyhow::Result<Result<Self, Error>> {
        let parsed = Policy::parse(policy).and_then(|policy| Ok((policy, KeySet::parse(keys)?)));
        Ok(parsed.map(|(policy, keys)| Self(Kernel::new(policy, keys, host))))
    }

    async fn run(&self, call: Call) -> Result<Answer, Error> {
        run_call!(&self.0, call)
    }
}

#[tokio::test]
async fn every_vector_on_the_kernel_in_process() {
    check_all::<Native>().await;
}

#[test]
fn objects_are_sorted_in_every_build() {
    // A crate that turned on insertion order for everybody would make this build write other tokens than the component.
    assert_eq!(
        serde_json::json!({ "b": 1, "a": 2 }).to_string(),
        r#"{"a":2,"b":1}"#
    );
}
