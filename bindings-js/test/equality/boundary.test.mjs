// `js/host.ts` and `js/requests.ts` say what `wit/` says: names, fields, which of them may be absent, and types.

import assert from "node:assert/strict";
import { test } from "node:test";
import { differences, outside } from "./boundary.mjs";
import { source } from "./sources.mjs";
import { sourceText, TypeScriptShapes } from "./typescript.mjs";
import { parseWit } from "./wit.mjs";

const files = ["types", "storage", "broadcast", "tokens"].map((name) => source(`wit/${name}.wit`));
const interfaces = () => parseWit(files);

/** What a change brings that was not there before it. */
const before = differences(interfaces(), new TypeScriptShapes());
const found = (changed, ts) => differences(changed, ts).filter((line) => !before.includes(line));

test("WIT and TypeScript describe the same boundary", () => {
  assert.deepEqual(before, []);
});

test("a field, a case or a function that is added to WIT alone is found", () => {
  const ts = new TypeScriptShapes();
  const text = { name: "string", given: [] };
  let tried = 0;
  for (const [name, { types, functions }] of interfaces()) {
    for (const [type, { kind }] of types) {
      if (kind === "alias" || (type === "error" && name === "tokens")) continue;
      const changed = interfaces();
      const target = changed.get(name).types.get(type);
      if (kind === "record") target.fields.push(["added", { name: "option", given: [text] }]);
      if (kind === "variant") target.cases.push(["added", undefined]);
      if (kind === "enum") target.names.push("added");
      assert.notDeepEqual(found(changed, ts), [], `added to ${type}`);
      tried += 1;
    }
    if (functions.size > 0) {
      const changed = interfaces();
      changed.get(name).functions.set("added", { parameters: [], result: { name: "result", given: [text] } });
      assert.notDeepEqual(found(changed, ts), [], `added to ${name}`);
    }
  }
  assert.ok(tried > 50, `${tried} types`);
});

test("a field of WIT that becomes optional, or another type, is found", () => {
  const ts = new TypeScriptShapes();
  for (const [name, { types }] of interfaces()) {
    for (const [type, { kind, fields }] of types) {
      if (kind !== "record" || (type === "error" && name === "tokens")) continue;
      for (const [index, [field, { name: was }]] of fields.entries()) {
        const changed = interfaces();
        const place = changed.get(name).types.get(type).fields[index];
        if (type === "credentials-changed" && field === "trigger") continue; // A list of its own, see below.
        if (["keep", "scope", "disconnect-self", "target", "token", "identity"].includes(field) && name === "tokens") continue; // Parameters.
        place[1] = was === "option" ? place[1].given[0] : { name: "option", given: [place[1]] };
        assert.notDeepEqual(found(changed, ts), [], `${type}.${field} made ${was === "option" ? "required" : "optional"}`);
      }
    }
  }
});

test("a field, a type or a method that is added to TypeScript alone is found", () => {
  for (const name of ["host.ts", "requests.ts"]) {
    const text = sourceText(name);
    const places = [...text.matchAll(/^export interface (\w+)(?:<[^>]*>)?[^{]*\{$/gm)];
    assert.ok(places.length > 10);
    for (const place of places.filter(([, type]) => !outside.includes(type))) {
      const end = place.index + place[0].length;
      const member = ["Storage", "Broadcast", "Authenticator"].includes(place[1]) ? "added(): Promise<void>;" : "added?: string;";
      const changed = `${text.slice(0, end)}\n  ${member}${text.slice(end)}`;
      assert.notDeepEqual(found(interfaces(), new TypeScriptShapes({ [name]: changed })), [], `added to ${place[1]}`);
    }
    const more = `${text}\nexport interface Added { added: string }\n`;
    assert.notDeepEqual(found(interfaces(), new TypeScriptShapes({ [name]: more })), []);
  }
});

test("the triggers of TypeScript are those that the kernel knows", () => {
  const [, list] = /\npub const TRIGGERS: [^=]*= \[\n([^\]]*)\];/.exec(source("kernel/src/policy/mod.rs"));
  const known = [...list.matchAll(/\("(\w+)",/g)].map(([, name]) => `'${name}'`);
  assert.equal(new TypeScriptShapes().declared("Trigger"), known.sort().join(" | "));
});
