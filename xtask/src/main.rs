//! Every step of authkernel as one command: `cargo xtask <step>`.
//!
//! CI runs the same commands. Nothing here is installed globally: what a step needs is a library of
//! this program, a part of the Rust toolchain, or fetched into `target/`.

mod bench;
mod build;
mod ci;
mod component;
mod counts;
mod demo;
mod failures;
mod js;
mod node;
mod openapi;
mod package;
mod process;
mod setup;
mod test;
mod wasm_target;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, tests, measures and shows authkernel.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// Check the tools and get the WebAssembly target
    ///
    /// Says what is missing and what to do about it. The standard library of wasm32-unknown-unknown is
    /// taken from the toolchain, else from rustup, else built from Debian's sources of the same
    /// compiler. Run again, it does nothing and ends at once. Every other step runs it first.
    Setup,
    /// Build both components and the wasmtime host that embeds one of them
    ///
    /// Writes target/wasm/authkernel.component.wasm, which loads in every component runtime, and
    /// target/wasm/authkernel.embedded.component.wasm, which uses wide arithmetic and is for our own
    /// host. The first build compiles wasmtime, which takes 6 to 7 minutes on two cores.
    Build,
    /// Build the npm package only
    ///
    /// Writes the kernel for JavaScript into target/wasm/js and the package into bindings-js/dist. It needs
    /// no wasmtime, so it takes a minute or two.
    Js {
        /// The module without ES256 as well: target/wasm/js-without-es256/kernel.wasm, for `authkernel/slim`
        #[arg(long)]
        without_es256: bool,
    },
    /// Build, then run the reference server on its defaults
    ///
    /// Everything after `demo` is given to `authkernel serve`, for example
    /// `cargo xtask demo --listen 127.0.0.1:8080 --data /tmp/demo`. Ctrl-C stops it.
    Demo {
        /// Start on a free port with an empty data folder, ask for /healthz and /, stop, and say
        /// whether all of it worked
        #[arg(long)]
        check: bool,
        /// The same server on Node: the example of the JavaScript package, over the kernel as an npm package
        #[arg(long)]
        node: bool,
        /// Options of `authkernel serve`
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            conflicts_with = "check",
            value_name = "SERVER OPTIONS"
        )]
        options: Vec<OsString>,
    },
    /// Build, then run every test: Rust, JavaScript in every runtime, and the page in Chromium
    ///
    /// Ends with one line per step and `N passed, N failed, N skipped`.
    Test,
    /// Build, then compare the server with its OpenAPI document, by schemathesis
    ///
    /// Needs python3 with venv; schemathesis is installed into target/ by pip. A part of `test`.
    Openapi,
    /// Build, then run the benches in their own profile
    ///
    /// The first run compiles wasmtime once more, for that profile.
    Bench {
        /// The benches of the JavaScript package instead, beside its peers
        #[arg(long)]
        js: bool,
        /// Run only benches whose name contains this
        #[arg(conflicts_with = "js")]
        filter: Option<String>,
    },
    /// Pack both crates as they are released, with the built component inside, into target/package
    Package,
    /// Everything CI runs: format, lints, docs, tests, and a start of the server
    Ci,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().step {
        Step::Setup => setup::run().map(|_| ExitCode::SUCCESS),
        Step::Build => build::run().map(|()| ExitCode::SUCCESS),
        Step::Js { without_es256 } => match without_es256 {
            true => build::without_es256(),
            false => build::javascript(),
        }
        .map(|()| ExitCode::SUCCESS),
        Step::Demo {
            check,
            node,
            options,
        } => {
            let server = if node {
                demo::Server::Node
            } else {
                demo::Server::Rust
            };
            match check {
                true => demo::check(server).map(|()| ExitCode::SUCCESS),
                false => demo::run(server, &options),
            }
        }
        Step::Test => test::run(),
        Step::Openapi => build::run().and_then(|()| match openapi::run()? {
            openapi::Outcome::Passed => Ok(ExitCode::SUCCESS),
            openapi::Outcome::Skipped(reason) => anyhow::bail!(reason),
        }),
        Step::Bench { js: true, .. } => bench::javascript().map(|()| ExitCode::SUCCESS),
        Step::Bench { filter, .. } => bench::run(filter.as_deref()).map(|()| ExitCode::SUCCESS),
        Step::Package => package::run().map(|()| ExitCode::SUCCESS),
        Step::Ci => ci::run(),
    };
    result.unwrap_or_else(|error| {
        eprintln!("\nerror: {error:#}");
        ExitCode::FAILURE
    })
}
