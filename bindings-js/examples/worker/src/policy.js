// What the Worker and its Durable Object enforce.

export const POLICY = {
  issuer: "https://worker.example",
  audience: ["worker"],
  purposes: { user: { lifetime: "14d", store: true, presence: "required", opens_sockets: true } },
  live_socket_id_template: "users_sessions:{sid}",
  endpoints: ["web"],
};
