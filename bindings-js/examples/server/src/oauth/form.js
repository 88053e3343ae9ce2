// Bodies and headers of OAuth requests: forms (RFC 6749 appendix B) and the client's own credentials (section 2.3.1).

import { readBody } from "../http/body.js";
import { OAuthError } from "./error.js";

/** A form whose parameters are there once each; one without a value is as if omitted (RFC 6749 section 3.1). */
export async function readForm(incoming) {
  const [name] = (incoming.headers["content-type"] ?? "").split(";");
  const bytes = await readBody(incoming);
  if (name.trim().toLowerCase() !== "application/x-www-form-urlencoded") {
    throw OAuthError.invalidRequest("send the header content-type: application/x-www-form-urlencoded");
  }
  const form = new Map();
  // The question mark is what the parser takes away from the beginning of a text.
  for (const [parameter, value] of new URLSearchParams(`?${bytes.toString("utf8")}`)) {
    if (form.has(parameter)) throw OAuthError.invalidRequest("a parameter is there twice");
    form.set(parameter, value);
  }
  for (const [parameter, value] of form) if (value === "") form.delete(parameter);
  return form;
}

/** Who a client says it is, and the secret it proves that with: HTTP Basic, or `client_id` and `client_secret`, never both. */
export function presented(incoming, form) {
  const headers = incoming.headersDistinct.authorization ?? [];
  const id = form.get("client_id");
  const secret = form.get("client_secret");
  if (headers.length === 0) {
    if (secret === undefined) throw OAuthError.invalidClient(true);
    return { id: id ?? "", secret, byHeader: false };
  }
  const byHeader = headers.length === 1 ? basic(headers[0]) : undefined;
  if (byHeader === undefined) throw OAuthError.invalidClient(true);
  if (secret !== undefined) throw OAuthError.invalidRequest("the client authenticates in two ways: choose one");
  if (id !== undefined && id !== byHeader.id) throw OAuthError.invalidRequest("client_id is another one than that of the header");
  return byHeader;
}

/** `Basic base64(id:secret)`, both form-encoded before. */
function basic(header) {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header)?.[1];
  const text = encoded === undefined ? "" : Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { id: decoded(text.slice(0, colon)), secret: decoded(text.slice(colon + 1)), byHeader: true };
}

function decoded(text) {
  // Without `=` and `&` in it, a text is a name without a value.
  const [name] = new URLSearchParams(`?${text.replaceAll("=", "%3D").replaceAll("&", "%26")}`).keys();
  return name ?? "";
}
