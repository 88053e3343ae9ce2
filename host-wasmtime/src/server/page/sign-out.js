// The buttons that sign out: this device, one other, all others, everywhere.

import { request } from "./api.js";
import { confirm } from "./confirm.js";
import { nameOf } from "./devices.js";
import { byId, showError } from "./dom.js";
import { count, sentence } from "./format.js";
import { tab } from "./state.js";

/** Connects the buttons; answers `{ one(session) }` for the rows of the list. */
export function setUpSignOut({ act }) {
  const everywhere = (body) => request("POST", "/api/sign-out-everywhere", { token: tab.session.token, body });

  async function attempt(work) {
    showError("devices-error");
    try {
      await work();
    } catch (error) {
      showError("devices-error", sentence(error.message));
    }
  }

  const one = (session) => attempt(async () => {
    const { token } = tab.session;
    const path = session.current ? "/api/session" : `/api/sessions/${encodeURIComponent(session.sid)}`;
    await act({
      label: session.current ? "Sign out this device" : `Sign out ${nameOf(session)}`,
      sids: [session.sid],
      run: () => request("DELETE", path, { token }),
    });
  });

  byId("sign-out-this").addEventListener("click", () => {
    const { sid, device } = tab.session;
    one({ sid, device, current: true });
  });

  byId("sign-out-others").addEventListener("click", ({ currentTarget }) => attempt(async () => {
    if (currentTarget.getAttribute("aria-disabled") === "true") return;
    const others = tab.sessions.filter(({ current }) => !current);
    const choice = await confirm({
      title: "Sign out all others?",
      yes: "Sign out all others",
      devices: others.map(nameOf),
      preview: async () => said(await everywhere({ keep_current: true, dry_run: true }), "This one stays signed in."),
    });
    if (!choice || tab.phase !== "in") return;
    await act({
      label: "Sign out all others",
      sids: others.map(({ sid }) => sid),
      run: () => everywhere({ keep_current: true }),
    });
  }));

  byId("sign-out-everywhere").addEventListener("click", () => attempt(async () => {
    const choice = await confirm({
      title: "Sign out everywhere?",
      yes: "Sign out everywhere",
      devices: tab.sessions.map(nameOf),
      preview: async () => said(await everywhere({ dry_run: true }), "This one is among them."),
      offerSelf: true,
    });
    if (!choice || tab.phase !== "in") return;
    await act({
      label: "Sign out everywhere",
      sids: tab.sessions.map(({ sid }) => sid),
      run: () => everywhere({ disconnect_self: choice.disconnectSelf }),
      redirects: !choice.disconnectSelf,
    });
  }));

  return { one };
}

function said({ revoked }, more) {
  return `${count(revoked, "device")} will be signed out. ${more}`;
}
