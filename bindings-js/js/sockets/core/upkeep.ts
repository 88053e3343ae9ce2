import type { Observer } from "./observer.js";
import type { Settings, SocketAuthenticator } from "./options.js";
import { Chore, sleep } from "./timers.js";

/** A pause between two deletions of one run, so that they do not crowd out what people wait for. */
const BETWEEN = 100;

/** The chores of a service: sending again what was committed but not delivered, and deleting what nobody needs. */
export function startUpkeep(authenticator: SocketAuthenticator, settings: Settings, observer: Observer): Chore[] {
  const chores: Chore[] = [];
  const { redeliverEvery, expungeEvery, expungeBatch } = settings;
  if (redeliverEvery !== false) {
    const once = telling(observer, "redeliver_failed");
    const chore: Chore = new Chore(redeliverEvery, () =>
      once(async () => {
        for (let more = true; more && !chore.stopped;) {
          const sent = await authenticator.redeliver();
          // What the broker does not take now is not tried again at once.
          more = sent.more && sent.delivered > 0;
        }
      }),
    );
    chore.start(0);
    chores.push(chore);
  }
  if (expungeEvery !== false) {
    const once = telling(observer, "expunge_failed");
    const chore: Chore = new Chore(expungeEvery, () =>
      once(async () => {
        for (let more = true; more && !chore.stopped;) {
          ({ more } = await authenticator.expunge(expungeBatch));
          if (more) await sleep(Math.min(BETWEEN, expungeEvery));
        }
      }),
    );
    chore.start(expungeEvery);
    chores.push(chore);
  }
  return chores;
}

/** Says once that something fails, instead of every second, until it has worked again. */
function telling(observer: Observer, kind: "redeliver_failed" | "expunge_failed"): (work: () => Promise<void>) => Promise<void> {
  let failing = false;
  return async (work) => {
    try {
      await work();
      failing = false;
    } catch (error) {
      if (!failing) observer.problem(kind, error);
      failing = true;
    }
  };
}
