// Compares the boundary as WIT has it with the boundary as TypeScript has it, and lists what differs. Where the two are meant to look
// different, it stands here, with the reason; nothing else may.

import { array, camel, object, union, WitShapes } from "./shapes.mjs";

const pascal = (name) => camel(`-${name}`);
const required = (shape) => ({ shape, optional: false });
const optional = (shape) => ({ shape, optional: true });

/** Types that WIT and TypeScript both declare, under other names: options of a call are called so. */
const renamed = {
  authenticate: "AuthenticateOptions",
  admit: "AdmitOptions",
  revoke: "RevokeOptions",
  "sign-out-everywhere": "SignOutOptions",
  sessions: "SessionsQuery",
};

/** Types of WIT that TypeScript writes where they are used. */
const inlined = ["error", "code", "guard", "timestamp", "json-object", "owned-sid", "subject-scope", "undelivered", "revoke-scope"];

/** Types of TypeScript that WIT has in another form. */
const additional = {
  "host.ts": ["MaybePromise", "Timestamp", "Storage", "Broadcast", "PublishAnswer", "Touch", "ExpiryBatch"],
  "requests.ts": ["ExtraClaims", "Authenticator", "Trigger"],
  "errors.ts": ["AuthError", "StorageError", "Code", "Kind", "Guard"],
};

/** Types of TypeScript that are no part of the boundary: the kernel sends messages, only applications hear them. */
export const outside = ["Subscribable", "SubscriptionEvents"];

/** What is different on purpose: the members that TypeScript has, made from those of WIT. */
const different = {
  // `authenticate` and `admit` take the token as a parameter of its own.
  authenticate: without("token"),
  admit: without("token"),
  // The target is a parameter of its own, and the whole session is the usual scope.
  revoke: (members) => defaulted("scope")(without("target")(members)),
  // The scope is a parameter of its own; nothing is kept and everything is disconnected unless the call says so.
  "sign-out-everywhere": (members) => defaulted("keep", "disconnectSelf")(without("scope")(members)),
  "credentials-changed": (members, ts) => [
    ...defaulted("disconnectSelf")(without("trigger")(members)),
    // A text in WIT, so that a newer host may ask an older kernel; TypeScript knows the ones that there are.
    ["trigger", required(ts.declared("Trigger"))],
  ],
  // One object: the identity with the token.
  issued: (members, ts, wit) => [...without("identity")(members), ...wit.members("identity")],
  // A message says what it is; event and payload are those of a channel's message.
  disconnect: (members) => [...members, ["kind", required("'disconnect'")], ["event", required("'disconnect'")], ["payload", required("{}")]],
  recheck: (members) => [...members, ["kind", required("'recheck'")]],
};

/** Variants that are different on purpose. */
const differentVariants = {
  message: (ts) => union([ts.declared("Disconnect"), ts.declared("Recheck")]),
  // The session's owner stands beside its sid.
  "revoke-target": (_, wit) =>
    union([object([["token", required("text")]]), object([["jti", required("text")]]), object(wit.members("owned-sid"))]),
  // What is named has a name, also where it is one text.
  "sign-out-scope": (_, wit) =>
    union([
      object([["subject", required(wit.declared("subject-scope"))]]),
      object([["tenant", required(object([["tenant", optional("text")]]))]]),
      object([["key", required(object([["kid", required("text")]]))]]),
    ]),
};

/** Functions of several parameters take one object, which has a name. */
const several = { touch: "Touch", "delete-expired": "ExpiryBatch" };

/** How the operations are called: the shapes of the parameters, given those of WIT's request. */
const calls = {
  authenticate: (ts) => ["text", ts.declared("AuthenticateOptions")],
  admit: (ts) => ["text", ts.declared("AdmitOptions")],
  revoke: (ts) => [union(["text", ts.declared("RevokeTarget")]), ts.declared("RevokeOptions")],
  "sign-out-everywhere": (ts) => [union(["text", ts.declared("SignOutScope")]), ts.declared("SignOutOptions")],
  preview: (ts) => [union(["text", ts.declared("SignOutScope")]), ts.declared("SignOutOptions")],
  sweep: (ts) => [array(ts.declared("SocketState"))],
  expunge: () => ["number"],
};

function without(name) {
  return (members) => members.filter(([it]) => it !== name);
}

function defaulted(...names) {
  return (members) => members.map(([name, member]) => [name, names.includes(name) ? { ...member, optional: true } : member]);
}

/** Everything that differs, one line each. `interfaces` is what `parseWit` answers. */
export function differences(interfaces, ts) {
  const wit = new WitShapes(interfaces);
  const found = [];
  const compare = (what, expected, actual) => {
    try {
      const [one, other] = [expected(), actual()];
      if (one !== other) found.push(`${what}: WIT has ${one}, TypeScript has ${other}`);
    } catch (error) {
      found.push(`${what}: ${error.message}`);
    }
  };
  const declared = new Set();
  for (const { types } of interfaces.values()) {
    for (const [name, type] of types) {
      if (inlined.includes(name)) continue;
      const other = renamed[name] ?? pascal(name);
      declared.add(other);
      compare(`${name} (${other})`, () => expectedShape(name, type, ts, wit), () => ts.declared(other));
    }
  }
  const known = [...Object.values(additional).flat(), ...outside];
  for (const name of ts.names()) {
    if (!declared.has(name) && !known.includes(name)) found.push(`${name}: WIT has no such type`);
  }
  comparePorts(interfaces, ts, wit, compare, found);
  compareOperations(interfaces.get("tokens"), ts, wit, compare, found);
  compareErrors(interfaces, ts, wit, compare);
  return found;
}

function expectedShape(name, type, ts, wit) {
  if (differentVariants[name]) {
    const shape = differentVariants[name](ts, wit);
    const cases = type.cases.map(([it]) => it).join();
    const known = { message: "disconnect,recheck", "revoke-target": "token,jti,sid", "sign-out-scope": "subject,tenant,key" };
    if (cases !== known[name]) throw new Error(`WIT has the cases ${cases}`);
    return shape;
  }
  if (type.kind !== "record") return wit.declared(name);
  const change = different[name] ?? ((same) => same);
  return object(change(wit.members(name), ts, wit));
}

function comparePorts(interfaces, ts, wit, compare, found) {
  const storage = interfaces.get("storage").functions;
  const methods = ts.methods("Storage");
  sameNames("Storage", [...storage.keys()].map(camel), [...methods.keys()], found);
  for (const [name, { parameters, result }] of storage) {
    const method = methods.get(camel(name));
    if (!method) continue;
    const members = parameters.map(([it, type]) => [camel(it), wit.member(type)]);
    const given = () => (several[name] ? object(members) : parameters.map(([, type]) => wit.of(type)).join(", "));
    compare(`Storage.${camel(name)}`, () => given(), () => method.parameters.join(", "));
    if (several[name]) compare(several[name], () => object(members), () => ts.declared(several[name]));
    compare(`Storage.${camel(name)}, what it answers`, () => wit.of(result), () => method.result);
    compare(`Storage.${camel(name)}, when it answers`, () => "maybe", () => method.promised);
  }
  const { functions, types } = interfaces.get("broadcast");
  const publish = ts.methods("Broadcast");
  sameNames("Broadcast", [...functions.keys()].map(camel), [...publish.keys()], found);
  const answer = union(["'taken'", ...types.get("error").cases.map(([name, payload]) => wit.case(name, payload))]);
  compare("PublishAnswer", () => answer, () => ts.declared("PublishAnswer"));
  compare("Broadcast.publish", () => array(ts.declared("Message")), () => publish.get("publish").parameters.join(", "));
  compare("Broadcast.publish, what it answers", () => union(["nothing", array(answer)]), () => publish.get("publish").result);
}

function compareOperations({ functions }, ts, wit, compare, found) {
  const operations = [...functions].filter(([name]) => name !== "create");
  const methods = ts.methods("Authenticator");
  sameNames("Authenticator", [...operations.map(([name]) => camel(name)), "authenticateSync", "close"], [...methods.keys()], found);
  for (const [name, { parameters, result }] of operations) {
    const method = methods.get(camel(name));
    if (!method) continue;
    const request = () => parameters.map(([, type]) => ts.declared(renamed[type.name] ?? pascal(type.name)));
    compare(`Authenticator.${camel(name)}`, () => (calls[name]?.(ts) ?? request()).join(", "), () => method.parameters.join(", "));
    const answered = result.given[0].name;
    compare(`Authenticator.${camel(name)}, what it answers`, () => ts.declared(pascal(answered)), () => method.result);
    compare(`Authenticator.${camel(name)}, when it answers`, () => "always", () => method.promised);
  }
  const sync = methods.get("authenticateSync");
  compare("Authenticator.authenticateSync", () => calls.authenticate(ts).join(", "), () => sync?.parameters.join(", "));
  compare("Authenticator.authenticateSync, what it answers", () => ts.declared("Identity"), () => sync?.result);
}

function compareErrors(interfaces, ts, wit, compare) {
  const kinds = interfaces.get("storage").types.get("error").cases.map(([name]) => `'${name.replaceAll("-", "_")}'`);
  compare("StorageError.kind", () => union(kinds), () => ts.member("StorageError", "kind"));
  compare("StorageError.guard", () => wit.declared("guard"), () => ts.member("StorageError", "guard"));
  compare("AuthError.code", () => wit.declared("code"), () => ts.member("AuthError", "code"));
}

function sameNames(what, expected, actual, found) {
  for (const name of expected.filter((it) => !actual.includes(it))) found.push(`${what}.${name}: TypeScript has no such method`);
  for (const name of actual.filter((it) => !expected.includes(it))) found.push(`${what}.${name}: WIT has no such function`);
}
