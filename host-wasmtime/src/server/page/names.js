// Names for devices and for demo accounts.

const DEVICES = ["Laptop", "Phone", "Tablet", "Desktop", "Work laptop", "Television", "Watch"];

/** The password of every demo account. It is no secret: whoever knows the address of one may use it. */
export const DEMO_PASSWORD = "open-to-everybody";

/** The address of a new demo account. */
export function demoEmail() {
  const bytes = crypto.getRandomValues(new Uint8Array(5));
  return `demo-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}@example.com`;
}

/** Whether an address is a demo account's. */
export function isDemo(email) {
  return /^demo-[0-9a-f]{10}@example\.com$/.test(email);
}

/** What to call this tab when nobody said. */
export function firstDevice() {
  return matchMedia("(pointer: coarse) and (max-width: 600px)").matches ? "Phone" : "Laptop";
}

/** A name that is not among `taken`. */
export function nextDevice(taken) {
  const free = DEVICES.find((name) => !taken.has(name));
  if (free) return free;
  let number = taken.size + 1;
  while (taken.has(`Device ${number}`)) number += 1;
  return `Device ${number}`;
}

/** What the tab that opened this one handed over in the fragment: an address and a name, nothing secret. */
export function handedOver() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return { email: given.get("email") ?? "", device: given.get("device") ?? "" };
}

/** The address of the page for another device of this account. */
export function handOver(email, device) {
  return `/#${new URLSearchParams({ email, device })}`;
}
