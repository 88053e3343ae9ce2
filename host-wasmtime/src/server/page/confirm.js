// Asks before devices are signed out: the dialog says how many it will be, as the server's dry run counts them.

import { byId, element, showError } from "./dom.js";
import { sentence } from "./format.js";

/**
 * Asks. `preview` answers the sentence to show, `devices` are names, `offerSelf` shows the choice about this tab's own
 * connection. Answers `{ disconnectSelf }`, or `null` when the person
 * thought better of it.
 */
export function confirm({ title, yes, devices, preview, offerSelf = false }) {
  const dialog = byId("confirm");
  byId("confirm-title").textContent = title;
  byId("confirm-yes").textContent = yes;
  byId("confirm-preview").textContent = "Counting…";
  byId("confirm-devices").replaceChildren(...devices.map((name) => element("li", {}, name)));
  byId("confirm-self").hidden = !offerSelf;
  byId("confirm-self-box").checked = false;
  showError("confirm-error");

  preview().then(
    (text) => (byId("confirm-preview").textContent = text),
    (error) => {
      byId("confirm-preview").textContent = "";
      showError("confirm-error", sentence(error.message));
    },
  );

  return new Promise((resolve) => {
    const close = (answer) => {
      byId("confirm-yes").onclick = null;
      byId("confirm-no").onclick = null;
      dialog.onclose = null;
      if (dialog.open) dialog.close();
      resolve(answer);
    };
    byId("confirm-yes").onclick = () => close({ disconnectSelf: byId("confirm-self-box").checked });
    byId("confirm-no").onclick = () => close(null);
    dialog.onclose = () => close(null);
    dialog.showModal();
    byId("confirm-yes").focus();
  });
}

/** Closes the dialog as if the person had said no: the question is void. */
export function withdraw() {
  if (byId("confirm").open) byId("confirm").close();
}
