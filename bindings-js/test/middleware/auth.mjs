// The real authenticator over memory storage, for every framework's test.

import { once } from "node:events";
import { createServer, request } from "node:http";
import { createAuthenticator } from "authkernel";
import { memoryStorage } from "authkernel/storage/memory";

export const POLICY = {
  issuer: "https://app.example",
  audience: ["app"],
  purposes: {
    user: { lifetime: "14d", store: true, presence: "required", opens_sockets: true },
    api: { lifetime: "1h", store: true, presence: "required" },
  },
  live_socket_id_template: "users_sessions:{sid}",
  endpoints: ["web"],
};

export const KEYS = { keys: [{ kty: "oct", kid: "k1", alg: "HS256", k: "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldCE" }] };

export async function authenticator() {
  const auth = await createAuthenticator({ policy: POLICY, keys: KEYS, storage: memoryStorage() });
  const issue = async (purpose = "user") => (await auth.issue({ subject: "alice", purpose })).token;
  const dead = await issue();
  await auth.revoke(dead);
  return { auth, good: await issue(), dead, api: await issue("api") };
}

export const bearer = (token) => ({ authorization: `Bearer ${token}` });
export const cookie = (token, more = {}) => ({ cookie: `theme=dark; authkernel_session=${token}`, ...more });

/** Every request that a guard must decide in the same way, whatever framework it stands in; `origin` is the server's own. */
export function cases({ good, dead, api }, origin) {
  return [
    ["a token", bearer(good), 200],
    ["a token, the scheme in another case", { authorization: `bEARER  ${good}` }, 200],
    ["a cookie, from a client that is no browser", cookie(good), 200],
    ["a cookie, from this origin", cookie(good, { origin, "sec-fetch-site": "same-origin" }), 200],
    ["a cookie, from the address bar", cookie(good, { "sec-fetch-site": "none" }), 200],
    ["nothing", {}, 401, "credential_missing"],
    ["a dead token", bearer(dead), 401, "token_revoked"],
    ["a dead cookie", cookie(dead), 401, "token_revoked"],
    ["nonsense", bearer("nonsense"), 401, "token_malformed"],
    ["another purpose", bearer(api), 401, "purpose_not_allowed"],
    ["another scheme", { authorization: `Basic ${good}` }, 401, "authorization_invalid"],
    ["two tokens in one header", { authorization: `Bearer ${good} ${good}` }, 401, "authorization_invalid"],
    ["a bad header is not replaced by a good cookie", cookie(good, bearer(dead)), 401, "token_revoked"],
    ["an empty header is not replaced by a good cookie", cookie(good, { authorization: "" }), 401, "authorization_invalid"],
    ["two cookies", cookie(`${good}; authkernel_session=${dead}`), 401, "credential_ambiguous"],
    ["an empty cookie", cookie(""), 401, "credential_missing"],
    ["a cookie, from another origin", cookie(good, { origin: "https://evil.example" }), 403, "origin_refused"],
    ["a cookie, from another scheme", cookie(good, { origin: origin.replace("http:", "https:") }), 403, "origin_refused"],
    ["a cookie, from another port", cookie(good, { origin: "http://127.0.0.1:1" }), 403, "origin_refused"],
    ["a cookie, from an origin without a name", cookie(good, { origin: "null" }), 403, "origin_refused"],
    ["a cookie, from a subdomain", cookie(good, { "sec-fetch-site": "same-site" }), 403, "origin_refused"],
    ["a token, from another origin: nothing that a browser adds by itself", { ...bearer(good), origin: "https://evil.example" }, 200],
  ];
}

/** A request as it is written, without what `fetch` adds or forbids. */
export function get(url, headers) {
  return new Promise((resolve, reject) => {
    const call = request(url, { headers, agent: false }, async (response) => {
      let text = "";
      for await (const part of response) text += part;
      resolve({ status: response.statusCode, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) });
    });
    call.on("error", reject);
    call.end();
  });
}

export async function listen(handler) {
  const server = createServer(handler).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, origin: `http://127.0.0.1:${server.address().port}`, stop: () => (server.close(), server.closeAllConnections()) };
}
