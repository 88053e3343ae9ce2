//! What the page is made of, embedded in the binary.

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The document itself, served at `/`.
pub(super) const INDEX: &str = include_str!("index.html");

/// Name, type and text of every file that the document loads, served under `/assets/`.
pub(super) const ASSETS: &[(&str, &str, &str)] = &[
    ("account.js", SCRIPT, include_str!("account.js")),
    ("act.js", SCRIPT, include_str!("act.js")),
    ("api.js", SCRIPT, include_str!("api.js")),
    ("app.js", SCRIPT, include_str!("app.js")),
    ("base.css", CSS, include_str!("base.css")),
    ("confirm.js", SCRIPT, include_str!("confirm.js")),
    ("devices.js", SCRIPT, include_str!("devices.js")),
    ("dom.js", SCRIPT, include_str!("dom.js")),
    ("ended.js", SCRIPT, include_str!("ended.js")),
    ("format.js", SCRIPT, include_str!("format.js")),
    ("icon.svg", SVG, include_str!("icon.svg")),
    ("layout.css", CSS, include_str!("layout.css")),
    ("list.js", SCRIPT, include_str!("list.js")),
    ("live.js", SCRIPT, include_str!("live.js")),
    ("log.js", SCRIPT, include_str!("log.js")),
    ("measure.js", SCRIPT, include_str!("measure.js")),
    ("names.js", SCRIPT, include_str!("names.js")),
    ("parts.css", CSS, include_str!("parts.css")),
    ("report.js", SCRIPT, include_str!("report.js")),
    ("sign-in.js", SCRIPT, include_str!("sign-in.js")),
    ("sign-out.js", SCRIPT, include_str!("sign-out.js")),
    ("state.js", SCRIPT, include_str!("state.js")),
    ("store.js", SCRIPT, include_str!("store.js")),
    ("tabs.js", SCRIPT, include_str!("tabs.js")),
];
