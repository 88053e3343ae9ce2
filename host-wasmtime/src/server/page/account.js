// Changing the password or the e-mail address: the policy says which devices that signs out.

import { request } from "./api.js";
import { byId, showError } from "./dom.js";
import { sentence } from "./format.js";
import { firstInvalid } from "./sign-in.js";
import { tab } from "./state.js";

/** Connects the two forms; `onEmail(session, email)` is called when the address was changed. */
export function setUpAccount({ act, onEmail }) {
  form("password", async ({ session }) => {
    const current = byId("password-current").value;
    const next = byId("password-new").value;
    await act({
      label: "Change password",
      sids: tab.sessions.filter((other) => !other.current).map(({ sid }) => sid),
      run: () => request("POST", "/api/password", { token: session.token, body: { current, new: next } }),
    });
  });

  form("email", async ({ session }) => {
    const current = byId("email-current").value;
    const email = byId("email-new").value.trim().toLowerCase();
    await act({
      label: "Change e-mail",
      sids: tab.sessions.map(({ sid }) => sid),
      async run() {
        const answer = await request("POST", "/api/email", { token: session.token, body: { current, email } });
        onEmail(session, email);
        return answer;
      },
    });
  });

  function form(name, work) {
    const node = byId(`${name}-form`);
    let busy = false;
    node.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (busy) return;
      const wrong = firstInvalid(node);
      showError(`${name}-error`, wrong);
      if (wrong) return;
      busy = true;
      try {
        await work({ session: tab.session });
        node.reset();
        byId(`${name}-details`).open = false;
        byId(`${name}-details`).firstElementChild.focus();
      } catch (error) {
        showError(`${name}-error`, sentence(error.message));
      } finally {
        busy = false;
      }
    });
  }
}
