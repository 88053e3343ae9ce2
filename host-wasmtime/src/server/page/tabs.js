// What the tabs of this browser tell each other: who is live, what was pressed when, what was closed when.
// It serves the measuring on the page and nothing else; no token or password is ever said here.

const CHANNEL = "authkernel.tabs";

/**
 * Joins the other tabs. `onMessage` gets what they say about the same subject, `onPeers` is called when somebody
 * came, went or changed.
 */
export function joinTabs({ onMessage, onPeers }) {
  const channel = new BroadcastChannel(CHANNEL);
  const id = crypto.randomUUID?.() ?? String(Math.random());
  const peers = new Map();
  let self = { subject: null };

  const post = (message) => channel.postMessage({ ...message, tab: id, subject: message.subject ?? self.subject });

  channel.onmessage = ({ data }) => {
    if (typeof data !== "object" || data === null) return;
    if (data.type === "who") {
      if (self.subject) post({ type: "here", ...self });
    } else if (data.type === "here") {
      peers.set(data.tab, { subject: data.subject, sid: data.sid, device: data.device, live: data.live === true });
      onPeers();
    } else if (data.type === "gone") {
      if (peers.delete(data.tab)) onPeers();
    } else if (data.subject) {
      onMessage(data);
    }
  };

  addEventListener("pagehide", () => post({ type: "gone" }));
  channel.postMessage({ type: "who", tab: id });

  return {
    /** Says who this tab is: `{ subject, sid, device, live }`, or nobody any more. */
    announce(who) {
      self = who ?? { subject: null };
      if (who) post({ type: "here", ...who });
      else post({ type: "gone" });
    },

    /** Tells the other tabs something. */
    post,

    /** How many live connections the tabs of this browser have, this one included, by `sid`. */
    connections() {
      const found = new Map();
      for (const { subject, sid, live } of [self, ...peers.values()]) {
        if (live && subject && subject === self.subject) found.set(sid, (found.get(sid) ?? 0) + 1);
      }
      return found;
    },
  };
}
