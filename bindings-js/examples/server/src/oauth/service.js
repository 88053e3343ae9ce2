// Which configured client sends a request, and whether it may.

import { Refusal } from "../errors.js";
import { OAuthError } from "./error.js";
import { presented } from "./form.js";

/**
 * The client of a request. Without configured clients the route is not there; wrong secrets are counted as wrong passwords are. `form` reads
 * the form; the rest of the body is the route's.
 */
export async function serviceOf(app, { client, incoming, permission, form: read }) {
  if (app.clients === undefined) throw Refusal.because("not_found");
  const form = await read(incoming);
  const { id, secret, byHeader } = presented(incoming, form);
  const giveBack = app.tries.signIn(client, `client ${id}`);
  const service = app.clients.authenticate(id, secret);
  if (service === undefined) throw OAuthError.invalidClient(byHeader);
  giveBack();
  if (!service.may.includes(permission)) throw OAuthError.unauthorizedClient();
  return { service, form };
}
