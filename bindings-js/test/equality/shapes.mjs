// One way of writing types down for both sides: `text`, `number`, `bool`, `json`, `error`, `T[]`, `{ a: T, b?: T }` in the order of
// names, and unions of cases. Equal texts are equal types, names included.

export const camel = (name) => name.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
const snake = (name) => name.replaceAll("-", "_");

/** Members: `[name, { shape, optional }]`. */
export function object(members) {
  const sorted = [...members].sort(([one], [other]) => (one < other ? -1 : 1));
  return `{ ${sorted.map(([name, { shape, optional }]) => `${name}${optional ? "?" : ""}: ${shape}`).join(", ")} }`;
}

export function union(shapes) {
  return [...new Set(shapes.flatMap(cases))].sort().join(" | ");
}

/** The cases of a union; the shape itself when it is none. */
function cases(shape) {
  const found = [""];
  let depth = 0;
  for (const part of shape.split(/([{}()]| \| )/)) {
    if (part === "{" || part === "(") depth += 1;
    if (part === "}" || part === ")") depth -= 1;
    if (part === " | " && depth === 0) found.push("");
    else found[found.length - 1] += part;
  }
  return found;
}

export function array(shape) {
  return cases(shape).length > 1 ? `(${shape})[]` : `${shape}[]`;
}

const simple = {
  string: "text",
  bool: "bool",
  u32: "number",
  u64: "number",
};

/** The types of WIT as shapes, in camelCase. */
export class WitShapes {
  #types;

  constructor(interfaces) {
    this.#types = new Map([...interfaces.values()].flatMap(({ types }) => [...types]));
    // Both ports have an error of their own; the one that a record can have is the kernel's.
    this.#types.set("error", { kind: "error" });
  }

  /** The shape of a declared type. */
  declared(name) {
    const type = this.#types.get(name);
    if (!type) throw new Error(`WIT has no type ${name}`);
    switch (type.kind) {
      case "error":
        return "error";
      case "alias":
        return name === "json-object" ? "json" : this.of(type.type);
      case "record":
        return object(this.members(name));
      case "enum":
        return union(type.names.map((it) => `'${snake(it)}'`));
      case "variant":
        return union(type.cases.map(([it, payload]) => this.case(it, payload)));
    }
  }

  /** The members of a record. */
  members(name) {
    const members = this.#types.get(name).fields.map(([field, type]) => [camel(field), this.member(type)]);
    // A stored record keeps its extra claims as text, in TypeScript as well.
    return members.map(([field, member]) => [field, field === "extraData" ? { ...member, shape: "text" } : member]);
  }

  member(type) {
    return type.name === "option" ? { shape: this.of(type.given[0]), optional: true } : { shape: this.of(type), optional: false };
  }

  case(name, payload) {
    return payload ? object([[camel(name), { shape: this.of(payload), optional: false }]]) : `'${snake(name)}'`;
  }

  of({ name, given }) {
    if (Object.hasOwn(simple, name)) return simple[name];
    if (name === "list") return array(this.of(given[0]));
    if (name === "result") return given[0].name === "_" ? "nothing" : this.of(given[0]);
    if (name === "option") return `${this.of(given[0])}?`; // Inside a case; a field says it by its name.
    return this.declared(name);
  }
}
