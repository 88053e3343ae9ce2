import { story } from "./story.mjs";

story().then(
  (line) => (document.title = line),
  (error) => (document.title = `failed: ${error?.stack ?? error}`),
);
