//! What the code must not contain. These rules hold the design together where the compiler does not.

use std::path::{Path, PathBuf};

use authkernel_tests::call::OPERATIONS;

/// The longest file, in lines.
const LONGEST: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file below a folder of the repository, as (path from the root, text). Folders that tools fill are left out.
fn sources(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    const SKIPPED: [&str; 6] = [
        "target",
        "node_modules",
        ".git",
        "authkernel-data",
        "pkg",
        "dist",
    ];
    let root = root();
    let mut folders = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in
            std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
        {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                if !SKIPPED.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let text = std::fs::read_to_string(&path).unwrap();
                let path = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .replace('\\', "/");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "nothing was found in {folder}");
    found.sort();
    found
}

/// Rust code without comments and without what stands in string literals.
fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '/' if chars.peek() == Some(&'/') => {
                while chars.peek().is_some_and(|next| *next != '\n') {
                    chars.next();
                }
            }
            '"' => {
                out.push('"');
                while let Some(inner) = chars.next() {
                    match inner {
                        '\\' => {
                            chars.next();
                        }
                        '"' => break,
                        '\n' => out.push('\n'),
                        _ => {}
                    }
                }
                out.push('"');
            }
            // A quote as a character, not the beginning of a string; lifetimes have no closing quote.
            '\'' => {
                let rest: String = chars.clone().take(3).collect();
                let length = match rest.as_bytes() {
                    [b'\\', _, b'\''] => 3,
                    [_, b'\'', ..] => 2,
                    _ => 0,
                };
                for _ in 0..length {
                    chars.next();
                }
                out.push(' ');
            }
            other => out.push(other),
        }
    }
    out
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_alphanumeric() && char != '_')
        .filter(|word| !word.is_empty())
}

fn has_word(text: &str, wanted: &[&str]) -> Option<String> {
    words(text)
        .find(|word| wanted.contains(word))
        .map(str::to_owned)
}

#[test]
fn code_is_told_from_comments_and_strings() {
    let text = "let a = \"x // y\"; // b\nlet c = '\"'; let d: &'a str = \"e\\\"f\";";
    assert_eq!(
        words(&code(text)).collect::<Vec<_>>(),
        ["let", "a", "let", "c", "let", "d", "a", "str"]
    );
}

#[test]
fn rules_see_no_port() {
    for (path, text) in sources("kernel/src/rules", &[".rs"]) {
        let forbidden = [
            "Storage",
            "Broadcast",
            "Clock",
            "Random",
            "Host",
            "async",
            "await",
            "Kernel",
        ];
        let found = has_word(&code(&text), &forbidden);
        assert!(
            found.is_none(),
            "{path}: a rule must not name {}",
            found.unwrap_or_default()
        );
    }
}

#[test]
fn the_kernel_has_no_clock_no_randomness_and_no_io() {
    for (path, text) in sources("kernel/src", &[".rs"]) {
        let text = code(&text);
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        if !path.starts_with("kernel/src/testing/") {
            let forbidden = [
                "SystemTime",
                "Instant",
                "getrandom",
                "OsRng",
                "thread_rng",
                "static",
                "unsafe",
            ];
            // `'static` is no static: the quote before it was taken away.
            let text = text
                .replace("& static", "")
                .replace("< static", "")
                .replace(", static", "");
            let found = has_word(&text, &forbidden);
            assert!(
                found.is_none(),
                "{path}: the kernel must not name {}",
                found.unwrap_or_default()
            );
            assert!(
                !text.contains("std::"),
                "{path}: the kernel must not use std"
            );
        }
    }
}

#[test]
fn only_the_component_folder_names_wasmtime() {
    for (path, text) in sources("host-wasmtime/src", &[".rs"]) {
        let text = code(&text);
        let named = text.contains("wasmtime::") && words(&text).any(|word| word == "wasmtime");
        assert!(
            !named || path.starts_with("host-wasmtime/src/component/"),
            "{path}: only host-wasmtime/src/component may name wasmtime"
        );
    }
    for (path, text) in sources("kernel", &[".rs", "Cargo.toml"]) {
        // The macro of the contract suites writes `#[tokio::test]` into its caller's crate.
        if path.starts_with("kernel/src/testing/contract/") {
            continue;
        }
        let found = has_word(
            &code(&text),
            &["wasmtime", "tokio", "js_sys", "wasm_bindgen"],
        );
        assert!(
            found.is_none(),
            "{path}: the kernel must not name {}",
            found.unwrap_or_default()
        );
    }
}

#[test]
fn adapters_know_their_port_and_nothing_else() {
    let adapters = [
        "memory",
        "sqlite",
        "postgres",
        "redis",
        "nats",
        "in_process",
    ];
    for folder in ["storage", "broadcast"] {
        let base = format!("host-wasmtime/src/{folder}");
        for (path, text) in sources(&base, &[".rs"]) {
            let rest = path.strip_prefix(&format!("{base}/")).unwrap();
            let own = rest.split(['/', '.']).next().unwrap();
            if own == "mod" {
                continue;
            }
            let text = code(&text);
            for other in adapters.iter().filter(|name| **name != own) {
                for way in ["super::", "storage::", "broadcast::", "testing::"] {
                    let named = text.contains(&format!("{way}{other}"));
                    assert!(
                        !named,
                        "{path}: an adapter must not name the adapter {other}"
                    );
                }
            }
            let found = has_word(&text, &["wasmtime", "wit_bindgen", "bindgen", "component"]);
            assert!(
                found.is_none(),
                "{path}: an adapter must not name {}",
                found.unwrap_or_default()
            );
        }
    }
}

/// What stands between the parentheses of every call of a macro that writes a log line.
fn log_lines(text: &str) -> Vec<&str> {
    const MACROS: [&str; 12] = [
        "trace!",
        "debug!",
        "info!",
        "warn!",
        "error!",
        "event!",
        "span!",
        "println!",
        "eprintln!",
        "print!",
        "eprint!",
        "dbg!",
    ];
    let mut lines = Vec::new();
    for name in MACROS {
        for (start, _) in text.match_indices(name) {
            let Some(rest) = text[start + name.len()..].strip_prefix('(') else {
                continue;
            };
            let mut depth = 1;
            let end = rest.char_indices().find(|(_, char)| {
                depth += match char {
                    '(' => 1,
                    ')' => -1,
                    _ => 0,
                };
                depth == 0
            });
            lines.push(&rest[..end.map_or(rest.len(), |(end, _)| end)]);
        }
    }
    lines
}

#[test]
fn no_log_line_has_a_token() {
    const SECRETS: [&str; 10] = [
        "token",
        "tokens",
        "jwt",
        "password",
        "secret",
        "cookie",
        "authorization",
        "ticket",
        "bearer",
        "private_key",
    ];
    let mut seen = 0;
    for folder in ["kernel", "host-wasmtime"] {
        for (path, text) in sources(folder, &[".rs"]) {
            for line in log_lines(&text) {
                seen += 1;
                // Names in braces are values; everything else inside quotes is text.
                let inside = line.split('"').skip(1).step_by(2);
                let values = inside
                    .flat_map(|text| text.split('{').skip(1))
                    .map(|it| it.split(['}', ':']).next());
                let values: String = values.flatten().map(|it| format!(" {it}")).collect();
                // How long a token is, is no secret.
                let code = code(line).replace("token.len()", "");
                let found = has_word(&code, &SECRETS).or_else(|| has_word(&values, &SECRETS));
                assert!(
                    found.is_none(),
                    "{path}: a log line has {}: {line}",
                    found.unwrap_or_default()
                );
            }
        }
    }
    assert!(seen > 5, "only {seen} log lines were found");
}

#[test]
fn log_lines_are_found_whole() {
    assert_eq!(
        log_lines("warn!(\"a ({b})\", c(d)); info!(e)"),
        ["e", "\"a ({b})\", c(d)"]
    );
}

#[test]
fn no_file_is_too_long() {
    let endings = [
        ".rs", ".wit", ".md", ".js", ".mjs", ".ts", ".css", ".html", ".sql", ".toml", ".sh",
    ];
    let long: Vec<String> = sources("", &endings)
        .into_iter()
        .filter(|(path, text)| {
            // What is generated from files that are looked at themselves.
            !path.starts_with("tests/vectors/") && !text.starts_with("/** Written by `scripts/")
        })
        .filter_map(|(path, text)| {
            let lines = text.lines().count();
            (lines > LONGEST).then(|| format!("{path}: {lines} lines"))
        })
        .collect();
    assert!(
        long.is_empty(),
        "split these files, {LONGEST} lines are enough:\n{}",
        long.join("\n")
    );
}

#[test]
fn one_name_everywhere() {
    let operations = sources("kernel/src/operations", &[".rs"]);
    let (_, wit) = sources("wit", &["tokens.wit"]).remove(0);
    let (_, resource) = wit
        .split_once("resource authenticator {")
        .expect("the resource");
    for name in OPERATIONS {
        let path = format!("kernel/src/operations/{name}.rs");
        let (_, text) = operations
            .iter()
            .find(|(other, _)| *other == path)
            .unwrap_or_else(|| panic!("there is no {path}"));
        assert!(
            text.contains(&format!("pub async fn {name}(")),
            "{path} does not have {name}"
        );
        let kebab = name.replace('_', "-");
        assert!(
            resource.contains(&format!(" {kebab}: func(")),
            "wit/tokens.wit has no {kebab}"
        );
        let vectors = root().join(format!("tests/vectors/{name}.json"));
        assert!(vectors.is_file(), "there is no {}", vectors.display());
    }
    let functions = resource
        .lines()
        .filter_map(|line| line.trim().split_once(": func("));
    for (name, _) in functions {
        assert!(
            OPERATIONS.contains(&name.replace('-', "_").as_str()),
            "{name} has no vectors"
        );
    }
    let helpers = ["mod.rs", "types.rs", "deliver.rs"];
    for (path, _) in operations {
        let file = path.rsplit('/').next().unwrap();
        let name = file.trim_end_matches(".rs");
        assert!(
            OPERATIONS.contains(&name) || helpers.contains(&file),
            "{path} is no operation"
        );
    }
}
