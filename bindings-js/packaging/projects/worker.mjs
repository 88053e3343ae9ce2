import { story } from "./story.mjs";

export default {
  async fetch() {
    return new Response(await story());
  },
};
