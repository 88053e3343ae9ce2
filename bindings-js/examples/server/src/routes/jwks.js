// `GET /.well-known/jwks.json`

/** The public keys that tokens of this server verify with. Others may keep them for a while: a new one is found by its id. */
export function jwks({ app, incoming }) {
  const { text, tag } = app.keys.public();
  const headers = { "cache-control": "public, max-age=300", etag: tag };
  const known = (incoming.headers["if-none-match"] ?? "").split(",").map((one) => one.trim().replace(/^(?:W\/)+/, ""));
  if (known.includes("*") || known.includes(tag)) return new Response(null, { status: 304, headers });
  // RFC 7517 section 8.5.2
  return new Response(text, { headers: { ...headers, "content-type": "application/jwk-set+json" } });
}
