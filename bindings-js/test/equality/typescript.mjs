// The types of `js/host.ts`, `js/requests.ts` and `js/errors.ts` as shapes, as TypeScript's own compiler understands them.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { array, object, union } from "./shapes.mjs";

const folder = fileURLToPath(new URL("../../js/", import.meta.url));
const options = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ["lib.es2023.d.ts", "lib.dom.d.ts", "lib.esnext.disposable.d.ts"],
  strict: true,
  types: [],
  noEmit: true,
};

/** Library files are parsed once, whatever the number of programs. */
const parsed = new Map();

export class TypeScriptShapes {
  #checker;
  #exports = new Map();

  /** `changed` maps names such as `host.ts` to a text that stands for the file's. */
  constructor(changed = {}) {
    const texts = new Map(Object.entries(changed).map(([name, text]) => [folder + name, text]));
    const host = ts.createCompilerHost(options);
    const read = host.readFile.bind(host);
    host.readFile = (name) => texts.get(name) ?? read(name);
    const getSourceFile = host.getSourceFile.bind(host);
    host.getSourceFile = (name, ...rest) => {
      if (texts.has(name)) return getSourceFile(name, ...rest);
      if (!parsed.has(name)) parsed.set(name, getSourceFile(name, ...rest));
      return parsed.get(name);
    };
    const roots = ["host.ts", "requests.ts", "errors.ts"].map((name) => folder + name);
    const program = ts.createProgram(roots, options, host);
    this.#checker = program.getTypeChecker();
    for (const root of roots) {
      const module = this.#checker.getSymbolAtLocation(program.getSourceFile(root));
      for (const symbol of this.#checker.getExportsOfModule(module)) this.#exports.set(symbol.name, symbol);
    }
  }

  /** The names of every exported type. */
  names() {
    return [...this.#exports.entries()].filter(([, symbol]) => symbol.flags & ts.SymbolFlags.Type).map(([name]) => name);
  }

  /** The shape of an exported type. */
  declared(name) {
    return this.#of(this.#type(name)).shape;
  }

  /** The shape of one member of an exported type. */
  member(name, member) {
    return this.#of(this.#checker.getTypeOfSymbol(this.#checker.getPropertyOfType(this.#type(name), member))).shape;
  }

  /** The methods of an exported interface: name → `{ parameters, result, promised }`. */
  methods(name) {
    const properties = this.#checker.getPropertiesOfType(this.#type(name));
    const methods = properties.filter((it) => it.flags & ts.SymbolFlags.Method && !it.name.startsWith("__@"));
    return new Map(methods.map((method) => [method.name, this.#method(method)]));
  }

  #method(symbol) {
    const [signature, ...others] = this.#checker.getSignaturesOfType(this.#checker.getTypeOfSymbol(symbol), ts.SignatureKind.Call);
    if (others.length > 0) throw new Error(`${symbol.name} has overloads`);
    const parameters = signature.parameters.map((it) => this.#of(this.#checker.getTypeOfSymbol(it)).shape);
    const parts = this.#parts(signature.getReturnType());
    const promise = parts.find((part) => /^Promise(Like)?$/.test(part.symbol?.name ?? ""));
    if (!promise) return { parameters, result: this.#of(signature.getReturnType()).shape, promised: "never" };
    const [promised] = this.#checker.getTypeArguments(promise);
    const rest = parts.filter((part) => part !== promise && !(part.flags & ts.TypeFlags.Undefined));
    const result = this.#of(promised).shape;
    if (rest.length === 0) return { parameters, result, promised: "always" };
    const atOnce = union(rest.map((part) => this.#of(part).shape));
    if (atOnce !== result) throw new Error(`${symbol.name} answers ${atOnce} at once and promises ${result}`);
    return { parameters, result, promised: "maybe" };
  }

  #type(name) {
    const symbol = this.#exports.get(name);
    if (!symbol) throw new Error(`TypeScript has no type ${name}`);
    return this.#checker.getDeclaredTypeOfSymbol(symbol);
  }

  #parts(type) {
    return type.isUnion() ? type.types : [type];
  }

  #members(type) {
    return this.#checker.getPropertiesOfType(type).map((property) => {
      const { shape, absent } = this.#of(this.#checker.getTypeOfSymbol(property));
      return [property.name, { shape, optional: absent || (property.flags & ts.SymbolFlags.Optional) !== 0 }];
    });
  }

  /** A type's shape, and whether it may be absent. */
  #of(type) {
    const isAbsent = (part) => (part.flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Null)) !== 0;
    const parts = this.#parts(type);
    const present = parts.filter((part) => !isAbsent(part));
    const shapes = present.map((part) => this.#present(part));
    return { shape: union(shapes), absent: present.length < parts.length };
  }

  #present(type) {
    const { flags } = type;
    if (flags & ts.TypeFlags.Void) return "nothing";
    if (flags & ts.TypeFlags.StringLiteral) return `'${type.value}'`;
    if (flags & ts.TypeFlags.String) return "text";
    if (flags & ts.TypeFlags.Number) return "number";
    if (flags & ts.TypeFlags.BooleanLike) return "bool";
    // The application's own claims: a parameter of the type, or any object.
    if (flags & ts.TypeFlags.TypeParameter || type.aliasSymbol?.name === "Partial") return "json";
    if (!(flags & ts.TypeFlags.Object)) throw new Error(`no shape for ${this.#checker.typeToString(type)}`);
    if (this.#checker.isArrayType(type)) {
      return array(this.#of(this.#checker.getTypeArguments(type)[0]).shape);
    }
    if (type.symbol?.name === "AuthError") return "error";
    const index = this.#checker.getIndexInfoOfType(type, ts.IndexKind.String);
    if (index) return index.type.flags & ts.TypeFlags.Never ? "{}" : "json";
    return object(this.#members(type));
  }
}

/** The text of a source file. */
export function sourceText(name) {
  return readFileSync(folder + name, "utf8");
}
