// How values look on both sides: in the library (camelCase, absent fields left out) and in vectors (the names of WIT with
// underscores, absent fields null). A shape converts both ways and says what does not fit.

const show = (value) => {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
};

const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

const wrong = (path, expected, value) => new Error(`${path}: expected ${expected}, found ${show(value)}`);

function leaf(name, fits) {
  return {
    toJson(value, path) {
      if (!fits(value)) throw wrong(path, name, value);
      return value;
    },
    toLibrary: (json) => json,
  };
}

export const text = leaf("a text", (value) => typeof value === "string");
export const whole = leaf("a whole number", (value) => Number.isSafeInteger(value) && value >= 0);
export const flag = leaf("true or false", (value) => typeof value === "boolean");
/** An object of the application's own, whose names nobody changes. */
export const free = leaf("an object", (value) => typeof value === "object" && value !== null && !Array.isArray(value));
/** Anything; arguments that the vectors make wrong on purpose. */
export const anything = leaf("anything", () => true);

/** The text of a JSON object in the library, the object in vectors: two hosts may order the members of the text differently. */
export const jsonText = {
  toJson: (value, path) => JSON.parse(text.toJson(value, path)),
  toLibrary: (json) => JSON.stringify(json),
};

export const optional = (shape) => ({ ...shape, optional: true });

export const list = (shape) => ({
  toJson(value, path, strict) {
    if (!Array.isArray(value)) throw wrong(path, "an array", value);
    return value.map((element, index) => shape.toJson(element, `${path}[${index}]`, strict));
  },
  toLibrary: (json) => json.map((element) => shape.toLibrary(element)),
});

/**
 * An object with these members. `strict` is how ports are given theirs: no member that WIT does not know, and what is absent is left
 * out, neither null nor undefined.
 */
export const record = (members) => ({
  members,
  toJson(value, path, strict) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(path, "an object", value);
    if (strict) {
      const known = Object.keys(members).map(camel);
      const stranger = Object.keys(value).find((name) => !known.includes(name));
      if (stranger !== undefined) throw new Error(`${path}.${stranger}: there is no such field`);
    }
    return Object.fromEntries(
      Object.entries(members).map(([name, shape]) => {
        const key = camel(name);
        const member = value[key];
        if (!shape.optional || (member !== undefined && member !== null)) return [name, shape.toJson(member, `${path}.${key}`, strict)];
        if (strict && key in value) throw new Error(`${path}.${key}: an absent field is to be left out, found ${show(member)}`);
        return [name, null];
      }),
    );
  },
  toLibrary(json) {
    const stranger = Object.keys(json).find((name) => !Object.hasOwn(members, name));
    if (stranger !== undefined) throw new Error(`there is no field ${stranger}`);
    return Object.fromEntries(
      Object.entries(json)
        .filter(([, member]) => member !== null && member !== undefined)
        .map(([name, member]) => [camel(name), members[name].toLibrary(member)]),
    );
  },
});

/** One of these: a name alone, or an object whose one member is the case. */
export const variant = (cases) => ({
  toJson(value, path, strict) {
    if (typeof value === "string" && Object.hasOwn(cases, value) && cases[value] === null) return value;
    const name = typeof value === "object" && value !== null ? Object.keys(value)[0] : undefined;
    if (name === undefined || Object.keys(value).length !== 1 || !cases[name]) throw wrong(path, `one of ${Object.keys(cases)}`, value);
    return { [name]: cases[name].toJson(value[name], `${path}.${name}`, strict) };
  },
  toLibrary(json) {
    if (typeof json === "string") return json;
    const [name] = Object.keys(json);
    return { [name]: cases[name].toLibrary(json[name]) };
  },
});
