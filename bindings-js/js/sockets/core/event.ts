/** One server-sent event. */
export interface LiveEvent {
  /** What the browser dispatches it as; `message` when absent. Line breaks in it are left out. */
  name?: string | undefined;
  /** The payload: any text. */
  data: string;
}

/** As it stands in the stream, so that no text can forge another event. */
export function encode(event: LiveEvent | string): string {
  const { name, data } = typeof event === "string" ? { name: undefined, data: event } : event;
  const head = name === undefined ? "" : `event: ${name.replaceAll(/[\r\n]/g, "")}\n`;
  // A line break of any kind ends a line of the stream, so that each needs a field of its own.
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `${head}${lines.join("")}\n`;
}
