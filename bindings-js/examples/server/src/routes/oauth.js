// `POST /oauth/revoke` (RFC 7009) and `POST /oauth/introspect` (RFC 7662)

import { AuthError } from "authkernel";
import { Refusal } from "../errors.js";
import { OAuthError } from "../oauth/error.js";
import { readForm } from "../oauth/form.js";
import { serviceOf } from "../oauth/service.js";

/** Errors in OAuth's own format. */
const inItsFormat = (handle) => async (request) => {
  try {
    return await handle(request);
  } catch (error) {
    throw OAuthError.of(error);
  }
};

/**
 * Ends the session of a token. A token that is unknown, dead or forged ends nothing, and is answered alike (RFC 7009 section 2.2).
 * `token_type_hint` makes no difference.
 */
export const revoke = inItsFormat(async ({ app, incoming, client }) => {
  const { service, form } = await serviceOf(app, { client, incoming, permission: "revoke", form: readForm });
  const token = tokenOf(form);
  const event = { action: "oauth_revoke", actor: service.id, selector: "this", reason: "signed_out", address: client.address };
  try {
    app.audit.report(event, await app.auth.revoke({ token }, { scope: "session", tenant: service.tenant }));
  } catch (error) {
    const refusal = Refusal.of(error);
    app.audit.refused(event, refusal);
    if (refusal.kind !== "denied" && refusal.kind !== "not_found") throw refusal;
  }
  return Response.json({});
});

/**
 * Says whether a token may be used now, by the same decision as everywhere else, and who it is. Whatever is not active is exactly
 * `{"active": false}`: also a token that is used up when it is used, on whose looks nobody may act.
 */
export const introspect = inItsFormat(async ({ app, incoming, client }) => {
  const { service, form } = await serviceOf(app, { client, incoming, permission: "introspect", form: readForm });
  try {
    const identity = await app.auth.authenticate(tokenOf(form), { purposes: app.policy.purposes, tenant: service.tenant });
    return Response.json(describe(app, identity));
  } catch (error) {
    if (error instanceof AuthError && error.kind === "denied") return Response.json({ active: false });
    throw error;
  }
});

function tokenOf(form) {
  const token = form.get("token");
  if (token === undefined) throw OAuthError.invalidRequest("the parameter token is missing");
  return token;
}

/** RFC 7662 section 2.2; extra claims beside them, under their own names where these are free. */
function describe(app, { claims, tenant, subject, jti, sid, purpose, issuedAt, expiresAt }) {
  const known = {
    active: true,
    token_type: "Bearer",
    iss: app.policy.issuer,
    sub: subject,
    jti,
    sid,
    purpose,
    iat: issuedAt,
    exp: expiresAt,
  };
  return { ...claims, ...known, ...(tenant === undefined ? {} : { tenant }) };
}
