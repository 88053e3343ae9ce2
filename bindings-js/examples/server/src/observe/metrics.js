// What is counted, in the words of Prometheus, under the Rust server's names. No label ever carries a subject, an address, a token or a path as
// it was sent: labels are names that this program has written down.

import { readFileSync } from "node:fs";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** From 10 µs, a decision in memory, to 10 s. */
const BUCKETS = [0.00001, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 10];
const METHODS = new Set(["GET", "POST", "DELETE", "HEAD"]);
const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

export function createMetrics() {
  const registry = new Registry(Registry.OPENMETRICS_CONTENT_TYPE);
  const registers = [registry];
  const counter = (name, help, labelNames = []) => new Counter({ name: `authkernel_${name}_total`, help, labelNames, registers });
  const seconds = (name, help, labelNames) =>
    new Histogram({ name: `authkernel_${name}_seconds`, help, labelNames, buckets: BUCKETS, registers });
  const gauge = (name, help) => new Gauge({ name: `authkernel_${name}`, help, registers });

  const decisions = counter("decisions", "What the kernel decided, by operation and code; ok where nothing was refused", [
    "operation",
    "code",
  ]);
  const operations = seconds("operation_duration", "How long operations of the kernel took, storage included", ["operation"]);
  const calls = seconds("storage_call_duration", "How long storage took to answer", ["call", "outcome"]);
  const requests = counter("http_requests", "Requests that were answered, upgrades included", ["method", "route", "status"]);
  const times = seconds("http_request_duration", "How long requests took until their answer began", ["route"]);
  const traps = counter("pool_traps", "Calls lost because the kernel trapped: a defect");
  const now = {
    connections: gauge("connections", "Connections that are open"),
    open_sockets: gauge("open_sockets", "Live connections that are open"),
    broker_connected: gauge("broker_connected", "1 while messages of other processes arrive"),
    pool_instances: gauge("pool_instances", "Instances of the kernel"),
    undelivered: gauge("undelivered_disconnects", "Disconnects that are owed to live connections"),
  };
  const since = {
    opened: counter("sockets_opened", "Live connections that were admitted"),
    refused: counter("sockets_refused", "Live connections that were refused"),
    closed: counter("sockets_closed", "Live connections that are gone"),
    revoked: counter("sockets_revoked", "Live connections closed by a revocation"),
    expired: counter("sockets_expired", "Live connections closed at their deadline"),
    sweepErrors: counter("sweep_errors", "Verifications that storage did not answer"),
    messages: counter("broker_messages", "Messages taken from the broker"),
  };
  new Gauge({ name: "authkernel_build_info", help: "Which version runs", labelNames: ["version"], registers }).set({ version }, 1);

  return {
    /** The kernel has decided. */
    operation(operation, milliseconds, code) {
      decisions.inc({ operation, code });
      operations.observe({ operation }, milliseconds / 1000);
      if (code === "kernel_unavailable") traps.inc();
    },
    /** Storage has answered. */
    storageCall: (call, milliseconds, outcome) => calls.observe({ call, outcome }, milliseconds / 1000),
    /** A request was answered. The route is as it is declared, never as it was sent. */
    request(method, route, status, milliseconds) {
      requests.inc({ method: METHODS.has(method) ? method : "other", route, status: String(status) });
      times.observe({ route }, milliseconds / 1000);
    },
    contentType: registry.contentType,
    /** The text that Prometheus reads. */
    text({ sockets, connections, undelivered }) {
      now.connections.set(connections);
      now.open_sockets.set(sockets.registered);
      now.broker_connected.set(sockets.connected ? 1 : 0);
      // One, for all calls: the kernel has no thread to wait for.
      now.pool_instances.set(1);
      now.undelivered.set(undelivered);
      for (const [name, counted] of Object.entries(since)) {
        counted.reset();
        counted.inc(sockets[name]);
      }
      return registry.metrics();
    },
  };
}
