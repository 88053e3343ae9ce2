// Runs cases one after the other and says how each ended. One that fails is run once more: browsers and other people's clients run here
// beside whatever else the machine does. That is said aloud, because a case that needs it waits for the wrong thing.
//
// What failed is printed again at the end, each with the first lines of its error, because the end is what people see of a long output.

/** How many lines of an error are repeated at the end. */
const LINES = 12;

export class Report {
  #failed = [];
  #shaky = [];
  counts = { passed: 0, failed: 0, skipped: 0 };

  /** Runs a case: `work` rejects when it fails. */
  async run(title, work) {
    const began = performance.now();
    const time = () => `(${Math.round(performance.now() - began)} ms)`;
    const first = await outcome(work);
    if (first === null) {
      console.log(`ok     ${title} ${time()}`);
      this.counts.passed += 1;
      return;
    }
    console.log(`failed ${title} ${time()}; running it once more\n${indent(first)}`);
    const second = await outcome(work);
    if (second === null) {
      console.log(`ok     ${title} ${time()}, when it was run again`);
      this.counts.passed += 1;
      this.#shaky.push({ title, text: first });
      return;
    }
    console.log(`failed ${title} ${time()}, both times\n${indent(second)}`);
    this.counts.failed += 1;
    this.#failed.push({ title, text: second });
  }

  /** Nothing can be run here. */
  skip(reason) {
    console.log(`SKIPPED: ${reason}`);
    this.counts.skipped += 1;
  }

  /** Prints what failed, and the counts; answers the exit code. */
  close() {
    const { passed, failed, skipped } = this.counts;
    const ran = passed + failed + skipped > 0;
    if (!ran) console.log("no case has such a name");
    for (const { title, text } of this.#shaky) {
      console.log(`FAILED once and passed when it was run again: ${title}\n${indent(head(text))}`);
    }
    for (const { title, text } of this.#failed) console.log(`FAILED ${title}\n${indent(head(text))}`);
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
    return failed > 0 || !ran ? 1 : 0;
  }
}

/** The error's text, or `null`. */
async function outcome(work) {
  try {
    await work();
    return null;
  } catch (error) {
    return error?.stack ?? String(error);
  }
}

function head(text) {
  return text.split("\n").filter((line) => line.trim() !== "").slice(0, LINES).join("\n");
}

function indent(text) {
  return text.replace(/^/gm, "       ");
}
