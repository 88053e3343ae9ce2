// Compares what came with what a vector expects, and puts names' values into texts.

/**
 * What is wrong with `actual`, if it does not have what `expected` asks for; `undefined` when nothing is. Objects may have more members
 * than are asked for; arrays must have the same length. The patterns are those of tests/README.md.
 */
export function mismatch(path, expected, actual) {
  const found = actual ?? null;
  const complain = () => `${path}: expected ${JSON.stringify(expected)}, found ${JSON.stringify(found)}`;
  if (typeof expected === "string" && expected.startsWith("$")) {
    const pattern = patterns[expected];
    if (!pattern) return `${path}: there is no pattern ${expected}`;
    return pattern(found) ? undefined : complain();
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(found) || found.length !== expected.length) return complain();
    return first(expected.keys(), (index) => mismatch(`${path}[${index}]`, expected[index], found[index]));
  }
  if (isObject(expected)) return mismatchOfObject(path, expected, actual, found, complain);
  return expected === found ? undefined : complain();
}

const patterns = {
  $id: (found) => typeof found === "string" && /^[a-z2-7]{26}$/.test(found),
  $text: (found) => typeof found === "string" && found !== "",
  $any: (found) => found !== null,
  $none: (found) => found === null,
};

function mismatchOfObject(path, expected, actual, found, complain) {
  const names = Object.keys(expected);
  const [only] = names.length === 1 ? names : [];
  if (only === "$has") return typeof found === "string" && found.includes(expected.$has) ? undefined : complain();
  if (only === "$not") return mismatch(path, expected.$not, actual) === undefined ? complain() : undefined;
  if (only === "$only" && isObject(expected.$only)) {
    if (!isObject(found)) return complain();
    const stranger = Object.keys(found).find((name) => !Object.hasOwn(expected.$only, name));
    return stranger === undefined ? mismatch(path, expected.$only, actual) : `${path}.${stranger}: expected nothing`;
  }
  if (!isObject(found)) return complain();
  return first(names, (name) => mismatch(`${path}.${name}`, expected[name], Object.hasOwn(found, name) ? found[name] : null));
}

function first(items, look) {
  for (const item of items) {
    const answer = look(item);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Puts the values of names into a value: `@{name.field}` inside a text; a text that is nothing else becomes the value itself.
 * `names` is a Map: composed tokens and the answers of earlier steps.
 */
export function resolve(value, names) {
  if (typeof value === "string") return resolveText(value, names);
  if (Array.isArray(value)) return value.map((element) => resolve(element, names));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, resolve(member, names)]));
}

function resolveText(text, names) {
  const whole = /^@\{([^}]*)\}$/.exec(text);
  if (whole) return lookUp(whole[1], names);
  return text.replace(/@\{([^}]*)\}/g, (_, path) => {
    const value = lookUp(path, names);
    if (typeof value === "string" || typeof value === "number") return String(value);
    throw new Error(`@{${path}} is ${JSON.stringify(value)}, which has no place in a text`);
  });
}

function lookUp(path, names) {
  const [name, ...parts] = path.split(".");
  if (!names.has(name)) throw new Error(`nothing has the name ${name}`);
  return parts.reduce((value, part) => {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) throw new Error(`@{${path}} leads nowhere`);
    return value[part];
  }, names.get(name));
}
