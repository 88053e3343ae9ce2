import type { Recheck } from "../../host.js";
import type { Identity } from "../../requests.js";
import type { Entry } from "./entry.js";

/** Connections by one of their properties: mostly one under each, so that one costs no set. */
class Index {
  readonly #of = new Map<string, Entry | Set<Entry>>();

  add(key: string, entry: Entry): void {
    const there = this.#of.get(key);
    if (there === undefined || there === entry) this.#of.set(key, entry);
    else if (there instanceof Set) there.add(entry);
    else this.#of.set(key, new Set([there, entry]));
  }

  remove(key: string, entry: Entry): void {
    const there = this.#of.get(key);
    if (there === entry) this.#of.delete(key);
    else if (there instanceof Set && there.delete(entry) && there.size === 0) this.#of.delete(key);
  }

  get(key: string): Iterable<Entry> {
    const there = this.#of.get(key);
    if (there === undefined) return [];
    return there instanceof Set ? there : [there];
  }

  count(key: string): number {
    const there = this.#of.get(key);
    if (there === undefined) return 0;
    return there instanceof Set ? there.size : 1;
  }

  get size(): number {
    return this.#of.size;
  }
}

/** Where the live connections of a process are found: by topic, subject, session, key and tenant. */
export class Table {
  /** In the order in which they were opened. */
  readonly entries = new Set<Entry>();
  readonly #endpoints = new Map<string, Index>();
  readonly #subjects = new Index();
  readonly #sessions = new Index();
  readonly #keys = new Index();
  readonly #tenants = new Index();

  insert(entry: Entry): void {
    this.entries.add(entry);
    this.#join(entry, entry.topic);
    this.#index(entry.identity, entry);
  }

  remove(entry: Entry): boolean {
    if (!this.entries.delete(entry)) return false;
    this.#leave(entry, entry.topic);
    this.forgetNext(entry);
    this.#unindex(entry.identity, entry);
    return true;
  }

  /** A message for this topic, too, reaches the connection from here on. */
  subscribeNext(entry: Entry, topic: string): void {
    this.forgetNext(entry);
    if (entry.topic === topic || !this.entries.has(entry)) return;
    entry.nextTopic = topic;
    this.#join(entry, topic);
  }

  forgetNext(entry: Entry): void {
    const topic = entry.nextTopic;
    entry.nextTopic = undefined;
    if (topic !== undefined) this.#leave(entry, topic);
  }

  /** The connection stands on another identity from here on, and on this topic only. `replace` puts it there. */
  settle(entry: Entry, topic: string, replace: () => void): void {
    if (!this.entries.has(entry)) return replace();
    this.#unindex(entry.identity, entry);
    replace();
    this.#index(entry.identity, entry);
    if (topic === entry.topic) return this.forgetNext(entry);
    this.#join(entry, topic);
    this.#leave(entry, entry.topic);
    entry.topic = topic;
    entry.nextTopic = undefined;
  }

  /** The connections of an endpoint that are subscribed to a topic. */
  subscribed(endpoint: string, topic: string): Entry[] {
    return [...(this.#endpoints.get(endpoint)?.get(topic) ?? [])];
  }

  /** How many connections a session has here. */
  ofSession(sid: string): number {
    return this.#sessions.count(sid);
  }

  /** The connections that a recheck means. */
  matching(recheck: Recheck): Entry[] {
    // The narrowest index that applies; the rest is compared.
    const { sid, subject, kid, tenant } = recheck;
    let candidates: Iterable<Entry> = this.entries;
    if (sid != null) candidates = this.#sessions.get(sid);
    else if (subject != null) candidates = this.#subjects.get(subject);
    else if (kid != null) candidates = this.#keys.get(kid);
    else if (tenant != null) candidates = this.#tenants.get(tenant);
    return [...candidates].filter(({ identity }) => means(recheck, identity));
  }

  #join(entry: Entry, topic: string): void {
    let topics = this.#endpoints.get(entry.endpoint);
    if (!topics) this.#endpoints.set(entry.endpoint, (topics = new Index()));
    topics.add(topic, entry);
  }

  #leave(entry: Entry, topic: string): void {
    const topics = this.#endpoints.get(entry.endpoint);
    topics?.remove(topic, entry);
    if (topics?.size === 0) this.#endpoints.delete(entry.endpoint);
  }

  #index({ subject, sid, kid, tenant }: Identity, entry: Entry): void {
    this.#subjects.add(subject, entry);
    this.#sessions.add(sid, entry);
    this.#keys.add(kid, entry);
    if (tenant !== undefined) this.#tenants.add(tenant, entry);
  }

  #unindex({ subject, sid, kid, tenant }: Identity, entry: Entry): void {
    this.#subjects.remove(subject, entry);
    this.#sessions.remove(sid, entry);
    this.#keys.remove(kid, entry);
    if (tenant !== undefined) this.#tenants.remove(tenant, entry);
  }
}

function means(recheck: Recheck, identity: Identity): boolean {
  const fits = (wanted: string | null | undefined, has: string | undefined) => wanted == null || wanted === has;
  return (
    fits(recheck.tenant, identity.tenant) &&
    fits(recheck.subject, identity.subject) &&
    fits(recheck.purpose, identity.purpose) &&
    fits(recheck.sid, identity.sid) &&
    fits(recheck.kid, identity.kid)
  );
}
