// Reads the WIT of this project: interfaces with records, variants, enums, aliases, functions, and one resource. What it does not know
// is an error, so that nothing is passed over.

/** `Map` of interface name → `{ types, functions }`; a function is `{ parameters: [[name, type]], result }`. */
export function parseWit(texts) {
  return new Map(texts.flatMap((text) => new Parser(text).file()));
}

class Parser {
  #tokens;
  #place = 0;

  constructor(text) {
    const bare = text.replace(/\/\/.*$/gm, "").replace(/@since\([^)]*\)/g, "");
    this.#tokens = bare.match(/%?[a-zA-Z0-9_][a-zA-Z0-9_-]*|->|[{}()<>:;,=./@]/g) ?? [];
  }

  file() {
    const interfaces = [];
    while (this.#place < this.#tokens.length) {
      const word = this.#next();
      if (word === "interface") interfaces.push([this.#name(), this.#interface()]);
      else throw new Error(`unknown in WIT: ${word}`);
    }
    return interfaces;
  }

  #interface() {
    const types = new Map();
    const functions = new Map();
    this.#expect("{");
    while (!this.#take("}")) {
      const word = this.#next();
      if (word === "use") this.#skipPast(";");
      else if (word === "type") types.set(this.#name(), this.#alias());
      else if (word === "record") types.set(this.#name(), { kind: "record", fields: this.#list(() => this.#field()) });
      else if (word === "variant") types.set(this.#name(), { kind: "variant", cases: this.#list(() => this.#case()) });
      else if (word === "enum") types.set(this.#name(), { kind: "enum", names: this.#list(() => this.#name()) });
      else if (word === "resource") this.#resource(functions);
      else functions.set(plain(word), this.#function());
    }
    return { types, functions };
  }

  #resource(functions) {
    this.#name();
    this.#expect("{");
    while (!this.#take("}")) functions.set(this.#name(), this.#function());
  }

  #alias() {
    this.#expect("=");
    const type = this.#type();
    this.#expect(";");
    return { kind: "alias", type };
  }

  #function() {
    this.#expect(":");
    if (this.#peek() === "static") this.#next();
    this.#expect("func");
    this.#expect("(");
    const parameters = [];
    while (!this.#take(")")) {
      parameters.push(this.#field());
      this.#take(",");
    }
    const result = this.#take("->") ? this.#type() : undefined;
    this.#expect(";");
    return { parameters, result };
  }

  #list(item) {
    const items = [];
    this.#expect("{");
    while (!this.#take("}")) {
      items.push(item());
      this.#take(",");
    }
    return items;
  }

  #field() {
    const name = this.#name();
    this.#expect(":");
    return [name, this.#type()];
  }

  #case() {
    const name = this.#name();
    if (!this.#take("(")) return [name, undefined];
    const type = this.#type();
    this.#expect(")");
    return [name, type];
  }

  #type() {
    const name = this.#name();
    const given = [];
    if (this.#take("<")) {
      while (!this.#take(">")) {
        given.push(this.#type());
        this.#take(",");
      }
    }
    return { name, given };
  }

  #name() {
    return plain(this.#next());
  }

  #peek() {
    return this.#tokens[this.#place];
  }

  #next() {
    const token = this.#tokens[this.#place++];
    if (token === undefined) throw new Error("the WIT ends too early");
    return token;
  }

  #take(token) {
    if (this.#peek() !== token) return false;
    this.#place += 1;
    return true;
  }

  #expect(token) {
    const found = this.#next();
    if (found !== token) throw new Error(`expected ${token} in WIT, found ${found}`);
  }

  #skipPast(token) {
    while (this.#next() !== token);
  }
}

function plain(name) {
  return name.replace(/^%/, "");
}
