// Requests to the server. The token travels only in the `Authorization` header, and cookies never do.

/** What the server refused, or that it could not be reached (`status` 0). */
export class ApiError extends Error {
  constructor(status, code, message, retryAfter) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** The credential is dead: nothing more can be done with it. */
  get denied() {
    return this.status === 401;
  }
}

/** One request; answers the JSON body, or `null` for an empty one, and throws `ApiError`. */
export async function request(method, path, { token, body } = {}) {
  const response = await send(method, path, { token, body });
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  throw refusal(response, answer);
}

/**
 * Asks for a live connection with a plain request, because a browser does not tell a page with which status a
 * WebSocket was refused. Answers `{ status, code }`; an accepted one (200) is given up at once.
 */
export async function knock(token) {
  const abort = new AbortController();
  try {
    const response = await send("GET", "/live/events", { token, signal: abort.signal });
    if (response.ok) return { status: response.status, code: null };
    const error = refusal(response, await response.json().catch(() => null));
    return { status: error.status, code: error.code };
  } catch (error) {
    return { status: error.status ?? 0, code: error.code ?? "unreachable" };
  } finally {
    abort.abort();
  }
}

async function send(method, path, { token, body, signal }) {
  const headers = { accept: path === "/live/events" ? "text/event-stream" : "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  try {
    return await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      redirect: "error",
      signal,
    });
  } catch {
    throw new ApiError(0, "unreachable", "the server cannot be reached: try again");
  }
}

function refusal(response, answer) {
  const { code, message } = answer?.error ?? {};
  const retryAfter = Number(response.headers.get("retry-after")) || undefined;
  return new ApiError(response.status, code ?? `http_${response.status}`, message ?? "the request was refused", retryAfter);
}
