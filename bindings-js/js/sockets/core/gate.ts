import type { MaybePromise } from "../../host.js";
import { checkCredentialOptions, readCredential } from "../../middleware/credential.js";
import type { CredentialOptions, RequestHead } from "../../middleware/credential.js";
import { Refusal } from "../../middleware/refusal.js";
import type { ExtraClaims } from "../../requests.js";
import type { Sockets } from "../index.js";
import type { LiveSocket, OpenOptions } from "./live-socket.js";

/** Which requests may open a connection, and where it is registered. */
export interface GateOptions<Claims extends ExtraClaims = ExtraClaims> extends OpenOptions, CredentialOptions {
  /** The registry. */
  sockets: Sockets<Claims>;
  /**
   * Finds the token of a request, instead of the rule that the credential options belong to: for clients that present it in their own way.
   * It answers the token, or throws a `Refusal`, such as `Refusal.because("credential_missing")`.
   */
  token?: ((head: RequestHead) => MaybePromise<string>) | undefined;
}

/** Checks the options once, and answers what admits a request: it rejects with a {@link Refusal} only. */
export function gate<Claims extends ExtraClaims>(options: GateOptions<Claims>): (head: RequestHead) => Promise<LiveSocket<Claims>> {
  checkGateOptions(options);
  return async (head) => {
    try {
      const token = options.token ? await options.token(head) : (await readCredential(head, options)).token;
      return await options.sockets.open(token, options);
    } catch (error) {
      throw Refusal.of(error);
    }
  };
}

/** @throws TypeError */
export function checkGateOptions<Claims extends ExtraClaims>(
  options: Pick<GateOptions<Claims>, "sockets" | "purposes" | "publicUrl" | "cookie">,
): void {
  if (typeof options?.sockets?.open !== "function") throw new TypeError("sockets must be what createSockets answered");
  if (!Array.isArray(options.purposes) || options.purposes.length === 0) throw new TypeError("purposes must name at least one purpose");
  checkCredentialOptions(options);
}
