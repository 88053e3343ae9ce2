// Who sends a request, as far as the network knows.

import { isIP, isIPv6 } from "node:net";

/** The client's address: the connection's, or what the operator's proxy wrote; and what counts as one client when tries are counted. */
export function clientOf(incoming, header) {
  const told = header === undefined ? undefined : last(incoming.headersDistinct[header]);
  const address = canonical(told ?? incoming.socket.remoteAddress ?? "0.0.0.0");
  return { address, key: network(address) };
}

/** The last address of a list header: the one that the nearest proxy wrote. */
function last(lines) {
  const entry = lines?.at(-1)?.split(",").at(-1)?.trim() ?? "";
  return isIP(entry) === 0 ? undefined : entry;
}

/** An IPv4 address that came as IPv6 is the IPv4 address. */
function canonical(address) {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

/** An IPv4 address, or the /64 that an IPv6 client owns. */
export function network(address) {
  if (!isIPv6(address)) return address;
  const [head, tail] = address.replace(/%.*$/, "").split("::");
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  // The last group may be an IPv4 address, which stands for two.
  const given = groups.length + rest.length + (rest.at(-1)?.includes(".") ? 1 : 0);
  const all = tail === undefined ? groups : [...groups, ...Array.from({ length: 8 - given }, () => "0"), ...rest];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":");
}
