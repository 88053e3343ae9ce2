// Another process that publishes: what it is told, on the broadcast that it is told.

import { openBroadcast } from "./broadcasts.mjs";

const { kind, server } = JSON.parse(process.argv[2]);
const { broadcast } = await openBroadcast(kind, server);
process.on("message", async (messages) => process.send(await broadcast.publish(messages)));
process.send("ready");
