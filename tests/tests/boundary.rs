//! The boundary of the component, read from what was built and from `wit/`: what it imports, that codes are the same
//! on both sides, that every item is gated and documented.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use authkernel::Code;
use wasmparser::{Encoding, Parser, Payload};
use wit_component::DecodedWasm;
use wit_parser::{
    FunctionKind, Interface, Resolve, Stability, TypeDefKind, World, WorldItem, WorldKey,
};

const TYPES: &str = "auth:kernel/types@0.1.0";
const IMPORTS: [&str; 4] = [
    "auth:kernel/broadcast@0.1.0",
    "auth:kernel/storage@0.1.0",
    "wasi:clocks/wall-clock@0.2.0",
    "wasi:random/random@0.2.0",
];
const EXPORT: &str = "auth:kernel/tokens@0.1.0";

#[test]
fn the_component_imports_exactly_what_the_world_lists() {
    for component in components() {
        let (imports, exports) = names(&component.bytes);
        let mut expected: BTreeSet<_> = IMPORTS.map(String::from).into();
        if imports.contains(TYPES) {
            expected.insert(TYPES.into());
        }
        assert_eq!(imports, expected, "{}", component.path.display());
        assert_eq!(
            exports,
            [EXPORT.to_owned()].into(),
            "{}",
            component.path.display()
        );
    }
}

#[test]
fn the_types_interface_of_the_component_has_no_function() {
    for component in components() {
        let DecodedWasm::Component(resolve, world) =
            wit_component::decode(&component.bytes).unwrap()
        else {
            panic!("{} is not a component", component.path.display());
        };
        for (key, item) in &resolve.worlds[world].imports {
            let name = resolve.name_world_key(key);
            if let (TYPES, WorldItem::Interface { id, .. }) = (name.as_str(), item) {
                assert!(resolve.interfaces[*id].functions.is_empty());
            }
        }
    }
}

/// An item of the built component that `wit/` does not have, or has otherwise, would show here.
#[test]
fn the_component_is_of_the_world_in_wit() {
    let (source, world) = kernel();
    let expected = functions(&source, &source.worlds[world]);
    assert!(
        expected
            .iter()
            .any(|name| name.ends_with("authenticator.authenticate"))
    );
    for component in components() {
        let DecodedWasm::Component(resolve, world) =
            wit_component::decode(&component.bytes).unwrap()
        else {
            panic!("{} is not a component", component.path.display());
        };
        let built = functions(&resolve, &resolve.worlds[world]);
        // What is not called is not imported; what is there must be in the source.
        assert!(
            built.is_subset(&expected),
            "{:?}",
            built.difference(&expected)
        );
        let exports = |set: &BTreeSet<String>| -> BTreeSet<String> {
            set.iter()
                .filter(|name| name.starts_with("export"))
                .cloned()
                .collect()
        };
        assert_eq!(exports(&built), exports(&expected));
    }
}

#[test]
fn codes_are_the_same_in_wit_and_in_rust() {
    let (resolve, _) = kernel();
    let tokens = interface(&resolve, EXPORT);
    let TypeDefKind::Enum(code) = &resolve.types[tokens.types["code"]].kind else {
        panic!("`code` is not an enum");
    };
    let wit: Vec<_> = code
        .cases
        .iter()
        .map(|case| case.name.replace('-', "_"))
        .collect();
    let rust: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(wit, rust);
    for case in &code.cases {
        assert!(
            case.docs.contents.is_some(),
            "the code {} has no comment",
            case.name
        );
    }
}

#[test]
fn every_item_of_the_wit_is_gated_and_documented() {
    let (resolve, _) = kernel();
    let mut items = Items::default();
    for (_, package) in resolve.packages.iter() {
        for (name, world) in &package.worlds {
            let world = &resolve.worlds[*world];
            items.look(
                &format!("world {name}"),
                &world.stability,
                Some(&world.docs),
            );
            for (key, item) in world.imports.iter().chain(&world.exports) {
                let name = format!("{name}: {}", resolve.name_world_key(key));
                items.look(&name, item.stability(&resolve), None);
            }
        }
        for (name, interface) in &package.interfaces {
            let interface = &resolve.interfaces[*interface];
            items.look(
                &format!("interface {name}"),
                &interface.stability,
                Some(&interface.docs),
            );
            for (kind, id) in &interface.types {
                let item = &resolve.types[*id];
                let documented = match item.kind {
                    // A `use` is documented where it points to.
                    TypeDefKind::Type(_) => None,
                    _ => Some(&item.docs),
                };
                items.look(&format!("{name}.{kind}"), &item.stability, documented);
            }
            for (function, item) in &interface.functions {
                items.look(
                    &format!("{name}.{function}"),
                    &item.stability,
                    Some(&item.docs),
                );
            }
        }
    }
    assert!(items.seen > 80, "only {} items were found", items.seen);
    assert!(items.wrong.is_empty(), "{}", items.wrong.join("\n"));
}

#[derive(Default)]
struct Items {
    seen: usize,
    wrong: Vec<String>,
}

impl Items {
    fn look(&mut self, name: &str, stability: &Stability, docs: Option<&wit_parser::Docs>) {
        self.seen += 1;
        if !matches!(stability, Stability::Stable { .. }) {
            self.wrong.push(format!("{name} has no @since"));
        }
        if docs.is_some_and(|docs| docs.contents.as_deref().is_none_or(str::is_empty)) {
            self.wrong.push(format!("{name} has no comment"));
        }
    }
}

/// A component that was built.
struct Component {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// Both of them. A test that has nothing to read must not pass.
fn components() -> Vec<Component> {
    let read = |name: &str| {
        let path = root().join("target/wasm").join(name);
        match std::fs::read(&path) {
            Ok(bytes) => Component { path, bytes },
            Err(error) => panic!("{}: {error}: run `cargo xtask build`", path.display()),
        }
    };
    vec![
        read("authkernel.component.wasm"),
        read("authkernel.embedded.component.wasm"),
    ]
}

/// The names of the imports and exports of the outermost component, as its binary has them.
fn names(bytes: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut imports, mut exports) = (BTreeSet::new(), BTreeSet::new());
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.unwrap() {
            Payload::Version { encoding, .. } => {
                if depth == 0 {
                    assert_eq!(encoding, Encoding::Component);
                }
                depth += 1;
            }
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                imports.extend(
                    section
                        .into_iter()
                        .map(|import| import.unwrap().name.name.to_owned()),
                );
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                exports.extend(
                    section
                        .into_iter()
                        .map(|export| export.unwrap().name.name.to_owned()),
                );
            }
            _ => {}
        }
    }
    (imports, exports)
}

/// `wit/`, and its world `kernel`.
fn kernel() -> (Resolve, wit_parser::WorldId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).unwrap();
    let world = resolve.select_world(&[package], Some("kernel")).unwrap();
    (resolve, world)
}

fn interface<'r>(resolve: &'r Resolve, name: &str) -> &'r Interface {
    let found = resolve
        .interfaces
        .iter()
        .find(|(id, _)| resolve.id_of(*id).as_deref() == Some(name));
    found.unwrap_or_else(|| panic!("no interface {name}")).1
}

/// Every function that the world imports or exports, with its parameters' names.
fn functions(resolve: &Resolve, world: &World) -> BTreeSet<String> {
    let side = |side: &str, key: &WorldKey, item: &WorldItem| -> Vec<String> {
        let WorldItem::Interface { id, .. } = item else {
            return Vec::new();
        };
        let interface = &resolve.interfaces[*id];
        let name = resolve.name_world_key(key);
        let describe = |function: &wit_parser::Function| {
            let parameters: Vec<_> = function
                .params
                .iter()
                .map(|param| param.name.as_str())
                .collect();
            let kind = match function.kind {
                FunctionKind::Static(_) => "static ",
                _ => "",
            };
            format!(
                "{side} {name} {kind}({}) {}",
                parameters.join(", "),
                function.name
            )
        };
        interface.functions.values().map(describe).collect()
    };
    let imports = world
        .imports
        .iter()
        .flat_map(|(key, item)| side("import", key, item));
    let exports = world
        .exports
        .iter()
        .flat_map(|(key, item)| side("export", key, item));
    imports.chain(exports).collect()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
