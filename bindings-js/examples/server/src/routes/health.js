// `GET /healthz` and `GET /metrics`

/** The process answers. Says nothing of storage: a restart would not mend that. */
export function health() {
  return Response.json({ status: "ok" });
}

/** What was counted since the start. It names nobody. */
export async function metrics({ app }) {
  const { owed } = app.database.get("SELECT count(*) AS owed FROM records INDEXED BY records_pending WHERE notify_due IS NOT NULL");
  const text = await app.metrics.text({ sockets: app.live.counts(), connections: app.connections.size, undelivered: Number(owed) });
  return new Response(text, { headers: { "content-type": app.metrics.contentType } });
}
