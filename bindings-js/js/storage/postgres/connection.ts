import { isIsolation, isTransient, storageError } from "./errors.js";
import { read, write } from "./json.js";

/** A statement as `pg` takes it: with a name it is prepared once per connection. */
export interface PostgresQuery {
  name?: string;
  text: string;
  values?: unknown[];
}

/** A connection of the pool. */
export interface PostgresClient {
  query(query: PostgresQuery): Promise<{ rows: any[] }>;
  release(destroy?: boolean): void;
}

/** What is needed of a `Pool` of `pg`. */
export interface PostgresPool {
  query(query: PostgresQuery): Promise<{ rows: any[] }>;
  connect(): Promise<PostgresClient>;
}

/** How often a call is tried that was rolled back because of another. */
const TRIES = 6;

/** The calls of the storage over a pool. */
export class Connection {
  /** Transactions are at another level by default, so each is begun with its own. */
  #explicit = false;

  constructor(
    readonly pool: PostgresPool,
    readonly prepare: boolean,
  ) {}

  /** The look-up of the hot path. */
  async find(values: (string | null)[]): Promise<any> {
    const statement = this.#statement("find", "SELECT authkernel.find($1, $2, $3, $4, $5, $6)::text AS answer", values);
    const { rows } = await this.#again(() => this.pool.query(statement));
    return read(rows[0].answer);
  }

  /** One call of another function of the schema, in a transaction of its own; answers what it answers, `null` for nothing. */
  async call(name: string, argument: unknown): Promise<any> {
    const statement = this.#statement(name, `SELECT authkernel.${name}($1::jsonb)::text AS answer`, [write(argument)]);
    const rows = await this.#again(async () => {
      if (!this.#explicit) {
        try {
          return (await this.pool.query(statement)).rows;
        } catch (error) {
          if (!isIsolation(error)) throw error;
          this.#explicit = true;
        }
      }
      return this.transaction(async (client) => (await client.query(statement)).rows);
    });
    const answer: unknown = rows[0]?.answer;
    return typeof answer === "string" && answer !== "" ? read(answer) : null;
  }

  /** A transaction at READ COMMITTED on one connection. */
  async transaction<T>(work: (client: PostgresClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    let broken = false;
    try {
      await client.query({ text: "BEGIN ISOLATION LEVEL READ COMMITTED" });
      const answer = await work(client);
      await client.query({ text: "COMMIT" });
      return answer;
    } catch (error) {
      // A connection that cannot even roll back is thrown away, and its transaction with it.
      await client.query({ text: "ROLLBACK" }).catch(() => (broken = true));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  #statement(name: string, text: string, values: unknown[]): PostgresQuery {
    return this.prepare ? { name: `authkernel_${name}`, text, values } : { text, values };
  }

  async #again<T>(work: () => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried += 1) {
      try {
        return await work();
      } catch (error) {
        if (!isTransient(error) || tried === TRIES) throw storageError(error);
        // Apart from each other, or the same ones meet again.
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * 2 ** tried));
      }
    }
  }
}
