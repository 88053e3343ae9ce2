// One start, for `start.mjs`: `node once.mjs SECRET TOKEN`.

const [secret, token] = process.argv.slice(2);
const begin = performance.now();
const { start } = await import("./application.mjs");
const { imported, created, decided } = await start(secret, token);
console.log(JSON.stringify([imported - begin, created - imported, decided - created, decided - begin]));
