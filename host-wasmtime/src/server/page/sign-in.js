// Signing in and registering, by hand or with one click as a demo account.

import { request } from "./api.js";
import { byId, showError } from "./dom.js";
import { count, sentence } from "./format.js";
import { demoEmail, DEMO_PASSWORD, firstDevice, isDemo } from "./names.js";

const HINT = byId("password-hint").textContent;

/** Connects the form; `onSession(session)` gets what sign-in answered, with `email` and `device`. */
export function setUpSignIn({ onSession }) {
  let busy = false;

  async function attempt(work) {
    if (busy) return;
    busy = true;
    showError("sign-in-error");
    try {
      const session = await work();
      byId("sign-in-form").reset();
      onSession(session);
    } catch (error) {
      showError("sign-in-error", explain(error));
    } finally {
      busy = false;
    }
  }

  byId("sign-in-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (valid()) attempt(() => signIn(entered()));
  });

  byId("register-button").addEventListener("click", () => {
    if (valid()) attempt(() => register(entered()));
  });

  byId("demo").addEventListener("click", () =>
    attempt(() => register({ email: demoEmail(), password: DEMO_PASSWORD, device: firstDevice() })),
  );
}

/** Shows the form with these values; `offerDemo` puts the one click above it. */
export function showSignIn({ title, email, device, offerDemo }) {
  byId("sign-in-title").textContent = title;
  byId("demo-block").hidden = !offerDemo;
  byId("register-button").hidden = !offerDemo;
  byId("sign-in-button").classList.toggle("primary", !offerDemo);
  showError("sign-in-error");
  fillSignIn({ email, device });
}

/** Fills the form; the password only for a demo account, where it is the same for everybody. */
export function fillSignIn({ email, device = byId("device").value }) {
  byId("email").value = email;
  byId("device").value = device;
  byId("password").value = isDemo(email) ? DEMO_PASSWORD : "";
  byId("password-hint").textContent = isDemo(email) ? "The same for every demo account." : HINT;
}

/** Marks the fields of a form that are not filled in rightly, goes to the first, and says what is wrong with it. */
export function firstInvalid(form) {
  const inputs = [...form.querySelectorAll("input:not([aria-hidden])")];
  for (const input of inputs) input.setAttribute("aria-invalid", String(!input.checkValidity()));
  const wrong = inputs.find((input) => !input.checkValidity());
  if (!wrong) return null;
  wrong.focus();
  const label = wrong.labels[0].textContent;
  return wrong.value ? `${label}: ${wrong.validationMessage}` : `${label}: please fill this in.`;
}

function valid() {
  const wrong = firstInvalid(byId("sign-in-form"));
  showError("sign-in-error", wrong);
  return !wrong;
}

function entered() {
  return {
    email: byId("email").value.trim().toLowerCase(),
    password: byId("password").value,
    device: byId("device").value.trim(),
  };
}

async function register({ email, password, device }) {
  await request("POST", "/api/register", { body: { email, password } });
  return signIn({ email, password, device });
}

async function signIn({ email, password, device }) {
  const answer = await request("POST", "/api/sign-in", { body: { email, password, device, cookie: false } });
  return { ...answer, email, device };
}

function explain(error) {
  const wait = error.status === 429 && error.retryAfter ? ` Try again in ${count(error.retryAfter, "second")}.` : "";
  return sentence(error.message) + wait;
}
