// The storage contract for storages in JavaScript: the same cases that every storage in Rust passes (kernel/src/testing/contract),
// compiled to WebAssembly by `cargo xtask js`, over the same ports as the kernel itself.

import { readFileSync } from "node:fs";
import { Buffer, Ports } from "../../dist/esm/core.js";

const folder = new URL("../../../target/wasm/js-contract/", import.meta.url);
const module = new WebAssembly.Module(readFileSync(new URL("kernel.wasm", folder)));

/** An instance of its own: a case that fails traps, and leaves its instance unusable. */
let instances = 0;
async function instance() {
  const glue = await import(`${new URL("glue.js", folder)}?instance=${instances++}`);
  const { memory } = glue.initSync({ module });
  return { Contract: glue.Contract, buffer: new Buffer(memory) };
}

/** The names of all cases. */
export const cases = (await instance()).Contract.cases().split("\n");

/**
 * Runs one case on an empty storage; rejects with what the case says when it fails.
 *
 * @param {string} name one of `cases`
 * @param {import("authkernel").Storage} storage empty
 */
export async function runCase(name, storage) {
  const { Contract, buffer } = await instance();
  const ports = new Ports({ storage, broadcast: undefined, now: undefined, random: undefined }, buffer);
  const contract = new Contract(ports);
  await new Promise((resolve, reject) => {
    const guarded = (step) => {
      try {
        if (step()) resolve();
      } catch (error) {
        reject(new Error(`${name}: ${Contract.panic() || error}`, { cause: error }));
      }
    };
    ports.owner = {
      reserve: (length) => contract.reserve(length),
      settle: (call, length) => guarded(() => contract.settle(call, length)),
    };
    guarded(() => contract.start(name));
  });
}

/**
 * Runs every case as a test of node's runner.
 *
 * @param {(name: string, run: () => Promise<void>) => void} test
 * @param {() => Promise<{ storage: import("authkernel").Storage, close?: () => unknown }>} make an empty storage
 */
export function storageContract(test, make) {
  for (const name of cases) {
    test(name.replaceAll("_", " "), async () => {
      const { storage, close } = await make();
      try {
        await runCase(name, storage);
      } finally {
        await close?.();
      }
    });
  }
}
