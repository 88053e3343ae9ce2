// Socket.IO by itself: all connections in one room, which `POST /out` disconnects.

import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer((request, response) => {
  if (request.url === "/healthz") return response.end("{}");
  if (request.url !== "/out") return;
  io.in("crowd").disconnectSockets(true);
  response.end("{}");
});
const io = new Server(http);
io.on("connection", (socket) => socket.join("crowd"));
http.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${http.address().port}`));
