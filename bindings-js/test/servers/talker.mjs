// A process that others talk to, in whatever language they are: every line on its standard input is a JSON array of messages, which it
// publishes, and every message that it hears is a line on its standard output. The first line says that it listens.

import { createInterface } from "node:readline";
import { openBroadcast } from "./broadcasts.mjs";

const [kind, server] = process.argv.slice(2);
const { broadcast, close } = await openBroadcast(kind, JSON.parse(server), { timeoutMs: 30_000 });
const unsubscribe = await broadcast.subscribe((message) => console.log(JSON.stringify(message)));
console.log("listening");
for await (const line of createInterface({ input: process.stdin })) {
  const answers = (await broadcast.publish(JSON.parse(line))) ?? [];
  const refused = answers.filter((answer) => answer !== "taken");
  if (refused.length > 0) throw new Error(JSON.stringify(refused));
}
await unsubscribe();
await close();
