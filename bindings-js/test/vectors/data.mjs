// What every runtime is handed: the vectors, the fixtures, and the kind of each code as the kernel has it.

import { readdirSync, readFileSync } from "node:fs";
import { kernelCodes } from "../equality/sources.mjs";

const folder = new URL("../../../tests/vectors/", import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, folder), "utf8"));

export function vectorData() {
  const names = readdirSync(folder).filter((name) => name.endsWith(".json") && !["schema.json", "fixtures.json"].includes(name));
  const kinds = Object.fromEntries(kernelCodes().map(({ code, kind }) => [code, kind]));
  return { files: names.sort().map(read), fixtures: read("fixtures.json"), kinds };
}
