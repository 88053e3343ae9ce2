// Runs the vectors of tests/vectors on a library, in whatever runtime this is: no built-in module of any runtime is needed, the vectors
// are handed in as data. tests/README.md says what a vector is; tests/src is the same runner in Rust.

import { keySet, policy } from "./documents.mjs";
import { fill } from "./given.mjs";
import { isObject, mismatch, resolve } from "./matching.mjs";
import { prepare } from "./operations.mjs";
import { vectorHost } from "./ports.mjs";
import { Secrets } from "./secrets.mjs";

/**
 * How a library can be called; every vector runs in each of them: over a storage that answers at once, without a word about it; over one
 * that only answers promises; over one that declares `sync`, with `authenticateSync`.
 */
export const ways = [
  { name: "values", later: false },
  { name: "promises", later: true, short: true, objects: true },
  { name: "sync", later: false, sync: true },
];

/**
 * Runs every vector of `files` in every way, and answers `{ passed, failed, failures, leftOut }`; each run of a vector counts. `leftOut`
 * are the vectors that this build is not meant to run, by what they need: `{ rsa: ["keys-001", …] }`.
 *
 * - `library`: `{ createAuthenticator, AuthError, StorageError, memoryStorage }`
 * - `files`: the parsed vector files; `fixtures`: the parsed `fixtures.json`
 * - `kinds`: the kind of each code, as the kernel has it; not compared when absent
 * - `features`: what this build has of what may be missing, such as `rsa`; vectors that need others are left out, which is no failing
 * - `report`: is given lines for people
 */
export async function runVectors(library, { files, fixtures, kinds, report = () => {}, features = ["es256"], only = ways }) {
  const counts = { passed: 0, failed: 0, failures: [], leftOut: {} };
  const fail = (line) => {
    counts.failed += 1;
    counts.failures.push(line);
    report(`FAILED ${line}`);
  };
  for (const vector of files.flatMap((file) => file.vectors)) {
    const need = vector.needs?.find((it) => !features.includes(it));
    if (need !== undefined) {
      (counts.leftOut[need] ??= []).push(vector.id);
      continue;
    }
    for (const way of only) {
      try {
        await check(library, vector, fixtures, way, kinds);
        counts.passed += 1;
      } catch (error) {
        fail(`${vector.id} (${vector.title}), ${way.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  if (counts.passed + counts.failed === 0) fail("there are no vectors");
  return counts;
}

/** What was left out, one line for each thing that vectors need; no line when nothing was. */
export function leftOutLines(leftOut) {
  return Object.entries(leftOut).map(([need, ids]) => `${ids.length} vectors need ${need}, which this build leaves out: ${ids.join(", ")}`);
}

async function check(library, vector, fixtures, way, kinds) {
  const now = vector.now ?? fixtures.now;
  const host = vectorHost(library, { now, id: vector.id, later: way.later, sync: way.sync });
  const secrets = new Secrets(fixtures);
  const names = new Map();
  for (const [name, spec] of Object.entries(vector.tokens ?? {})) {
    const token = spec.token ?? spec.repeat.text.repeat(spec.repeat.times);
    secrets.addToken(token);
    names.set(name, token);
  }
  const story = { library, fixtures, kinds, way, host, secrets, names };
  const built = await build(story, vector);
  if (vector.refused) {
    if (!built.error) throw new Error(`policy and keys should be refused: ${vector.refused.error}`);
    compareError(story, built.error, vector.refused.error, vector.refused.message);
    if (vector.steps?.length) throw new Error("there is nothing to call after a refusal");
    return;
  }
  if (built.error) throw new Error(`policy and keys were refused: ${describe(built.error)}`);
  if (!vector.steps?.length) throw new Error("the vector calls nothing");
  await fill(host.inner, vector, fixtures, now);
  let { authenticator } = built;
  try {
    for (const [index, step] of vector.steps.entries()) {
      if (step.at !== undefined) host.clock.now = step.at;
      try {
        if (step.do === "configure") {
          const next = await build(story, step.with ?? {});
          if (next.error) throw next.error;
          authenticator.close();
          authenticator = next.authenticator;
        } else {
          await runStep(story, authenticator, step);
        }
      } catch (error) {
        throw new Error(`step ${index + 1} (${step.do}): ${describe(error)}`);
      }
    }
  } finally {
    authenticator.close();
  }
}

async function build({ library, fixtures, way, host }, documents) {
  const whole = (document) => (isObject(document) && !way.objects ? JSON.stringify(document) : document);
  const options = {
    ...host.options,
    policy: whole(policy(fixtures, documents.policy)),
    keys: whole(keySet(fixtures, documents.keys)),
  };
  try {
    return { authenticator: await library.createAuthenticator(options) };
  } catch (error) {
    return { error };
  }
}

async function runStep(story, authenticator, step) {
  const { way, host, secrets, names } = story;
  const call = prepare(step.do, resolve(step.with ?? {}, names), way);
  host.log.take();
  host.log.faults = step.faults ?? [];
  const result = await call.run(authenticator).then(
    (answer) => ({ answer }),
    (error) => ({ error }),
  );
  host.log.faults = [];
  const { calls, messages } = host.log.take();
  for (const { name, json } of calls) secrets.check(name, JSON.stringify(json));
  const { expect } = step;
  if ((expect.ok === undefined) === (expect.error === undefined)) throw new Error("expect says neither or both of ok and error");
  if ("error" in result) {
    if (expect.error === undefined) throw new Error(`refused: ${describe(result.error)}`);
    compareError(story, result.error, expect.error, expect.message);
    if (expect.minted) throw new Error("no token was minted");
  } else {
    const answer = call.json(result.answer);
    if (typeof answer.token === "string") secrets.addToken(answer.token);
    if (step.as !== undefined) names.set(step.as, answer);
    if (expect.error !== undefined) throw new Error(`should be refused: ${expect.error}, found ${JSON.stringify(answer)}`);
    complainOf(mismatch("answer", resolve(expect.ok, names), answer));
    if (expect.minted) compareMinted(expect.minted, answer.token, names);
  }
  compareCalls(expect.calls, calls, names);
  compareMessages(expect.messages ?? [], messages, names);
}

function complainOf(wrong) {
  if (wrong !== undefined) throw new Error(wrong);
}

function describe(error) {
  if (!(error instanceof Error)) return String(error);
  return "code" in error ? `${error.message} (${error.code})` : error.message;
}

function compareError({ library, secrets, kinds }, error, code, parts = []) {
  if (!(error instanceof library.AuthError)) throw new Error(`expected ${code}, found no AuthError: ${describe(error)}`);
  secrets.check("the refusal", `${error.code} ${error.message} ${error.stack} ${describe(error.cause)}`);
  if (error.code !== code) throw new Error(`expected ${code}, found ${describe(error)}`);
  if (kinds && error.kind !== kinds[code]) throw new Error(`${code} is of the kind ${kinds[code]}, found ${error.kind}`);
  const missing = parts.find((part) => !error.message.includes(part));
  if (missing !== undefined) throw new Error(`the message should contain ${JSON.stringify(missing)}, found ${JSON.stringify(error.message)}`);
}

function compareMinted(minted, token, names) {
  if (typeof token !== "string") throw new Error("no token was minted");
  const segments = token.split(".");
  for (const [index, part] of ["header", "claims"].entries()) {
    if (minted[part] === undefined) continue;
    complainOf(mismatch("minted", resolve(minted[part], names), decoded(segments[index])));
  }
}

function decoded(segment) {
  const text = atob(segment.replaceAll("-", "+").replaceAll("_", "/"));
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(text, (letter) => letter.charCodeAt(0))));
}

function compareCalls(expected, calls, names) {
  const wanted = JSON.stringify(expected.map((call) => (typeof call === "string" ? call : call.call)));
  const found = JSON.stringify(calls.map((call) => call.name));
  if (wanted !== found) throw new Error(`calls: expected ${wanted}, found ${found}`);
  for (const [index, call] of expected.entries()) {
    if (typeof call !== "string") complainOf(mismatch(call.call, resolve(call.with, names), calls[index].json));
  }
}

/** All messages, in any order; a disconnect's event and payload are always the same and need not be written down. */
function compareMessages(expected, messages, names) {
  const left = [...messages];
  for (const message of expected) {
    const resolved = resolve(message, names);
    const whole = resolved.kind === "disconnect" ? { event: "disconnect", payload: {}, ...resolved } : resolved;
    const place = left.findIndex((other) => same(whole, other));
    if (place < 0) throw new Error(`messages: expected ${JSON.stringify(whole)}, found ${JSON.stringify(left)}`);
    left.splice(place, 1);
  }
  if (left.length > 0) throw new Error(`messages: not expected: ${JSON.stringify(left)}`);
}

function same(one, other) {
  if (typeof one !== "object" || one === null || typeof other !== "object" || other === null) return one === other;
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => Object.hasOwn(other, name) && same(one[name], other[name]));
}
