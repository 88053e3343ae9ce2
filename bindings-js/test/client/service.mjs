export { createAuthenticator, memoryStorage } from "../sockets/fake.mjs";
export { broker } from "../sockets/service.mjs";
