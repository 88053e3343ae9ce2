// What the documentation shows is real: every block of code of the READMEs, and every `@example` of the package's declarations, imports
// only what the package exports, and compiles. Names that the text leaves to the reader may be missing; nothing else may.

import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { here } from "../project.mjs";

const root = join(here, "..", "..");

/**
 * Messages about what the reader supplies: names that are not found, also in shorthand; `return` outside of a function; parameters
 * without a type; type arguments for modules of others, which are not here.
 */
const reader = new Set([2304, 2552, 2580, 2582, 2591, 2868, 18004, 1108, 7006, 7031, 2347, 2635]);

export function checks({ workshop }) {
  return [
    {
      name: "documentation: what is not there would be found",
      run: async () => {
        const wrong = {
          "no export": 'import { nothingOfTheKind } from "authkernel";',
          "no entry": 'import { memoryStorage } from "authkernel/storage/nowhere";',
          "no field": 'import { createAuthenticator } from "authkernel";\ncreateAuthenticator({ policy, keys, storage, brodcast: 1 });',
        };
        const blocks = Object.entries(wrong).map(([name, code]) => ({ name, code }));
        const found = await complaintsOf(workshop, "wrong", blocks);
        const missed = Object.keys(wrong).filter((name) => !found.some((line) => line.startsWith(`${name}: `)));
        if (missed.length > 0) throw new Error(`nobody saw that there is ${missed}`);
      },
    },
    {
      name: "documentation: blocks of code in the READMEs",
      run: async () => {
        const files = ["README.md", "bindings-js/README.md"].filter((file) => existsSync(join(root, file)));
        const blocks = files.flatMap((file) => markdownBlocks(file, readFileSync(join(root, file), "utf8")));
        await compile(workshop, "readme", blocks);
        if (!files.includes("bindings-js/README.md")) throw new Error("bindings-js/README.md is not there");
        if (!blocks.some(({ code }) => code.includes('from "authkernel"'))) throw new Error("no block imports the package");
      },
    },
    {
      name: "documentation: examples of the declarations; every function and class has one",
      run: async () => {
        const folder = join(here, "..", "dist", "esm");
        const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".d.ts"));
        const blocks = files.flatMap((file) => exampleBlocks(file, readFileSync(join(folder, file), "utf8")));
        if (blocks.length === 0) throw new Error("there are no examples");
        await compile(workshop, "examples", blocks);
      },
    },
  ];
}

function markdownBlocks(file, text) {
  const blocks = [...text.matchAll(/^```(ts|typescript|js|javascript|mjs)\b[^\n]*\n([\s\S]*?)^```/gm)];
  return blocks.map(([, , code], index) => ({ name: `${file}, block ${index + 1}`, code }));
}

function exampleBlocks(file, text) {
  const comments = text.match(/\/\*\*[\s\S]*?\*\//g) ?? [];
  return comments
    .filter((comment) => comment.includes("@example"))
    .flatMap((comment) => markdownBlocks(file, comment.replace(/^\s*\* ?/gm, "")).map((block, index) => ({ ...block, name: `${file}, ${index + 1}` })));
}

async function compile(workshop, name, blocks) {
  const complaints = await complaintsOf(workshop, name, blocks);
  if (complaints.length > 0) throw new Error(complaints.join("\n"));
  console.log(`     ${blocks.length} blocks`);
}

/** What the compiler says of the blocks, one line each. */
async function complaintsOf(workshop, name, blocks) {
  const cwd = await workshop.project(name, [], { type: "module" });
  for (const library of ["@types", ...typed]) symlinkSync(join(here, "node_modules", library), join(cwd, "node_modules", library));
  const files = blocks.map(({ code }, index) => {
    const file = join(cwd, `block${index}.ts`);
    writeFileSync(file, `${code}\nexport {};\n`);
    return file;
  });
  const foreign = join(cwd, "foreign.d.ts");
  writeFileSync(foreign, foreignModules(blocks));
  const entries = publicEntries(join(cwd, "node_modules", "authkernel", "dist", "esm"));
  const program = ts.createProgram([...files, ...entries, foreign], {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
    types: ["node"],
    typeRoots: [join(cwd, "node_modules", "@types")],
    strict: true,
    noImplicitAny: false,
    noEmit: true,
    skipLibCheck: true,
  });
  const complaints = ts
    .getPreEmitDiagnostics(program)
    .filter(({ code }) => !reader.has(code))
    .map(({ file, messageText }) => {
      const index = files.indexOf(file?.fileName ?? "");
      return `${blocks[index]?.name ?? file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
    });
  return [...complaints, ...withoutExample(program, entries)];
}

/** The declarations that an application can import. */
function publicEntries(folder) {
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith(".d.ts"));
  const meant = /^(entrypoints\/(node|slim)|(storage|broadcast|sockets|middleware)\/[\w-]+|client\/index)\.d\.ts$/;
  return files.filter((file) => meant.test(file)).map((file) => join(folder, file));
}

/** Libraries whose types decide those of our own functions. */
const typed = ["hono", "@hono"];

/** Other modules are not installed here: whatever is imported from them may be anything. */
function foreignModules(blocks) {
  const names = blocks.flatMap(({ code }) => [...code.matchAll(/(?:from|import)\s+"([^".][^"]*)"/g)].map(([, name]) => name));
  const foreign = [...new Set(names)].filter((name) => !/^(authkernel|node:|ws$|@?hono(\/|$))/.test(name));
  return foreign.map((name) => `declare module "${name}";\n`).join("");
}

/** Every function and class that an entry exports shows how it is used. */
function withoutExample(program, entries) {
  const checker = program.getTypeChecker();
  return entries.flatMap((entry) => {
    const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)));
    return symbols
      .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol))
      .filter((symbol) => symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class))
      .filter((symbol) => !symbol.getJsDocTags().some(({ name }) => name === "example"))
      .map((symbol) => `${entry.split("/dist/esm/")[1]}: ${symbol.name} has no @example`);
  });
}
