// Values of the component as jco has them (u64 as BigInt, variants as { tag, val }, enums with hyphens) and as the npm package has them.

/** Every field and every case that is a u64 in WIT. */
const wide = new Set(
  ("issuedAt expiresAt createdAt lastSeen endsAt at epoch below forgetAt due pending won lifetime issuedBefore changedAt verifiedAt " +
    "unexpiredAfter leaseUntil before guard").split(" "),
);

/** Fields whose value is a variant. */
const variants = new Set(["status", "notify", "target", "scope"]);

const largest = (1n << 64n) - 1n;

/** From the component to the library; what is absent is left out. */
export function fromComponent(value) {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(fromComponent);
  if (typeof value !== "object" || value === null) return value;
  if (typeof value.tag === "string") {
    const name = value.tag.replaceAll("-", "_");
    return value.val === undefined ? name : { [name]: fromComponent(value.val) };
  }
  const present = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(present.map(([name, member]) => [name, fromComponent(member)]));
}

/** From the library to the component; `field` is the name of what is converted. */
export function toComponent(value, field) {
  if (value === undefined || value === null) return undefined;
  if (variants.has(field)) return toVariant(value);
  if (typeof value === "number") return wide.has(field) ? toWide(value) : value;
  if (Array.isArray(value)) return value.map((element) => (field === "cutOffs" ? toVariant(element) : toComponent(element)));
  if (typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toComponent(member, name)]));
}

export function toVariant(value) {
  if (typeof value === "string") return { tag: value };
  const [[tag, val]] = Object.entries(value);
  return { tag, val: toComponent(val, tag) };
}

function toWide(number) {
  const wide = BigInt(number);
  return wide > largest ? largest : wide;
}
